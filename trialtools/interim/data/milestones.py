"""Disposition (DS) and demographics (DM) of SDTM go in, milestones come out: what ended follow-up for whom, and deaths.

DS has a row for each phase of a trial that somebody ended. Whoever completed the screening or stopped the treatment may
go on in the study: only the last phase ends follow-up, and a death whenever it is.

Source: CDISC SDTM Implementation Guide 3.4, 6.2.3 (DS) and 5.2 (DM); terminology NCOMPLT (C66727).
"""

from __future__ import annotations

import pandas as pd

from .findings import KEPT, Finding, finding_for
from .tables import Frame
from .words import recognize

SCREENING, TREATMENT, STUDY = "screening", "treatment", "study"
_PHASES = (
    (TREATMENT, "TREAT|DRUG|DOSE|DOSING|INDUCTION"),
    (STUDY, "FOLLOW|POST"),
    (SCREENING, "SCREEN|RUN-?IN|BASELINE"),
)
"""How DSSCAT or EPOCH calls a phase, the later of these first where both fit; any other is the study itself."""
_OF_THE_STUDY = r"(?:PROTOCOL|STUDY|TRIAL) COMPLETED|COMPLETED (?:THE )?(?:PROTOCOL|STUDY|TRIAL)"
"""What DSTERM says of a completion that is not of a phase alone, whatever its epoch."""
ENDS = {
    "COMPLETED": "completed",
    "DEATH": "died",
    "LOST TO FOLLOW-UP": "lost",
    "WITHDRAWAL BY SUBJECT": "withdrew",
    "WITHDRAWAL BY PARENT/GUARDIAN": "withdrew",
}
_CODES = {"completed": "COMPLETED", "died": "DEATH", "lost": "LOST TO FOLLOW-UP", "withdrew": "WITHDRAWAL BY SUBJECT"}
"""CDISC's code for what is said in other words."""
OTHER = ("ADVERSE EVENT", "DISEASE RELAPSE", "FAILURE TO MEET RANDOMIZATION CRITERIA", "LACK OF EFFICACY", "OTHER",
         "NON-COMPLIANCE WITH STUDY DRUG", "PHYSICIAN DECISION", "PREGNANCY", "PROGRESSIVE DISEASE",
         "PROTOCOL DEVIATION", "PROTOCOL VIOLATION", "RECOVERY", "SCREEN FAILURE", "SITE TERMINATED BY SPONSOR",
         "STUDY TERMINATED BY SPONSOR", "TECHNICAL PROBLEMS")  # fmt: skip
"""The other terms: who leaves the study for one of these withdrew, who stops the treatment discontinued it."""


def milestones(dm: Frame, ds: Frame | None) -> tuple[Frame | None, list[Finding]]:
    """Milestones as texts, with the source of each death; None where there is no DS and DM tells no death."""
    deaths, findings = _deaths(dm)
    ends, others = _ends(ds) if ds is not None else (deaths.head(0), [])
    table = pd.concat([ends, deaths], ignore_index=True)
    alive = dm.loc[flags(dm, "DTHFL", "disposition", "milestone")[1], "USUBJID"]
    hit = (table["milestone"] == "died") & table["subject_id"].isin(alive)
    problem = "died, though DM says alive (DTHFL is N)"
    conflict = finding_for("disposition", "milestone", problem, table, hit, "counted as a death")
    return (None if ds is None and table.empty else table), [*others, *findings, *conflict]


def column(frame: Frame, name: str) -> Frame:
    """A column of a domain; unknown for all where it is lacking."""
    return frame.get(name, pd.Series(None, index=frame.index, dtype="str"))


def flags(frame: Frame, name: str, table: str, ours: str) -> tuple[Frame, Frame, list[Finding]]:
    """Where a column of a domain says yes, and where no; another code is neither, and counted."""
    said = recognize("flag", column(frame, name))
    written = pd.DataFrame({"subject_id": frame["USUBJID"], ours: column(frame, name)})
    odd = said.notna() & ~said.isin(["true", "false"])
    return (
        said == "true",
        said == "false",
        finding_for(table, ours, f"neither yes nor no ({name})", written, odd, "read as unknown"),
    )


def _deaths(dm: Frame) -> tuple[Frame, list[Finding]]:
    """Everybody whom DM calls dead, by its flag or by a day of death."""
    table = pd.DataFrame({"subject_id": dm["USUBJID"], "happened_on": column(dm, "DTHDTC")})
    flag, _, odd = flags(dm, "DTHFL", "disposition", "milestone")
    dated = table["happened_on"].notna() & ~flag
    problem = "a day of death (DTHDTC) without the flag (DTHFL)"
    findings = finding_for("disposition", "happened_on", problem, table, dated, "counted as a death")
    return table[flag | dated].assign(milestone="died", source="DM"), [*odd, *findings]


def _ends(ds: Frame) -> tuple[Frame, list[Finding]]:
    """The rows of DS that end follow-up or treatment; of those that end neither, how many there are."""
    written, named = column(ds, "DSDECOD").str.upper(), column(ds, "DSSCAT").notna()
    code = recognize("milestone", written).map(_CODES).astype("str").fillna(written)
    words = column(ds, "DSSCAT").fillna(column(ds, "EPOCH")).str.upper()
    phase = words
    for name, pattern in _PHASES:
        phase = phase.mask(words.str.contains(pattern, na=False), name)
    whole = ~named & column(ds, "DSTERM").str.upper().str.contains(_OF_THE_STUDY, na=False)
    phase = phase.where(phase.isin([SCREENING, TREATMENT]) & ~whole, STUDY)

    died, completed = code == "DEATH", code == "COMPLETED"
    event = column(ds, "DSCAT").fillna("DISPOSITION EVENT").str.upper() == "DISPOSITION EVENT"
    early = event & ~died & (phase == SCREENING)
    later = event & ~early & (phase == STUDY)
    treated = event & ~died & (phase == TREATMENT)
    stopped = treated & later.any() & (named | completed | ds["USUBJID"].isin(ds.loc[later, "USUBJID"]))
    left = code.map(ENDS).fillna((words.notna() & (phase == STUDY)).map({True: "withdrew", False: "discontinued"}))
    table = pd.DataFrame({"subject_id": ds["USUBJID"], "milestone": code, "happened_on": column(ds, "DSSTDTC")})
    findings = []
    for problem, hit, action in (
        ("a milestone or another event (DSCAT), not an end", ~event & ~died, "left out"),
        ("an end of the screening", early, "ends no follow-up"),
        ("COMPLETED of the treatment, not of the study", stopped & completed, "ends no follow-up"),
        ("COMPLETED of the treatment; of a later phase there is nothing", treated & ~stopped & completed, KEPT),
        ("a code that is not among CDISC's", event & ~early & ~code.isin([*ENDS, *OTHER]), "taken for another reason"),
    ):
        findings += finding_for("disposition", "milestone", problem, table, hit, action)
    table = table.assign(
        milestone=left.mask(stopped, "discontinued"),
        reason=written.str.lower().mask(completed | died),
        source=died.map({True: "DS", False: None}).astype("str"),
    )
    return table[(event | died) & ~early & ~(stopped & completed)], findings
