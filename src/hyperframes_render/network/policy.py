"""Which hosts the network policy of a render allows."""

from __future__ import annotations

from hyperframes_render.input import NetworkPolicy


def host_matches(allowed: str, host: str) -> bool:
    """Whether `host` equals `allowed`, or is a subdomain of it if `allowed` is written *.example.com."""
    return host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:]))


def network_allows(network: NetworkPolicy, host: str) -> bool:
    """Whether a page may send requests to `host` (lower case)."""
    if isinstance(network, str):
        return network == "public"
    return any(host_matches(allowed, host) for allowed in network)


def is_web_address(text: str) -> bool:
    """Whether a text begins like an http or https URL."""
    return text[:8].lower().startswith(("https://", "http://"))


def is_address(text: str) -> bool:
    """Whether a text begins like an http, https or s3 URL."""
    return is_web_address(text) or text[:5].lower() == "s3://"
