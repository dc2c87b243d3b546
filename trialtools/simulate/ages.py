"""A protocol goes in; the mean age of its patients comes out, where most inpatients are of another age."""

from statistics import NormalDist

from ..criteria.contents import Protocol
from ..criteria.language import evaluate, names
from .clinical import is_clinical
from .model import assumed_values

_OLDEST = 104
_ENOUGH = 0.6
"""With so many patients of the right age the clinical model stays as it is."""


def fitted_ages(protocol: Protocol) -> dict[str, float]:
    """Mean and SD of age under which 8 in 10 are as old as the criteria ask; empty where most inpatients are.

    >>> from trialtools.criteria.contents import read_protocol
    >>> written = "{id: S, title: S, fields: {age: {type: integer, unit: years, label: Age}}, criteria: ["
    >>> fitted_ages(read_protocol(written + "{id: I1, kind: inclusion, label: Age, when: 18 <= age <= 64}]}"))
    {'age_mean': 41.5, 'age_sd': 18.3}
    >>> fitted_ages(read_protocol(written + "{id: I1, kind: inclusion, label: Age, when: age >= 18}]}"))
    {}
    """
    asked = [formula for formula in protocol.requirements.values() if names(formula) == ("age",)]
    if not asked or not is_clinical("age", protocol):
        return {}
    ages = [age for age in range(_OLDEST + 1) if all(evaluate(formula, {"age": age}) for formula in asked)]
    model = assumed_values("cohort")
    usual = NormalDist(model.age_mean, model.age_sd)
    if not ages or sum(usual.cdf(age + 1) - usual.cdf(age) for age in ages) >= _ENOUGH:
        return {}
    low, high = ages[0], ages[-1] + 1
    return {"age_mean": (low + high) / 2, "age_sd": round((high - low) / 2 / NormalDist().inv_cdf(0.9), 1)}
