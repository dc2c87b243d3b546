"""Frames for every figure, made by hand, and what a figure says: shared by the tests of figures."""

import json
import math

import pandas as pd

import trialtools as tt
from trialtools import figures

LABELS = {"": "All", "mscs": "MSCs group", "comparator": "Comparator group"}
THREE = {"placebo": "Placebo", "low": "Low dose", "high": "High dose"}
POOLED, TWO = [""], ["comparator", "mscs"]
BY_ARM = ["adherence", "adverse_events", "consort", "edish", "imbalance_path", "labs", "survival"]
STATES = ["pass", "fail", "unknown"]


def words(made):
    """All words of a figure but its title: beside the rows, and in notes."""
    rows = [text for trace in made.data if trace.name == "words" for text in trace.text]
    return [*rows, *(note.text for note in made.layout.annotations)]


def text_of(made):
    """Everything that leaves with the figure."""
    return json.dumps(json.loads(made.to_json()), ensure_ascii=False) if hasattr(made, "layout") else made._repr_html_()


def marks(made, name):
    return next(trace for trace in made.data if trace.name == name)


def title(made):
    return made.layout.title.text


def screened(protocol, n=93_995, idle=()):
    """An attrition frame and a frame of states, made up, over every criterion of a protocol."""
    possible, certain, steps, states = n, n, [(0, "", "", "Screened", 0, n, n)], []
    for step, c in enumerate(protocol.criteria, 1):
        failed = 0 if c.id in idle else possible // 7
        possible -= failed
        certain = min(possible, certain - certain // 5)
        steps.append((step, c.id, c.kind, c.label, failed, possible, certain))
        fail, unknown = n // (step + 1), n // (step + 2) if step > 1 else 0
        states.append((c.id, c.kind, c.label, protocol.reading(c.id), "q", n - fail - unknown, fail, unknown, n))
    flow = pd.DataFrame(steps, columns=["step", "criterion", "kind", "label", "failed_here", "possible", "certain"])
    columns = ["criterion", "kind", "label", "reading", "quote", *STATES, "n"]
    return flow.assign(undetermined=flow.possible - flow.certain), pd.DataFrame(states, columns=columns)


def read(protocol, n=93_995):
    rows = [
        (c.id, c.label, reading, place == 0, 0 if place else 212, 1904 // (place + 1), 3, 2, 1, 9 * place, n)
        for c in protocol.criteria
        for place, reading in enumerate(c.readings)
    ]
    names = ["criterion", "label", "reading", "chosen", "certain", "possible", *STATES, "moved", "n"]
    return pd.DataFrame(rows, columns=names)


OPEN = pd.DataFrame(
    [("E7", "Tuberculosis or another acute respiratory virus", 1692, 0), ("I8", "Characteristic imaging", 34, 34)],
    columns=["criterion", "label", "n", "alone"],
)
NUMBERS = ["n", "failed", "unknown", "share", "ratio", "low", "high"]
FOREST = pd.DataFrame(
    [
        ("I1", "Age", "sex", "Sex", "female", 900, 90, 0, 0.1, 1.0, None, None),
        ("I1", "Age", "sex", "Sex", "male", 1080, 60, 0, 0.0556, 0.55, 0.4, 0.76),
        ("I1", "Age", "sex", "Sex", "unknown", 20, None, 0, None, None, None, None),
    ],
    columns=["criterion", "criterion_label", "field", "label", "group", *NUMBERS],
)


def of_the_cohort(protocol, cohort="data/cohort/cohort.csv"):
    """By figure, a frame of the bundled cohort or one like it."""
    made = tt.screen(protocol, cohort)
    return {
        "flow": screened(protocol)[0],
        "criterion_states": screened(protocol)[1],
        "open_criteria": OPEN,
        "readings": read(protocol),
        "tornado": read(protocol),
        "impact": made.impact(),
        "upset": made.overlap(),
        "missingness": made.missingness(),
        "sweep": made.sweep("I1.upper"),
        "forest": FOREST,
    }


def of_the_trial():
    """By figure that names no arm, a frame of a trial."""
    guesses = {"patient": [1, 2], "hits": [1, 1], "of": [1, 2], "share": [1.0, 0.5], "best": 0.6, "coin": 0.5}
    power = [(-0.1, 0.9, ""), (-0.05, 0.61, "design"), (0.0, 0.03, "null"), (0.05, 0.001, "")]
    plans = [(p, 9, s, m, 0.5 + s) for p in "ab" for s in (1, 3) for m in ("correct guesses", "imbalance")]
    return {
        "accrual": accrual_of(["A", "B"]),
        "assessment": pd.DataFrame(plans, columns=["procedure", "n", "strata", "measure", "value"]),
        "boundary": looks_of([1.0, 2.0, None]),
        "guesses": pd.DataFrame(guesses),
        "power_curve": pd.DataFrame(power, columns=["effect", "conditional_power", "mark"]),
        "sensitivity": sensitivity_of(),
    }


def frame_of(name, groups):
    """A small frame for a figure by arm; the first group is the control."""
    return flow_of(groups) if name == "consort" else pd.DataFrame(
        [{"arm": arm, **row} for at, arm in enumerate(groups) for row in ROWS[name](at)]
    )  # fmt: skip


def _dosing(at):
    rows = [("dosed in window", 12, 30 + at), ("dosed out of window", 17, 2), ("unknown", None, 3)]
    return [{"state": state, "day": day, "n": n} for state, day, n in rows]


def _events(at):
    for term, hit in (("Nausea", 4 + at), ("Rash", 2), ("Headache", 9 - 3 * at), ("", 12)):
        row = {"body_system": "System", "term": term, "participants": hit, "of": 40, "share": hit / 40}
        far = (at / 40 if term == "Nausea" else -3 * at / 40) if at else math.nan
        yield {**row, "events": hit + 1, "rate": 0.5, "difference": far, "low": far - 0.05, "high": far + 0.05}


def _livers(at):
    values = [(0.8, 0.5), (4.0, 0.9), (0.9, 2.5), (5.0 + at, 2.4), (3.5, None)]
    return [{"transferase": transferase, "bilirubin": bilirubin} for transferase, bilirubin in values]


def _laboratory(at):
    values = {"unit": "U/L", "low": 10.0 + at, "median": 12.0 + at, "high": 15.0}
    return [{"test": test, **values, "week": week, "n": 40 - week} for test in "ABCDEFG" for week in (0, 1, 2)]


def _followed(at):
    rows = [(0, 40, 0, 1.0), (7, 40, 4 + at, 0.9 - at / 40), (28, 30, 0, 0.9 - at / 40)]
    return [{"low": 0.7, "high": 0.97, "day": d, "at_risk": r, "events": e, "survival": s} for d, r, e, s in rows]


ROWS = {
    "adherence": _dosing,
    "adverse_events": _events,
    "edish": _livers,
    "imbalance_path": lambda at: [{"patient": p, "n": p, "excess": at - p / 2} for p in (0, 1)],
    "labs": _laboratory,
    "survival": _followed,
}


def flow_of(groups, excluded=(("Pregnant", 5), ("No consent", 2))):
    n, out = 40 * len(groups), sum(count for _, count in excluded)
    rows = [("assessed", "", "", n + out), ("excluded", "", "", out), ("randomized", "", "", n)]
    rows += [("excluded", "", reason, count) for reason, count in excluded]
    for arm in groups:
        rows += [("allocated", arm, "", 40), ("allocated", arm, "dosed", 38), ("allocated", arm, "not dosed yet", 2)]
        rows += [("follow_up", arm, "", 40), ("analysed", arm, "", 40), ("analysed", arm, "observed", 40)]
    return pd.DataFrame(rows, columns=["stage", "arm", "item", "n"])


def looks_of(z, bounds=(3.71, 2.51, 1.99), futility=(math.nan,) * 3):
    columns = {"look": [1, 2, 3], "information": [63, 127, 190], "fraction": [63 / 190, 127 / 190, 1.0], "z": z}
    return pd.DataFrame(columns).assign(bound=bounds, futility=futility, nominal_p=0.006, alpha_spent=0.0061)


def accrual_of(sites):
    days, parts = pd.to_datetime(["2023-01-02", "2023-02-01", "2023-03-31"]), []
    for site, each in {"": [1, len(sites), 3 * len(sites)], **{site: [0, 1, 3] for site in sites}}.items():
        parts.append(pd.DataFrame({"site": site, "day": days, "screened": [4 * n for n in each], "randomized": each}))
    return pd.concat(parts, ignore_index=True)


def fan_of(reach=(6, 30, 60)):
    ends = pd.DataFrame({"day": pd.to_datetime(["2023-03-31", "2023-06-30", "2023-12-31"]), "median": reach})
    return ends.assign(low90=[6, 20, 40], low50=[6, 25, 50], high50=[6, 40, 60], high90=[6, 60, 60])


def sensitivity_of():
    rows = [("Primary", -0.077, -0.13, -0.02, 180, 8), ("Per protocol", None, None, None, 0, None)]
    return pd.DataFrame(rows, columns=["analysis", "difference", "low", "high", "n", "missing"])


def drawn(name, groups, labels=LABELS, **how):
    """A figure by arm."""
    return draw(name, frame_of(name, groups), labels=labels, **how)


def draw(name, frame, **how):
    window = {"first_day": 10, "last_day": 15} if name == "adherence" else {}
    return getattr(figures, name)(frame, **window, **how)
