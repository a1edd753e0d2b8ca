"""Which hosts the network policy of a render lets a page ask."""

from __future__ import annotations

from hyperframes_render.input import NetworkPolicy


def host_matches(allowed: str, host: str) -> bool:
    """Whether a host name is the one that is allowed, or below it where that is written *.example.com."""
    return host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:]))


def network_allows(network: NetworkPolicy, host: str) -> bool:
    """Whether a host, in small letters, may be asked."""
    if isinstance(network, str):
        return network == "public"
    return any(host_matches(allowed, host) for allowed in network)


def is_web_address(text: str) -> bool:
    """Whether a text is written like an address that is fetched over HTTP."""
    return text[:8].lower().startswith(("https://", "http://"))


def is_address(text: str) -> bool:
    """Whether a text is written like a web address, or like that of an object in S3."""
    return is_web_address(text) or text[:5].lower() == "s3://"
