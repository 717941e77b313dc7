"""The network half of the channel: how bytes come and go, and nothing about what they mean."""
