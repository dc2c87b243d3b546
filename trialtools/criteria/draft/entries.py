"""A record and the rules of its text go in; the criteria of a checklist come out: age and sex as formulas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..protocol import MAX_CRITERIA, Field
from .headings import Kind
from .items import Item
from .names import field_name
from .record import Record, age_span
from .suggestions import Suggestion, suggestions, unsaid

_LONGEST = 88
_ABOUT_AGE = re.compile(
    r"(?:male|females?|males?|men|women|patients?|subjects?|participants?|adults?|children|both|sex(?:es)?|either|gender"
    r"|any|of|or|and|and/or|is|are|be|must|who|with|an?|the|at|age[ds]?|ages|over|above|older|years?|yrs?|old|than|greater"
    r"|equal|least|to|between|from|inclusive|including|up|less|under|more|in|on|time|day|screening|enrol?lment|consent"
    r"|signing|informed|[\d≥≤<>=≧≦.,;:()/–—\s-])+",
    re.I,
)
_ONE_SEX = re.compile(r"(?:only )?((?:fe)?males?|women|men)(?: (?:participants|subjects|patients|only))?\W*", re.I)
_AGE = re.compile(r"(\d+) (year|month|week|day)s?", re.I)
_OLDEST = {"year": 120, "month": 1440, "week": 6240, "day": 43800}


class AgeRule(NamedTuple):
    """The ages of a record: the field, and what must hold of it."""

    name: str
    field: Field
    formula: str


@dataclass(frozen=True)
class Entry:
    """One criterion of the file: a question where `when` is empty, with what it may mean, and what to look at."""

    kind: Kind
    label: str
    quotes: tuple[str, ...]
    when: str = ""
    why: str = ""
    suggested: tuple[Suggestion, ...] = ()
    remarks: tuple[str, ...] = ()


def entries_of(record: Record, items: Sequence[Item]) -> tuple[list[Entry], dict[str, Field]]:
    """The criteria of a record, inclusions first, as many as a protocol may hold, and the fields of their formulas."""
    rule = age_rule(*record.ages)
    same = [item for item in items if rule and _says_age(item, rule.formula)]
    stated = [*_record_rules(record, rule, same)]
    asked = [_question(item, record, rule) for item in items if item not in same]
    fields = {rule.name: rule.field} if rule else {}
    if record.sex in ("female", "male"):
        fields["sex"] = Field("category", "Sex", values=("female", "male"), change="never", group="person")
    return _at_most(sorted([*stated, *asked], key=lambda entry: entry.kind == "exclusion")), fields


def age_rule(low: str, high: str) -> AgeRule | None:
    """The ages of a record in completed units; None where it has none, or they cannot be said exactly.

    >>> age_rule("18 Years", "64 Years").formula, age_rule("6 Months", "5 Years").formula, age_rule("2 Hours", "")
    ('18 <= age <= 64', '6 <= age_months <= 71', None)
    """
    written = [age.strip() for age in (low, high) if age.strip()]
    found = [_AGE.fullmatch(age) for age in written]
    units = {age[2].lower() for age in found if age}
    if not written or None in found or (len(units) > 1 and units != {"year", "month"}):
        return None
    unit = "month" if "month" in units else units.pop()
    name = "age" if unit == "year" else f"age_{unit}s"
    oldest = (0, _OLDEST[unit])
    field = Field("integer", "Age at screening", unit=f"{unit}s", range=oldest, change="never", group="person")
    first, last = _completed_age(low, unit, False), _completed_age(high, unit, True)
    if first and last:
        return AgeRule(name, field, f"{first} <= {name} <= {last}")
    return AgeRule(name, field, f"{name} >= {first}" if first else f"{name} <= {last}")


def _completed_age(age: str, unit: str, is_last: bool) -> str:
    """An age in completed units, "" for none; somebody of 5 years has completed up to 71 months."""
    found = _AGE.fullmatch(age.strip())
    if not found:
        return ""
    n = int(found[1])
    return str(n if found[2].lower() == unit else 12 * (n + 1) - 1 if is_last else 12 * n)


def _says_age(item: Item, formula: str) -> bool:
    """Whether a sentence says the ages of the record and nothing else."""
    is_age = item.kind == "inclusion" and not item.parts and not item.under and _ABOUT_AGE.fullmatch(item.text)
    return bool(is_age) and [each.formula for each in suggestions(item.text)] == [formula]


def _record_rules(record: Record, rule: AgeRule | None, same: Sequence[Item]) -> Iterator[Entry]:
    """Age and sex, as the record's own fields have them."""
    if rule:
        quotes = (record.age_quote, *(quote for item in same for quote in item.quotes))
        why = f"The ages that the record states, in completed {rule.field.unit} at screening."
        yield Entry("inclusion", f"Age {age_span(*record.ages).lower()}", quotes, rule.formula, why)
    elif any(record.ages):
        remarks = ("the record's ages are no formula: they mix units, or are no whole numbers of one",)
        yield Entry("inclusion", f"Age {age_span(*record.ages).lower()}", (record.age_quote,), remarks=remarks)
    if record.sex in ("female", "male"):
        formula = f'sex == "{record.sex}"'
        yield Entry("inclusion", f"Sex: {record.sex}", (record.sex_quote,), formula, "The sex that the record states.")


def _question(item: Item, record: Record, rule: AgeRule | None) -> Entry:
    """A sentence as a question, with what it may mean beside it."""
    found = [each for text in (item.text, *item.parts) for each in suggestions(text)]
    remarks = list(item.remarks)
    if rule and item.kind == "inclusion":
        other = [each.formula for each in found if "age" in each.fields and each.formula != rule.formula]
        remarks += [f"the text says {formula}; the record says {rule.formula}" for formula in other]
        found = [each for each in found if each.formula != rule.formula]
    if record.sex == "all" and item.kind == "inclusion" and (one := _ONE_SEX.fullmatch(item.text)):
        remarks.append(f"the text says {one[1].lower()}; the record says that all sexes are eligible")
    if item.join:
        found.append(_list_of(item))
    elif found and (rest := unsaid(item.whole, found)):
        remarks.append(f"what is proposed says only a part: nothing of {', '.join(map(repr, rest))}")
    label = f"{item.under}: {item.text}" if item.under else item.text
    return Entry(item.kind, _short(label), item.quotes, suggested=tuple(found), remarks=tuple(remarks))


def _list_of(item: Item) -> Suggestion:
    """The parts of a certain list as flags, joined as its words say."""
    flags = {field_name(part): Field("flag", _short(part), judged_by="person") for part in item.parts}
    if item.join.isdigit():
        return Suggestion(f"at_least({item.join}, {', '.join(flags)})", item.text, flags)
    return Suggestion(f" {item.join} ".join(flags), item.text, flags)


def _short(text: str) -> str:
    """A label: the text without its full stop, cut between two words where it is long."""
    text = text.rstrip(" .;,:\uff1a") or "Question"
    text = text[:1].upper() + text[1:] if text[:2].islower() else text
    return text if len(text) <= _LONGEST else text[:_LONGEST].rsplit(" ", 1)[0].rstrip(" ,;:(") + " …"


def _at_most(entries: list[Entry]) -> list[Entry]:
    """As many criteria as a protocol holds: the last ones of a kind become one question about all of them."""
    if len(entries) <= MAX_CRITERIA:
        return entries
    excluded = sum(entry.kind == "exclusion" for entry in entries)
    kind: Kind = "exclusion" if excluded > len(entries) - MAX_CRITERIA else "inclusion"
    alike = [entry for entry in entries if entry.kind == kind and not entry.when]
    joined = alike[-(len(entries) - MAX_CRITERIA + 1) :]
    last = Entry(
        kind,
        f"Further {kind}s: {'any' if kind == 'exclusion' else 'all'} of {len(joined)}",
        tuple(quote for entry in joined for quote in entry.quotes),
        suggested=tuple(each for entry in joined for each in entry.suggested),
        remarks=(f"{len(joined)} sentences are one question, for at most {MAX_CRITERIA} criteria are read",),
    )
    kept = [entry for entry in entries if not any(entry is each for each in joined)]
    return sorted([*kept, last], key=lambda entry: entry.kind == "exclusion")
