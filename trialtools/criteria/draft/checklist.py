"""A record goes in; a protocol comes out in which every sentence is a question, as a file, and what was left out.

Age and sex are formulas, for the record states them. What a sentence may mean stands beside it as a comment.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from textwrap import indent

from ..protocol import MAX_CRITERIA, Arm, Criterion, DataError, DesignItem, Field, ProtocolData, squeeze
from ..protocol.file import as_yaml
from .items import Item, read_eligibility
from .lines import CriterionKind
from .phrases import pattern
from .record import Record, age_span
from .suggestions import Suggestion, field_names, suggestions, unsaid

_INTRODUCTION = """\
# A checklist: each sentence of the registry is a question for a person (ask: true) until it becomes logic.
# What is proposed beside a criterion was read by rules and adopted by nobody. To adopt it: put the field under
# fields, and the formula instead of ask: true. If there are several formulas, join them by and, or by or.
# A formula may say only a part of its sentence. Lines with # ? want to be looked at.
"""
_LONGEST = 88
_ABOUT_AGE = pattern("about_age")
_ONE_SEX = pattern("only_sex")
_AGE = re.compile(r"(\d{1,6}) (year|month|week|day)s?", re.I)
_ODD_AGES = "the record's ages are no formula: they mix units, are no whole numbers of one, or are no possible ages"
_OLDEST = {"year": 120, "month": 1440, "week": 6240, "day": 43800}


@dataclass(frozen=True)
class _Entry:
    """One criterion of the file: a question where `when` is empty, with what it may mean, and what to look at."""

    kind: CriterionKind
    label: str
    quotes: tuple[str, ...]
    when: str = ""
    why: str = ""
    suggested: tuple[Suggestion, ...] = ()
    remarks: tuple[str, ...] = ()

    def criterion(self, id: str) -> Criterion:
        quote = self.quotes[0] if len(self.quotes) == 1 else self.quotes
        return Criterion(id, self.kind, self.label, quote, self.when or None, ask=not self.when, why=self.why or None)

    @property
    def comments(self) -> list[str]:
        """What stands below it in the file: remarks, and the proposals in the words that adopt them."""
        proposed = (line for each in self.suggested for line in _proposal(each))
        return [*(f"? {remark}" for remark in self.remarks), *dict.fromkeys(proposed)]


def _proposal(suggestion: Suggestion) -> Iterator[str]:
    if suggestion.doubt:
        yield f"? {suggestion.doubt}"
    for name, field in suggestion.fields.items():
        yield f"proposed field   {_declaration(name, field)}"
    yield f"proposed         {as_yaml({'when': suggestion.formula}, math.inf).strip()}"


def _declaration(name: str, field: Field) -> str:
    return f"{name}: {as_yaml(field, math.inf, flow=True).strip()}"


@dataclass(frozen=True)
class Draft:
    """A protocol that was begun: what it is, its file as text, where this and the registry text are to stand.

    `suggested` counts the formulas beside its criteria; `left_out` are the parts of the record that no criterion
    quotes, `remarks` what somebody should look at.
    """

    begun: ProtocolData
    written: str
    suggested: int
    left_out: tuple[str, ...]
    remarks: tuple[str, ...]
    protocol: Path
    registry: Path

    def text(self) -> str:
        """What was made, in a few lines, with every line of the record that no criterion quotes."""
        criteria, questions = len(self.begun.criteria), len(self.begun.questions)
        proposed = "1 formula" if self.suggested == 1 else f"{self.suggested} formulas"
        left_out = [line for part in self.left_out for line in part.split("\n")]
        lines = "1 line" if len(left_out) == 1 else f"{len(left_out)} lines"
        return "\n".join(
            [
                f"{self.begun.id}: {criteria} criteria; {criteria - questions} logic, {questions} questions"
                f" for a person; {proposed} proposed beside them, none adopted",
                *(f"  ? {remark}" for remark in self.remarks),
                *([f"  left out, for no criterion quotes it ({lines}):"] if left_out else []),
                *(f"  - {line}" for line in left_out),
                f"wrote {self.registry}",
                f"wrote {self.protocol}",
                f"next: trialtools check {self.protocol}",
            ]
        )


def draft(record: Record, protocol: Path, registry: Path) -> Draft:
    """The protocol of a record, nothing written yet.

    Args:
        record: what the registry says.
        protocol, registry: where the two files are to stand.

    Raises:
        DataError: no criterion is in the record.
    """
    read = read_eligibility(record.eligibility)
    entries, fields = _entries(record, read.items)
    if not entries:
        raise DataError(f"{record.id}: there are headings, but no criterion below them; paste the whole text")
    places = {kind: count(1) for kind in ("inclusion", "exclusion")}
    named = {f"{entry.kind[0].upper()}{next(places[entry.kind])}": entry for entry in entries}
    left_out = tuple(dict.fromkeys((*read.headings, *record.left_out)))
    incomplete = (DesignItem("the text says that it does not list every criterion", quote=q) for q in read.incomplete)
    begun = ProtocolData(
        record.id,
        record.title,
        fields,
        tuple(entry.criterion(id) for id, entry in named.items()),
        source=f"../registry/{registry.name}",
        eligibility=record.edges,
        not_rules=tuple(map(squeeze, read.headings if record.edges else left_out)),
        sites=record.sites,
        arms=record.arms,
        design=record.design | {f"complete_{n}" if n > 1 else "complete": each for n, each in enumerate(incomplete, 1)},
        text=record.text,
    )
    comments = {id: entry.comments for id, entry in named.items()}
    odd = {arm.id: f'the arm "{arm.label}" is registered as experimental' for arm in record.arms if _is_odd(arm)}
    return Draft(
        begun,
        written=_protocol_text(begun, fields, comments | {id: [f"? {remark}"] for id, remark in odd.items()}),
        suggested=sum(len(entry.suggested) for entry in entries),
        left_out=left_out,
        remarks=(*record.remarks, *odd.values(), *_kinds_of_people(read.items), *_by_remark(named)),
        protocol=protocol,
        registry=registry,
    )


def _is_odd(arm: Arm) -> bool:
    """Whether the name of an arm speaks against its role."""
    return arm.role == "experimental" and bool(re.search(r"placebo|sham", arm.label, re.I))


def _protocol_text(protocol: ProtocolData, fields: Mapping[str, Field], comments: Mapping[str, Sequence[str]]) -> str:
    """The file of a protocol; what is said of a criterion or an arm, by its id, stands below it as comments."""
    declared = "".join(f"\n  {_declaration(*each)}" for each in fields.items())
    blocks = [_keys_text(protocol, "id", "title", "source", "eligibility"), f"fields:{declared or ' {}'}\n"]
    blocks += [_list_text("criteria", protocol.criteria, comments), _keys_text(protocol, "not_rules", "sites")]
    blocks += [_list_text("arms", protocol.arms, comments), _keys_text(protocol, "design")]
    return "\n".join([_INTRODUCTION, *filter(None, blocks)])


def _keys_text(protocol: ProtocolData, *keys: str) -> str:
    values = {key: value for key in keys if (value := getattr(protocol, key))}
    return as_yaml(values) if values else ""


def _list_text(key: str, items: Sequence[Criterion | Arm], comments: Mapping[str, Sequence[str]]) -> str:
    below = {id: "".join(f"  # {comment}\n" for comment in notes) for id, notes in comments.items()}
    blocks = "\n".join(as_yaml([item]) + below.get(item.id, "") for item in items)
    return f"{key}:\n{indent(blocks, '  ')}" if items else ""


def _by_remark(named: Mapping[str, _Entry]) -> list[str]:
    """What to look at, each remark once, with the criteria that bear it."""
    bearers: dict[str, list[str]] = {}
    for id, entry in named.items():
        for remark in entry.remarks:
            bearers.setdefault(remark, []).append(id)
    return [f"{', '.join(ids)}: {remark}" for remark, ids in bearers.items()]


def _kinds_of_people(items: Sequence[Item]) -> list[str]:
    headings = list(dict.fromkeys(item.under for item in items if item.under))
    if len(headings) < 2:
        return []
    return [f"the text is divided ({'; '.join(headings)}), and all of it is asked of one patient"]


# --- the criteria of a record -----------------------------------------------------------------------------------------


def _entries(record: Record, items: Sequence[Item]) -> tuple[list[_Entry], dict[str, Field]]:
    """The criteria of a record, inclusions first, as many as a protocol may hold, and the fields of their formulas."""
    rule = _age_rule(*record.ages)
    same = [item for item in items if rule and _says_age(item, rule.formula)]
    stated = [*_record_rules(record, rule, same)]
    questions = [_question(item, record, rule) for item in items if item not in same]
    fields = dict(rule.fields) if rule else {}
    if record.sex in ("female", "male"):
        fields["sex"] = Field("category", "Sex", values=("female", "male"), change="never", group="person")
    return _at_most(sorted([*stated, *questions], key=lambda entry: entry.kind == "exclusion")), fields


def _age_rule(low: str, high: str) -> Suggestion | None:
    """The ages of a record in completed units; None where it has none, or they cannot be said exactly.

    >>> _age_rule("18 Years", "64 Years").formula, _age_rule("6 Months", "5 Years").formula, _age_rule("2 Hours", "")
    ('18 <= age <= 64', '6 <= age_months <= 71', None)
    >>> _age_rule("65 Years", "18 Years"), _age_rule("", "999 Years")
    (None, None)
    """
    ages = [_AGE.fullmatch(age.strip()) for age in (low, high)]
    units = {age[2].lower() for age in ages if age}
    if [bool(age) for age in ages] != [bool(age.strip()) for age in (low, high)] or not units:
        return None
    if len(units) > 1 and units != {"year", "month"}:
        return None
    unit = "month" if "month" in units else units.pop()
    name, oldest = "age" if unit == "year" else f"age_{unit}s", _OLDEST[unit]
    first, last = (_completed_age(age, unit, is_last) for is_last, age in enumerate(ages))
    if not (first or 0) <= (oldest if last is None else last) <= oldest:
        return None
    formula = f"{name} >= {first}" if last is None else f"{name} <= {last}"
    formula = formula if first is None or last is None else f"{first} <= {formula}"
    field = Field("integer", "Age at screening", unit=f"{unit}s", range=(0, oldest), change="never", group="person")
    return Suggestion(formula, age_span(low, high), {name: field})


def _completed_age(age: re.Match[str] | None, unit: str, is_last: int) -> int | None:
    """An age in completed units; somebody of 5 years has completed up to 71 months."""
    if age is None:
        return None
    n = int(age[1])
    return n if age[2].lower() == unit else 12 * (n + 1) - 1 if is_last else 12 * n


def _says_age(item: Item, formula: str) -> bool:
    """Whether a sentence says the ages of the record and nothing else."""
    is_age = item.kind == "inclusion" and not item.parts and not item.under and _ABOUT_AGE.fullmatch(item.text)
    return bool(is_age) and [each.formula for each in suggestions(item.text)] == [formula]


def _record_rules(record: Record, rule: Suggestion | None, same: Sequence[Item]) -> Iterator[_Entry]:
    """Age and sex, as the record's own fields have them."""
    label = f"Age {age_span(*record.ages).lower()}"
    if rule:
        quotes = (record.age_quote, *(quote for item in same for quote in item.quotes))
        (field,) = rule.fields.values()
        why = f"The ages that the record states, in completed {field.unit} at screening."
        yield _Entry("inclusion", label, quotes, rule.formula, why)
    elif any(record.ages):
        yield _Entry("inclusion", label, (record.age_quote,), remarks=(_ODD_AGES,))
    if record.sex in ("female", "male"):
        formula = f'sex == "{record.sex}"'
        yield _Entry("inclusion", f"Sex: {record.sex}", (record.sex_quote,), formula, "The sex that the record states.")


def _question(item: Item, record: Record, rule: Suggestion | None) -> _Entry:
    """A sentence as a question, with what it may mean beside it."""
    proposals = [each for text in (item.text, *item.parts) for each in suggestions(text)]
    remarks = list(item.remarks)
    if rule and item.kind == "inclusion":
        other = [each.formula for each in proposals if "age" in each.fields and each.formula != rule.formula]
        remarks += [f"the text says {formula}; the record says {rule.formula}" for formula in other]
        proposals = [each for each in proposals if each.formula != rule.formula]
    if record.sex == "all" and item.kind == "inclusion" and (one := _ONE_SEX.fullmatch(item.text)):
        remarks.append(f"the text says {one[1].lower()}; the record says that all sexes are eligible")
    proposed = {part: suggestions(part) for part in item.parts} if item.join else {item.whole: proposals}
    if rest := [words for text, own in proposed.items() if own for words in unsaid(text, own)]:
        remarks.append(f"what is proposed says only a part: nothing of {', '.join(map(repr, rest))}")
    if item.join:
        proposals.append(_list_of(item))
    label = f"{item.under}: {item.text}" if item.under else item.text
    return _Entry(item.kind, _short(label), item.quotes, suggested=tuple(proposals), remarks=tuple(remarks))


def _list_of(item: Item) -> Suggestion:
    """The parts of a certain list as flags, joined as its words say."""
    named = zip(field_names(item.parts), item.parts, strict=True)
    flags = {name: Field("flag", _short(part), judged_by="person") for name, part in named}
    if item.join.isdigit():
        return Suggestion(f"at_least({item.join}, {', '.join(flags)})", item.text, flags)
    return Suggestion(f" {item.join} ".join(flags), item.text, flags)


def _short(text: str) -> str:
    """A label: the text without its full stop, cut between two words where it is long."""
    text = text.rstrip(" .;,:\uff1a") or "Question"
    text = text[:1].upper() + text[1:] if text[:2].islower() else text
    return text if len(text) <= _LONGEST else text[:_LONGEST].rsplit(" ", 1)[0].rstrip(" ,;:(") + " …"


def _at_most(entries: list[_Entry]) -> list[_Entry]:
    """As many criteria as a protocol holds: the last ones of a kind become one question about all of them."""
    if len(entries) <= MAX_CRITERIA:
        return entries
    excluded = sum(entry.kind == "exclusion" for entry in entries)
    kind: CriterionKind = "exclusion" if excluded > len(entries) - MAX_CRITERIA else "inclusion"
    alike = [entry for entry in entries if entry.kind == kind and not entry.when]
    joined = alike[-(len(entries) - MAX_CRITERIA + 1) :]
    last = _Entry(
        kind,
        f"Further {kind}s: {'any' if kind == 'exclusion' else 'all'} of {len(joined)}",
        tuple(quote for entry in joined for quote in entry.quotes),
        suggested=tuple(each for entry in joined for each in entry.suggested),
        remarks=(f"{len(joined)} sentences are one question, for at most {MAX_CRITERIA} criteria are read",),
    )
    others = [entry for entry in entries if not any(entry is each for each in joined)]
    return sorted([*others, last], key=lambda entry: entry.kind == "exclusion")
