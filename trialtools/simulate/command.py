"""`trialtools simulate`: a protocol and a seed go in, a folder of synthetic people comes out."""

from __future__ import annotations

from typing import Literal

from ..criteria.contents import load_protocol
from ..criteria.doors import DONE
from .cohorts import write_cohort
from .trials import write_trial


def _cohort(protocol: str, *, n: int, seed: int, clean: bool = False, missing: float = 1.0, out: str) -> int:
    """Synthetic patients before screening.

    Args:
        clean: without impossible entries
        missing: how much is missing, as a multiple of the usual
        out (DIR): folder to make
    """
    rules = load_protocol(protocol)
    for path in write_cohort(rules, n, seed, out, path=protocol, dirty=not clean, missing=missing):
        print(f"wrote {path} (synthetic)")
    return DONE


def _trial(
    protocol: str,
    *,
    n: int,
    seed: int,
    scenario: Literal["null", "effect", "harm"] = "null",
    site: tuple[str, ...] = (),
    clean: bool = False,
    out: str,
) -> int:
    """A synthetic trial: open tables, a ledger and its key.

    Args:
        n: people to randomize
        site: repeat it; three synthetic hospitals by default
        clean: without the errors that reading must find
        out (DIR): folder to make
    """
    rules = load_protocol(protocol)
    folder = write_trial(rules, n, seed, out, scenario, path=protocol, sites=site or None, dirty=not clean)
    for path in sorted(folder.rglob("*.*")):
        print(f"wrote {path} (synthetic)")
    return DONE


__commands__ = {"simulate": {"cohort": _cohort, "trial": _trial}}
