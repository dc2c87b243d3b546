"""What the synthetic inpatients are like: every number with its reason, and nothing else.

All of it is assumed. The figures were set by judgement to give a believable ward, and are marked with what they lean
on; no patient record was used to fit them. Carbon Health means that repository's 1,313 positive outpatient tests of
2020, whose summaries serve as the mild end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TypeVar

T = TypeVar("T")


def number(value: T, why: str) -> T:
    """A parameter with its reason, which the data dictionary prints."""
    return field(default=value, metadata={"why": why})


@dataclass(frozen=True)
class Model:
    """The scalar parameters of the clinical model; replace any of them with `dataclasses.replace`."""

    first_day: str = number("2023-01-05", "the day on which the cited guideline, Version 10, appeared")
    days: int = number(90, "assumed: one wave, recruited over a quarter")
    wave: float = number(1.6, "assumed: above 1, admissions are thickest at the start of the wave")

    age_mean: float = number(61.0, "assumed: inpatients are a generation older than tested outpatients (mean 36)")
    age_sd: float = number(18.0, "assumed: leaves about 1 in 12 above 85")
    children: float = number(0.02, "assumed: the few under 18 on an adult ward")
    male: float = number(0.54, "assumed: slightly more men are admitted")
    frail_by_age: float = number(0.55, "assumed: correlation of age with the burden of disease")
    bmi_mean: float = number(24.4, "assumed: about the mean of Chinese adults")
    bmi_log_sd: float = number(0.16, "assumed: about 1 in 10 reaches 30")

    severe_by_age: float = number(0.20, "assumed: weight of age in severity")
    severe_by_frailty: float = number(0.30, "assumed: weight of comorbidity in severity")
    severe_unvaccinated: float = number(0.60, "assumed: severity rises by this many SD without a vaccination")
    mild: float = number(0.26, "assumed: share admitted with upper respiratory symptoms only")
    severe: float = number(0.18, "assumed: published progression to severe is 0.3 % to 25 % of non-severe patients")
    critical: float = number(0.05, "assumed: share in need of intensive care")
    type_noise: float = number(0.15, "assumed: SD by which the clinician's impression differs from severity")
    infected: float = number(0.95, "assumed: the others were admitted on suspicion")
    onset_log_mean: float = number(1.75, "assumed: half are screened within 6 days of onset")
    onset_log_sd: float = number(0.55, "assumed: 19 of 20 within a fortnight")

    rr_mean: float = number(17.0, "assumed; Carbon Health outpatients: mean 15.0, SD 2.1")
    rr_slope: float = number(0.8, "assumed: breaths per minute for each SD of severity")
    rr_steep: float = number(8.0, "assumed: more of them for each SD beyond rr_knee; the worst reach 30")
    rr_knee: float = number(0.75, "assumed: where severe disease begins")
    rr_sd: float = number(2.4, "assumed; Carbon Health outpatients: 2.1")
    spo2_mean: float = number(97.4, "assumed; Carbon Health outpatients: mean 98.2, SD 1.5")
    spo2_slope: float = number(-0.6, "assumed: points for each SD of severity")
    spo2_steep: float = number(-5.0, "assumed: more of them beyond spo2_knee; severe disease lies at 93 and below")
    spo2_knee: float = number(0.35, "assumed: saturation falls before breathing quickens")
    spo2_by_rr: float = number(-0.25, "assumed: points for each breath per minute above the expected rate")
    spo2_sd: float = number(1.0, "assumed")
    oxygen_gain: float = number(2.0, "assumed: points gained by those measured on oxygen")
    fever: float = number(0.45, "assumed: share with any day of high fever at middling severity")
    fever_days: float = number(2.6, "assumed: mean days of high fever, once there is any")
    tachypnoea_from: float = number(21.0, "assumed: the rate at which half of examiners call it tachypnoea")
    silent: float = number(0.15, "assumed: share of mild cases found by test alone, without a symptom")

    pcr: float = number(0.95, "assumed: sensitivity in the first 5 days")
    antigen: float = number(0.80, "assumed: sensitivity in the first 5 days")
    culture: float = number(0.55, "assumed: sensitivity in the first 5 days")
    igg: float = number(0.85, "assumed: share of the infected whose paired sera rise fourfold")
    fading: float = number(0.02, "assumed: sensitivity lost a day after day 5 (three times as much for culture)")
    false_positive: float = number(0.01, "assumed")
    imaging: float = number(0.93, "assumed: characteristic imaging at and beyond moderate severity")
    imaging_mild: float = number(0.06, "assumed: characteristic imaging in mild disease, or without infection")

    pregnant: float = number(0.05, "assumed: share of women of 16 to 48 on the ward")
    late: float = number(0.4, "assumed: late trimester, of the pregnant; they are admitted more readily")
    lactating: float = number(0.04, "assumed: share of the other women of 16 to 48")
    perinatal: float = number(0.35, "assumed: share of late pregnancies and of lactating women")
    confirmed: float = number(0.85, "assumed: tumours with a pathology report")
    dialysis: float = number(0.15, "assumed: share of chronic kidney disease")
    other_trial_days: int = number(400, "assumed: an earlier trial lies up to this many days back, evenly")

    thoroughness: float = number(0.6, "assumed: correlation by which a patient who lacks one panel lacks another")
    dirty: float = number(0.003, "assumed: share of impossible entries in a typed field")


@dataclass(frozen=True)
class Flag:
    """A yes or no: its rate at 60 years and middling build, frailty and severity; and the odds ratios around that."""

    rate: float
    why: str = "assumed"
    decade: float = 1.0
    male: float = 1.0
    bmi5: float = 1.0
    frail: float = 1.0
    severe: float = 1.0


FLAGS = {
    "vaccinated": Flag(0.86, "assumed: most, fewer of the oldest", decade=0.8, frail=0.85),
    "room_air": Flag(0.93, "assumed: the severe are measured on oxygen", severe=0.25),
    "cough": Flag(0.72, "assumed; Carbon Health outpatients: 30 %", severe=1.4),
    "dyspnoea": Flag(0.25, "assumed; Carbon Health outpatients: 8 %", severe=3.5, frail=1.2),
    "other_symptom": Flag(0.85, "assumed: fever, fatigue, sore throat or loss of smell is the rule"),
    "cardiovascular_disease": Flag(0.18, decade=1.7, male=1.4, frail=2.2),
    "cerebrovascular_disease": Flag(0.07, decade=1.8, male=1.2, frail=2.0),
    "hypertension": Flag(0.40, decade=1.6, bmi5=1.8, frail=1.6),
    "chronic_lung_disease": Flag(0.09, decade=1.4, male=1.7, frail=1.7),
    "diabetes": Flag(0.18, decade=1.3, bmi5=1.9, frail=1.7),
    "chronic_liver_disease": Flag(0.05, decade=1.1, male=1.5, frail=1.3),
    "chronic_kidney_disease": Flag(0.07, decade=1.5, frail=2.0),
    "other_underlying_disease": Flag(0.06, decade=1.2, frail=1.5),
    "immune_deficiency": Flag(0.04, frail=1.5),
    "tumour_history": Flag(0.07, decade=1.4, frail=1.3),
    "precancerous_lesion": Flag(0.02, decade=1.3),
    "acute_myocardial_infarction": Flag(0.012, decade=1.5, male=1.5, frail=1.5, severe=1.3),
    "acute_cerebral_infarction": Flag(0.012, decade=1.5, frail=1.5, severe=1.3),
    "heavy_smoker": Flag(0.09, "assumed: nearly all of them men", male=12.0),
    "active_tuberculosis": Flag(0.012, male=1.8),
    "influenza": Flag(0.04, "assumed: a winter wave"),
    "adenovirus": Flag(0.01),
    "other_acute_respiratory_virus": Flag(0.03),
    "other_trial": Flag(0.07, "assumed: a teaching hospital"),
    "poorly_controlled_mental_illness": Flag(0.02),
    "addicted": Flag(0.025, male=6.0),
    "consent": Flag(0.80, "assumed: most who are asked sign; fewer of the very ill", severe=0.75),
    "poor_compliance": Flag(0.05, frail=1.3),
    "unsuitable": Flag(0.07, "assumed: the frail and the very ill", frail=1.6, severe=1.8),
}

PANELS = {  # share of patients who lack the whole panel at once
    "vitals": 0.03,
    "symptoms": 0.02,
    "tests": 0.03,
    "viruses": 0.35,
    "history": 0.07,
    "judgement": 0.45,
    "dates": 0.0,
    "person": 0.0,
}
PANEL = 0.08
"""The share for a panel that the model does not know."""

PANEL_OF = {  # where a field is ordered apart from the group it is shown in
    "influenza": "viruses",
    "adenovirus": "viruses",
    "other_acute_respiratory_virus": "viruses",
    "other_trial_on": "history",
}

HOLES = {  # share missing for one field alone, once its panel was filled in
    "screened_on": 0.0,
    "infected_on": 0.06,
    "age": 0.005,
    "sex": 0.0,
    "bmi": 0.08,
    "room_air": 0.05,
    "high_fever_days": 0.06,
    "pcr_positive": 0.04,
    "antigen_positive": 0.30,
    "culture_positive": 0.96,
    "igg_fourfold_rise": 0.95,
    "radiology_characteristic": 0.07,
    "active_tuberculosis": 0.15,
    "heavy_smoker": 0.12,
    "vaccinated": 0.08,
    "other_trial_on": 0.10,
}
HOLE = 0.012
"""The share for a field that the model does not know."""

SECOND_LINE = {"culture_positive": 0.60, "igg_fourfold_rise": 0.65}
"""The same share where PCR and antigen were negative: only then is the dear test ordered more often."""

NOTES = {
    "age": "normal around age_mean, with a few children",
    "sex": "male with the share of that name",
    "bmi": "log-normal; raises the odds of diabetes and hypertension",
    "screened_on": "from first_day over the wave, thickest at its start",
    "infected_on": "before screened_on by a log-normal number of days",
    "respiratory_rate": "rises with severity, steeply beyond rr_knee",
    "spo2": "falls with severity and with a rate above the expected; a little better on oxygen",
    "high_fever_days": "none, or geometric and no longer than the illness; longer with severity",
    "tachypnoea": "what the examiner calls it, around a rate of tachypnoea_from",
    "clinical_type": "severity as the clinician sees it, cut at the shares mild, severe, critical",
    "pcr_positive": "by infection and days since onset",
    "antigen_positive": "by infection and days since onset",
    "culture_positive": "by infection and days since onset; seldom ordered unless the first tests were negative",
    "igg_fourfold_rise": "by infection; the second serum is seldom there",
    "radiology_characteristic": "by infection and severity",
    "maintenance_dialysis": "a share of chronic kidney disease",
    "tumour_confirmed": "a share of tumour history",
    "pregnant": "a share of women of 16 to 48",
    "late_pregnancy": "a share of the pregnant",
    "lactating": "a share of the other women of 16 to 48",
    "perinatal": "a share of late pregnancies and of lactating women",
    "other_trial_on": "before screened_on, only where there was another trial",
}

TYPICAL = {  # what the model gives most patients; a field whose range does not hold that means something else
    "age": (30.0, 85.0),
    "bmi": (18.0, 32.0),
    "respiratory_rate": (14.0, 30.0),
    "spo2": (88.0, 99.0),
    "high_fever_days": (0.0, 8.0),
}

CATEGORIES = {"sex": ("female", "male"), "clinical_type": ("mild", "moderate", "severe", "critical")}

DATES = ("screened_on", "infected_on", "other_trial_on")

MISTYPED = {  # impossible entries as they are really made
    "respiratory_rate": (0.0, "0 where nobody counted"),
    "spo2": (998.0, "998 for 99.8 or for two readings typed as one"),
    "age": (-1.0, "the sign of a wrong year of birth"),
    "bmi": (265.0, "a decimal point left out"),
    "high_fever_days": (99.0, "99, a code for not known"),
}


def reasons(model: Model) -> list[tuple[str, str, str]]:
    """Name, value and reason of every scalar parameter."""
    return [(item.name, str(getattr(model, item.name)), item.metadata["why"]) for item in fields(model)]
