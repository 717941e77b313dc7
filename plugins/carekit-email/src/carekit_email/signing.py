"""DKIM signatures (RFC 6376) on what goes out, by a library that is an extra: most mail servers sign by themselves."""

from __future__ import annotations

from carekit import Permanent
from carekit_email.settings import DkimSettings

_FIELDS = (
    "from", "reply-to", "subject", "date", "to", "cc", "message-id", "in-reply-to", "references", "mime-version",
    "content-type", "content-transfer-encoding", "auto-submitted", "list-unsubscribe", "list-unsubscribe-post",
)  # fmt: skip


class Signer:
    """Signs with one key, read once."""

    def __init__(self, settings: DkimSettings, domain: str) -> None:
        self._selector = settings.selector.encode("ascii", "ignore")
        self._domain = (settings.domain or domain).encode("idna")
        self._path = settings.key
        self._key: bytes = b""

    def sign(self, raw: bytes) -> bytes:
        """Give *raw* with a signature on top; blocks. Raises Permanent when the key cannot sign."""
        import dkim  # type: ignore[import-untyped]  # only channels that sign pay for the import

        present = {line.partition(b":")[0].strip().lower().decode("ascii", "replace") for line in _header_lines(raw)}
        try:
            signature: bytes = dkim.sign(
                raw,
                self._selector,
                self._domain,
                self._key or self._read(),
                include_headers=[name.encode() for name in _FIELDS if name in present],
                canonicalize=(b"relaxed", b"relaxed"),
            )
        except (dkim.DKIMException, OSError, ValueError) as error:
            raise Permanent(f"the mail cannot be signed with {self._path}: {type(error).__name__}: {error}") from error
        return signature + raw

    def examine(self) -> str:
        """Sign something; give what was seen. Blocks; raises Permanent."""
        self.sign(b"From: a@b.example\r\nSubject: x\r\n\r\nx\r\n")
        return f"the key of {self._selector.decode()}._domainkey.{self._domain.decode()} signs"

    def _read(self) -> bytes:
        self._key = self._path.read_bytes()
        return self._key


def _header_lines(raw: bytes) -> list[bytes]:
    block = raw.split(b"\r\n\r\n", 1)[0]
    return [line for line in block.split(b"\r\n") if line[:1] not in b" \t"]
