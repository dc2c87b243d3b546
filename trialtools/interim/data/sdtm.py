"""SDTM domains go in (DM EX AE DS VS LB), the tidy tables come out as texts.

Source: CDISC SDTM Implementation Guide 3.4, so far as the pilot study exercises it. There is no domain for a trial's
endpoint, so `outcomes` is absent.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pandas as pd

from ...criteria.protocol import DataError
from .findings import Finding, finding_for
from .raw import Raw, as_text, hashes_of
from .tables import Frame

DOMAINS = ("dm", "ex", "ae", "ds", "vs", "lb")
NOT_AN_ARM = ("scrnfail", "notassgn", "nottrt")
COLUMNS = {
    "dm": {"site": "SITEID", "screened_on": "RFICDTC", "randomized_on": "RFSTDTC", "arm": "ARMCD",
           "age": "AGE", "sex": "SEX", "race": "RACE", "ethnic": "ETHNIC", "country": "COUNTRY"},
    "ex": {"dosed_on": "EXSTDTC", "amount": "EXDOSE", "unit": "EXDOSU", "reason": "EXADJ"},
    "ae": {"started_on": "AESTDTC", "ended_on": "AEENDTC", "body_system": "AEBODSYS", "term": "AEDECOD",
           "severity": "AESEV", "serious": "AESER", "related": "AEREL", "outcome": "AEOUT"},
    "ds": {"happened_on": "DSSTDTC", "milestone": "DSDECOD", "reason": "DSDECOD"},
    "lb": {"test": "LBTESTCD", "value": "LBSTRESN", "unit": "LBSTRESU", "upper_limit": "LBSTNRHI", "taken_on": "LBDTC"},
    "vs": {"test": "VSTESTCD", "value": "VSSTRESN", "unit": "VSSTRESU", "upper_limit": "VSSTNRHI", "taken_on": "VSDTC"},
}  # fmt: skip
"""What our columns are called there."""
CODES = {
    "sex": {"F": "female", "M": "male"},
    "severity": {"MILD": "1", "MODERATE": "2", "SEVERE": "3"},
    "related": dict.fromkeys(("NONE", "REMOTE", "UNLIKELY", "NOT RELATED", "UNLIKELY RELATED"), "false")
    | dict.fromkeys(("POSSIBLE", "PROBABLE", "DEFINITE", "RELATED", "POSSIBLY RELATED"), "true"),
    "milestone": {
        "COMPLETED": "completed",
        "DEATH": "died",
        "LOST TO FOLLOW-UP": "lost",
        "WITHDRAWAL BY SUBJECT": "withdrew",
    },
}
"""What codes mean here; every other end of the study is `discontinued`, with its code as the reason."""


def domains(folder: Path) -> list[Path]:
    """The files of a folder that hold one of the domains, split ones (LBCH, LBHE) too; none without DM."""
    readable = (".xpt", ".parquet", ".csv", ".csv.gz")
    files = [file for file in sorted(folder.iterdir()) if file.name.lower().endswith(readable)]
    files = [file for file in files if _domain(file) in DOMAINS and len(file.name.split(".")[0]) in (2, 4)]
    return files if "dm" in map(_domain, files) else []


def _domain(file: Path) -> str:
    return file.name[:2].lower()


def read_sdtm(folder: Path, files: list[Path]) -> Raw:
    """The tables of a study. An arm is the one randomized to; where another was given, that is a finding.

    Raises:
        DataError: a file that cannot be read, or is no domain of subjects.
    """

    hashes = hashes_of(*files)
    study: dict[str, Frame] = {}
    for file in files:
        parts = [study[_domain(file)]] if _domain(file) in study else []
        study[_domain(file)] = pd.concat([*parts, _read(file)], ignore_index=True)
    ours = {name: _ours(name, frame) for name, frame in study.items()}
    subjects, findings = _subjects(ours["dm"], study["dm"], study.get("ds"))
    tables = {"subjects": subjects}
    if "ex" in ours:
        tables["doses"] = ours["ex"].assign(planned_on=None)
    if "ae" in ours:
        tables["events"] = ours["ae"].assign(outcome=ours["ae"]["outcome"].str.lower())
    if "ds" in ours:
        tables["disposition"] = _disposition(ours["ds"], study)
    if labs := [ours[name] for name in ("lb", "vs") if name in ours]:
        results = pd.concat(labs, ignore_index=True)
        tables["labs"] = results[results["value"].notna()]  # what was not done, or has no number, is no result
    arms = tuple(sorted(subjects["arm"].dropna().unique()))
    return Raw(folder.name, tables, hashes, tuple(findings), arms)


def _read(file: Path) -> Frame:
    xport = file.suffix.lower() == ".xpt"
    if xport and file.stat().st_size % 80:
        raise DataError(f"{file.name} cannot be read: it was cut short, for its records are 80 bytes each")
    try:
        frame = as_text(_transported(file) if xport else file)
    except (ValueError, LookupError, struct.error) as error:  # what pandas says of a damaged transport file
        raise DataError(f"{file.name} cannot be read: {error}") from None
    frame.columns = frame.columns.str.upper()
    if "USUBJID" not in frame:
        raise DataError(f"{file.name} has no column USUBJID, as every domain of subjects has")
    return frame


def _transported(file: Path) -> Frame:
    """What a SAS transport file holds; pandas does not read one without rows."""

    with pd.read_sas(file, format="xport", encoding="utf-8", iterator=True) as reader:
        rows: Any = reader
        return rows.read() if rows.nobs else pd.DataFrame(columns=rows.columns, dtype="str")


def _ours(domain: str, frame: Frame) -> Frame:
    """Our columns of a domain, with our codes; what it lacks is unknown for all."""

    empty = pd.Series(None, index=frame.index, dtype="str")
    named = {"subject_id": "USUBJID", **COLUMNS[domain]}
    table = pd.DataFrame({ours: frame.get(theirs, empty) for ours, theirs in named.items()})
    coded = {name: table[name].str.upper().replace(CODES[name]) for name in table if name in CODES}
    return table.assign(**coded)


def _subjects(table: Frame, dm: Frame, ds: Frame | None) -> tuple[Frame, list[Finding]]:
    """Screened on the day of consent, else of demographics; randomized on the milestone of DS, else the first dose."""
    entered = table["arm"].notna() & ~table["arm"].str.lower().isin(NOT_AN_ARM)
    failed = table["arm"].str.lower() == "scrnfail"
    table["screened_on"] = table["screened_on"].fillna(dm["DMDTC"]) if "DMDTC" in dm else table["screened_on"]
    table["decision"] = entered.map({True: "eligible", False: None}).mask(failed, "ineligible")
    table["randomized_on"] = table["randomized_on"].where(entered)
    days = _milestone(ds, "RANDOMIZED")
    recorded = table["subject_id"].isin(days.index)
    if len(days):
        table["randomized_on"] = table["subject_id"].map(days["DSSTDTC"]).fillna(table["randomized_on"])
    failures = _milestone(ds, "SCREEN FAILURE")
    table["reason"] = table["subject_id"].map(failures["DSTERM"].str.lower()) if len(failures) else None
    findings = finding_for(
        "subjects", "randomized_on", "no milestone RANDOMIZED in DS", table, entered & ~recorded, "RFSTDTC stands in"
    )
    given = dm["ACTARMCD"] if "ACTARMCD" in dm else table["arm"]
    other = entered & given.notna() & (given != table["arm"])
    findings += finding_for(
        "subjects", "arm", "treated otherwise than randomized", table, other, "counted as randomized"
    )
    return table.assign(arm=table["arm"].where(entered)), findings


def _milestone(ds: Frame | None, code: str) -> Frame:
    """The rows of DS with a code, by subject."""

    if ds is None or "DSDECOD" not in ds:
        return pd.DataFrame()
    return ds[ds["DSDECOD"].str.upper() == code].drop_duplicates("USUBJID").set_index("USUBJID")


def _disposition(table: Frame, study: dict[str, Frame]) -> Frame:
    """How the study ended for each subject; a death that only DM knows is added."""

    ds, dm = study["ds"], study["dm"]
    ends = ds["DSCAT"].str.upper() == "DISPOSITION EVENT" if "DSCAT" in ds else pd.Series(True, index=ds.index)
    table = table[ends & ~table["milestone"].isin(["SCREEN FAILURE", "RANDOMIZED"])]
    known = table["milestone"].isin(CODES["milestone"].values())
    table = table.assign(
        milestone=table["milestone"].where(known, "discontinued"),
        reason=table["reason"].str.lower().mask(table["milestone"] == "completed"),
    )
    died = dm[dm.get("DTHFL", pd.Series(None, index=dm.index)) == "Y"]
    died = died[~died["USUBJID"].isin(table.loc[table["milestone"] == "died", "subject_id"])]
    if died.empty:
        return table
    deaths = pd.DataFrame({"subject_id": died["USUBJID"], "milestone": "died", "happened_on": died.get("DTHDTC")})
    return pd.concat([table, deaths], ignore_index=True)
