"""Files behind addresses that somebody else chose: fetched without letting them choose what we reach.

The name is resolved once, every address that it has must be public, and the connection goes to an address that was
looked at: asking again would let the name's owner answer differently. Only https on its usual port, no redirect but the
one that a provider declares, no credentials but its own, a limit for size and time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urljoin, urlsplit

import attrs

from carekit import CarekitError
from carekit_sms.wire import at_most, transport

if TYPE_CHECKING:
    import httpx2

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

TIMEOUT = 8.0
"""Seconds for one file: providers wait some 15 seconds for their answer."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotFetched(CarekitError):
    """The file cannot be had; the text says why, for people."""


@attrs.frozen
class Fetched:
    """A file as it came."""

    content: bytes = attrs.field(repr=False)
    content_type: str


@attrs.frozen
class Place:
    """An address that may be connected to: where, and under which name."""

    url: str
    host: str
    address: Address
    port: int
    secure: bool


@attrs.frozen
class Fetcher:
    """Fetches files of at most *limit* octets; *own* are networks of ours that may be reached in spite of all.

    ``headers`` gives what is sent along to an address; ``leads_to`` are domains that one redirect may lead to.
    """

    limit: int
    own: Sequence[Network] = ()
    headers: Callable[[str], Mapping[str, str]] = lambda url: {}
    leads_to: Sequence[str] = ()

    async def fetch(self, url: str) -> Fetched:
        """The file at *url*; raises `NotFetched`."""
        try:
            async with asyncio.timeout(TIMEOUT):
                found = await self._get(url)
                if isinstance(found, str):
                    found = await self._get(self._led(found))
        except TimeoutError:
            raise NotFetched(f"it did not come within {TIMEOUT:.0f} s") from None
        if isinstance(found, str):
            raise NotFetched("its address leads from one place to the next")
        return found

    def _led(self, url: str) -> str:
        host = (urlsplit(url).hostname or "").lower()
        if not any(host == domain or host.endswith(f".{domain}") for domain in self.leads_to):
            raise NotFetched("its address leads elsewhere, which is not followed")
        return url

    async def _get(self, url: str) -> Fetched | str:
        """The file, or the address it leads to."""
        import httpx2

        place = await self.place(url)
        async with transport() as once:
            try:
                response = await once.handle_async_request(self._request(place))
                try:
                    return await self._read(url, response)
                finally:
                    await response.aclose()
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise NotFetched(f"its server cannot be read from ({type(error).__name__})") from None

    def _request(self, place: Place) -> httpx2.Request:
        import httpx2

        parts = urlsplit(place.url)
        literal = f"[{place.address}]" if place.address.version == 6 else str(place.address)
        target = parts._replace(netloc=f"{literal}:{place.port}", fragment="").geturl()
        return httpx2.Request(
            "GET",
            target,
            headers={"Host": parts.netloc, "User-Agent": "carekit-sms", **self.headers(place.url)},
            extensions={"timeout": httpx2.Timeout(TIMEOUT).as_dict(), "sni_hostname": place.host},
        )

    async def _read(self, url: str, response: httpx2.Response) -> Fetched | str:
        if response.status_code in (301, 302, 303, 307, 308):
            return urljoin(url, response.headers.get("location", ""))
        if response.status_code != 200:
            raise NotFetched(f"its server answered {response.status_code}")
        declared = response.headers.get("content-length", "")
        if not declared.isdigit() or int(declared) <= self.limit:
            content = await at_most(response.aiter_bytes(), self.limit + 1)
            if len(content) <= self.limit:
                kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                return Fetched(content, kind)
        raise NotFetched(f"it is larger than {self.limit:,} octets")

    async def place(self, url: str) -> Place:
        """Where to connect to for *url*; raises `NotFetched` unless everything about it may be reached."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            raise NotFetched("its address cannot be read") from None
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or "\\" in url:
            raise NotFetched("its address is not a plain web address")
        port = port or (443 if parts.scheme == "https" else 80)
        addresses = await _resolved(host, port)
        for address in addresses:
            if any(address in network for network in self.own):
                continue
            if not is_public(address):
                raise NotFetched("its address does not lie in the public network")
            if parts.scheme != "https" or port != 443:
                raise NotFetched("its address is not https on port 443")
        return Place(url, host, addresses[0], port, parts.scheme == "https")


async def _resolved(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    except (OSError, UnicodeError, ValueError):
        raise NotFetched("its server's name cannot be resolved") from None


def is_public(address: Address) -> bool:
    """Whether *address* lies in the public network; one that stands for another is looked at as that."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def networks(given: Sequence[str]) -> tuple[Network, ...]:
    """The networks written in *given*; raises ValueError."""
    return tuple(ipaddress.ip_network(one, strict=False) for one in given)
