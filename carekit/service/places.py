"""What is wrong with an address or a folder that the file names: one sentence with the remedy, empty if nothing is."""

from __future__ import annotations

import re
import tempfile
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

HOST = r"[a-z0-9._-]+|\[[0-9a-f:.]+\]"
"""A host as the Host header names it, in lower case and without its port: a name, IPv4, or IPv6 in brackets."""


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
"""A name that may stand in an address as it is."""


def name_fault(name: str) -> str:
    """Of the name of a part that has an address of its own."""
    if NAME.fullmatch(name):
        return ""
    return f"{name!r} cannot be in an address; use 1 to 40 letters from a to z, digits, dots, dashes or underscores"


def listen_fault(listen: str) -> str:
    """Of a host and port to listen on."""
    host, _, port = listen.rpartition(":")
    if host and re.fullmatch(r"[0-9]{1,5}", port) and int(port) <= 65535:
        return ""
    return f'must be "host:port", such as "127.0.0.1:8000", not {listen!r}'


def reached(listen: str) -> tuple[str, str]:
    """The host and the port at which this machine itself reaches what listens at *listen*."""
    host, _, port = listen.rpartition(":")
    return ("127.0.0.1" if host in ("", "0.0.0.0", "[::]") else host), port  # noqa: S104 - compared, not bound


def url_fault(url: str) -> str:
    """Of a public address."""
    if "@" in url:  # which may stand behind a password
        return 'must be an address alone, such as "https://care.example", without a name or password before an "@"'
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return f'must be an address such as "https://care.example", not {url!r}'
    if parts.scheme not in ("http", "https") or not host or re.search(r"\s", url):
        return f'must be an address such as "https://care.example", not {url!r}'
    if parts.query or parts.fragment:
        return f'must be an address alone, such as "https://care.example", without "?" or "#", not {url!r}'
    return host_fault(f"[{host}]" if ":" in host else host)


def host_fault(host: str) -> str:
    """Of a name in the Host header of requests."""
    if re.fullmatch(HOST, host.lower()):
        return ""
    if not host.isascii():
        return f"{host!r} must be written as browsers send it, which is {_as_sent(host)}"
    return f'must be a host name such as "care.example", without https://, port, path or "*", not {host!r}'


def _as_sent(host: str) -> str:
    try:
        return f'"{host.encode("idna").decode("ascii")}"'
    except UnicodeError:
        return 'in ASCII ("xn--…")'


def proxy_fault(proxy: str) -> str:
    """Of the address of a proxy, or of a network of them."""
    try:
        ip_network(proxy)
    except ValueError:
        pass
    else:
        return ""
    try:
        whole = ip_network(proxy, strict=False)
    except ValueError:
        return f'must be an address such as "127.0.0.1" or a network such as "10.0.0.0/8", not {proxy!r}'
    return f'{proxy!r} is one address and a whole network at once; write "{whole}" or "{proxy.partition("/")[0]}"'


def folder_fault(folder: Path) -> str:
    """Of a folder to write to, which may be made later. Nothing stays behind of trying."""
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if not there.is_dir():
            return f"{folder} cannot be a folder, because {there} is a file; name another"
        with tempfile.TemporaryFile(dir=there):
            return ""
    except OSError as error:
        return (
            f"{folder} cannot be written to: {error.strerror}; make it writable for the account that runs the service,"
            " or name another"
        )
