"""Draws go in, the columns of believable COVID-19 inpatients come out, complete: nothing is missing here yet.

Two hidden quantities tie the columns together: frailty, which comes with age and brings the diseases, and severity,
which comes with age, frailty and a missing vaccination and drives breathing, oxygen, fever, imaging and clinical type.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from ..criteria.contents import Protocol
from ..criteria.language import NUMERIC, evaluate, names
from .model import Array, Draws, Numbers, assumed_values, read_assumptions

DAY = np.timedelta64(1, "D")


def clinical_fields() -> dict[str, dict[str, Any]]:
    """What the model knows of a field, by its name."""
    return read_assumptions("cohort")["fields"]


def is_clinical(name: str, protocol: Protocol) -> bool:
    """Whether the model has a meaning for a field: it knows the name; type, values and range agree; and the criteria
    admit some of what is usual (a trial of children wants other ages)."""
    known, field = clinical_fields().get(name), protocol.fields[name]
    if known is None:
        return False
    match known["type"]:
        case "category":
            return field.type == "category" and set(known["values"]) <= set(field.values)
        case "date":
            return field.type == "date" and field.range is None
        case "number":
            low, high = known["usual"]
            fits = field.type in NUMERIC and field.limits[0] <= low and high <= field.limits[1]
            return fits and all(
                any(evaluate(formula, {name: value}) is not False for value in np.linspace(low, high, 5).tolist())
                for formula in protocol.requirements.values()
                if name in names(formula)
            )
    return field.type == "flag"


def inpatients(draws: Draws, model: Numbers) -> dict[str, Array]:
    """Every column that the model knows, by field name; a category as its place in `values`."""
    who = _persons(draws, model)
    columns = {"age": who["age"], "bmi": who["bmi"], "sex": who["male"].astype(int)}
    columns["vaccinated"] = _flag(draws, "vaccinated", who)
    who["severity"] = _severity(draws, model, who, columns["vaccinated"])
    rated = [name for name, known in clinical_fields().items() if "rate" in known and name != "vaccinated"]
    columns |= {name: _flag(draws, name, who) for name in rated}
    columns |= _dates(draws, model)
    who["days"] = (columns["screened_on"] - columns["infected_on"]).astype(float)
    who["infected"] = draws.uniform("infected") < model.infected
    columns |= _breathing(draws, model, who, columns["room_air"])
    columns |= _symptoms(draws, model, who, columns)
    columns |= _tests(draws, model, who)
    columns |= _women(draws, model, who)
    columns["maintenance_dialysis"] = columns["chronic_kidney_disease"] & (draws.uniform("dialysis") < model.dialysis)
    columns["tumour_confirmed"] = columns["tumour_history"] & (draws.uniform("confirmed") < model.confirmed)
    return columns


def _persons(draws: Draws, model: Numbers) -> dict[str, Array]:
    """Age, sex, build and frailty; `old` is age in SD from its mean."""
    adult = np.clip(model.age_mean + model.age_sd * draws.normal("age"), 0, 104)
    child = draws.uniform("child") < model.children
    age = np.where(child, draws.uniform("age of a child") * 18, adult)
    old = (age - model.age_mean) / model.age_sd
    rest = math.sqrt(1 - model.frail_by_age**2)
    return {
        "age": np.floor(age),
        "old": old,
        "male": draws.uniform("sex") < model.male,
        "frailty": model.frail_by_age * old + rest * draws.normal("frailty"),
        "bmi": model.bmi_mean * np.exp(model.bmi_log_sd * draws.normal("bmi")),
        "severity": np.zeros(draws.n),
    }


def _severity(draws: Draws, model: Numbers, who: dict[str, Array], vaccinated: Array) -> Array:
    """About standard normal, so that shares of patients can be cut from it."""
    rate = clinical_fields()["vaccinated"]["rate"]
    by_age, by_frailty = model.severe_by_age, model.severe_by_frailty
    explained = by_age**2 + by_frailty**2 + 2 * by_age * by_frailty * model.frail_by_age
    explained += model.severe_unvaccinated**2 * rate * (1 - rate)
    own = math.sqrt(max(0.0, 1 - explained)) * draws.normal("severity")
    unvaccinated = model.severe_unvaccinated * (~vaccinated - (1 - rate))
    return by_age * who["old"] + by_frailty * who["frailty"] + unvaccinated + own


def _flag(draws: Draws, name: str, who: dict[str, Array]) -> Array:
    """Yes or no: the rate holds at 60 years and middling build, frailty and severity; odds ratios move it."""
    flag = clinical_fields()[name]
    steps = {
        "decade": who["age"] / 10 - 6,
        "male": who["male"] - 0.5,
        "bmi5": who["bmi"] / 5 - 5,
        "frail": who["frailty"],
        "severe": who["severity"],
    }
    odds = flag.get("odds", {})
    logit = sum((math.log(odds[by]) * step for by, step in steps.items() if by in odds), _logit(flag["rate"]))
    return draws.uniform(name) < _logistic(logit)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _dates(draws: Draws, model: Numbers) -> dict[str, Array]:
    after = np.floor(model.days * draws.uniform("screened_on") ** model.wave)
    screened = np.datetime64(model.first_day, "D") + after.astype(int) * DAY
    onset = np.exp(model.onset_log_mean + model.onset_log_sd * draws.normal("infected_on"))
    earlier = 1 + np.floor(model.other_trial_days * draws.uniform("other_trial_on"))
    return {
        "screened_on": screened,
        "infected_on": screened - np.clip(np.floor(onset), 1, model.onset_most).astype(int) * DAY,
        "other_trial_on": screened - earlier.astype(int) * DAY,
    }


def _breathing(draws: Draws, model: Numbers, who: dict[str, Array], room_air: Array) -> dict[str, Array]:
    severity = who["severity"]
    expected = model.rr_mean + model.rr_slope * severity + model.rr_steep * np.maximum(0, severity - model.rr_knee)
    noise = model.rr_sd * draws.normal("respiratory_rate")
    spo2 = model.spo2_mean + model.spo2_slope * severity + model.spo2_by_rr * noise
    spo2 += model.spo2_steep * np.maximum(0, severity - model.spo2_knee) + model.oxygen_gain * ~room_air
    return {
        "respiratory_rate": np.clip(expected + noise, 8, 60),
        "spo2": np.clip(spo2 + model.spo2_sd * draws.normal("spo2"), 55, 100),
    }


def _symptoms(draws: Draws, model: Numbers, who: dict[str, Array], columns: dict[str, Array]) -> dict[str, Array]:
    severity = who["severity"]
    silent = (severity < NormalDist().inv_cdf(model.mild)) & (draws.uniform("silent") < model.silent)
    feverish = draws.uniform("fever") < _logistic(_logit(model.fever) + model.fever_by_severity * severity)
    mean = np.maximum(1.05, model.fever_days * np.exp(model.fever_days_by_severity * severity))
    length = 1 + np.floor(np.log1p(-draws.uniform("fever days")) / np.log1p(-1 / mean))
    noticed = _logistic(columns["respiratory_rate"] - model.tachypnoea_from)
    return {
        "high_fever_days": np.where(feverish & ~silent, np.minimum(length, who["days"]), 0),
        "tachypnoea": ~silent & (draws.uniform("tachypnoea") < noticed),
        **{name: columns[name] & ~silent for name in ("cough", "dyspnoea", "other_symptom")},
    }


def _tests(draws: Draws, model: Numbers, who: dict[str, Array]) -> dict[str, Array]:
    late = np.maximum(0, who["days"] - model.fading_from)
    chances = {
        "pcr_positive": model.pcr - model.fading * late,
        "antigen_positive": model.antigen - model.fading * late,
        "culture_positive": model.culture - 3 * model.fading * late,
        "igg_fourfold_rise": model.igg + 0 * late,
    }
    values = {
        name: draws.uniform(name) < np.where(who["infected"], np.clip(chance, 0.02, 1), model.false_positive)
        for name, chance in chances.items()
    }
    shares = (model.mild, 1 - model.severe - model.critical, 1 - model.critical)
    cuts = [NormalDist().inv_cdf(share) for share in shares]
    severity = who["severity"] + model.type_noise * draws.normal("clinical_type")
    pneumonia = who["infected"] & (who["severity"] > cuts[0])
    imaging = np.where(pneumonia, model.imaging, model.imaging_mild)
    return {
        **values,
        "clinical_type": np.searchsorted(cuts, severity),
        "radiology_characteristic": draws.uniform("radiology_characteristic") < imaging,
    }


def _women(draws: Draws, model: Numbers, who: dict[str, Array]) -> dict[str, Array]:
    fertile = ~who["male"] & (who["age"] >= model.fertile_from) & (who["age"] <= model.fertile_to)
    pregnant = fertile & (draws.uniform("pregnant") < model.pregnant)
    lactating = fertile & ~pregnant & (draws.uniform("lactating") < model.lactating)
    late = pregnant & (draws.uniform("late_pregnancy") < model.late)
    perinatal = (late | lactating) & (draws.uniform("perinatal") < model.perinatal)
    return {"pregnant": pregnant, "late_pregnancy": late, "perinatal": perinatal, "lactating": lactating}


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
    formulas = [formula for formula in protocol.requirements.values() if names(formula) == ("age",)]
    if not formulas or not is_clinical("age", protocol):
        return {}
    ages = [age for age in range(_OLDEST + 1) if all(evaluate(formula, {"age": age}) for formula in formulas)]
    model = assumed_values("cohort")
    usual = NormalDist(model.age_mean, model.age_sd)
    if not ages or sum(usual.cdf(age + 1) - usual.cdf(age) for age in ages) >= _ENOUGH:
        return {}
    low, high = ages[0], ages[-1] + 1
    return {"age_mean": (low + high) / 2, "age_sd": round((high - low) / 2 / NormalDist().inv_cdf(0.9), 1)}
