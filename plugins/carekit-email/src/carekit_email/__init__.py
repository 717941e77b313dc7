"""E-mail channel for carekit: a pure codec, reply tokens, and transports for IMAP, SMTP, LMTP and folders."""
