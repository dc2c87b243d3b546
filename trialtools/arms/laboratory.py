"""A plan, a small seed and guesses go in; which arms came, how well they were guessed and balanced comes out.

Nothing here is an allocation of a trial: a laboratory's seed is a small number that anybody may know, and no list of a
ledger, whose seeds are 32 secret bytes, can come of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pandas as pd

from ..criteria.contents import Protocol
from ..criteria.language import definite, evaluate, names, parse
from ..criteria.protocol import DataError
from .allocation import check_strata
from .minimization import Plan
from .plans import is_whole
from .strata import SITE, Levels, stratum_name
from .stream import stream

LONGEST_GAME = 200
"""Patients of one game; a longer one teaches nothing more."""


def sample_strata(
    protocol: Protocol, strata: Sequence[str], n: int, seed: int, people: pd.DataFrame | None = None
) -> list[Levels]:
    """The levels of the next n patients, one answer for each stratum, drawn with the laboratory's own seed.

    Args:
        protocol: types the conditions.
        strata: conditions over its fields, and `site`.
        n: how many patients come, at most 200.
        seed: of the laboratory.
        people: a table of people who may come, with the fields that the conditions ask for and `site`; each may come
            again. Who has an unknown level cannot be allocated and does not come. Without a table every level is
            equally likely.

    Raises:
        DataError: no such n, no column for a stratum, or nobody whose levels are known.
        ProtocolError: a stratum is no condition over the fields.

    >>> import trialtools as tt
    >>> sample_strata(tt.load_protocol("data/protocols/NCT05741099.yaml"), ["age > 65"], 4, seed=1)
    [('yes',), ('no',), ('no',), ('no',)]
    """
    if not is_whole(n) or n > LONGEST_GAME:
        raise DataError(f"n is {n}; expected a whole number from 1 to {LONGEST_GAME}")
    check_strata(protocol, strata)
    below = stream(_seed(seed), "trialtools laboratory arrivals")
    if people is None:
        levels = [protocol.sites or ("one site",) if condition == SITE else ("yes", "no") for condition in strata]
        return [tuple(each[below(len(each))] for each in levels) for _ in range(n)]
    known = _levels(protocol, strata, people)
    if not known:
        raise DataError(f"no row of the table has all strata known ({', '.join(strata) or 'none'})")
    return [known[below(len(known))] for _ in range(n)]


def _levels(protocol: Protocol, strata: Sequence[str], people: pd.DataFrame) -> list[Levels]:
    """The levels of every person whose levels are all known."""
    formulas = {condition: parse(condition, protocol.fields) for condition in strata if condition != SITE}
    wanted = {name for formula in formulas.values() for name in names(formula)} | ({SITE} & set(strata))
    if lacking := sorted(wanted - set(people) - set(protocol.derivations)):
        raise DataError(f"the table has no column {', '.join(lacking)}, which the strata ask for")
    needed = {*protocol.with_causes(wanted - {SITE}), SITE} & set(people)
    rows: Any = people[sorted(needed)].astype(object)
    levels = []
    for row in rows.to_dict("records"):
        known = protocol.facts_of({name: row[name] for name in needed - {SITE}})
        answers = [definite(row[SITE]) if each == SITE else evaluate(formulas[each], known) for each in strata]
        if None not in answers:
            levels.append(tuple({True: "yes", False: "no"}.get(answer, answer) for answer in answers))
    return levels


def simulate_allocation(plan: Plan, levels: Sequence[Levels], seed: int) -> pd.DataFrame:
    """The arms that patients get, one after another, and what could be known beforehand of each.

    Args:
        plan: its strata are those of the levels; a list for each of them, of minimization the factors.
        levels: from `sample_strata`.
        seed: of the laboratory: the same always gives the same arms.

    Columns: patient (from 1), stratum, arm, then `chance_` of every arm (as somebody knows it who has seen all earlier
    arms and knows the procedure, but not the size of a block), best (the largest of them: how often the best guess is
    right).

    >>> from trialtools.arms import RandomizationPlan
    >>> plan = RandomizationPlan("permuted_blocks", (("A", 1), ("B", 1)), sizes=(4,))
    >>> simulate_allocation(plan, [()] * 4, seed=3)[["arm", "chance_A", "best"]].round(2).values.tolist()
    [['B', 0.5, 0.5], ['A', 0.67, 0.67], ['A', 0.5, 0.5], ['B', 0.0, 1.0]]
    """

    past: list[tuple[Levels, str]] = []
    rows = []
    for patient, (answers, arm) in enumerate(zip(levels, plan.sequence(_seed(seed), levels), strict=True), start=1):
        known = plan.chances_after(past, answers)
        past.append((answers, arm))
        chances = {f"chance_{each}": float(chance) for each, chance in known.items()}
        row = {"patient": patient, "stratum": stratum_name(plan.strata, answers), "arm": arm, **chances}
        rows.append({**row, "best": float(max(known.values()))})
    columns = ["patient", "stratum", "arm", *(f"chance_{arm}" for arm in plan.arms), "best"]
    return pd.DataFrame(rows, columns=columns)


def score_guesses(plan: Plan, dealt: pd.DataFrame, guesses: Sequence[str]) -> pd.DataFrame:
    """How the guesses came out, beside the best guesser and a coin.

    Args:
        plan: of the arms.
        dealt: from `simulate_allocation`.
        guesses: of the first patients; empty where nobody guessed.

    Columns: patient, arm, guess, right (empty without a guess), hits, of (guesses so far), share, best (what the best
    guesser expects of the same patients), coin (what guessing by the ratio's largest share does).

    Raises:
        DataError: a guess that is no arm, or more guesses than patients.

    >>> from trialtools.arms import RandomizationPlan
    >>> plan = RandomizationPlan("permuted_blocks", (("A", 1), ("B", 1)), sizes=(4,))
    >>> scored = score_guesses(plan, simulate_allocation(plan, [()] * 4, seed=3), ["A", "A", "", "B"])
    >>> scored[["hits", "of", "best"]].round(2).iloc[-1].tolist()
    [2.0, 3.0, 0.72]
    """

    if foreign := [guess for guess in guesses if guess and guess not in plan.arms]:
        raise DataError(f"no arm '{foreign[0]}'; {', '.join(plan.arms)}")
    if len(guesses) > len(dealt):
        raise DataError(f"{len(guesses)} guesses of {len(dealt)} patients")
    people = dealt.head(len(guesses))
    frame = pd.DataFrame({"patient": people["patient"], "arm": people["arm"], "guess": pd.Series(guesses, dtype="str")})
    made = frame["guess"] != ""
    frame["right"] = (frame["guess"] == frame["arm"]).astype("boolean").mask(~made)
    frame["hits"] = frame["right"].fillna(False).astype("int64").cumsum()
    frame["of"] = made.astype("int64").cumsum()
    frame["share"] = frame["hits"] / frame["of"].where(frame["of"] > 0)
    frame["best"] = people["best"].where(made).cumsum().ffill() / frame["of"].where(frame["of"] > 0)
    return frame.assign(coin=float(Fraction(max(plan.shares), sum(plan.shares))))


def imbalance_path(plan: Plan, dealt: pd.DataFrame, patients: int | None = None) -> pd.DataFrame:
    """How many patients each arm has after each patient, and how many more than its share; a row a patient and arm.

    Args:
        plan: of the arms.
        dealt: from `simulate_allocation`.
        patients: only the first so many.

    Columns: patient (0 is before the first), arm, n, excess (n less the arm's share of all so far).

    >>> from trialtools.arms import RandomizationPlan
    >>> plan = RandomizationPlan("permuted_blocks", (("A", 1), ("B", 1)), sizes=(4,))
    >>> imbalance_path(plan, simulate_allocation(plan, [()] * 4, seed=3)).query("arm == 'B'")["excess"].tolist()
    [0.0, 0.5, 0.0, -0.5, 0.0]
    """

    arms, rows = dealt["arm"].head(len(dealt) if patients is None else patients).tolist(), []
    for arm, share in plan.ratio:
        n = 0
        for patient in range(len(arms) + 1):
            n += patient > 0 and arms[patient - 1] == arm
            rows.append((patient, arm, n, n - patient * share / sum(plan.shares)))
    frame = pd.DataFrame(rows, columns=["patient", "arm", "n", "excess"])
    return frame.sort_values("patient", kind="stable", ignore_index=True)


def comparison(compared: pd.DataFrame) -> pd.DataFrame:
    """Procedures compared with a row for each and a column a measure: procedure, strata, then the measures.

    Args:
        compared: from `assess`; how a value was found, and its error, stands there.

    >>> from trialtools.arms import RandomizationPlan, assess
    >>> list(comparison(assess(RandomizationPlan("complete", (("A", 1), ("B", 1))), 20, runs=10)).columns[:3])
    ['procedure', 'strata', 'correct guesses']
    """
    keys = ["procedure", "strata"]
    wide: Any = compared.pivot_table(index=keys, columns="measure", values="value", aggfunc="first", sort=False)
    # unsorted, pandas takes each key by itself as it comes: 6 strata would stand before 1 where the first plan has 6
    return compared[keys].drop_duplicates().merge(wide.reset_index(), on=keys)


def trade_off(compared: pd.DataFrame, plan: Plan) -> str:
    """What a plan costs and buys, in a sentence, beside the procedures that are guessed least and keep closest.

    Args:
        compared: from `assess`, with this plan among others; the rows with the most strata count.
        plan: whose label is looked for.

    Raises:
        DataError: the plan is not among them.
    """
    most_strata = compared[compared["strata"] == compared.groupby("procedure")["strata"].transform("max")]
    wide: Any = most_strata.pivot_table(index="procedure", columns="measure", values="value", sort=False)
    if plan.label not in wide.index:
        raise DataError(f"{plan.label} was not compared; {'; '.join(wide.index)}")

    def measures(label: str) -> str:
        return f"{100 * wide.at[label, 'correct guesses']:.0f} %, {wide.at[label, 'worst imbalance']:.1f} apart"

    own = wide.loc[plan.label]
    least, closest = wide["correct guesses"].idxmin(), wide["worst imbalance"].idxmin()
    return (
        f"With {plan.label}, the best guesser is right for {100 * own['correct guesses']:.0f} % of patients, and the "
        f"arms are {own['worst imbalance']:.1f} patients apart at worst on the way, on average. "
        f"Guessed least: {least} ({measures(least)}); closest: {closest} ({measures(closest)})."
    )


def _seed(seed: int) -> bytes:
    if not is_whole(seed, 0):
        raise DataError(f"a seed of {seed!r}; expected a whole number from 0, for a laboratory has no secret seed")
    return f"trialtools laboratory {seed}".encode()
