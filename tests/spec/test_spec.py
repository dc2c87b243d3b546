"""Every line of every table in this folder holds for the reference evaluator."""

from __future__ import annotations

import math
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from trialtools.criteria.contents import Protocol
from trialtools.criteria.language import Interval, evaluate, parse, words
from trialtools.criteria.protocol import Criterion, Field

PAGES = sorted(path for path in Path(__file__).parent.glob("*.txt") if path.stem not in ("README", "several_rows"))
WORDS = {"true": True, "false": False, "unknown": None}
NOT_NUMBERS = {"NaN": math.nan, "infinity": math.inf, "-infinity": -math.inf}


class Line(NamedTuple):
    """One line of a table: what is asked, what is recorded, what comes out or how it reads."""

    page: str
    number: int
    fields: dict[str, Field]
    expression: str
    patient: dict[str, Any]
    result: bool | str | None


def lines_of(page: Path) -> list[Line]:
    """The lines of all tables of a page, each under the fields that were declared last before it."""
    lines, declared, fields, heading, last, expression = [], "", {}, [], "", ""
    for number, written in enumerate(page.read_text("utf-8").splitlines(), start=1):
        if written.startswith("    "):
            declared += written + "\n"
        elif written.startswith("|"):
            if declared:
                fields, declared = fields_of(declared), ""
            cells = [cell.strip() for cell in written.strip("|").split("|")]
            if cells[0] == "expression":
                heading, last = cells[1:-1], cells[-1]
            elif not cells[0].startswith("--"):
                expression = cells[0] or expression
                recorded = zip(heading, cells[1:-1], strict=True)
                patient = {name: value_of(cell, fields[name]) for name, cell in recorded if cell not in ("", "absent")}
                result = cells[-1] if last == "words" else WORDS[cells[-1]]
                lines.append(Line(page.stem, number, fields, expression, patient, result))
    return lines


def fields_of(declared: str) -> dict[str, Field]:
    """The fields as a protocol file would declare them; without a label, the name serves."""
    content = yaml.safe_load(declared)["fields"]
    tuples = ("values", "range")
    return {
        name: Field(
            label=keys.pop("label", name),
            from_=keys.pop("from", None),
            **{key: tuple(value) if key in tuples else value for key, value in keys.items()},
        )
        for name, keys in content.items()
    }


def value_of(cell: str, field: Field) -> Any:
    if cell in WORDS or cell in NOT_NUMBERS:
        return WORDS.get(cell, NOT_NUMBERS.get(cell))
    if ".." in cell:
        low, high = (value_of(end, field) if end else None for end in cell.split(".."))
        return Interval(low, high, cell)
    if field.type == "date":
        return datetime.fromisoformat(cell) if ":" in cell else date.fromisoformat(cell)
    if field.type == "category":
        return cell
    return int(cell) if field.type == "integer" else float(cell)


LINES = [line for page in PAGES for line in lines_of(page)]


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.page}-{line.number}")
def test_line(line: Line) -> None:
    protocol = Protocol("spec", "spec", line.fields, (Criterion("C", "inclusion", "C", when=line.expression),))
    if isinstance(line.result, str):
        assert words(protocol.formula("C"), line.fields) == line.result
        return
    assert evaluate(protocol.formula("C"), protocol.facts_of(line.patient)) is line.result
    plain = not any(isinstance(value, Interval) for value in line.patient.values())
    if plain and not any(f.range or f.applies or f.from_ or f.type == "date" for f in line.fields.values()):
        assert evaluate(parse(line.expression, line.fields), line.patient) is line.result


def test_every_page_is_a_manual_page() -> None:
    for page in PAGES:
        title, underline, blank, sentence = page.read_text("utf-8").splitlines()[:4]
        assert title and underline == "=" * len(title) and not blank and sentence, page.name


def test_truth_tables_are_complete() -> None:
    """The two connectives have nine lines each and 'not' has three: nothing was left to the imagination."""
    kleene = [line for line in LINES if line.page == "kleene"]
    for expression, count in (("a and b", 9), ("a or b", 9), ("not a", 3)):
        seen = {tuple(line.patient.items()) for line in kleene if line.expression == expression and line.patient}
        assert len({case for case in seen if len(case) == (1 if count == 3 else 2)}) == count
