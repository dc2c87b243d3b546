"""A procedure's options go in, a chain comes out: from each state, which arms may be next and with what weight.

All that is asked of a procedure follows from its chain: a list is one walk through it, the chances of the next arm are
what an observer of earlier arms can know of it, and an assessment adds up all walks. A state may hold what no observer
sees, such as the size of the block. Weights are whole numbers, so that every chance is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

_Ratio = tuple[int, ...]
State = tuple[int, ...]
_Turn = tuple[int, int, State]
"""A weight, the arm (its place in the ratio), and the state after it."""
Chain = tuple[State, Callable[[State], list[_Turn]]]
"""Where every list begins, and the turns that each state allows."""


def _complete(ratio: _Ratio) -> Chain:
    """Complete randomization: every patient by the ratio, whatever came before. Any arms, any ratio.

    Source: Rosenberger and Lachin, Randomization in Clinical Trials, 2nd ed. (2016), section 3.2.
    """
    return (), lambda state: [(share, arm, state) for arm, share in enumerate(ratio)]


def _permuted_blocks(ratio: _Ratio, sizes: tuple[int, ...]) -> Chain:
    """Permuted blocks: each block holds the ratio exactly, in random order; each size is equally likely. Any arms, any
    ratio. The state is what is left of the block.

    Source: Zelen, J Chronic Dis 27 (1974) 365-375; random sizes: ICH E9 (1998), section 2.3.2.
    """
    common = math.lcm(*sizes)
    blocks = [(common // size, tuple(share * size // sum(ratio) for share in ratio)) for size in sizes]

    def turns(left: State) -> list[_Turn]:
        open_ = [(1, left)] if any(left) else blocks
        return [(w * n, arm, _step(b, arm, -1)) for w, b in open_ for arm, n in enumerate(b) if n]

    return (0,) * len(ratio), turns


def _big_stick(ratio: _Ratio, limit: int) -> Chain:
    """Big stick: a fair coin, until one arm leads by `limit`; then the other. Two equal arms. The state is the lead.

    Source: Soares and Wu, Commun Stat Theory Methods 12 (1983) 2017-2034.
    """

    def turns(state: State) -> list[_Turn]:
        (lead,) = state
        return [turn for turn in ((1, 0, (lead + 1,)), (1, 1, (lead - 1,))) if abs(turn[2][0]) <= limit]

    return (0,), turns


def _biased_coin(ratio: _Ratio, probability: str) -> Chain:
    """Efron's biased coin: the arm that is behind gets the next patient with this probability. Two equal arms.

    Source: Efron, Biometrika 58 (1971) 403-417.
    """
    chance = Fraction(probability)
    behind, ahead = chance.numerator, chance.denominator - chance.numerator

    def turns(state: State) -> list[_Turn]:
        (lead,) = state
        first, second = (1, 1) if lead == 0 else (ahead, behind) if lead > 0 else (behind, ahead)
        return [turn for turn in ((first, 0, (lead + 1,)), (second, 1, (lead - 1,))) if turn[0]]

    return (0,), turns


def _urn(ratio: _Ratio, alpha: int, beta: int) -> Chain:
    """Wei's urn UD(alpha, beta): alpha balls of each arm; each draw adds beta balls of every other arm. Any number of
    equal arms. Without first balls (alpha 0) the first arm is drawn evenly. The state counts patients.

    Source: Wei, JASA 73 (1978) 559-563; more than two arms: Wei, Smythe and Smith, Ann Stat 14 (1986) 265-274.
    """

    def turns(state: State) -> list[_Turn]:
        balls = [alpha + beta * (sum(state) - n) for n in state]
        balls = balls if any(balls) else [1] * len(ratio)
        return [(n, arm, _step(state, arm, 1)) for arm, n in enumerate(balls) if n]

    return (0,) * len(ratio), turns


def _maximal(ratio: _Ratio, limit: int, length: int) -> Chain:
    """The maximal procedure: all lists of this length that end balanced, with no lead above `limit` on the way, are
    equally likely. Two equal arms. After `length` patients it begins anew. The state is the lead, and how many
    are left.

    Source: Berger, Ivanova and Deloria Knoll, Stat Med 22 (2003) 3017-3028; drawn in order by counting the ways to go
    on, as in Salama, Ivanova and Qaqish, Stat Med 27 (2008) 1421-1428.
    """
    ways = [{0: 1}]  # by how many are left: from each lead, the number of ways to the end
    for _ in range(length):
        ways.append({d: ways[-1].get(d + 1, 0) + ways[-1].get(d - 1, 0) for d in range(-limit, limit + 1)})

    def turns(state: State) -> list[_Turn]:
        lead, left = state if state[1] else (0, length)
        steps = [(ways[left - 1].get(lead + by, 0), arm, (lead + by, left - 1)) for arm, by in enumerate((1, -1))]
        return [turn for turn in steps if turn[0]]

    return (0, length), turns


def _step(state: State, arm: int, by: int) -> State:
    return (*state[:arm], state[arm] + by, *state[arm + 1 :])


@dataclass(frozen=True)
class Procedure:
    """A procedure: its label, the options that it takes besides ratio and strata, its chain, the arms that it allows.

    `chain` takes the shares of the ratio, and the options by their names; there is none for minimization, which goes by
    who the patients are.
    """

    label: str
    options: tuple[str, ...] = ()
    chain: Callable[..., Chain] | None = None
    two: bool = False
    equal: bool = False


PROCEDURES = {
    "complete": Procedure("complete", (), _complete),
    "permuted_blocks": Procedure("blocks of {sizes}", ("sizes",), _permuted_blocks),
    "big_stick": Procedure("big stick {limit}", ("limit",), _big_stick, two=True, equal=True),
    "biased_coin": Procedure("biased coin {probability}", ("probability",), _biased_coin, two=True, equal=True),
    "urn": Procedure("urn {alpha}, {beta}", ("alpha", "beta"), _urn, equal=True),
    "maximal": Procedure("maximal {limit} in {length}", ("limit", "length"), _maximal, two=True, equal=True),
    "minimization": Procedure("minimization {probability}", ("probability", "weights")),
}
