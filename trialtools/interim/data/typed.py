"""Tables of texts go in, typed tables come out, with a finding for every text that could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from .tables import DTYPES, FINDINGS, TABLES, Frame, Kind, schema

UNKNOWN = "read as unknown"
STOP = "stop"
YES, NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")
SILENT = ("arm", "reason", "randomized")
"""Columns that a table may lack without a word."""
HOPELESS = 3
"""From so many unreadable values on, if they are most of a column, it is not a slip but another format."""

Finding = dict[str, Any]


def finding(table: str, column: str, problem: str, n: int, of: int, example: str, action: str) -> Finding:
    """One row of the findings; what stops the reading is fatal."""
    return dict(zip(FINDINGS, (table, column, problem, n, of, example, action, action == STOP), strict=True))


def found(table: str, column: str, problem: str, frame: Frame, hit: Frame, action: str) -> list[Finding]:
    """A finding on the rows where `hit`, none where there are none; the example names the first subjects."""
    n = int(hit.sum())
    if not n:
        return []
    told = []
    for row, who, value in frame.loc[hit, ["subject_id", column]].head(3).itertuples(name=None):
        shown = str(value).removesuffix(" 00:00:00") if value == value and value is not None else ""
        who = who if isinstance(who, str) else f"row {row + 1}"
        told.append(f"{who}: {shown}" if shown and column != "subject_id" else who)
    return [finding(table, column, problem, n, len(frame), ", ".join(told), action)]


def findings_frame(findings: Iterable[Finding]) -> Frame:
    """Findings as a frame, each problem in one row."""

    return pd.DataFrame(list(findings), columns=list(FINDINGS)).astype({"n": int, "of": int, "fatal": bool})


def typed(table: str, raw: Frame) -> tuple[Frame, list[Finding]]:
    """A table with its documented columns first, typed, and what was wrong with their values."""

    findings: list[Finding] = []
    columns: dict[str, Frame] = {}
    for name, column in TABLES[table].items():
        if name in raw:
            columns[name], unread = _TYPED[column.kind](raw[name])
            for problem, hit in unread.items():
                hopeless = hit.sum() >= HOPELESS and 2 * hit.sum() > raw[name].notna().sum() and problem != PARTIAL
                findings += found(table, name, problem, raw, hit, STOP if hopeless else UNKNOWN)
            continue
        columns[name] = pd.Series(None, index=raw.index, dtype=DTYPES[column.kind])
        if len(raw) and name not in SILENT:
            action = STOP if column.must else "unknown for all"
            findings.append(finding(table, name, "no such column", len(raw), len(raw), "", action))
    extra = {name: _guessed(raw[name]) for name in raw if name not in columns and name != "synthetic"}
    return pd.DataFrame(columns | extra, index=raw.index), findings


PARTIAL = "part of a date only"


def _date(text: Frame) -> tuple[Frame, dict[str, Frame]]:
    days = _days(text)
    partial = text.str.fullmatch(r"\d{4}(-\d\d)?(-*T.*)?", na=False)
    return days, {PARTIAL: partial, "not a date year-month-day": text.notna() & days.isna() & ~partial}


def _days(text: Frame) -> Frame:
    """Calendar days; the time of a date-time is left out."""

    whole = text.where(text.str.fullmatch(r"\d{4}-\d\d-\d\d([T ].*)?", na=False))
    return pd.to_datetime(whole.str[:10], format="%Y-%m-%d", errors="coerce").astype(DTYPES["date"])


def _flag(text: Frame) -> tuple[Frame, dict[str, Frame]]:
    value = text.str.lower().map(dict.fromkeys(YES, True) | dict.fromkeys(NO, False)).astype(DTYPES["flag"])
    return value, {"neither true nor false": text.notna() & value.isna()}


def _number(text: Frame) -> tuple[Frame, dict[str, Frame]]:

    read: Frame = pd.to_numeric(text.replace({"true": "1", "false": "0"}), errors="coerce")
    value = read.astype("float64")
    value = value.where(np.isfinite(value))
    return value, {"not a number": text.notna() & value.isna()}


def _grade(text: Frame) -> tuple[Frame, dict[str, Frame]]:
    value, _ = _number(text)
    whole = value.where(value % 1 == 0)
    return whole.astype(DTYPES["grade"]), {"not a whole number": text.notna() & whole.isna()}


def _text(text: Frame) -> tuple[Frame, dict[str, Frame]]:
    return text, {}


_TYPED: dict[Kind, Any] = {"text": _text, "date": _date, "flag": _flag, "number": _number, "grade": _grade}


def _guessed(text: Frame) -> Frame:
    """An extra column in the one type that all its values have: date, flag, number, else text."""
    known = text.notna()
    for kind in ("date", "number") if set(text[known]) - {"true", "false"} else ("flag",):
        value, _ = _TYPED[kind](text)
        if known.any() and value.notna().equals(known):
            return value
    return text


def validated(table: str, frame: Frame) -> tuple[Frame, list[Finding]]:
    """A typed table held against its schema: a value that cannot be is emptied, any other fault is fatal."""
    import warnings

    wanted = schema(table)
    from pandera.errors import SchemaErrors

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # at its first use pandera imports all engines, and one has opinions
            return wanted.validate(frame, lazy=True), []
    except SchemaErrors as error:
        cases = error.failure_cases
    findings, frame = [], frame.copy()
    for (column, check), rows in cases.groupby(["column", "check"], sort=False):
        problem, action = _said(table, str(column), str(check))
        hit = frame.index.to_series().isin(rows["index"])
        findings += found(table, str(column), problem, frame, hit, action)
        if action == UNKNOWN:
            frame[column] = frame[column].mask(hit)
    return frame, findings


def _said(table: str, column: str, check: str) -> tuple[str, str]:
    """A failed check of pandera in the words of a person who mends data, and what follows from it."""
    if check in ("not_nullable", "field_uniqueness"):
        return {"not_nullable": "must not be empty", "field_uniqueness": "a subject more than once"}[check], STOP
    if values := TABLES[table][column].values:
        return f"not one of {', '.join(values)}", STOP
    return ("a grade is 1 to 5" if TABLES[table][column].kind == "grade" else "a year that cannot be"), UNKNOWN
