"""What a mapping would say of each field, how sure that is, and why; and its file, where what waits is a comment."""

from __future__ import annotations

import json
import os
import re
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ...criteria.protocol import DataError
from ...criteria.stage import as_lines
from ..sources.mapping import ColumnMapping, MappedColumn, PatientId

Certainty = Literal["certain", "guess", "open"]


@dataclass(frozen=True)
class DraftLine:
    """What a mapping would say of one field.

    `certain` stands in the mapping. A `guess` can be taken as it is; an `open` one needs an answer first: `asks` says
    which. `how` is how near the names are, `holds` what the columns hold, with counts; no free text is in it.
    """

    field: str
    label: str
    certainty: Certainty
    mapped: MappedColumn
    how: str
    holds: str
    asks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def question(self) -> str:
        """What a person must decide, in a line."""
        columns = ", ".join(self.mapped.sources)
        return " ".join([_QUESTIONS[self.how].format(columns=columns), *self.asks])


_QUESTIONS = {
    "same name": "is it {columns}?",
    "same meaning": "is it {columns}?",
    "says less": "is it {columns}, which says less? Yes is read as unknown.",
    "a part of it": "is it {columns}, which is only a part of it? No is read as unknown.",
    "same values": "is it {columns}, which has the same values?",
    "similar": "is it {columns}, whose name is similar?",
}


@dataclass(frozen=True, repr=False)
class MappingDraft:
    """A mapping that screens at once, and what waits beside it.

    `mapping` has the lines that are certain; `lines` all of them, in the order of the protocol's fields. `absent` are
    the fields that the criteria ask about and no column speaks of, `unread` the columns that no field wants. `asks` is
    what must be decided about the table as a whole.
    """

    table: str
    rows: int
    mapping: ColumnMapping
    lines: tuple[DraftLine, ...]
    absent: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()

    def take(self, *fields: str) -> ColumnMapping:
        """The mapping with the lines of further fields as they are proposed.

        Raises:
            DataError: nothing is proposed for a field.
        """
        proposed = {line.field: line.mapped for line in self.lines}
        if unknown := [field for field in fields if field not in proposed]:
            raise DataError(f"nothing is proposed for {unknown[0]}; there is {', '.join(proposed) or 'nothing'}")
        return replace(self.mapping, fields=self.mapping.fields | {field: proposed[field] for field in fields})

    def of(self, certainty: Certainty) -> tuple[DraftLine, ...]:
        """The lines of one certainty."""
        return tuple(line for line in self.lines if line.certainty == certainty)

    def text(self) -> str:
        """The mapping as a file, in YAML: what waits stands in it as comments, one line to be changed each."""
        mapping = self.mapping
        form = {key: value for key in ("name", "separator", "encoding", "sheet") if (value := getattr(mapping, key))}
        made = [_comment(_HEAD.format(table=self.table, rows=self.rows))]
        made += [f"{key}: {_scalar(value)}" for key, value in form.items()]
        made += [f"header: {mapping.header}"] if mapping.header != 1 else []
        made += [_comment(ask, "# ? ") for ask in self.asks]
        made.append(f"patient_id: {_id(mapping.id)}")
        made += [f"rows: {{take: {mapping.rows.take}}}"] if mapping.rows else []
        nothing = " {}  # nothing is certain: add or take a line, and delete these braces"
        made.append(f"fields:{'' if mapping.fields else nothing}")
        for line in self.lines:
            made.append(_comment(f"{line.label} ({line.how}): {'; '.join([line.holds, *line.notes])}", "  "))
            made += [_comment(ask, "  #   ? ") for ask in line.asks]
            made.append(f"{_MARKS[line.certainty]}{line.field}: {_column(line.mapped)}")
        made += ["", _comment(f"fields of the criteria without a column: {', '.join(self.absent) or 'none'}")]
        made += [_comment(f"columns that no field asks for: {', '.join(self.unread) or 'none'}")]
        return "\n".join(made) + "\n"

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the file, unless there is one: somebody's work may be in it.

        Raises:
            DataError: the file is there already.
        """
        file = Path(path)
        try:
            with file.open("x", encoding="utf-8") as opened:
                opened.write(self.text())
        except FileExistsError:
            raise DataError(f"{file} is there already, and somebody's work may be in it; name another file") from None
        return file

    @property
    def summary(self) -> str:
        """How much is settled, in a line."""
        certain, guesses, open_ = (len(self.of(which)) for which in ("certain", "guess", "open"))
        counts = f"{certain} certain, {guesses} guess{'es' * (guesses != 1)}, {open_} open"
        return f"{counts}; fields of the criteria without a column: {len(self.absent) or 'none'}"

    @property
    def decisions(self) -> list[str]:
        """What a person must decide, one line each, the table as a whole first."""
        waiting = [line for line in self.lines if line.certainty != "certain"]
        return [*self.asks, *(f"{line.field}: {line.question}" for line in waiting)]

    def __repr__(self) -> str:
        return "\n".join([f"a mapping of {self.table}: {self.summary}", *self.decisions])

    def _repr_html_(self) -> str:
        return as_lines(repr(self).split("\n"))


# --- the file ---------------------------------------------------------------------------------------------------------

_MARKS = {"certain": "  ", "guess": "  # guess  ", "open": "  # ?  "}
_HEAD = (
    'How the columns of {table} ({rows:,} rows) become fields. A line that stands is certain. "# guess" before a line '
    'waits for you to delete the mark, "# ?" for an answer first. Lowest and highest values stand here: this file is '
    "as private as the table."
)
_WIDTH = 118


def _comment(text: str, before: str = "") -> str:
    """A comment in lines that fit; a line break in a name would end it."""
    start = before if before.strip() else f"{before}# "
    plain = re.sub(r"\s+", " ", text)
    return textwrap.fill(plain, _WIDTH, initial_indent=start, subsequent_indent=start, break_long_words=False)


def _id(id: PatientId) -> str:
    if id.column is None:
        return "{}"
    column = _scalar(id.column)
    return column if id.on_fault == "error" else f"{{column: {column}, on_fault: {id.on_fault}}}"


def _column(mapped: MappedColumn) -> str:
    """The line of a field: the bare name of its column where nothing else is to be said."""
    entries: dict[str, Any] = {"column": mapped.column, "columns": mapped.columns, "unit": mapped.unit}
    entries |= {"decimal": mapped.decimal, "format": mapped.format, "codes": mapped.codes, "missing": mapped.missing}
    entries["on_invalid"] = mapped.on_invalid if mapped.on_invalid != "error" else None
    parts = [f"{key}: {_flow(value)}" for key, value in entries.items() if value]
    return _scalar(mapped.column) if len(parts) == 1 and mapped.column else "{" + ", ".join(parts) + "}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(meaning)}" for key, meaning in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_scalar, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else _scalar(value)


def _scalar(text: str) -> str:
    """A text as YAML reads it again: quoted, unless it is a plain word that means nothing else."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) and text.lower() not in _WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


_WORDS = ("y", "n", "yes", "no", "true", "false", "on", "off", "null", "nan")
"""What YAML takes for something else than a text."""
