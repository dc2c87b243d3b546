"""Tables of texts go in, typed tables come out, with a finding for every text that is no such value or cannot be."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl

from ...cohort.sources.checks import DataFinding
from ...cohort.sources.columns import Check, read_columns
from ...cohort.sources.mapping import MappedColumn
from ...criteria.expressions import HIGH, LOW, WRITTEN
from .tables import DTYPES, FATAL, KEPT, READ_AS_UNKNOWN, TABLES, Frame, finding, finding_for
from .words import WORDS, recognize

_OPTIONAL = ("arm", "reason", "randomized", "source")
"""Columns that a table may lack without a word."""
_BAD_FORMAT_FROM = 3
"""From so many unreadable values on, if they are most of a column, it is not a slip but another format."""
_TIME = r"^(\d{4}(?:-\d\d){0,2})(?:-*[T ].*|---\d\d.*)$"
"""A time of day behind a day, or as ISO 8601 has it a day of a month that is not known (2003---15): left out."""
_LIMIT = "the limit stands in"
"""What becomes of a result that the method can only bound: <5, >1000."""


def parse_table(table: str, raw: Frame) -> tuple[Frame, list[DataFinding]]:
    """A table with its documented columns first, typed, and what was wrong with their values.

    Of a value that is known in part (2023-05, <5) a column `..__written` keeps what is known.
    """
    there = {name: column for name, column in TABLES[table].items() if name in raw}
    coded = [name for name, column in there.items() if column.kind != "text" or name in WORDS]
    texts = raw.assign(**{name: recognize(name, raw[name]) for name in coded})
    days = [name for name, column in there.items() if column.kind == "date"]
    texts = texts.assign(**{name: texts[name].str.replace(_TIME, r"\1", regex=True) for name in days})
    typed, checks = _read(table, texts)
    findings: list[DataFinding] = []
    for check, hit in checks:
        result = table == "labs" and there[check.field].kind == "number"
        words = hit & ~texts[check.field].str.contains(r"\d", na=False) & result
        findings += finding_for(table, check.field, "a result in words", raw, words, READ_AS_UNKNOWN)
        hit = hit & ~words
        of, n = int((texts[check.field].notna() & ~words).sum()), int(hit.sum())
        another_format = check.present is not None and n >= _BAD_FORMAT_FROM and 2 * n > of
        bounded = table == "labs" and check.problem == "known in part"
        action = FATAL if another_format else _LIMIT if bounded else check.action
        findings += finding_for(table, check.field, check.problem, raw, hit, action)
    columns: dict[str, Frame] = {}
    for name, column in TABLES[table].items():
        own = {each: typed[each] for each in (name, name + WRITTEN) if each in typed}
        text = texts[name] if name in texts else pd.Series(None, index=raw.index)
        columns |= own or {name: text.astype(DTYPES[column.kind])}
        if name not in raw and len(raw) and name not in _OPTIONAL:
            action = FATAL if column.must else "unknown for all"
            findings.append(finding(table, name, "no such column", len(raw), len(raw), "", action))
    extra = {name: _guess_type(name, raw[name]) for name in raw if name not in columns and name != "synthetic"}
    return pd.DataFrame(columns | extra, index=raw.index), findings


def _read(table: str, texts: Frame) -> tuple[dict[str, Frame], list[tuple[Check, Frame]]]:
    """The columns that are no texts, and the rows that each check found, by the mechanism of patient tables."""
    fields = {name: column.field for name, column in TABLES[table].items() if column.field and name in texts}
    if not fields:
        return {}, []
    columns = {name: MappedColumn(name, on_invalid="unknown") for name in fields}
    frame, values, checks = read_columns(nw.from_native(pl.from_pandas(texts[[*fields]]).lazy()), fields, columns)
    marks = [check.bad.fill_null(False).alias(str(position)) for position, check in enumerate(checks)]
    values_read = frame.select(*values, *marks).collect().to_pandas().set_index(texts.index)
    typed = {name: values_read[name].astype(DTYPES[TABLES[table][name].kind]) for name in fields}
    if table == "labs" and "value" + LOW in values_read:
        typed["value"] = typed["value"].fillna(values_read["value" + LOW]).fillna(values_read["value" + HIGH]).round(9)
    if table == "labs" and "upper_limit" + HIGH in values_read:  # <40 and 10-40 say 40
        typed["upper_limit"] = typed["upper_limit"].fillna(values_read["upper_limit" + HIGH].round(9))
    typed |= {name: values_read[name].astype("str") for name in values_read if name.endswith(WRITTEN)}
    return typed, [(check, values_read[str(position)]) for position, check in enumerate(checks)]


def _guess_type(name: str, text: Frame) -> Frame:
    """An extra column in the one type that all its values have: flag, date, number, else text."""
    known = text.dropna()
    if name.endswith(WRITTEN) or known.empty:
        return text
    if set(known) <= {"true", "false"}:
        return text.map({"true": True, "false": False}).astype(DTYPES["flag"])
    whole = text.where(text.str.fullmatch(r"\d{4}-\d\d-\d\d([T ].*)?", na=False))
    days = pd.to_datetime(whole.str[:10], format="%Y-%m-%d", errors="coerce").astype(DTYPES["date"])
    numbers: Frame = pd.to_numeric(text, errors="coerce")
    for values in (days, numbers.astype("float64").where(np.isfinite(numbers))):
        if values.notna().equals(text.notna()):
            return values
    return text


def check_values(table: str, frame: Frame) -> list[DataFinding]:
    """What would make a wrong number is fatal; a word that is not recognised is counted."""
    findings = []
    for name, column in TABLES[table].items() if len(frame) else ():
        values, words = frame[name], column.values or (WORDS.get(name, {}).values() if column.kind == "text" else ())
        if column.must:
            findings += finding_for(table, name, "must not be empty", frame, values.isna(), FATAL)
        if (table, name) == ("subjects", "subject_id"):
            twice = values.notna() & values.duplicated(keep=False)
            findings += finding_for(table, name, "a subject more than once", frame, twice, FATAL)
        if words:
            other = values.notna() & ~values.isin(list(words))
            problem = f"not one of {', '.join(column.values)}" if column.values else "a word that is not recognised"
            findings += finding_for(table, name, problem, frame, other, FATAL if column.values else KEPT)
    return findings
