"""A folder, a wide file or frames go in, checked trial data come out; what was wrong is told, never hidden."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pandas as pd

from ...cohort.sources.checks import DataFinding
from ...cohort.sources.patients import read_patients
from ...criteria.contents import Protocol
from ...criteria.protocol import DataError
from ...criteria.stage import Stage, expect
from ..endpoint import Endpoint, endpoint_of
from .checks import clear_impossible, contradictions, missing_parts
from .cutoff import cut, pool
from .deaths import merge_deaths
from .labs import unify_units
from .names import plain_name, plain_names, unify_names
from .outcomes import Primary, check_primary, clear_outside, endpoint_states, rank_levels
from .parse import check_values, parse_table
from .raw import Raw
from .source import open_source
from .tables import FATAL, FINDINGS, SCREENING_LOG, TABLES, Frame, TrialTables, finding, finding_for, findings_frame
from .words import UNSAID


@dataclass(frozen=True, repr=False)
class TrialData(Stage, TrialTables):
    """A trial's data as tidy tables, checked; cut at a day, or pooled where the arms are secret."""

    cut = cut
    pool = pool
    _offered = ("tables",)

    def _lines(self) -> list[str]:
        label, day = ", SYNTHETIC" * self.synthetic, f"cut {self.cut_on}" if self.cut_on else "not cut"
        rows = [f"{name} {len(table):,}" for name, table in self.tables.items() if name not in self.absent]
        return [
            f"{self.name}{label}: {len(self.subjects):,} subjects, {day}",
            f"rows: {', '.join(rows)}" + (f" · not collected: {', '.join(self.absent)}" if self.absent else ""),
            f"findings: {len(self.findings)}",
            '.cut("2023-06-30") .pool() .findings .subjects .outcomes …',
        ]


def read_trial(
    source: Any,
    protocol: Protocol | None = None,
    mapping: str | os.PathLike[str] | None = None,
    arms: Mapping[str, str] | None = None,
) -> TrialData:
    """A trial's data as five tidy tables, checked column by column and against each other.

    Args:
        source: a folder with a file a table (`subjects`, `doses`, `events`, `outcomes`, `disposition`, `labs`; CSV or
            Parquet; `TABLES` says which columns they have, others travel along); a folder with SDTM domains (DM EX AE
            DS VS LB; XPT, Parquet, CSV); a wide file, with `mapping`; or the tables as frames in a dict.
        protocol: its fields type the baseline, its arms are the ones there can be, its design names the endpoint.
        mapping: a YAML file that says where columns come from and what their codes mean; see `interim.data.source`.
        arms: the arm by subject or kit, as the ledger gives it with the key.

    Unknown stays unknown: empty cells, values that cannot be read or cannot be; all but the first are findings. So is
    every row that is dropped, every word that is not recognised, and every name with a second spelling, which is read
    as the commonest. A part of a date (2013-07) is neither before nor after what it may be. A death that any table
    tells stands in `disposition`. A table that is not there is empty and stands in `absent`; `subjects` must be there.

    Raises:
        DataError: files that cannot be read; fatal findings, each with the first rows: a subject twice or in two arms,
            an arm that does not exist, rows without a subject.

    >>> subjects = {"subject_id": ["1", "2"], "randomized_on": ["2023-02-01", "2023-02"]}
    >>> events = {"subject_id": ["1"], "term": ["Stroke"], "outcome": ["Resulted in death"]}
    >>> trial = read_trial({"subjects": subjects, "events": events})
    >>> trial.findings.loc[trial.findings["column"] == "randomized_on", ["problem", "n", "example"]].values.tolist()
    [['known in part', 1, '2: 2023-02'], ['randomized, but the day is not known', 1, '2']]
    >>> trial.disposition[["subject_id", "milestone", "source"]].values.tolist()
    [['1', 'died', 'events']]
    """
    call = "tt.read_trial(source, protocol)"
    expect(source, str | os.PathLike | Mapping, call, "a folder, a file or frames by table")
    expect(protocol, Protocol | None, call, "a Protocol")
    raw = open_source(source, mapping)
    try:
        return _check(raw, protocol, arms)
    except DataError as error:
        raise DataError(f"{raw.name}: {error}") from None


def _check(raw: Raw, protocol: Protocol | None, arms: Mapping[str, str] | None) -> TrialData:
    if "subjects" not in raw.tables:
        raise DataError("no table subjects; without it nobody can be counted")
    if nameless := [name for name in TABLES if "subject_id" not in raw.tables.get(name, ("subject_id",))]:
        raise DataError(f"no column subject_id in {', '.join(nameless)}; a row without it is nobody's")
    codes = tuple(arm.id for arm in (protocol.arms if protocol else ())) or raw.arms
    filled, blank_rows = _drop_empty_rows(raw.tables)
    texts, respelt = unify_names(filled, codes)
    _stop(respelt)
    _one_arm_each(texts["subjects"])
    declared = endpoint_of(protocol) if protocol else None
    if declared and "outcomes" in texts:
        texts["outcomes"], unranked = rank_levels(texts["outcomes"], declared.name, declared.levels)
        respelt = [*respelt, *unranked]
    tables, typed = _parse_tables(texts, protocol)
    tables["subjects"], entry = _subjects_randomized(_with_arms(tables["subjects"], arms), texts["subjects"])
    primary = primary_of(tables["outcomes"], declared)
    window = primary.window if raw.window is None else raw.window
    primary = replace(primary, name=raw.endpoint or primary.name, window=window)
    tables, mended = _mend(tables, primary)
    findings = [
        *raw.findings,
        *blank_rows,
        *respelt,
        *typed,
        *entry,
        *_nobody(texts["subjects"], arms or {}),
        *mended,
    ]
    findings += check_primary(tables["outcomes"], primary, declared.name) if declared else []
    findings += contradictions(tables, codes, primary)
    _stop(findings)
    absent = tuple(name for name in TABLES if not _is_collected(raw.tables.get(name)))
    absent += (SCREENING_LOG,) if tables["subjects"]["randomized"].all() else ()
    states = endpoint_states(tables["subjects"], tables["outcomes"], primary.name, primary.window, kind=primary.kind)
    findings += missing_parts(tables, absent, codes, states)
    return TrialData(
        name=raw.name,
        **tables,
        findings=findings_frame(findings),
        absent=absent,
        synthetic="synthetic" in raw.tables["subjects"] and "true" in set(raw.tables["subjects"]["synthetic"]),
        sha256=raw.sha256,
        arms=codes,
        endpoint=primary.name,
        window=primary.window,
        kind=primary.kind,
    )


def _drop_empty_rows(tables: Mapping[str, Frame]) -> tuple[dict[str, Frame], list[DataFinding]]:
    """The tables without rows in which nothing stands, such as a spreadsheet leaves at its end."""
    filled, findings = {}, []
    for name, frame in tables.items():
        nothing = frame.isna().all(axis="columns") & (len(frame.columns) > 1)
        findings += finding_for(name, "subject_id", "a row with nothing in it", frame, nothing, "left out")
        filled[name] = frame[~nothing].reset_index(drop=True)
    return filled, findings


def _parse_tables(texts: Mapping[str, Frame], protocol: Protocol | None) -> tuple[dict[str, Frame], list[DataFinding]]:
    """The tables in their types; a value that would make a wrong number stops everything."""
    tables, findings = {}, []
    baseline = [name for name in (protocol.fields if protocol else ()) if name not in TABLES["subjects"]]
    plain = {**texts, "subjects": texts["subjects"].drop(columns=baseline, errors="ignore")}
    for name in TABLES:
        tables[name], unread = parse_table(name, plain[name]) if name in plain else (_no_rows(name).copy(), [])
        findings += unread + check_values(name, tables[name])
    _stop(findings)
    tables["subjects"], faults = _baseline(tables["subjects"], texts["subjects"], protocol)
    return tables, findings + faults


@cache
def _no_rows(table: str) -> Frame:
    """A table that is not there, in its types."""
    return parse_table(table, pd.DataFrame(columns=list(TABLES[table]), dtype="str"))[0]


def _mend(tables: dict[str, Frame], primary: Primary) -> tuple[dict[str, Frame], list[DataFinding]]:
    """The tables without what cannot be, each test in one unit, each death once."""
    tables, findings = clear_impossible(tables)
    tables["labs"], units = unify_units(tables["labs"])
    tables["outcomes"], early = clear_outside(tables["outcomes"], tables["subjects"], primary)
    tables, deaths = merge_deaths(tables)
    return tables, [*findings, *units, *early, *deaths]


def _is_collected(table: Frame | None) -> bool:
    """Whether a table was handed in; a disposition that holds only what other tables tell of deaths was not."""
    if table is None or table.empty or "source" not in table:
        return table is not None
    return not set(table["source"]) <= {"DM", "events", "DM, events"}


def _stop(findings: Iterable[DataFinding]) -> None:
    """Raise what is fatal, all of it at once."""
    line = "{table}.{column}: {problem} ({n} of {of} rows; first: {example})"
    if lines := [line.format_map(one).replace("; first: )", ")") for one in findings if one["fatal"]]:
        advice = "mend them, or say in a mapping how they are written, and read again"
        raise DataError(f"no report can be made of these data; {advice}\n  " + "\n  ".join(lines))


def _one_arm_each(subjects: Frame) -> None:
    """Said before anything else: of all that stands twice, this is the gravest."""
    if "arm" in subjects:
        several = subjects.groupby("subject_id")["arm"].transform("nunique") > 1
        _stop(finding_for("subjects", "arm", "a subject in two arms", subjects, several, FATAL))


def _with_arms(subjects: Frame, arms: Mapping[str, str] | None) -> Frame:
    """The arms as they were handed in, by subject, else by kit; they must not contradict the table."""
    if arms is None:
        return subjects
    known = {plain_name(name): arm for name, arm in arms.items()}
    if len(known) < len(arms):
        raise DataError("the arms that were handed in name one subject under two spellings")
    arm = plain_names(subjects["subject_id"]).map(known).astype("str")
    if "kit" in subjects:
        arm = arm.fillna(plain_names(subjects["kit"]).map(known).astype("str"))
    differ = subjects["arm"].notna() & arm.notna() & (subjects["arm"] != arm)
    _stop(finding_for("subjects", "arm", "a subject in two arms, one here and one handed in", subjects, differ, FATAL))
    return subjects.assign(arm=arm.fillna(subjects["arm"]))


def _nobody(subjects: Frame, arms: Mapping[str, str]) -> list[DataFinding]:
    """Arms that were handed in for nobody who is here: somebody randomized would be missing from every count."""
    known = {
        plain_name(name) for column in ("subject_id", "kit") if column in subjects for name in subjects[column].dropna()
    }
    lost = sorted(name for name in arms if plain_name(name) not in known)
    parts = ("allocated, but not among the subjects", len(lost), len(arms), ", ".join(lost[:3]), "in no count")
    return [finding("subjects", "arm", *parts)] if lost else []


def _subjects_randomized(subjects: Frame, texts: Frame) -> tuple[Frame, list[DataFinding]]:
    """Whoever has an arm or a day of randomization, even one that cannot be read; and whoever the table says was."""
    dated = texts["randomized_on"] if "randomized_on" in texts else pd.Series(None, index=texts.index, dtype="str")
    known = (dated.notna() & ~plain_names(dated).isin(UNSAID)) | subjects["arm"].notna()
    denied = known & (subjects["randomized"] == False).fillna(False).astype(bool)  # noqa: E712 (it may be unknown)
    problem, action = "said not to be randomized, but has a day or an arm", "counted as randomized"
    findings = finding_for("subjects", "randomized", problem, subjects, denied, action)
    return subjects.assign(randomized=known | subjects["randomized"].fillna(False).astype(bool)), findings


def _baseline(subjects: Frame, raw: Frame, protocol: Protocol | None) -> tuple[Frame, list[DataFinding]]:
    """Extra columns that are fields of the protocol, typed and held to their ranges as a patient table's are."""
    fields = protocol.fields if protocol else {}
    names = [name for name in raw if name in fields and name not in TABLES["subjects"]]
    if not protocol or not names:
        return subjects, []
    patients = read_patients(raw[names].assign(patient_id=subjects["subject_id"]), protocol)
    frame = patients.frame.collect().to_pandas()
    quality: Frame = patients.quality.assign(table="subjects", column=patients.quality["field"], fatal=False)
    findings = quality[list(FINDINGS)].to_dict("records")
    return subjects.assign(**{name: frame[name].to_numpy() for name in names}), findings


def primary_of(outcomes: Frame, declared: Endpoint | None) -> Primary:
    """The primary endpoint of these outcomes, as the design declares it.

    None where a design names none of those that are there: early on, another endpoint may be the only one. Without a
    declared endpoint, the only one there is.
    """
    names = list(outcomes["endpoint"].dropna().unique())
    if declared is None:
        return Primary(names[0] if len(names) == 1 else None)
    there = (name for name in names if plain_name(name) == plain_name(declared.name))
    return Primary(next(there, None), declared.kind, declared.last, declared.window)
