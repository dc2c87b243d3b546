"""What the cases share: a protocol, a table or a trial goes in, plain values to compare come out."""

from pathlib import Path

import trialtools as tt
from trialtools.criteria.contents import read_protocol
from trialtools.interim.frames import effect as effects
from trialtools.interim.frames.endpoint import endpoint_rows
from trialtools.interim.look import Look
from trialtools.interim.plan import MonitoringPlan, plan_of

HERE = Path(__file__).parent
REFUSALS = (tt.DataError, tt.ProtocolError, tt.arms.LedgerError)
CUT = "2023-06-30"


def protocol(name="screening.yaml", changed=None):
    """The protocol of the case, or one of those that are shared; `changed` takes its text and gives another."""
    file = next(file for file in (Path("protocol.yaml"), HERE / name) if file.exists())
    return read_protocol(changed(file.read_text("utf-8")) if changed else file.read_text("utf-8"))


def trial_protocol(changed=None):
    return protocol("trial.yaml", changed)


def attempt(call):
    """What a call gives, or the text of a refusal. Another error is none: the case is then broken, not wrong."""
    try:
        return call()
    except REFUSALS as error:
        return str(error)


def read(source, mapping=None):
    """The patients and how many findings there are on them, or the text of the refusal."""
    patients = attempt(lambda: tt.read_patients(source, protocol(), mapping))
    return patients if isinstance(patients, str) else (patients, int(patients.quality["n"].sum()))


def values(patients, field):
    return patients.frame.collect()[field].to_list()


def decisions(source, mapping=None, of=None):
    """The decision of each patient, or the text of the refusal."""
    outcome = attempt(lambda: tt.screen(of or protocol(), source, mapping).decisions())
    return outcome if isinstance(outcome, str) else dict(zip(outcome["patient_id"], outcome["decision"], strict=True))


def cut(tables="trial", on=CUT, of=None):
    """The trial of a folder as it was known on a day; an SDTM folder needs no protocol."""
    return tt.read_trial(tables, of).cut(on)


def findings(trial, table="", column=""):
    """The findings on a table and a column in words, but those on columns that were not collected."""
    rows = trial.findings[~trial.findings["problem"].isin(["not collected", "no such column"])]
    texts = [f"{row.table}.{row.column}: {row.problem} ({row.example})" for row in rows.itertuples()]
    return [text for text in texts if text.startswith(f"{table}.{column}" if table else "")]


def outcomes(trial):
    """Each subject's primary outcome: state, value."""
    return endpoint_rows(look(trial)).set_index("subject_id")


def look(trial, protocol=None, control="plac"):
    """A closed look at a trial; an SDTM folder comes without a protocol, and of its plan the control is asked alone."""
    plan = MonitoringPlan(("drug",), control, 40, (1.0,), 0.025, "obrien-fleming", "lower")
    return Look(trial, protocol, plan_of(protocol) if protocol else plan, trial.cut_on, closed=True)


def effect(trial, protocol):
    return effects.effect(endpoint_rows(look(trial, protocol)), plan_of(protocol), "drug")


def curve(trial, arm):
    curves = look(trial).survival_curves()
    return curves[curves["arm"] == arm]


def adverse_events(trial, protocol):
    return look(trial, protocol).adverse_events()


def harmed(trial, control):
    """How many participants had what harm, by (what, arm)."""
    harms = look(trial, control=control).harms().dropna(subset="participants")
    return {(row.what, row.arm): int(row.participants) for row in harms.itertuples()}


def exposure(trial):
    return look(trial).exposure().tolist()


def liver(trial):
    return look(trial).edish()


def weekly_laboratory(trial):
    return look(trial).laboratory()


def survival(days, event, group):
    return tt.interim.survival(days, event, group)
