"""How often one client may ask: token buckets, bounded in number."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable


class Rates:
    """One bucket per client: `burst` tokens at once, `per_second` new ones. Not for several threads."""

    def __init__(
        self,
        *,
        burst: float,
        per_second: float,
        clients: int = 4096,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if burst < 1 or per_second <= 0 or clients < 1:
            raise ValueError(
                f"need burst >= 1, per_second > 0, clients >= 1, got {burst=} {per_second=} {clients=}"
            )
        self._burst = burst
        self._per_second = per_second
        self._clients = clients
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> int:
        """Take one token; returns 0, or the whole seconds to wait when there is none."""
        now = self._clock()
        tokens, since = self._buckets.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._per_second)
        wait = 0
        if tokens >= 1:
            tokens -= 1
        else:
            wait = math.ceil((1 - tokens) / self._per_second)
        self._buckets[client] = (tokens, now)
        while len(self._buckets) > self._clients:  # the one that was quiet for longest is full again anyway
            self._buckets.popitem(last=False)
        return wait

    def give_back(self, client: str) -> None:
        """Return the token of an attempt that was none."""
        if client in self._buckets:
            tokens, since = self._buckets[client]
            self._buckets[client] = (min(self._burst, tokens + 1), since)


def client_key(address: str) -> str:
    """Who counts as one client: an IPv4 address, or the /64 that one household gets of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
