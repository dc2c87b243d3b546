"""Draws go in, the columns of believable COVID-19 inpatients come out, complete: nothing is missing here yet.

Two hidden quantities tie the columns together: frailty, which comes with age and brings the diseases, and severity,
which comes with age, frailty and a missing vaccination and drives breathing, oxygen, fever, imaging and clinical type.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from ..criteria.protocol import Field
from .model import CATEGORIES, DATES, FLAGS, NOTES, TYPICAL, Model

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

FERTILE = (16, 48)


@dataclass(frozen=True)
class Draws:
    """Random numbers of one block of patients.

    Every quantity has a stream of its own, named by what is drawn: adding a field to a protocol changes no other
    column, and the first patients are the same however many are asked for.
    """

    seed: int
    block: int
    n: int

    def stream(self, name: str) -> np.random.Generator:

        return np.random.default_rng([self.seed, self.block, zlib.crc32(name.encode())])

    def uniform(self, name: str) -> Array:
        return self.stream(name).random(self.n)

    def normal(self, name: str) -> Array:
        return self.stream(name).standard_normal(self.n)


def knows(name: str, field: Field) -> bool:
    """Whether the clinical model has a meaning for a field: by its name, and only if type and range agree."""
    match field.type:
        case "flag":
            return name in FLAGS or (name in NOTES and name not in (*TYPICAL, *CATEGORIES, *DATES))
        case "category":
            return name in CATEGORIES and set(CATEGORIES[name]) <= set(field.values)
        case "date":
            return name in DATES and field.range is None
    low, high = field.limits
    return name in TYPICAL and low <= TYPICAL[name][0] and TYPICAL[name][1] <= high


def inpatients(draws: Draws, model: Model) -> dict[str, Array]:
    """Every column that the clinical model knows, by field name; a category as its place in `CATEGORIES`."""
    who = _who(draws, model)
    columns = {"age": who["age"], "bmi": who["bmi"], "sex": who["male"].astype(int)}
    columns["vaccinated"] = _flag(draws, "vaccinated", who)
    who["severity"] = _severity(draws, model, who, columns["vaccinated"])
    columns |= {name: _flag(draws, name, who) for name in FLAGS if name != "vaccinated"}
    columns |= _dates(draws, model, who)
    who["days"] = (columns["screened_on"] - columns["infected_on"]).astype(float)
    who["infected"] = draws.uniform("infected") < model.infected
    columns |= _breathing(draws, model, who, columns["room_air"])
    columns |= _symptoms(draws, model, who, columns)
    columns |= _tests(draws, model, who)
    columns |= _women(draws, model, who)
    columns["maintenance_dialysis"] = columns["chronic_kidney_disease"] & (draws.uniform("dialysis") < model.dialysis)
    columns["tumour_confirmed"] = columns["tumour_history"] & (draws.uniform("confirmed") < model.confirmed)
    return columns


def _who(draws: Draws, model: Model) -> dict[str, Array]:

    z = draws.normal("age")
    child = draws.uniform("child") < model.children
    age = np.where(child, draws.uniform("age of a child") * 18, np.clip(model.age_mean + model.age_sd * z, 0, 104))
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


def _severity(draws: Draws, model: Model, who: dict[str, Array], vaccinated: Array) -> Array:
    """About standard normal, so that shares of patients can be cut from it."""
    rate = FLAGS["vaccinated"].rate
    by_age, by_frailty = model.severe_by_age, model.severe_by_frailty
    explained = by_age**2 + by_frailty**2 + 2 * by_age * by_frailty * model.frail_by_age
    explained += model.severe_unvaccinated**2 * rate * (1 - rate)
    own = math.sqrt(max(0.0, 1 - explained)) * draws.normal("severity")
    unvaccinated = model.severe_unvaccinated * (~vaccinated - (1 - rate))
    return by_age * who["old"] + by_frailty * who["frailty"] + unvaccinated + own


def _flag(draws: Draws, name: str, who: dict[str, Array]) -> Array:
    flag = FLAGS[name]
    terms = (
        (flag.decade, who["age"] / 10 - 6),
        (flag.male, who["male"] - 0.5),
        (flag.bmi5, who["bmi"] / 5 - 5),
        (flag.frail, who["frailty"]),
        (flag.severe, who["severity"]),
    )
    logit = sum((math.log(ratio) * by for ratio, by in terms if ratio != 1), math.log(flag.rate / (1 - flag.rate)))
    return draws.uniform(name) < _logistic(logit)


def _logistic(x: Any) -> Any:

    return 1 / (1 + np.exp(-x))


def _dates(draws: Draws, model: Model, who: dict[str, Array]) -> dict[str, Array]:

    day = np.timedelta64(1, "D")
    after = np.floor(model.days * draws.uniform("screened_on") ** model.wave)
    screened = np.datetime64(model.first_day, "D") + after.astype(int) * day
    onset = np.exp(model.onset_log_mean + model.onset_log_sd * draws.normal("infected_on"))
    earlier = 1 + np.floor(model.other_trial_days * draws.uniform("other_trial_on"))
    return {
        "screened_on": screened,
        "infected_on": screened - np.clip(np.floor(onset), 1, 45).astype(int) * day,
        "other_trial_on": screened - earlier.astype(int) * day,
    }


def _breathing(draws: Draws, model: Model, who: dict[str, Array], room_air: Array) -> dict[str, Array]:

    severity = who["severity"]
    expected = model.rr_mean + model.rr_slope * severity + model.rr_steep * np.maximum(0, severity - model.rr_knee)
    noise = model.rr_sd * draws.normal("respiratory_rate")
    spo2 = model.spo2_mean + model.spo2_slope * severity + model.spo2_by_rr * noise
    spo2 += model.spo2_steep * np.maximum(0, severity - model.spo2_knee) + model.oxygen_gain * ~room_air
    return {
        "respiratory_rate": np.clip(expected + noise, 8, 60),
        "spo2": np.clip(spo2 + model.spo2_sd * draws.normal("spo2"), 55, 100),
    }


def _symptoms(draws: Draws, model: Model, who: dict[str, Array], columns: dict[str, Array]) -> dict[str, Array]:

    severity = who["severity"]
    silent = (severity < NormalDist().inv_cdf(model.mild)) & (draws.uniform("silent") < model.silent)
    feverish = draws.uniform("fever") < _logistic(math.log(model.fever / (1 - model.fever)) + 0.7 * severity)
    mean = np.maximum(1.05, model.fever_days * np.exp(0.2 * severity))
    length = 1 + np.floor(np.log1p(-draws.uniform("fever days")) / np.log1p(-1 / mean))
    noticed = _logistic(columns["respiratory_rate"] - model.tachypnoea_from)
    return {
        "high_fever_days": np.where(feverish & ~silent, np.minimum(length, who["days"]), 0),
        "tachypnoea": ~silent & (draws.uniform("tachypnoea") < noticed),
        **{name: columns[name] & ~silent for name in ("cough", "dyspnoea", "other_symptom")},
    }


def _tests(draws: Draws, model: Model, who: dict[str, Array]) -> dict[str, Array]:

    late = np.maximum(0, who["days"] - 5)
    chances = {
        "pcr_positive": model.pcr - model.fading * late,
        "antigen_positive": model.antigen - model.fading * late,
        "culture_positive": model.culture - 3 * model.fading * late,
        "igg_fourfold_rise": model.igg + 0 * late,
    }
    cuts = [model.mild, 1 - model.severe - model.critical, 1 - model.critical]
    cuts = [NormalDist().inv_cdf(share) for share in cuts]
    seen = who["severity"] + model.type_noise * draws.normal("clinical_type")
    pneumonia = who["infected"] & (who["severity"] > cuts[0])
    imaging = np.where(pneumonia, model.imaging, model.imaging_mild)
    return {
        **{
            name: draws.uniform(name) < np.where(who["infected"], np.clip(chance, 0.02, 1), model.false_positive)
            for name, chance in chances.items()
        },
        "clinical_type": np.searchsorted(cuts, seen),
        "radiology_characteristic": draws.uniform("radiology_characteristic") < imaging,
    }


def _women(draws: Draws, model: Model, who: dict[str, Array]) -> dict[str, Array]:
    fertile = ~who["male"] & (who["age"] >= FERTILE[0]) & (who["age"] <= FERTILE[1])
    pregnant = fertile & (draws.uniform("pregnant") < model.pregnant)
    lactating = fertile & ~pregnant & (draws.uniform("lactating") < model.lactating)
    late = pregnant & (draws.uniform("late_pregnancy") < model.late)
    perinatal = (late | lactating) & (draws.uniform("perinatal") < model.perinatal)
    return {"pregnant": pregnant, "late_pregnancy": late, "perinatal": perinatal, "lactating": lactating}
