"""What the registry text says and the criteria do not: text left over, terms undefined, facts known too late."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..language import names, parse
from ..protocol import ProtocolData, expressions, quotes, squeeze
from .finding import Finding, finding_for, join, slug_of, titles


def uncovered_text(protocol: ProtocolData) -> tuple[str, ...]:
    """The parts of the eligibility text that no quote and no `not_rules` covers, in the order of the text.

    White space and punctuation do not count; a quote that stands in the text twice covers both places. Without
    `eligibility` the whole text is looked at, and without a text nothing is left over.

    >>> from trialtools.criteria.contents import load_protocol
    >>> uncovered_text(load_protocol("data/protocols/NCT05741099.yaml"))
    ()
    """
    text = _eligibility(protocol)
    covered = bytearray(len(text))
    for _, quote in quotes(protocol):
        for start, end in _places(squeeze(quote), text):
            covered[start:end] = b"\1" * (end - start)
    left = "".join("\0" if is_covered else character for character, is_covered in zip(text, covered, strict=True))
    return tuple(part for part in map(_trim, left.split("\0")) if part)


def _eligibility(protocol: ProtocolData) -> str:
    text = squeeze(protocol.text)
    if protocol.eligibility is None:
        return text
    first, last = map(squeeze, protocol.eligibility)
    text = text[text.find(first) + len(first) :] if first in text else text
    return text[: text.find(last)] if last in text else text


def _places(quote: str, text: str) -> list[tuple[int, int]]:
    """Where a quote stands, as whole words; a copy that ran words together is searched for the bare letters."""
    found = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(quote)}(?!\w)", text)] if quote else []
    return found or [match.span() for match in re.finditer(re.escape(quote), text)]


def _trim(part: str) -> str:
    return re.sub(r"^[\W_]+|[\W_]+$", "", part)


def question_findings(protocol: ProtocolData) -> Iterator[Finding]:
    """How much of a checklist nobody has turned into logic yet."""
    if asked := protocol.questions:
        ids = [criterion.id for criterion in protocol.criteria]
        sentence = (
            f"Still questions for a person: {len(asked)} of {len(ids)} criteria ({_runs(asked, ids)}). A patient of "
            "whom these are not answered stays undetermined."
        )
        yield finding_for(protocol, "question", "", sentence, asked, quotes=())


def _runs(some: Iterable[str], ids: list[str]) -> str:
    """Criteria in the order of the file, with neighbours of one kind as `E1 to E7`."""
    places = [ids.index(id) for id in some]
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1 and ids[place][:1] == ids[place - 1][:1]:
            runs[-1].append(place)
        else:
            runs.append([place])
    said = [[ids[run[0]], ids[run[-1]]][: len(run)] for run in runs]
    return ", ".join((" to " if len(run) > 2 else ", ").join(ends) for run, ends in zip(runs, said, strict=True))


def text_findings(protocol: ProtocolData) -> Iterator[Finding]:
    """What a reader of the registry text would miss or ask."""
    if not protocol.text:
        sentence = "The protocol names no registry text, so its criteria cannot be held against one."
        yield finding_for(protocol, "no-source", "", sentence)
    for part in uncovered_text(protocol):
        sentence = (
            f'No criterion quotes this part of the registry text: "{part}". Add a criterion, or put it in not_rules.'
        )
        yield finding_for(protocol, "uncovered", slug_of(part, 40), sentence, quotes=(part,))
    for criterion in protocol.criteria:
        id, name = criterion.id, titles(protocol, criterion.id)
        if protocol.text and not any(quote.strip() for quote in criterion.quotes):
            yield finding_for(protocol, "no-quote", id, f"{name} quotes nothing from the registry text.", [id])
        if criterion.known_later:
            sentence = f"{name} cannot be fully known at screening. {criterion.known_later}"
            yield finding_for(protocol, "known-later", id, sentence, [id])
        if criterion.undefined:
            terms = join(f'"{term}"' for term in criterion.undefined)
            sentence = f"{name} uses words that the registry text does not define: {terms}."
            yield finding_for(protocol, "undefined", id, sentence, [id])


def field_findings(protocol: ProtocolData) -> Iterator[Finding]:
    """Criteria that mix what a person judges with what is recorded, and fields that nothing asks about."""
    for id, formula in protocol.requirements.items():
        asked = names(formula)
        judged = [name for name in asked if protocol.fields[name].judged_by]
        recorded = [name for name in asked if not protocol.fields[name].judged_by]
        if judged and recorded:
            sentence = (
                f"{titles(protocol, id)} mixes what a person must judge ({_labels(protocol, judged)}) with what is "
                f"recorded ({_labels(protocol, recorded)}). Split in two, one part could be screened without a person."
            )
            yield finding_for(protocol, "judgement", id, sentence, [id])
    used = _fields_in_use(protocol)
    unused = [name for name in protocol.fields if name not in used]
    if unused:
        start = "A field is" if len(unused) == 1 else "Fields are"
        sentence = f"{start} declared that nothing asks about: {_labels(protocol, unused)}."
        yield finding_for(protocol, "unused", "+".join(unused), sentence)


def _labels(protocol: ProtocolData, fields: list[str]) -> str:
    return "; ".join(protocol.fields[name].label for name in fields)


def _fields_in_use(protocol: ProtocolData) -> set[str]:
    """Every field that any reading, fact, guideline, `applies` or dosing window asks about."""
    asked = {name for _, text in expressions(protocol) for name in names(parse(text, protocol.fields))}
    asked = set(protocol.with_causes(asked))
    return asked | {arm.dosing.anchor for arm in protocol.arms if arm.dosing}
