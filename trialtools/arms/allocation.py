"""A protocol's ratio and strata and a procedure go in, a plan comes out; and the strata by name.

A `Plan` makes whole lists before the first patient, so that a site's ledger needs no key; a `Minimization` cannot.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.language import ProtocolError, parse
from ..criteria.protocol import DataError
from .minimization import Minimization
from .plans import OPTIONS, Plan, whole
from .sealing import kit_numbers
from .stream import stream

SITE = "site"


def plan(protocol: Protocol, procedure: str = "permuted_blocks", **options: Any) -> Plan | Minimization:
    """The plan for a protocol: its own ratio and strata, and a procedure with its options.

    Args:
        procedure: complete, permuted_blocks, big_stick, biased_coin, urn, maximal or minimization.
        options: those of `Plan` or `Minimization`. Left out: blocks of two and three times the ratio, limit 3, length
            the protocol's sample size, probability 2/3 (biased coin) or 4/5 (minimization), an urn (1, 1), equal
            weights. `ratio` (by arm) and `strata` take the place of the protocol's.

    Raises:
        DataError: no such procedure or option, or no ratio.
        ProtocolError: a stratum that is no condition over the protocol's fields.

    >>> import trialtools as tt
    >>> made = plan(tt.load_protocol("data/protocols/NCT05741099.yaml"), "big_stick")
    >>> made.label, made.ratio, made.strata
    ('big stick 3', (('mscs', 1), ('comparator', 1)), ('age > 65', 'site'))
    """
    if procedure not in OPTIONS:
        raise DataError(f"no procedure '{procedure}'; {', '.join(OPTIONS)}")
    design = {name: item.value for name, item in protocol.design.items()}
    ratio, strata = options.pop("ratio", design.get("ratio")), tuple(options.pop("strata", design.get("strata", ())))
    if not isinstance(ratio, Mapping) or not all(map(whole, ratio.values())):
        raise DataError(f"{protocol.id}: the design states no ratio by arm; give ratio={{arm: share, ...}}")
    if unknown := [arm for arm in ratio if arm not in {arm.id for arm in protocol.arms}]:
        raise DataError(f"{protocol.id}: no arm '{unknown[0]}'; {', '.join(arm.id for arm in protocol.arms)}")
    check_strata(protocol, strata)
    shares = {arm: share // math.gcd(*ratio.values()) for arm, share in ratio.items()}
    block = sum(shares.values())
    usual = {"sizes": (2 * block, 3 * block), "limit": 3, "length": design.get("sample_size"), "alpha": 1, "beta": 1}
    usual |= {"probability": "4/5" if procedure == "minimization" else "2/3", "weights": (1,) * len(strata)}
    chosen = {name: usual[name] for name in OPTIONS[procedure]} | options
    if foreign := [name for name in options if name not in OPTIONS[procedure]]:
        raise DataError(f"{procedure} has no option '{foreign[0]}'; {', '.join(OPTIONS[procedure]) or 'it has none'}")
    return plan_of({"procedure": procedure, "ratio": list(shares.items()), "strata": strata, **chosen})


def fitting(protocol: Protocol) -> list[Plan | Minimization]:
    """A plan of each procedure that the protocol's arms and ratio allow, as usual; and one of blocks of one size.

    >>> import trialtools as tt
    >>> [made.procedure for made in fitting(tt.load_protocol("data/protocols/NCT04288102.yaml"))]
    ['complete', 'permuted_blocks', 'permuted_blocks', 'minimization']
    """
    first = plan(protocol, "complete")
    found: list[Plan | Minimization] = [first, plan(protocol, sizes=(2 * sum(first.shares),))]
    for procedure in list(OPTIONS)[1:]:
        with contextlib.suppress(DataError):  # two arms, equal arms, a length, factors: what it lacks here
            found.append(plan(protocol, procedure))
    return found


def plan_of(content: Mapping[str, Any]) -> Plan | Minimization:
    """The plan that was written down as plain data.

    Raises:
        DataError: it is no plan.
    """
    kind = Minimization if content.get("procedure") == "minimization" else Plan
    if unknown := set(content) - {field.name for field in fields(kind)}:
        raise DataError(f"a plan has no {' or '.join(sorted(unknown))}")
    try:
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list | tuple) else v for name, v in content.items()}
        plain["ratio"] = tuple((str(arm), share) for arm, share in plain["ratio"])
        if plain.get("probability") is not None:
            plain["probability"] = str(Fraction(str(plain["probability"])))
        return kind(**plain)
    except (TypeError, ValueError, KeyError, ZeroDivisionError) as error:
        raise DataError(f"not a plan: {error}") from None


def check_strata(protocol: Protocol, conditions: Iterable[str]) -> None:
    """Nothing, where every stratum is a condition over the protocol's fields, or `site`.

    Raises:
        ProtocolError: one is not.
    """
    for condition in conditions:
        if condition != SITE:
            try:
                parse(condition, protocol.fields)
            except ProtocolError as error:
                raise ProtocolError(f"the stratum '{condition}' is no condition over the fields: {error}") from None


def strata(conditions: tuple[str, ...], sites: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """All strata by name, each with its levels: every combination of the answers to all conditions.

    >>> list(strata(("age > 65", "site"), ("A", "B")))[:2]
    ['age > 65: yes, site: A', 'age > 65: yes, site: B']
    """
    levels = [sites if condition == SITE else ("yes", "no") for condition in conditions]
    return {stratum_name(conditions, answers): answers for answers in itertools.product(*levels)}


def places(plan: Any, sites: tuple[str, ...]) -> list[str]:
    """Where kits are kept apart: the strata; of minimization only the sites, where it has them."""
    kept = plan.strata if hasattr(plan, "list") else tuple(c for c in plan.strata if c == SITE)
    return list(strata(kept, sites))


def whole_list(plan: Any, seed: bytes, names: Iterable[str], n: int) -> list[tuple[str, int, str, str]]:
    """All kits that a seed makes, by place: place, position from 1, kit, arm."""
    deal = plan.list if hasattr(plan, "list") else plan.pool
    dealt = [(name, position, arm) for name in names for position, arm in enumerate(deal(seed, name, n), start=1)]
    kits = kit_numbers(seed, len(dealt))
    return [(name, position, kit, arm) for (name, position, arm), kit in zip(dealt, kits, strict=True)]


def next_kit(
    plan: Minimization,
    seed: bytes,
    kits: Iterable[tuple[str, int, str, str]],
    past: Sequence[tuple[tuple[str, ...], str]],
    levels: tuple[str, ...],
) -> str | None:
    """The kit that minimization gives to the next patient; None if those of the arm are used up.

    Args:
        kits: from `whole_list`.
        past: of each earlier patient the levels and the kit.
        levels: of the next patient.

    Of the kits of the arm that are left one is drawn: were it the next in order, those passed over would tell that they
    are of another arm.
    """
    kits = list(kits)
    arms, taken = {kit: arm for _, _, kit, arm in kits}, {kit for _, kit in past}
    arm = plan.next(seed, [(before, arms[kit]) for before, kit in past], levels)
    place = place_of(plan.strata, levels)
    left = [kit for of, _, kit, a in kits if of == place and a == arm and kit not in taken]
    return left[stream(seed, f"trialtools kit of patient {len(past) + 1}")(len(left))] if left else None


def place_of(conditions: Sequence[str], answers: Sequence[str]) -> str:
    """Where the kits of a stratum lie under minimization."""
    at = [(c, answer) for c, answer in zip(conditions, answers, strict=True) if c == SITE]
    return stratum_name(tuple(c for c, _ in at), tuple(answer for _, answer in at))


def stratum_name(conditions: tuple[str, ...], answers: tuple[str, ...]) -> str:
    return ", ".join(f"{c}: {answer}" for c, answer in zip(conditions, answers, strict=True)) or "all"
