"""Which addresses belong to the public Internet. Pure."""

from __future__ import annotations

import ipaddress
import socket

#: IPv4 ranges without public hosts that some versions of :mod:`ipaddress` call global. Source: IANA's registry of
#: special-purpose addresses; 192.0.0.192 and 168.63.129.16 return credentials of the cloud machine that asks.
_SPECIAL_V4 = tuple(
    map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10", "224.0.0.0/3", "168.63.129.16/32"))
)

#: The only block of IPv6 that public hosts have addresses of.
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")

#: Parts of it that are none: protocol assignments and Teredo, documentation, 6to4.
_SPECIAL_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))

#: IPv4 addresses inside IPv6 ones, by which networks without IPv4 reach IPv4 hosts (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """
    Whether the address belongs to a host of the public Internet, in whatever form it is written.

    >>> [is_public(address) for address in ("8.8.8.8", "10.0.0.1", "64:ff9b::7f00:1", "224.0.0.1")]
    [True, False, False, False]

    :param address: an IP address, as :func:`socket.getaddrinfo` returns it.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(ip.packed[-4:])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not any(ip in network for network in _SPECIAL_V4)
    return ip.is_global and ip in _PUBLIC_V6 and not any(ip in network for network in _SPECIAL_V6)


def literal(host: str) -> str | None:
    """
    Return the address that a host name *is*, in the forms that a resolver takes without asking anybody.

    >>> literal("2130706433"), literal("0x7f.1"), literal("example.com")
    ('127.0.0.1', '127.0.0.1', None)

    :param host: as it stands in a URL, without brackets.
    """
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None
