"""Seed and keys go in, sealed arms and random kit numbers come out; what opens them stays in the key file.

The key file is the unblinded statistician's: seed, salt, private key and plan. It never lies beside the ledger at a
site. At the end of the trial it is published as it is: with it, anybody can make the whole list again.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from .chain import LedgerError
from .entries import digest
from .stream import stream

_SEALED = 64
"""Bytes that are sealed, whatever the arm is called: equal lengths tell nothing."""


@dataclass(frozen=True, repr=False)
class Key:
    """What only the unblinded statistician holds; it is never shown, not even in a traceback."""

    seed: bytes
    salt: bytes
    private: bytes
    plan: dict[str, Any]
    opened: str = ""

    @classmethod
    def new(cls, plan: Any, synthetic: int | None = None) -> Key:
        """A fresh key: seed, salt and private key from the system's own source of randomness.

        For a `synthetic` trial they come from a number instead: a person who knows the number knows every arm.
        """
        if synthetic is None:
            return cls(*(secrets.token_bytes(32) for _ in range(3)), asdict(plan))  # type: ignore[arg-type]
        drawn = (hmac.digest(b"trialtools synthetic %d" % synthetic, part, "sha256") for part in (b"1", b"2", b"3"))
        return cls(*drawn, asdict(plan))  # type: ignore[arg-type]

    @property
    def public(self) -> str:
        """What seals; it may be known to all."""

        return bytes(PrivateKey(self.private).public_key).hex()

    @property
    def commitment(self) -> str:
        """What the ledger says of seed and plan: nothing, until both are revealed. Without the salt a plan could be
        guessed, for there are few plans.
        """
        return digest({"seed": self.seed.hex(), "salt": self.salt.hex(), "plan": digest(self.plan)})

    def list_seed(self, number: str | None) -> bytes:
        """The seed of the list: the secret one alone, or with the number of a second person mixed in."""
        return self.seed if number is None else hmac.digest(self.seed, f"trialtools mixed {number}".encode(), "sha256")

    def open(self, sealed: str, kit: str) -> str:
        """The arm of a kit.

        Raises:
            LedgerError: sealed to another key, changed, or sealed for another kit.
        """

        try:
            text = SealedBox(PrivateKey(self.private)).decrypt(bytes.fromhex(sealed)).rstrip(b"\0").decode()
        except (CryptoError, ValueError):
            raise LedgerError(f"kit {kit}: what is sealed does not open with this key") from None
        of, _, arm = text.partition("\n")
        if of != kit:
            raise LedgerError(f"kit {kit}: the sealed arm belongs to another kit")
        return arm

    def write(self, path: Path) -> None:
        """Write the key file, for its owner's eyes only; one that exists is never written over."""
        content = {"about": "Opens every arm. For the unblinded statistician only; keep it away from the ledger."}
        content |= {"seed": self.seed.hex(), "salt": self.salt.hex(), "private": self.private.hex()}
        content |= {"plan": self.plan, "opened": self.opened}
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(json.dumps(content, indent=2))
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            raise LedgerError(f"{path} exists; a key is never written over") from None
        except OSError as error:
            raise LedgerError(f"cannot write the key file {path}: {error.strerror}") from None


def seal(public: str, kit: str, arm: str) -> str:
    """A kit's arm, sealed so that only the private key opens it; two of the same arm look nothing alike.

    Source: sealed boxes of libsodium (X25519, XSalsa20-Poly1305, a fresh key pair for every box).
    """

    text = f"{kit}\n{arm}".encode()
    if len(text) > _SEALED:
        raise LedgerError(f"the id of an arm is longer than {_SEALED - len(kit) - 1} bytes")
    return SealedBox(PublicKey(bytes.fromhex(public))).encrypt(text.ljust(_SEALED, b"\0")).hex()


def kit_numbers(seed: bytes, n: int) -> list[str]:
    """So many different kit numbers, drawn at random: they tell neither arm nor place nor stratum.

    >>> kit_numbers(b"seed", 3)
    ['K-6902', 'K-6813', 'K-7704']
    """
    width, drawn, below = max(4, len(str(20 * n))), dict[str, None](), stream(seed, "trialtools kit numbers")
    while len(drawn) < n:
        drawn[f"K-{below(10**width):0{width}d}"] = None
    return list(drawn)


def read_key(path: str | os.PathLike[str], opened: Mapping[str, Any] | None = None) -> Key:
    """The key in a file, held against what the ledger's first entry says.

    Raises:
        LedgerError: no such file, not a key, readable by others, or the key of another ledger.
    """
    path = Path(path)
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise LedgerError(f"{path}: others can read this key; chmod 600 first")
        content = json.loads(path.read_text("utf-8"))
        secret = (bytes.fromhex(content[name]) for name in ("seed", "salt", "private"))
        key = Key(*secret, dict(content["plan"]), content["opened"])  # type: ignore[arg-type]
        public = (key.public, key.commitment)  # fails for a private key of another length
        ours = opened is None or public == (opened["public_key"], opened["commitment"])
    except OSError as error:
        raise LedgerError(f"cannot read the key file {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise LedgerError(f"{path} is not a key file of trialtools") from None
    if not ours:
        raise LedgerError(f"{path} is the key of another ledger")
    return key
