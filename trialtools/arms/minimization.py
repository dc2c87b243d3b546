"""Earlier patients' levels and arms go in, the next patient's arm comes out: it runs only where the arms may be known.

There is no list to seal beforehand, so a site alone cannot allocate: the unblinded statistician's key must be there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from ..criteria.protocol import DataError
from .plans import BasePlan, RandomizationPlan, is_whole
from .strata import SITE, Levels, site_pool, strata
from .stream import stream

Kit = tuple[str, int, str, str]
"""Pool, position from 1, number, arm."""


@dataclass(frozen=True)
class Minimization(BasePlan):
    """Minimization over the factors `strata`: the arm that leaves the groups most alike is likely to be the next.

    For each arm, what the imbalance would be if the patient got it: over the factors, the weighted sum of the range of
    patients per share of the ratio, among those of the patient's own level. The arm with the least gets `probability`,
    the others share the rest by the ratio; between arms that tie, the ratio draws. With an unequal ratio the
    probability is that of the smallest arm, and larger arms have more: the ratio then holds over the trial, not for
    each patient (Kuznetsova and Tymofyeyev, Stat Med 31 (2012) 701-723).

    Source: Pocock and Simon, Biometrics 31 (1975) 103-115; unequal ratio: Han, Enas and McEntegart, Stat Med 28 (2009)
    3329-3346.

    Args:
        probability: as text such as "4/5", so that it stays exact.
        weights: one for each factor, whole numbers.
    """

    needs_key: ClassVar[bool] = True
    probability: str = "4/5"
    weights: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.procedure != "minimization" or not self.strata:
            raise DataError("minimization needs factors: conditions over the protocol's fields, or site")
        super().__post_init__()
        if len(self.weights) != len(self.strata) or not all(map(is_whole, self.weights)):
            raise DataError(f"minimization takes a weight for each of {', '.join(self.strata)}: whole numbers above 0")

    def chances(self, past: Iterable[tuple[Sequence[str], str]], levels: Sequence[str]) -> dict[str, Fraction]:
        """The exact chances of the next arm.

        Args:
            past: of each earlier patient the levels, in the order of the factors, and the arm.
            levels: of the next patient.

        >>> plan = Minimization("minimization", (("A", 1), ("B", 1)), ("age > 65", "site"), weights=(1, 1))
        >>> plan.chances([(("yes", "Bern"), "A"), (("no", "Bern"), "B"), (("yes", "Rome"), "A")], ("yes", "Bern"))
        {'A': Fraction(1, 5), 'B': Fraction(4, 5)}
        """
        counts = [dict.fromkeys(self.arms, 0) for _ in self.strata]
        for earlier, arm in past:
            for count, before, now in zip(counts, earlier, levels, strict=True):
                count[arm] += before == now
        return dict(zip(self.arms, self.coin_chances([tuple(count.values()) for count in counts]), strict=True))

    def coin_chances(self, counts: Sequence[tuple[int, ...]]) -> list[Fraction]:
        """The chances, from how many patients of the next one's level each arm has, factor by factor."""
        common = math.lcm(*self.shares)
        scores = []
        for arm in range(len(self.ratio)):
            score = 0
            for weight, count in zip(self.weights, counts, strict=True):
                per = [(n + (i == arm)) * common // s for i, (n, s) in enumerate(zip(count, self.shares, strict=True))]
                score += weight * (max(per) - min(per))
            scores.append(score)
        return self._coin(tuple(i for i, score in enumerate(scores) if score == min(scores)))

    def _coin(self, best: tuple[int, ...]) -> list[Fraction]:
        whole, rest = sum(self.shares), 1 - Fraction(self.probability)
        chances = [Fraction(0)] * len(self.ratio)
        for arm in best:
            drawn, others = Fraction(self.shares[arm], sum(self.shares[i] for i in best)), whole - self.shares[arm]
            missed = rest * others / (whole - min(self.shares))
            for i, share in enumerate(self.shares):
                chances[i] += drawn * (1 - missed if i == arm else missed * share / others)
        return chances

    def pools(self, sites: Sequence[str]) -> list[str]:
        """Kits lie together at each site where the site is a factor; otherwise all together."""
        return list(strata([condition for condition in self.strata if condition == SITE], sites))

    def deal(self, seed: bytes, pool: str, n: int) -> tuple[str, ...]:
        """The arms of the kits of a pool, n for each share of the ratio, in an order that tells nothing."""
        below, arms = stream(seed, f"trialtools pool {pool}"), [a for a, share in self.ratio for _ in range(n * share)]
        return tuple(arms.pop(below(len(arms))) for _ in range(len(arms)))

    def sequence(self, seed: bytes, levels: Sequence[Levels]) -> list[str]:
        """The arms of patients, one after another."""
        past: list[tuple[Levels, str]] = []
        for answers in levels:
            past.append((answers, self.next(seed, past, answers)))
        return [arm for _, arm in past]

    chances_after = chances

    def next(self, seed: bytes, past: Sequence[tuple[Sequence[str], str]], levels: Sequence[str]) -> str:
        """The arm of the next patient, drawn by the seed: the same past and levels always give the same arm.

        The purpose of the stream is `trialtools minimization ` and the patient's number. One number is drawn below the
        common denominator of the chances, which divide its range in the order of the arms.
        """
        chances = self.chances(past, levels)
        common = math.lcm(*(chance.denominator for chance in chances.values()))
        drawn = Fraction(stream(seed, f"trialtools minimization {len(past) + 1}")(common), common)
        return next(a for a, upto in zip(chances, itertools.accumulate(chances.values()), strict=True) if drawn < upto)

    def next_kit(
        self, seed: bytes, kits: Iterable[Kit], past: Sequence[tuple[Levels, str]], levels: Levels
    ) -> str | None:
        """The kit of the next patient; None if those of the arm are used up.

        Of the kits of the arm that are left one is drawn: were it the next in order, those passed over would tell that
        they are of another arm.

        Args:
            seed: of the list.
            kits: from `kit_list`.
            past: of each earlier patient the levels and the kit.
            levels: of the next patient.
        """
        kits = list(kits)
        arms, used_kits = {kit: arm for _, _, kit, arm in kits}, {kit for _, kit in past}
        arm = self.next(seed, [(before, arms[kit]) for before, kit in past], levels)
        pool = site_pool(self.strata, levels)
        left = [kit for of, _, kit, a in kits if of == pool and a == arm and kit not in used_kits]
        return left[stream(seed, f"trialtools kit of patient {len(past) + 1}")(len(left))] if left else None


Plan = RandomizationPlan | Minimization
"""A plan of either kind."""
