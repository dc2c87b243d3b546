"""A protocol's ratio and strata and a procedure go in, a plan comes out; a plan and a seed, and all kits come out.

A `RandomizationPlan` makes whole lists before the first patient, so that a site's ledger needs no key; a `Minimization`
cannot.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.language import ProtocolError, parse
from ..criteria.protocol import DataError
from ..criteria.stage import expect
from .minimization import Kit, Minimization, Plan
from .plans import RandomizationPlan, is_whole
from .procedures import PROCEDURES
from .sealing import kit_numbers
from .strata import SITE


def plan(protocol: Protocol, procedure: str = "permuted_blocks", **options: Any) -> Plan:
    """The plan for a protocol: its own ratio and strata, and a procedure with its options.

    Args:
        procedure: complete, permuted_blocks, big_stick, biased_coin, urn, maximal or minimization.
        options: those of `RandomizationPlan` or `Minimization`. Left out: blocks of two and three times the ratio,
            limit 3, length the protocol's sample size, probability 2/3 (biased coin) or 4/5 (minimization), an urn
            (1, 1), equal weights. `ratio` (by arm) and `strata` take the place of the protocol's.

    Raises:
        DataError: no such procedure or option, or no ratio.
        ProtocolError: a stratum that is no condition over the protocol's fields.

    >>> import trialtools as tt
    >>> made = plan(tt.load_protocol("data/protocols/NCT05741099.yaml"), "big_stick")
    >>> made.label, made.ratio, made.strata
    ('big stick 3', (('mscs', 1), ('comparator', 1)), ('age > 65', 'site'))
    """
    expect(protocol, Protocol, "tt.arms.plan(protocol)")
    if procedure not in PROCEDURES:
        raise DataError(f"no procedure '{procedure}'; {', '.join(PROCEDURES)}")
    design = protocol.design_values
    ratio, strata = options.pop("ratio", design.get("ratio")), tuple(options.pop("strata", design.get("strata", ())))
    if not isinstance(ratio, Mapping) or not all(map(is_whole, ratio.values())):
        raise DataError(f"{protocol.id}: the design states no ratio by arm; give ratio={{arm: share, ...}}")
    if unknown := [arm for arm in ratio if arm not in {arm.id for arm in protocol.arms}]:
        raise DataError(f"{protocol.id}: no arm '{unknown[0]}'; {', '.join(arm.id for arm in protocol.arms)}")
    check_strata(protocol, strata)
    shares = {arm: share // math.gcd(*ratio.values()) for arm, share in ratio.items()}
    block = sum(shares.values())
    usual = {"sizes": (2 * block, 3 * block), "limit": 3, "length": design.get("sample_size"), "alpha": 1, "beta": 1}
    usual |= {"probability": "4/5" if procedure == "minimization" else "2/3", "weights": (1,) * len(strata)}
    takes = PROCEDURES[procedure].options
    if foreign := [name for name in options if name not in takes]:
        raise DataError(f"{procedure} has no option '{foreign[0]}'; {', '.join(takes) or 'it has none'}")
    chosen = {name: options.get(name, usual[name]) for name in takes}
    return plan_of({"procedure": procedure, "ratio": list(shares.items()), "strata": strata, **chosen})


def applicable_plans(protocol: Protocol) -> list[Plan]:
    """A plan of each procedure that the protocol's arms and ratio allow, as usual; and one of blocks of one size.

    >>> import trialtools as tt
    >>> [made.procedure for made in applicable_plans(tt.load_protocol("data/protocols/NCT04288102.yaml"))]
    ['complete', 'permuted_blocks', 'permuted_blocks', 'minimization']
    """
    first = plan(protocol, "complete")
    plans: list[Plan] = [first, plan(protocol, sizes=(2 * sum(first.shares),))]
    for procedure in list(PROCEDURES)[1:]:
        with contextlib.suppress(DataError):  # two arms, equal arms, a length, factors: what it lacks here
            plans.append(plan(protocol, procedure))
    return plans


def plan_of(content: Mapping[str, Any]) -> Plan:
    """The plan that was written down as plain data.

    Raises:
        DataError: it is no plan.
    """
    expect(content, Mapping, "tt.arms.plan_of(content)", "a plan as plain data")
    kind = Minimization if content.get("procedure") == "minimization" else RandomizationPlan
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


def kit_list(plan: Plan, seed: bytes, sites: Sequence[str], n: int) -> list[Kit]:
    """All kits that a seed makes: pool, position from 1, kit, arm.

    Args:
        plan: of the trial.
        seed: of the list.
        sites: where patients are allocated.
        n: kits for every stratum; under minimization, for every share of the ratio at every site.
    """
    pools = plan.pools(sites)
    dealt = [(pool, position, arm) for pool in pools for position, arm in enumerate(plan.deal(seed, pool, n), start=1)]
    kits = kit_numbers(seed, len(dealt))
    return [(pool, position, kit, arm) for (pool, position, arm), kit in zip(dealt, kits, strict=True)]
