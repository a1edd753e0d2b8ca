"""Which addresses and host names are on the public internet. Private ones are refused for pages, media and webhooks."""

from __future__ import annotations

import ipaddress
import re


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet. An IPv6 address that embeds a private IPv4 address is not.

    Python's `is_global` refuses the private and special ranges:

    | range | RFC | use |
    |---|---|---|
    | 0.0.0.0/8, 127.0.0.0/8, ::, ::1 | 1122, 4291 | this host, loopback |
    | 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 | 1918 | private networks |
    | 100.64.0.0/10 | 6598 | carrier-grade NAT |
    | 169.254.0.0/16, fe80::/10 | 3927, 4291 | link-local, metadata services of clouds |
    | fc00::/7 | 4193 | unique local addresses |
    | 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32 | 5737, 3849 | documentation |

    `is_multicast` refuses 224.0.0.0/4 (RFC 5771) and ff00::/8 (RFC 4291). `_REFUSED` has the rest.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        for inner in (ip.ipv4_mapped, ip.sixtofour, ip.teredo[1] if ip.teredo else None):
            if inner is not None and not is_public(str(inner)):
                return False
    if any(ip in network for network in _REFUSED if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast


#: Ranges that some versions of Python call global, or that reach private networks through a gateway.
_REFUSED_RANGES = {
    "64:ff9b::/96": "RFC 6052: NAT64, embeds any IPv4 address",
    "64:ff9b:1::/48": "RFC 8215: NAT64 for local use, embeds any IPv4 address",
    "fec0::/10": "RFC 3879: site-local, deprecated, still routed by private networks",
    "::/96": "RFC 4291, 2.5.5.1: IPv4-compatible, deprecated, embeds any IPv4 address",
    "2002::/16": "RFC 3056: 6to4, embeds any IPv4 address",
    "2001::/32": "RFC 4380: Teredo, embeds any IPv4 address",
    "100::/64": "RFC 6666: discard-only",
    "192.0.0.0/24": "RFC 6890: protocol assignments, not hosts",
    "192.88.99.0/24": "RFC 7526: 6to4 relays, deprecated",
    "198.18.0.0/15": "RFC 2544: benchmarks of network devices, used by private networks",
    "240.0.0.0/4": "RFC 1112, 4 and RFC 919: reserved, and broadcast",
}
_REFUSED = tuple(map(ipaddress.ip_network, _REFUSED_RANGES))


#: Suffixes of names that belong to this machine or the local network, whatever they resolve to.
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


def is_private_name(host: str) -> bool:
    """Whether a host name cannot be on the public internet. Such a name is refused without a DNS lookup."""
    name = host.rstrip(".").lower()
    return not re.search(r"[.:]", name) or name.endswith(_PRIVATE_SUFFIXES)
