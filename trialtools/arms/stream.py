"""A secret seed and a purpose go in, whole numbers come out: always the same, foreseen by nobody without the seed.

Block i of a stream is HMAC-SHA-256 of the seed over i (eight bytes, the highest first, from 0) and the purpose (UTF-8).
A number below a limit takes as many whole bytes as it needs, drops the lowest bits that are too many, and is drawn anew
until it is below the limit: no remainder is taken, so no number is likelier than another.

Source: NIST SP 800-108r1, key derivation in counter mode with HMAC.
"""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Callable


def stream(seed: bytes, purpose: str) -> Callable[[int], int]:
    """A function that draws the next whole number from 0 to below a limit, all equally likely.

    >>> below = stream(b"seed", "an example")
    >>> [below(6) for _ in range(8)]
    [3, 2, 2, 2, 3, 2, 3, 1]
    """
    blocks = (hmac.digest(seed, i.to_bytes(8, "big") + purpose.encode(), "sha256") for i in itertools.count())
    octets = itertools.chain.from_iterable(blocks)

    def below(limit: int) -> int:
        bits = (limit - 1).bit_length()
        size = (bits + 7) // 8
        while True:
            drawn = int.from_bytes(bytes(itertools.islice(octets, size)), "big") >> (8 * size - bits)
            if drawn < limit:
                return drawn

    return below
