"""What a synthetic trial assumes of its course: every number with its reason, and nothing else.

All of it is assumed, none was fitted to patient records. The published trials that it leans on are named by first
author and year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .model import number

Scenario = Literal["null", "effect", "harm"]


@dataclass(frozen=True)
class Course:
    """The scalar assumptions of a synthetic trial; replace any of them with `dataclasses.replace`."""

    days: int = number(240, "assumed: a single hospital and two that join it recruit over eight months")
    wave: float = number(0.75, "assumed: below 1, recruitment rises as sites learn")
    site_days: int = number(40, "assumed: each further site opens so many days after the one before")

    worked_up: float = number(0.985, "assumed: share of facts that are measured once a decision hangs on them")
    wait: int = number(3, "assumed: up to so many days pass from the first possible day to randomization")
    withdrawn_before: float = number(0.04, "assumed: eligible, but consent is taken back before randomization")
    worse_a_day: float = number(
        0.010, "assumed: severe before the window opens; criteria are checked again before dosing"
    )
    home_a_day: float = number(0.015, "assumed: recovered and sent home before the window opens")
    early: float = number(0.02, "assumed: randomized a day before the window, with a name and a reason")
    late: float = number(0.25, "assumed: of those who come after the window, randomized all the same")

    not_dosed: float = number(0.02, "assumed: randomized and never dosed")
    dosed_next_day: float = number(0.15, "assumed: the infusion is given the day after")
    dosed_late: float = number(0.03, "assumed: the infusion is given three to five days later")
    stopped: float = number(0.02, "assumed: an infusion that is stopped before its end")
    volume: float = number(100.0, "assumed: mL of every infusion, with cells or without, so that it tells no arm")

    progression: float = number(
        0.12, "where the protocol has no control_rate: published 0.3 % to 25 % of non-severe patients"
    )
    onset: float = number(5.0, "assumed: half of progressions come within so many days of randomization")
    onset_sd: float = number(0.7, "assumed: SD of its logarithm")
    effect: float = number(0.45, "assumed: risk under cells over that of control; Karyana 2022 saw no progression in 9")
    harm: float = number(1.3, "assumed: the same where cells do harm")
    death: float = number(
        0.18, "assumed: deaths among those who progress; 28-day mortality of 7.6 % against 21.5 % in PMC9259515"
    )
    recovery: float = number(
        9.0, "assumed: half have recovered within so many days, counted from progression if there was one"
    )
    recovery_sd: float = number(0.6, "assumed: SD of its logarithm")
    faster: float = number(0.85, "assumed: days to recovery under cells over those of control, where cells help")

    withdrew: float = number(0.03, "assumed: takes consent back after randomization")
    lost: float = number(0.03, "assumed: lost to follow-up before day 28")
    liver: float = number(0.05, "assumed: liver enzymes rise above three times the limit, as in COVID-19 inpatients")
    jaundice: float = number(
        0.25, "assumed: of these, bilirubin above twice the limit; a third of them with bile stasis"
    )
    lab_missing: float = number(0.04, "assumed: a sample that was not taken")


COURSE = Course()
WINDOW = 28
LAB_DAYS = (0, 7, 14, 28)

RISKS = {"age": (65, 10, 1.35), "spo2": (96, 1, 0.75), "diabetes": (0, 1, 1.4), "vaccinated": (1, 1, 0.55)}
"""What raises the odds of progression: centre, step and odds ratio a step. Assumed; directions as published."""

# body system, term, share with it in control, of these serious, ratio under cells: always, and where they do harm
EVENTS = (
    ("Injury, poisoning and procedural complications", "Infusion related reaction", 0.03, 0.05, 1.5, 4.0),
    ("General disorders and administration site conditions", "Pyrexia", 0.08, 0.0, 1.3, 1.6),
    ("General disorders and administration site conditions", "Chills", 0.02, 0.0, 1.3, 2.0),
    ("Gastrointestinal disorders", "Nausea", 0.07, 0.0, 1.0, 1.0),
    ("Gastrointestinal disorders", "Diarrhoea", 0.06, 0.0, 1.0, 1.0),
    ("Gastrointestinal disorders", "Constipation", 0.05, 0.0, 1.0, 1.0),
    ("Nervous system disorders", "Headache", 0.07, 0.0, 1.0, 1.0),
    ("Nervous system disorders", "Dizziness", 0.04, 0.0, 1.0, 1.0),
    ("Psychiatric disorders", "Insomnia", 0.06, 0.0, 1.0, 1.0),
    ("Skin and subcutaneous tissue disorders", "Rash", 0.03, 0.0, 1.0, 1.3),
    ("Metabolism and nutrition disorders", "Hypokalaemia", 0.05, 0.02, 1.0, 1.0),
    ("Metabolism and nutrition disorders", "Hyperglycaemia", 0.06, 0.02, 1.0, 1.0),
    ("Infections and infestations", "Pneumonia bacterial", 0.03, 0.6, 1.0, 1.5),
    ("Infections and infestations", "Urinary tract infection", 0.03, 0.05, 1.0, 1.0),
    ("Infections and infestations", "Sepsis", 0.008, 1.0, 1.0, 3.0),
    ("Cardiac disorders", "Atrial fibrillation", 0.02, 0.4, 1.0, 1.5),
    ("Renal and urinary disorders", "Acute kidney injury", 0.015, 0.6, 1.0, 3.0),
    ("Vascular disorders", "Deep vein thrombosis", 0.015, 0.7, 1.0, 5.0),
    ("Respiratory, thoracic and mediastinal disorders", "Pulmonary embolism", 0.008, 1.0, 1.0, 6.0),
)  # fmt: skip
"""Assumed. Meta-analyses of cells in COVID-19 saw no difference in events; clots are the harm that is watched for."""

ON_THE_DAY = ("Infusion related reaction", "Pyrexia", "Chills")
"""What comes on the day of the infusion, and only to those who had one."""

LABS = {
    "ALT": (24, 0.45, 40, "U/L"),
    "AST": (25, 0.40, 40, "U/L"),
    "ALP": (75, 0.25, 120, "U/L"),
    "BILI": (9, 0.40, 21, "umol/L"),
    "CRP": (22, 0.80, 5, "mg/L"),
}
"""Median at randomization, SD of its logarithm between persons, upper limit, unit. Assumed."""
