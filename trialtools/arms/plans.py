"""A seed goes in, the list of a stratum comes out, by a plan: frozen plain data, so that the key can commit to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from typing import Any, ClassVar

from ..criteria.protocol import DataError
from .procedures import PROCEDURES, Chain, Procedure, State
from .strata import Levels, strata, stratum_name
from .stream import stream

_OPTIONS = {name for procedure in PROCEDURES.values() for name in procedure.options}
"""What some procedure takes; any other field of a plan of another kind is its own."""


@dataclass(frozen=True)
class BasePlan:
    """What every plan has; it checks itself, so that one that cannot work cannot exist.

    Every plan answers the same questions: `pools` (where kits are kept apart), `deal` (the arms of the kits there),
    `sequence` (the arms of patients, one after another) and `chances_after` (what could be known of the next arm).
    """

    needs_key: ClassVar[bool] = False  # whether the arm of a kit follows from earlier arms, so that only the key tells
    procedure: str
    ratio: tuple[tuple[str, int], ...]
    strata: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shares = [share for _, share in self.ratio]
        if len({arm for arm, _ in self.ratio}) < max(2, len(shares)) or not all(map(is_whole, shares)):
            raise DataError("a ratio needs two or more different arms, each with a whole number above 0")
        if len(set(self.strata)) < len(self.strata):
            raise DataError(f"{', '.join(self.strata)}: the same stratum twice")
        takes = self._about.options
        set_options = {name for name in _OPTIONS if getattr(self, name, None) not in (None, ())}
        if set_options != set(takes):
            raise DataError(f"{self.procedure} takes {' and '.join(takes) or 'no options'}")
        least = Fraction(min(shares), sum(shares))
        if (p := getattr(self, "probability", None)) is not None and not least <= Fraction(p) <= 1:
            raise DataError(f"the probability must be between {least} and 1, not {p}")

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(arm for arm, _ in self.ratio)

    @property
    def shares(self) -> tuple[int, ...]:
        return tuple(share for _, share in self.ratio)

    @property
    def _about(self) -> Procedure:
        """The row of the table; a plan of another kind has a procedure of its own, without options."""
        return PROCEDURES.get(self.procedure, Procedure(self.procedure))

    @property
    def options(self) -> dict[str, Any]:
        """What the procedure takes besides ratio and strata."""
        return {name: getattr(self, name) for name in self._about.options}

    @property
    def label(self) -> str:
        """The procedure in words, with its options."""
        texts = {name: option_text(option) for name, option in self.options.items()}
        label = self._about.label.format(**texts)
        return f"{label}, weights {texts['weights']}" if len(set(self.options.get("weights", ()))) > 1 else label


@dataclass(frozen=True)
class RandomizationPlan(BasePlan):
    """How lists are made, for every stratum its own: the procedure, the ratio by arm id, the strata, the options.

    Args:
        sizes: of permuted blocks; of several, each is equally likely.
        limit: the largest lead of an arm (big stick, maximal).
        length: patients after which the maximal procedure is balanced again.
        probability: of the arm that is behind (biased coin), as text such as "2/3", so that it stays exact.
        alpha: balls of each arm in the urn at first.
        beta: balls of every other arm that are added.

    Raises:
        DataError: options that the procedure does not take or cannot use, or more arms or another ratio than it allows.
    """

    sizes: tuple[int, ...] = ()
    limit: int | None = None
    length: int | None = None
    probability: str | None = None
    alpha: int | None = None
    beta: int | None = None

    def __post_init__(self) -> None:
        if self.procedure not in PROCEDURES or self.procedure == "minimization":
            raise DataError(f"no procedure '{self.procedure}' with a list; {', '.join(list(PROCEDURES)[:-1])}")
        super().__post_init__()
        if self._about.two and len(self.ratio) != 2:
            raise DataError(f"{self.procedure} is a procedure for two arms; permuted_blocks takes {len(self.ratio)}")
        if self._about.equal and len(set(self.shares)) > 1:
            raise DataError(f"{self.procedure} is a procedure for equal arms; permuted_blocks takes any ratio")
        if bad := [size for size in self.sizes if not is_whole(size) or size % sum(self.shares)]:
            raise DataError(f"a block of {bad[0]} cannot hold the ratio; expected multiples of {sum(self.shares)}")
        if len(set(self.sizes)) < len(self.sizes):
            raise DataError(f"sizes {option_text(self.sizes)}: the same size twice")
        if self.limit is not None and not is_whole(self.limit):
            raise DataError(f"a limit of {self.limit}; expected a whole number above 0")
        if self.length is not None and (not is_whole(self.length) or self.length % 2):
            raise DataError(f"a length of {self.length} cannot end balanced; expected an even number above 0")
        balls = (self.alpha, self.beta)
        if self.procedure == "urn" and not (all(is_whole(n, 0) for n in balls) and any(balls)):
            raise DataError("alpha and beta are whole numbers from 0, and not both 0")

    def pools(self, sites: Sequence[str]) -> list[str]:
        """Every stratum has a list of its own."""
        return list(strata(self.strata, sites))

    def deal(self, seed: bytes, stratum: str, n: int) -> tuple[str, ...]:
        """The first n arms of a stratum's list: of a seed always the same, and the longer list begins with the shorter.

        The purpose of its stream is `trialtools list ` and the stratum. Each patient draws one number below the sum of
        the weights of the turns that are allowed, and takes the turn in whose part of that sum it falls, in order.

        >>> RandomizationPlan("permuted_blocks", (("A", 2), ("B", 1)), sizes=(3, 6)).deal(b"seed", "all", 9)
        ('B', 'A', 'A', 'A', 'B', 'A', 'B', 'B', 'A')
        """
        below, (state, turns), arms = stream(seed, f"trialtools list {stratum}"), self.chain, []
        for _ in range(n):
            options = turns(state)
            drawn = below(sum(weight for weight, _, _ in options))
            for weight, arm, state in options:  # noqa: B007 - the state that is drawn is the next
                drawn -= weight
                if drawn < 0:
                    break
            arms.append(self.arms[arm])
        return tuple(arms)

    def chances(self, past: Sequence[str]) -> dict[str, Fraction]:
        """The exact chances of the next arm for somebody who knows the arms before it, and of block sizes only which
        there are.

        Raises:
            DataError: earlier arms that the procedure cannot have made.

        >>> RandomizationPlan("permuted_blocks", (("A", 1), ("B", 1)), sizes=(2, 4)).chances(["A"])
        {'A': Fraction(1, 6), 'B': Fraction(5, 6)}
        """
        start, turns = self.chain
        states = {start: Fraction(1)}
        for number, arm in enumerate(past, start=1):
            states = {after: weight for weight, a, after in _ahead(states, turns) if self.arms[a] == arm}
            if not states:
                raise DataError(f"{self.label}: patient {number} cannot have got '{arm}' after those before")
        chances = dict.fromkeys(self.arms, Fraction(0))
        for weight, arm, _ in _ahead(states, turns):
            chances[self.arms[arm]] += weight
        return {arm: chance / sum(chances.values()) for arm, chance in chances.items()}

    def sequence(self, seed: bytes, levels: Sequence[Levels]) -> list[str]:
        """The arms of patients, one after another: the next of the list of each one's stratum."""
        names = [stratum_name(self.strata, answers) for answers in levels]
        lists = {name: iter(self.deal(seed, name, n)) for name, n in Counter(names).items()}
        return [next(lists[name]) for name in names]

    def chances_after(self, past: Iterable[tuple[Levels, str]], levels: Levels) -> dict[str, Fraction]:
        """The chances of the next arm after those of the patient's own stratum."""
        return self.chances([arm for own, arm in past if own == levels])

    @cached_property
    def chain(self) -> Chain:
        """The procedure as a chain, arms by their place; the turns of each state are worked out once."""
        start, turns = self._about.chain(self.shares, **self.options)  # type: ignore[misc]
        return start, cache(turns)


def _ahead(states: Mapping[State, Fraction], turns: Any) -> Iterable[tuple[Fraction, int, State]]:
    """What may come after any of several states, the same arm and state once."""
    chances: dict[tuple[int, State], Fraction] = {}
    for state, chance in states.items():
        options = turns(state)
        total = sum(weight for weight, _, _ in options)
        for weight, arm, after in options:
            chances[arm, after] = chances.get((arm, after), Fraction(0)) + chance * Fraction(weight, total)
    return [(weight, arm, after) for (arm, after), weight in chances.items()]


def is_whole(number: Any, least: int = 1) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= least


def read_option(name: str, text: str) -> Any:
    """An option as somebody types it: numbers with commas between them, a probability, or one whole number.

    Raises:
        ValueError: no whole number where one is needed.
    """
    if name in ("sizes", "weights"):
        return tuple(map(int, text.split(",")))
    return text.strip() if name == "probability" else int(text)


def option_text(value: Any) -> str:
    """The same as text."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
