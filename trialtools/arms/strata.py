"""Conditions and sites go in, strata by name come out: a stratum is one combination of answers, in order."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

SITE = "site"
"""The condition whose answer is the site itself."""
Levels = tuple[str, ...]
"""The answers of one patient, in the order of the conditions."""


def strata(conditions: Sequence[str], sites: Sequence[str]) -> dict[str, Levels]:
    """All strata by name, each with its levels: every combination of the answers to all conditions.

    >>> list(strata(("age > 65", "site"), ("A", "B")))[:2]
    ['age > 65: yes, site: A', 'age > 65: yes, site: B']
    """
    answers = [sites if condition == SITE else ("yes", "no") for condition in conditions]
    return {stratum_name(conditions, levels): levels for levels in itertools.product(*answers)}


def stratum_name(conditions: Sequence[str], levels: Sequence[str]) -> str:
    """A stratum in words; `all` where there are no conditions."""
    return ", ".join(f"{condition}: {answer}" for condition, answer in zip(conditions, levels, strict=True)) or "all"


def site_pool(conditions: Sequence[str], levels: Sequence[str]) -> str:
    """Where the kits of a patient lie if every site keeps them in one pool."""
    at = [(c, answer) for c, answer in zip(conditions, levels, strict=True) if c == SITE]
    return stratum_name([c for c, _ in at], [answer for _, answer in at])
