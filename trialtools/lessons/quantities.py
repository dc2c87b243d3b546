"""A name goes in, a number of the engine comes out: what lessons count, ask for, and write into their sentences.

A name is said as a person would: `certain`, `lost at E6 in reverse`, `possible with I6=registered`,
`certain as amended`. The imports of engines stay inside: most questions, and the page in a browser, need none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from ..criteria.language import ProtocolError, nearest
from ..criteria.proofs.conditions import NotSettled
from ..criteria.proofs.finding import Finding
from .source import BROUGHT, Source

_Count = Callable[..., float]


def quantity(source: Source, name: str) -> float:
    """The number that a name stands for.

    Args:
        source: what a question is about; the name may choose one more reading.
        name: one that `check_name` lets through.
    """
    if BROUGHT:
        return BROUGHT[source.key(name)]
    pattern, parts, readings = _match(name)
    work_out, needs = _QUANTITIES[pattern]
    if not needs:
        return work_out(*parts)
    read = source._replace(readings=(*source.readings, *readings))
    return work_out(_screening(read, "reverse" in name, "as amended" in name), *parts)


@cache
def findings(source: Source) -> tuple[Finding, ...]:
    """What is proved of a protocol, once; if the prover gave some findings up, nothing is judged by them."""
    if BROUGHT:
        return tuple(Finding(**each) for each in BROUGHT[source.key("findings")])
    proved = source.rules.lint()
    if open_ := [finding.sentence for finding in proved if finding.kind == "too-hard"]:
        raise NotSettled(f"Nothing can be said yet: {open_[0]} Ask again when this machine has less to do.")
    return proved


def check_name(source: Source, name: str) -> None:
    """Whether a name stands for a number.

    Raises:
        ProtocolError: it does not; the nearest name, criterion, field or reading.
    """
    pattern, parts, readings = _match(name)
    if not pattern:
        quantities = [re.sub(r"\(.*\)", "…", known.replace(r"(\w+)", "E6")) for known in _QUANTITIES]
        raise ProtocolError(f"there is no number '{name}'{nearest(name, quantities)}")
    rules, needs = source.rules.with_readings(dict(readings)), _QUANTITIES[pattern][1]
    known = {"criterion": rules.criterion, "field": rules.fields}.get(needs, {})
    if known and parts[0] not in known:
        raise ProtocolError(f"no {needs} '{parts[0]}'{nearest(parts[0], known)}")
    if needs:
        source.patients  # noqa: B018  (a count needs a table)


def _match(name: str) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The pattern that a name fits, its parts, and the reading that it chooses."""
    bare, _, reading = name.removesuffix(" in reverse").removesuffix(" as amended").partition(" with ")
    criterion, _, chosen = reading.partition("=")
    for pattern in _QUANTITIES:
        if match := re.fullmatch(pattern, bare):
            return pattern, match.groups(), ((criterion, chosen),) if reading else ()
    return "", (), ()


@cache
def _screening(source: Source, reverse: bool, amended: bool) -> Any:
    from ..cohort.screening import screen

    rules = source.amended_rules if amended else source.rules
    return screen(replace(rules, criteria=tuple(reversed(rules.criteria))) if reverse else rules, source.patients)


def _cell(frame: Any, key: str, name: str, column: str) -> int:
    """What stands in a column of the frame, in the row of that name."""
    return int(frame.loc[frame[key] == name, column].sum())


def _assess(kind: str, n: str, measure: str, **options: Any) -> float:
    """A property of a procedure with two arms that is worked out exactly."""
    from ..arms.assessment import assess
    from ..arms.plans import RandomizationPlan

    plan = RandomizationPlan(kind, (("A", 1), ("B", 1)), **options)  # type: ignore[arg-type]
    frame = assess(plan, n=int(n), sites=1, runs=1)  # what is asked for is exact; the rest is thrown away
    return float(frame.loc[frame["measure"] == measure, "value"].iloc[0])


def _right_guesses(size: str) -> float:
    """Per cent of arms that the best guesser names, who sees every earlier one."""
    return round(100 * _assess("permuted_blocks", size, "correct guesses", sizes=(int(size),)), 1)


def _apart(n: str) -> float:
    """By how many patients two arms differ in the mean after so many tosses of a coin."""
    return round(_assess("complete", n, "imbalance"), 1)


def _false_alarms(looks: str) -> float:
    """Per cent of trials without any effect that cross z = 1.96, either way, at one of so many equal looks."""
    from ..interim.sequential.recursion import crossing_probabilities, start_density

    n, z = int(looks), 1.959964
    low, high = crossing_probabilities(list(range(1, n + 1)), [-z] * n, [z] * n, start_density())
    return round(100 * float(low.sum() + high.sum()), 1)


def _bound(look: str, of: str) -> float:
    """The z to cross at one of several looks, alpha 0.025 spent the O'Brien-Fleming way."""
    from ..interim.sequential.boundaries import boundaries

    return round(float(boundaries([int(each) for each in of.split(", ")])["z"].iloc[int(look) - 1]), 2)


_QUANTITIES: dict[str, tuple[_Count, str]] = {
    "certain": (lambda screening: screening.certain, "cohort"),
    "possible": (lambda screening: screening.possible, "cohort"),
    "screened": (lambda screening: screening.n, "cohort"),
    "undetermined": (lambda screening: screening.possible - screening.certain, "cohort"),
    "certain and possible": (lambda screening: screening.certain + screening.possible, "cohort"),
    "middle": (lambda screening: (screening.certain + screening.possible) // 2, "cohort"),
    r"lost at (\w+)": (lambda screening, id: _cell(screening.attrition(), "criterion", id, "failed_here"), "criterion"),
    r"failing (\w+)": (lambda screening, id: _cell(screening.criterion_states(), "criterion", id, "fail"), "criterion"),
    r"open at (\w+)": (
        lambda screening, id: _cell(screening.criterion_states(), "criterion", id, "unknown"),
        "criterion",
    ),
    r"settled by (\w+)": (lambda screening, name: _cell(screening.worklist(), "field", name, "settles"), "field"),
    r"right guesses in blocks of (\d+)": (_right_guesses, ""),
    r"apart after (\d+) tosses": (_apart, ""),
    r"false alarms in (\d+) looks": (_false_alarms, ""),
    r"bound at look (\d+) of (\d+(?:, \d+)*)": (_bound, ""),
}
