"""A sentence goes in; formulas that it may mean come out, for a person to adopt or not. Nothing here decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count

from ..language import ProtocolError, parse
from ..protocol import Field
from ..protocol.field import name_fault
from .numbers import Limit, limits
from .phrases import PHRASES, pattern

_AGE = pattern("age")
_NO_AGE = pattern("no_age")
_PEOPLE = pattern("people")
_ANCHORED = pattern("anchored")
_TIMES = ("years", "months", "weeks", "days", "hours", "minutes")
_COUNTS: dict[str, int] = PHRASES["counts"]
_COUNT = rf"(?P<n>\d+|{'|'.join(_COUNTS)})[-\s]*(?P<unit>day|week|month|year)s?\b"
_WITHIN = re.compile(
    rf"(?P<lead>within|in|during|over|for)\s*(?:a period of\s*)?(?:the\s*)?"
    rf"(?P<past>past|last|previous|prior|preceding)?\s*{_COUNT}"
    r"(?P<to>\s*(?:of|before|prior to|preceding|from|period)?[\w\s-]{0,30})",
    re.I,
)
_SINCE = re.compile(
    rf"\bfor (?:at least|more than|a minimum of)\s+(?:the )?(?:past |last )?{_COUNT}(?!\s*(?:after|following))", re.I
)
_NYHA = re.compile(
    r"\b(I{1,3}|IV)\s*(?:-|–|to|or|/|and)\s*(I{1,3}|IV)\b|\bclass\s+(I{1,3}|IV)\b(?!\s*(?:-|–|to|or|/|and)\s*I)", re.I
)
_CLASSES = {"I": 1, "II": 2, "III": 3, "IV": 4}
_SEX = re.compile(r"\b(?:(?:fe)?male|woman|women|man|men|girl|boy)s?\b", re.I)
_SCREENED = Field("date", "Date of screening", change="never")


_IDLE = pattern("says_nothing")
_UNLESS = re.compile(r"\b(?:except|unless|with the exception)\b[^.;()]{0,50}(?!\w)", re.I)
"""What takes back a part of a rule: no suggestion speaks of it."""


def field_names(texts: Iterable[str], longest: int = 28) -> list[str]:
    """A name for what each text is about, no two alike.

    >>> field_names(["Any dose", "Dose", "History of Guillain-Barre syndrome"])
    ['dose', 'dose_2', 'guillain_barre_syndrome']
    """
    names: list[str] = []
    for name in (_field_name(text, longest) for text in texts):
        numbered = (name if n == 1 else f"{name}_{n}" for n in count(1))
        names.append(next(each for each in numbered if each not in names))
    return names


def _field_name(text: str, longest: int = 28) -> str:
    """A name for what a text is about: its first words that say something.

    >>> _field_name("History of Guillain-Barre syndrome"), _field_name("2nd dose"), _field_name("any other")
    ('guillain_barre_syndrome', 'n_2nd_dose', 'value')
    """
    written = re.findall(r"[a-z0-9]+", text.lower())
    words = [word for word in written if not _IDLE.fullmatch(word)] or [word for word in written if len(word) > 5]
    name = ""
    for word in words[:5]:
        if name and len(name) + len(word) + 1 > longest:
            break
        name = f"{name}_{word}" if name else word
    name = f"n_{name}" if name[:1].isdigit() else name
    return f"{name}_value".strip("_") if name_fault(name) else name


@dataclass(frozen=True)
class Suggestion:
    """A formula, the fields it needs beside `age`, `sex` and those that stand, the words it rests on, a doubt."""

    formula: str
    words: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    doubt: str = ""


def suggestions(sentence: str) -> list[Suggestion]:
    """What a sentence may mean, as far as it names measurements, ages and times; each formula can be read.

    >>> [each.formula for each in suggestions("Eczema Area and Severity Index (EASI) score ≥16 at the screening visit")]
    ['easi >= 16']
    """
    by_formula = {}
    for each in (*_of_limits(sentence), *_of_classes(sentence), *_of_times(sentence)):
        if _is_readable(each):
            by_formula.setdefault(each.formula, each)
    return list(by_formula.values())


def unsaid(sentence: str, proposals: Sequence[Suggestion]) -> list[str]:
    """The measurements and numbers of a sentence that no suggestion covers, in its words.

    >>> sentence = "Alanine aminotransferase (ALT) or aspartate aminotransferase (AST) > 3 x ULN"
    >>> unsaid(sentence, suggestions(sentence))
    ['Alanine aminotransferase']
    """
    used = {name for each in proposals for name in each.fields}
    named = {name: match for name, (words, _) in _measures().items() if (match := words.search(sentence))}
    inside = [match.span() for name, match in named.items() if name in used]
    others = sorted((match for name, match in named.items() if name not in used), key=re.Match.start)
    left = [each for each in others if not any(start < each.end() and each.start() < end for start, end in inside)]
    words = [match[0] + re.split(r"\W", sentence[match.end() :], maxsplit=1)[0] for match in left]
    numbers = []
    for limit in limits(sentence):
        number = sentence[limit.start : limit.end].strip(" :")
        is_time = limit.unit in _TIMES and not ("age" in used and _is_age_in_days(sentence, limit))
        if not is_time and not any(_rests_on(each, number) for each in proposals):
            numbers.append(number)
    return [*words, *numbers, *(match[0].strip() for match in _UNLESS.finditer(sentence))]


def _rests_on(suggestion: Suggestion, number: str) -> bool:
    """Whether a suggestion speaks of a number; the words of a measurement end with its own, those of a time hold it."""
    is_time = "screened_on" in suggestion.fields
    return number in suggestion.words if is_time else suggestion.words.endswith(number)


def _is_age_in_days(sentence: str, limit: Limit) -> bool:
    """Whether a limit in days, weeks or months is one of the age: "Age ≥ 28 days and < 16 years"."""
    near = sentence[max(0, limit.start - 30) : limit.end + 20]
    return limit.unit not in ("years", "hours", "minutes") and bool(_AGE.search(near)) and not _NO_AGE.search(near)


def _is_readable(suggestion: Suggestion) -> bool:
    try:
        parse(suggestion.formula, {"screened_on": _SCREENED, **suggestion.fields})
    except ProtocolError:
        return False
    return True


@cache
def _measures() -> dict[str, tuple[re.Pattern[str], Field]]:
    """By field, the words for a measurement, and the field of it."""
    return {
        name: (
            re.compile(each["words"], re.I),
            Field(each.get("type", "number"), each["label"], unit=each.get("unit"), range=tuple(each["range"])),
        )
        for name, each in PHRASES["measures"].items()
    }


def _of_limits(sentence: str) -> Iterator[Suggestion]:
    for limit in limits(sentence):
        words = sentence[max(0, limit.start - 25) : limit.end].strip()
        near = sentence[max(0, limit.start - 30) : limit.end + 20]
        if _is_negated(sentence, limit.start) or (_AGE.search(near) and _is_of_some(sentence, limit)):
            continue
        measured = _measurement(sentence, limit)
        if _is_age(sentence, limit, near, bool(measured)):
            age = Field("integer", "Age at screening", unit="years", range=(0, 120), change="never")
            yield Suggestion(limit.formula("age"), words, {"age": age})
            continue
        if not _is_of_one_sex(sentence, limit) and (measured or (measured := _named_before(sentence, limit))):
            names = [measured, *_beside(sentence, limit, measured)]
            yield from (_limit_suggestion(name, limit, words) for name in names if _fits(name, limit))


def _is_of_some(sentence: str, limit: Limit) -> bool:
    """Whether a number only says which people the sentence is about: "for adolescents under 18, able to ..."."""
    lead = sentence[: limit.start].strip()
    return bool(re.search(r"^(?:for|if|in|when)\b[^,]{0,30}$", lead, re.I)) and "," in sentence[limit.end :]


def _is_negated(sentence: str, start: int) -> bool:
    """Whether the words before it deny a limit or a time, "no stroke in 4 weeks": a formula would say the reverse."""
    clause = re.split(r"[.;]\s|\b(?:and|but)\b", sentence[:start])[-1]
    return bool(re.search(r"\b(?:no|not|never|nor|without|absence of|free (?:of|from))\b", clause, re.I))


def _is_of_one_sex(sentence: str, limit: Limit) -> bool:
    """Whether a number holds for one sex only: "> 470 ms (females)", "women: above 88 cm"."""
    if re.match(rf"\s*[(,]?\s*(?:in |for )?{_SEX.pattern}", sentence[limit.end :], re.I):
        return True
    clause = re.split(r"[.;]\s", sentence[: limit.start])[-1]
    return len({word[0].lower() in "fwg" for word in _SEX.findall(clause)}) == 1


def _is_age(sentence: str, limit: Limit, near: str, is_measured: bool) -> bool:
    if _NO_AGE.search(near) or limit.unit not in ("years", "") or (is_measured and not limit.unit):
        return False
    return bool(_AGE.search(near)) or bool(limit.unit and _PEOPLE.search(sentence[: limit.start]))


def _measurement(sentence: str, limit: Limit) -> str:
    """What a number is said of: the known measurement right before it, without another number between, else after."""
    clause = max(sentence.rfind(mark, 0, limit.start) for mark in (";", ". ", " and if "))
    nearby: list[tuple[int, str]] = []
    for name, (words, _) in _measures().items():
        for named in words.finditer(sentence):
            between = sentence[named.end() : limit.start]
            after = sentence[limit.end : named.start()]
            is_ratio = bool(re.match(r"\s*/\s*[A-Za-z]", between))
            if clause < named.start() < limit.start and len(between) < 70 and not (_has_number(between) or is_ratio):
                nearby.append((len(between), name))
            elif limit.end <= named.start() < limit.end + 30 and not re.search(r"[,;]|\b(?:and|or)\b", after):
                nearby.append((len(after) + 8, name))
    return min(nearby)[1] if nearby else ""


def _has_number(text: str) -> bool:
    return bool(re.search(r"(?<![A-Za-z])\d", text))


def _named_before(sentence: str, limit: Limit) -> str:
    """A score or a measure that no list knows, by the words right before a sign of comparison."""
    before = sentence[: limit.start].rstrip(" (:")
    written = sentence[limit.start : limit.end]
    if not (re.search(r"[<>≥≤≧≦]", written) or re.search(r"\bscores?(?: of)?$", before, re.I)):
        return ""
    if limit.unit in (*_TIMES, "uln") or re.match(r"\s?(?:mg|mcg|g|ml|IU|µg)\b", sentence[limit.end :], re.I):
        return ""
    if short := re.search(r"\(([A-Z][A-Za-z0-9-]{2,9})\)\s*(?:total |sum )?(?:scores?)?(?: of)?$", before):
        return short[1]
    phrase = re.search(r"((?:[A-Za-z][\w-]*\s+){0,2}[A-Za-z][\w-]+)(?:\s+of)?$", before)
    if not phrase or before[: phrase.start()].endswith("/"):
        return ""
    idle = re.search(r"\b(?:after|then|with|of|the|to|in|on|for|and|or|by|who|have|has|is|are|be)\b", phrase[1])
    return "" if idle else phrase[1]


def _beside(sentence: str, limit: Limit, name: str) -> list[str]:
    """AST and ALT > 5: the measurements that share a number with the one nearest to it."""
    lead = sentence[max(0, limit.start - 30) : limit.start]
    named = [(match.span(), other) for other, (words, _) in _measures().items() for match in words.finditer(lead)]
    near = max((span for span, other in named if other == name), default=None)
    joined = r"\s*(?:/|and|or|and/or|&)\s*"
    first = near[0] if near else 0
    before = [(end, other) for (start, end), other in named if other != name and start < end <= first]
    return [other for end, other in before if re.fullmatch(joined, lead[end:first], re.I)]


def _fits(name: str, limit: Limit) -> bool:
    """Whether a number in this unit can be said of a measurement: a percentage only of what is in %."""
    usual = _measures()[name][1].unit if name in _measures() else None
    if limit.unit == "%" and name in _measures():
        return usual == "%"
    return limit.unit not in _TIMES or limit.unit == usual


def _limit_suggestion(name: str, limit: Limit, words: str) -> Suggestion:
    if name not in _measures():
        own = _field_name(name)
        unit = limit.unit if limit.unit not in ("", "points") else None
        return Suggestion(limit.formula(own), words, {own: Field("number", name, unit=unit)})
    usual = _measures()[name][1]
    if limit.unit == "uln":
        normal = Field("number", f"Upper limit of normal of {usual.label}", unit=usual.unit)
        fields = {name: usual, f"{name}_uln": normal}
        return Suggestion(limit.formula(name, f" * {name}_uln"), words, fields)
    unit = limit.unit if limit.unit not in ("", "points") else usual.unit
    if unit == usual.unit:
        return Suggestion(limit.formula(name), words, {name: usual})
    other = Field("number", usual.label, unit=unit)
    return Suggestion(limit.formula(name), words, {name: other}, f"in {unit}; usual here is {usual.unit or 'no unit'}")


def _of_classes(sentence: str) -> Iterator[Suggestion]:
    """NYHA classes, which are written in Roman numbers."""
    words, field = _measures()["nyha"]
    match = _NYHA.search(sentence) if words.search(sentence) else None
    if match:
        low, high = (_CLASSES[(match[place] or match[3]).upper()] for place in (1, 2))
        formula = f"nyha >= {low}" if high == 4 else f"{low} <= nyha <= {high}"
        yield Suggestion(formula, match[0], {"nyha": field})


def _of_times(sentence: str) -> Iterator[Suggestion]:
    """How long something has been so, or how long ago it was, counted back from screening."""
    for match in _SINCE.finditer(sentence):
        around = sentence[max(0, match.start() - 20) : match.start()] + sentence[match.end() : match.end() + 40]
        if not re.search("expect|during|within|will|continu", around) and not _is_negated(sentence, match.start()):
            yield _before_screening(f"{_event(sentence[: match.start()])}_since", match, match[0], "", sentence)
    last = 0
    for match in _WITHIN.finditer(sentence):
        name, last = _event(sentence[last : match.start()]), match.end("unit")
        if _is_past(sentence, match) and not _is_negated(sentence, match.start()):
            is_plain = "screen" in match["to"].lower()
            doubt = "" if is_plain else "counted back from screening; the text may mean another day"
            words = sentence[max(0, match.start() - 25) : match.end()].strip()
            yield _before_screening(f"{name}_on", match, words, doubt, sentence)


def _event(before: str) -> str:
    """A name for what happened, by the words before its time: those of the last clause, where it has any."""
    plain = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", before)
    clauses = [clause for clause in re.split(r"[.;,(\[]|\bor\b", plain) if re.search(r"[a-z]{4}", clause)]
    return _field_name(clauses[-1] if clauses else before, 28)


def _before_screening(name: str, match: re.Match[str], words: str, doubt: str, sentence: str) -> Suggestion:
    """That a date lies so long before screening, or longer where its name ends with `since`."""
    n, unit = _COUNTS.get(match["n"].lower()) or int(match["n"]), match["unit"].lower()
    label, signs = ("Since when", ("<=", ">=")) if name.endswith("_since") else ("Last day of", (">=", "<="))
    if unit in ("month", "year"):
        formula = f"{name} {signs[0]} months_before(screened_on, {n * (12 if unit == 'year' else 1)})"
    else:
        formula = f"screened_on - {name} {signs[1]} {n * (7 if unit == 'week' else 1)}"
    day = Field("date", f"{label}: {sentence[:60]}", change="never")
    return Suggestion(formula, words, {"screened_on": _SCREENED, name: day}, doubt)


def _is_past(sentence: str, match: re.Match[str]) -> bool:
    """Whether "within 4 weeks ..." speaks of time before screening, and of one event."""
    before, lead = sentence[: match.start()], match["lead"].lower()
    anchored = match["past"] or _ANCHORED.search(match["to"])
    if (lead != "within" and not anchored) or (lead in ("for", "over") and not match["past"]):
        return False
    if re.search(r"\bage|expectan|surviv", before[-25:], re.I) or re.match(r"\s*of age", match["to"], re.I):
        return False
    if re.search(r"more than \d+ \w+ (?:during|in|over)?\s*(?:the)?\s*$|\d+ \w+\s*$", before, re.I):
        return False
    return not re.search(r"\b(?:after|following|of (?:diagnosis|onset))", match["to"], re.I)
