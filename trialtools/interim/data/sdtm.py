"""SDTM domains go in (DM EX AE DS VS LB), the tidy tables come out as texts.

DS has a row for each phase of a trial that somebody ended. A subject who completed the screening or stopped the
treatment may go on in the study: only the last phase ends follow-up, and a death whenever it is.

Source: CDISC SDTM Implementation Guide 3.4 (6.2.3 for DS, 5.2 for DM), so far as the pilot study exercises it;
terminology NCOMPLT (C66727). There is no domain for a trial's endpoint, so `outcomes` is absent.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from ...cohort.sources.checks import DataFinding
from ...criteria.protocol import DataError
from .deaths import SPEAKS_OF_DEATH
from .names import plain_names
from .raw import Raw, as_text, hashes_of
from .tables import KEPT, Frame, finding_for
from .words import recognize

_DOMAINS = ("dm", "ex", "ae", "ds", "vs", "lb")
_COLUMNS = {
    "dm": {"site": "SITEID", "screened_on": "RFICDTC", "randomized_on": "RFSTDTC", "arm": "ARMCD",
           "age": "AGE", "sex": "SEX", "race": "RACE", "ethnic": "ETHNIC", "country": "COUNTRY"},
    "ex": {"dosed_on": "EXSTDTC", "amount": "EXDOSE", "unit": "EXDOSU", "reason": "EXADJ"},
    "ae": {"started_on": "AESTDTC", "ended_on": "AEENDTC", "body_system": "AEBODSYS", "term": "AEDECOD",
           "severity": "AESEV", "serious": "AESER", "related": "AEREL", "outcome": "AEOUT"},
    "lb": {"test": "LBTESTCD", "value": "LBSTRESN", "unit": "LBSTRESU", "upper_limit": "LBSTNRHI", "taken_on": "LBDTC"},
    "vs": {"test": "VSTESTCD", "value": "VSSTRESN", "unit": "VSSTRESU", "upper_limit": "VSSTNRHI", "taken_on": "VSDTC"},
}  # fmt: skip
"""What our columns are called there."""
_SOURCES = {"subjects": ("dm",), "doses": ("ex",), "events": ("ae",), "labs": ("lb", "vs")}
"""The domains that a table is made of."""
_SEX = {"F": "female", "M": "male"}
_FAILED = ("scrnfail", "screen failure")
_NOT_AN_ARM = (*_FAILED, "notassgn", "not assigned", "nottrt", "not treated")
"""Codes in ARMCD of somebody who is in no arm; from version 3.3 on it is empty, and ARMNRS says why."""
_NUMBER = r"^\s*[<>≤≥]?=?\s*[+-]?[.\d]"
_NOTHING = ("NA", "N/A", "NaN", "nan", "NULL", "null", ".", "-", "Not applicable", "NOT APPLICABLE")
"""What R, SAS and databases write into a cell that is empty. As the code of a test, NA may be sodium."""
_BLOOD = ("blood", "serum", "plasma", "serum or plasma", "whole blood")


def domains(files: Iterable[Path]) -> list[Path]:
    """The files that hold one of the domains, split ones (LBCH, LBHE) too; none without DM."""
    files_of_domains = [file for file in files if _domain(file) in _DOMAINS and len(file.name.split(".")[0]) in (2, 4)]
    return files_of_domains if "dm" in map(_domain, files_of_domains) else []


def _domain(file: Path) -> str:
    return file.name[:2].lower()


def read_sdtm(folder: Path, files: list[Path]) -> Raw:
    """The tables of a study. An arm is the one randomized to; where another was given, that is a finding.

    Raises:
        DataError: a file that cannot be read, or is no domain of subjects; a domain that stands in two files.
    """
    stems = Counter(file.name.split(".")[0].lower() for file in files)
    if doubled := sorted(stem.upper() for stem, n in stems.items() if n > 1):
        raise DataError(f"{folder} holds two files for {', '.join(doubled)}; nobody can know which one is meant")
    hashes = hashes_of(*files)
    study: dict[str, Frame] = {}
    for file in files:
        parts = [study[_domain(file)]] if _domain(file) in study else []
        study[_domain(file)] = pd.concat([*parts, _read(file)], ignore_index=True)
    read = {
        "subjects": _subjects(study["dm"], study.get("ds")),
        "disposition": _milestones(study["dm"], study.get("ds")),
    }
    if "ex" in study:
        read["doses"] = _doses(study["ex"])
    if "ae" in study:
        read["events"] = _events(study["ae"])
    if results := [_results(study[name], name.upper()) for name in ("lb", "vs") if name in study]:
        rows = pd.concat([frame for frame, _ in results], ignore_index=True)
        read["labs"] = rows, [finding for _, findings in results for finding in findings]
    tables = {name: _drop_absent_columns(frame, name, study) for name, (frame, _) in read.items() if frame is not None}
    arms = tuple(sorted(tables["subjects"]["arm"].dropna().unique()))
    return Raw(folder.name, tables, hashes, tuple(each for _, findings in read.values() for each in findings), arms)


def _read(file: Path) -> Frame:
    xport = file.suffix.lower() == ".xpt"
    if xport and file.stat().st_size % 80:
        raise DataError(f"{file.name} cannot be read: it was cut short, for its records are 80 bytes each")
    try:
        frame = as_text(_read_transport(file) if xport else file)
    except (ValueError, LookupError, struct.error) as error:  # what pandas says of a damaged transport file
        raise DataError(f"{file.name} cannot be read: {error}") from None
    frame.columns = frame.columns.str.upper()
    if "USUBJID" not in frame:
        raise DataError(f"{file.name} has no column USUBJID, as every domain of subjects has")
    return frame.mask(frame.isin(_NOTHING) & ~frame.columns.str.endswith("TESTCD"))


def _read_transport(file: Path) -> Frame:
    """What a SAS transport file holds; pandas does not read one without rows."""
    with pd.read_sas(file, format="xport", encoding="utf-8", iterator=True) as reader:
        rows: Any = reader
        return rows.read() if rows.nobs else pd.DataFrame(columns=rows.columns, dtype="str")


def _ours(domain: str, frame: Frame) -> Frame:
    """Our columns of a domain; what it lacks is unknown for all."""
    named = {"subject_id": "USUBJID", **_COLUMNS[domain]}
    return pd.DataFrame({ours: _column(frame, theirs) for ours, theirs in named.items()})


def _drop_absent_columns(frame: Frame, table: str, study: dict[str, Frame]) -> Frame:
    """A table without the columns that its domains do not have, so that they are told as lacking."""
    sources = [name for name in _SOURCES.get(table, ()) if name in study]
    there = {ours for name in sources for ours, theirs in _COLUMNS[name].items() if theirs in study[name]}
    known = {ours for name in sources for ours in _COLUMNS[name]}
    return frame.drop(columns=[name for name in known - there if name in frame and frame[name].isna().all()])


def _subjects(dm: Frame, ds: Frame | None) -> tuple[Frame, list[DataFinding]]:
    """Screened on the day of consent, else of demographics; randomized on the milestone of DS, else the first dose."""
    table = _ours("dm", dm)
    named = table["arm"].isna() & _column(dm, "ARM").notna()
    table["arm"] = table["arm"].fillna(_column(dm, "ARM"))
    arm, actual, none = map(plain_names, (table["arm"], _column(dm, "ACTARMCD"), _column(dm, "ARMNRS")))
    entered = arm.notna() & ~arm.isin(_NOT_AN_ARM)
    failed = arm.fillna(none).isin(_FAILED)
    randomized, ended = _milestone(ds, "RANDOMIZED"), _milestone(ds, "SCREEN FAILURE")
    table["screened_on"] = table["screened_on"].fillna(_column(dm, "DMDTC"))
    table["decision"] = entered.map({True: "eligible", False: None}).mask(failed, "ineligible")
    reason = table["subject_id"].map(_column(ended, "DSTERM").str.lower()).astype("str")
    table["reason"] = reason.fillna(none.where(~entered))
    table["sex"] = table["sex"].replace(_SEX)
    age_unit = _column(dm, "AGEU").str.lower()
    unlike = table["age"].notna() & age_unit.notna() & (age_unit != "years")
    table["age"] = table["age"].mask(unlike, table["age"] + " " + age_unit)
    recorded = table["subject_id"].isin(randomized.index)
    day = table["subject_id"].map(_column(randomized, "DSSTDTC")).astype("str")
    day = day.fillna(table["randomized_on"].where(entered))
    findings = []
    for name, problem, hit, action in (
        ("arm", "no code of the arm (ARMCD)", named & entered, "its name (ARM) stands in"),
        ("age", "in another unit than years (AGEU)", unlike, "read with its unit"),
        ("randomized_on", "no milestone RANDOMIZED in DS", entered & ~recorded, "RFSTDTC stands in"),
        (
            "arm",
            "treated otherwise than randomized",
            entered & actual.notna() & (actual != arm),
            "counted as randomized",
        ),
    ):
        findings += finding_for("subjects", name, problem, table, hit, action)
    return table.assign(randomized_on=day, arm=table["arm"].where(entered)), findings


def _milestone(ds: Frame | None, code: str) -> Frame:
    """The rows of DS with a code, by subject."""
    if ds is None:
        return pd.DataFrame()
    return ds[_column(ds, "DSDECOD").str.upper() == code].drop_duplicates("USUBJID").set_index("USUBJID")


def _doses(ex: Frame) -> tuple[Frame, list[DataFinding]]:
    """The doses of EX; one that did not occur was planned for its day."""
    table, (_, missed, odd) = _ours("ex", ex), _flags(ex, "EXOCCUR", "doses", "dosed_on")
    return table.assign(planned_on=table["dosed_on"].where(missed), dosed_on=table["dosed_on"].mask(missed)), odd


def _events(ae: Frame) -> tuple[Frame, list[DataFinding]]:
    """The events of AE: the toxicity grade where there is one, else the severity; what led to death was fatal."""
    table, toxicity = _ours("ae", ae), recognize("severity", _column(ae, "AETOXGR"))
    uncoded = table["term"].isna() & _column(ae, "AETERM").notna()
    table["term"] = table["term"].fillna(_column(ae, "AETERM"))
    severity, outcome = (recognize(name, table[name]) for name in ("severity", "outcome"))
    deadly, _, odd = _flags(ae, "AESDTH", "events", "outcome")
    other = deadly & outcome.notna() & (outcome != "fatal")
    apart = toxicity.notna() & severity.notna() & (toxicity.replace({"4": "3", "5": "3"}) != severity)
    findings = odd
    for name, problem, hit, action in (
        ("term", "not coded yet (AEDECOD)", uncoded, "as it was reported (AETERM)"),
        ("severity", "the toxicity grade is another than the severity", apart, "the grade counts"),
        ("outcome", "led to death (AESDTH), the outcome is another", other, "counted as a death"),
    ):
        findings += finding_for("events", name, problem, table, hit, action)
    return table.assign(severity=toxicity.fillna(severity), outcome=outcome.mask(deadly, "fatal")), findings


def _results(frame: Frame, domain: str) -> tuple[Frame, list[DataFinding]]:
    """Results in standard units, else as they were reported; a result in words, or none, is counted and left out."""
    value = _column(frame, f"{domain}STRESN").fillna(_column(frame, f"{domain}STRESC"))
    reported = value.isna()
    table = _ours(domain.lower(), frame).assign(value=value.fillna(_column(frame, f"{domain}ORRES")))
    for name, theirs in (("unit", "ORRESU"), ("upper_limit", "ORNRHI")):
        table[name] = table[name].mask(reported, _column(frame, f"{domain}{theirs}"))
    specimen = plain_names(_column(frame, f"{domain}SPEC"))
    other = specimen.notna() & ~specimen.isin(_BLOOD)
    table["test"] = table["test"].mask(other, table["test"] + " (" + specimen + ")")
    number = table["value"].str.contains(_NUMBER, na=False)
    undone = number & (plain_names(_column(frame, f"{domain}STAT")) == "not done")
    findings = finding_for("labs", "value", f"a result of what was not done ({domain}STAT)", table, undone, KEPT)
    for problem, hit in (("a result in words", table["value"].notna() & ~number), ("no result", table["value"].isna())):
        findings += finding_for("labs", "value", f"{problem} ({domain})", table, hit, "left out")
    return table[number], findings


_SCREENING, _TREATMENT, _STUDY = "screening", "treatment", "study"
_PHASES = (
    (_TREATMENT, "TREAT|DRUG|DOSE|DOSING|INDUCTION"),
    (_STUDY, "FOLLOW|POST"),
    (_SCREENING, "SCREEN|RUN-?IN|BASELINE"),
)
"""How DSSCAT or EPOCH calls a phase, the later of these first where both fit; any other is the study itself."""
_OF_THE_STUDY = r"(?:PROTOCOL|STUDY|TRIAL) COMPLETED|COMPLETED (?:THE )?(?:PROTOCOL|STUDY|TRIAL)"
"""What DSTERM says of a completion that is not of a phase alone, whatever its epoch."""
_ENDS = {
    "COMPLETED": "completed",
    "DEATH": "died",
    "LOST TO FOLLOW-UP": "lost",
    "WITHDRAWAL BY SUBJECT": "withdrew",
    "WITHDRAWAL BY PARENT/GUARDIAN": "withdrew",
}
_CODES = {"completed": "COMPLETED", "died": "DEATH", "lost": "LOST TO FOLLOW-UP", "withdrew": "WITHDRAWAL BY SUBJECT"}
"""CDISC's code for what is said in other words."""
_OTHER = ("ADVERSE EVENT", "DISEASE RELAPSE", "FAILURE TO MEET RANDOMIZATION CRITERIA", "LACK OF EFFICACY", "OTHER",
         "NON-COMPLIANCE WITH STUDY DRUG", "PHYSICIAN DECISION", "PREGNANCY", "PROGRESSIVE DISEASE",
         "PROTOCOL DEVIATION", "PROTOCOL VIOLATION", "RECOVERY", "SCREEN FAILURE", "SITE TERMINATED BY SPONSOR",
         "STUDY TERMINATED BY SPONSOR", "TECHNICAL PROBLEMS")  # fmt: skip
"""The other terms: who leaves the study for one of these withdrew, who stops the treatment discontinued it."""


def _milestones(dm: Frame, ds: Frame | None) -> tuple[Frame | None, list[DataFinding]]:
    """Milestones as texts, with the source of each death; None where there is no DS and DM tells no death."""
    deaths, findings = _deaths(dm)
    ends, others = _ends(ds) if ds is not None else (deaths.head(0), [])
    table = pd.concat([ends, deaths], ignore_index=True)
    alive = dm.loc[_flags(dm, "DTHFL", "disposition", "milestone")[1], "USUBJID"]
    hit = (table["milestone"] == "died") & table["subject_id"].isin(alive)
    problem = "died, though DM says alive (DTHFL is N)"
    conflict = finding_for("disposition", "milestone", problem, table, hit, "counted as a death")
    if ds is not None:
        terms = pd.DataFrame({"subject_id": ds["USUBJID"], "reason": _column(ds, "DSTERM")})
        dead = terms["subject_id"].isin(table.loc[table["milestone"] == "died", "subject_id"])
        hit = terms["reason"].str.contains(SPEAKS_OF_DEATH, na=False) & ~dead
        problem = "speaks of death (DSTERM), but its code is another"
        conflict += finding_for("disposition", "reason", problem, terms, hit, "not counted as a death")
    return (None if ds is None and table.empty else table), [*others, *findings, *conflict]


def _column(frame: Frame, name: str) -> Frame:
    """A column of a domain; unknown for all where it is lacking."""
    return frame.get(name, pd.Series(None, index=frame.index, dtype="str"))


def _flags(frame: Frame, name: str, table: str, ours: str) -> tuple[Frame, Frame, list[DataFinding]]:
    """Where a column of a domain says yes, and where no; another code is neither, and counted."""
    flags = recognize("flag", _column(frame, name))
    written = pd.DataFrame({"subject_id": frame["USUBJID"], ours: _column(frame, name)})
    odd = flags.notna() & ~flags.isin(["true", "false"])
    return (
        flags == "true",
        flags == "false",
        finding_for(table, ours, f"neither yes nor no ({name})", written, odd, "read as unknown"),
    )


def _deaths(dm: Frame) -> tuple[Frame, list[DataFinding]]:
    """Everybody whom DM calls dead, by its flag or by a day of death."""
    table = pd.DataFrame({"subject_id": dm["USUBJID"], "happened_on": _column(dm, "DTHDTC")})
    flag, _, odd = _flags(dm, "DTHFL", "disposition", "milestone")
    dated = table["happened_on"].notna() & ~flag
    problem = "a day of death (DTHDTC) without the flag (DTHFL)"
    findings = finding_for("disposition", "happened_on", problem, table, dated, "counted as a death")
    return table[flag | dated].assign(milestone="died", source="DM"), [*odd, *findings]


def _ends(ds: Frame) -> tuple[Frame, list[DataFinding]]:
    """The rows of DS that end follow-up or treatment; of those that end neither, how many there are."""
    written, named = _column(ds, "DSDECOD").str.upper(), _column(ds, "DSSCAT").notna()
    code = recognize("milestone", written).map(_CODES).astype("str").fillna(written)
    words = _column(ds, "DSSCAT").fillna(_column(ds, "EPOCH")).str.upper()
    phase = words
    for name, pattern in _PHASES:
        phase = phase.mask(words.str.contains(pattern, na=False), name)
    whole = ~named & _column(ds, "DSTERM").str.upper().str.contains(_OF_THE_STUDY, na=False)
    phase = phase.where(phase.isin([_SCREENING, _TREATMENT]) & ~whole, _STUDY)

    died, completed = code == "DEATH", code == "COMPLETED"
    event = _column(ds, "DSCAT").fillna("DISPOSITION EVENT").str.upper() == "DISPOSITION EVENT"
    early = event & ~died & (phase == _SCREENING)
    later = event & ~early & (phase == _STUDY)
    treated = event & ~died & (phase == _TREATMENT)
    stopped = treated & later.any() & (named | completed | ds["USUBJID"].isin(ds.loc[later, "USUBJID"]))
    left = code.map(_ENDS).fillna((words.notna() & (phase == _STUDY)).map({True: "withdrew", False: "discontinued"}))
    table = pd.DataFrame({"subject_id": ds["USUBJID"], "milestone": code, "happened_on": _column(ds, "DSSTDTC")})
    findings = []
    for problem, hit, action in (
        ("a milestone or another event (DSCAT), not an end", ~event & ~died, "left out"),
        ("an end of the screening", early, "ends no follow-up"),
        ("COMPLETED of the treatment, not of the study", stopped & completed, "ends no follow-up"),
        ("COMPLETED of the treatment; of a later phase there is nothing", treated & ~stopped & completed, KEPT),
        (
            "a code that is not among CDISC's",
            event & ~early & ~code.isin([*_ENDS, *_OTHER]),
            "taken for another reason",
        ),
    ):
        findings += finding_for("disposition", "milestone", problem, table, hit, action)
    table = table.assign(
        milestone=left.mask(stopped, "discontinued"),
        reason=written.str.lower().mask(completed | died),
        source=died.map({True: "DS", False: None}).astype("str"),
    )
    return table[(event | died) & ~early & ~(stopped & completed)], findings
