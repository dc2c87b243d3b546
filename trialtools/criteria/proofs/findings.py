"""A protocol goes in, and what can be said of it without a single patient comes out: findings, each proven.

Alternatives that help nobody, criteria that exclude each other or decide nothing, values between two limits, readings
against the cited guideline, and the registry text that no criterion quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby, pairwise

from ..language import ProtocolError, parse
from ..language.formula import Arithmetic, Compare, Formula, Name, names, walk
from ..protocol import ProtocolData, expressions, quotes, squeeze
from ..protocol.check import stretches
from ..units import factor, parse_unit
from .conflicts import excluding_readings, guideline, impossible_facts, never_satisfiable
from .finding import Finding, Findings, finding_for, join, slug_of, titles
from .gaps import gaps, limits_left_out
from .idle import dead_branches, idle_criteria, redundant
from .kleene import has_power, is_long
from .prover import Prover, prover_for


def lint(protocol: ProtocolData) -> Findings:
    """What is wrong or remarkable in a protocol, proven without data; what needs attention first.

    A finding that rests on declared facts names them. A proof holds for every possible patient, with values missing or
    not, unless its sentence names fewer. Every patient shown has been judged by the reference evaluator. Numbers are
    taken as exact decimals, so sums and products of measurements may be off by the last digit of a double; a proof that
    has such sums to do says so. It ends within some seconds: a proof that would take longer is given up, and the last
    finding says which.

    Args:
        protocol: under its chosen readings; other readings are held against it one by one, and two by two.

    >>> from trialtools.criteria.contents import load_protocol
    >>> found = lint(load_protocol("data/protocols/NCT05741099.yaml"))
    >>> print(next(finding.sentence for finding in found if finding.kind == "reading"))
    E7 (Tuberculosis or another acute respiratory virus, read as "literal") would leave nobody eligible: \
whoever passes I4 (SARS-CoV-2 shown in the laboratory, read as "any_result") cannot pass it.
    """
    prover = prover_for(protocol)
    readers = (_question_findings, _text_findings, _field_findings, _unit_findings)
    read = [finding for reader in readers for finding in reader(protocol)]
    return Findings.of([*_proofs(prover), *read, *_abandonments(prover)], protocol)


def _proofs(prover: Prover) -> Iterator[Finding]:
    if broken := list(impossible_facts(prover)):
        yield from broken
        prover = replace(prover, facts={})
    yield from guideline(prover)
    nobody = list(never_satisfiable(prover))
    yield from nobody
    if any(not finding.facts for finding in nobody):
        return
    if nobody:
        prover = replace(prover, facts={})
    yield from excluding_readings(prover)
    prover = prover.as_chosen()
    idle = idle_criteria(prover)
    yield from dead_branches(prover, [id for id, proof in idle.items() if proof.everybody])
    yield from redundant(prover, idle)
    holes = list(gaps(prover))
    yield from holes
    yield from limits_left_out(prover, holes)


def _abandonments(prover: Prover) -> Iterator[Finding]:
    """Which proofs were given up, in the order in which they were tried."""
    topics = prover.clock.topics.items()
    questions = [topic.format(join(subjects)) for topic, subjects in topics]
    long = [id for id, rule in prover.protocol.requirements.items() if is_long(rule)]
    questions += [f"what follows from the long products of {join(long)}"] if long else []
    powers = [id for id, rule in prover.protocol.requirements.items() if has_power(rule)]
    questions += [f"what follows from the powers of {join(powers)}"] if powers else []
    if questions:
        sentence = f"Some proofs take too long and were given up, so nothing is claimed here: {'; '.join(questions)}."
        yield finding_for(prover.protocol, "too-hard", "", sentence)


# --- what the registry text says and the criteria do not --------------------------------------------------------------


def uncovered_text(protocol: ProtocolData) -> tuple[str, ...]:
    """The parts of the eligibility text that no quote and no `not_rules` covers, in the order of the text.

    White space and punctuation do not count; a quote that stands in the text twice covers both places. Without
    `eligibility` the whole text is looked at, and without a text nothing is left over.

    >>> from trialtools.criteria.contents import load_protocol
    >>> uncovered_text(load_protocol("data/protocols/NCT05741099.yaml"))
    ()
    """
    text, spans = squeeze(protocol.text), [(squeeze(first), squeeze(last)) for first, last in protocol.spans]
    text = "\0".join(stretches(text, spans)) if spans else text
    covered = bytearray(len(text))
    for _, quote in quotes(protocol):
        for start, end in _places(squeeze(quote), text):
            covered[start:end] = b"\1" * (end - start)
    left = "".join("\0" if is_covered else character for character, is_covered in zip(text, covered, strict=True))
    return tuple(part for part in map(_trim, left.split("\0")) if part)


def _places(quote: str, text: str) -> list[tuple[int, int]]:
    """Where a quote stands, as whole words; a copy that ran words together is searched for the bare letters."""
    places = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(quote)}(?!\w)", text)] if quote else []
    return places or [match.span() for match in re.finditer(re.escape(quote), text)]


def _trim(part: str) -> str:
    return re.sub(r"^[\W_]+|[\W_]+$", "", part)


def _question_findings(protocol: ProtocolData) -> Iterator[Finding]:
    """How much of a checklist nobody has turned into logic yet."""
    if questions := protocol.questions:
        ids = [criterion.id for criterion in protocol.criteria]
        sentence = (
            f"Still questions for a person: {len(questions)} of {len(ids)} criteria ({_runs(questions, ids)}). A "
            "patient of whom these are not answered stays undetermined."
        )
        yield finding_for(protocol, "question", "", sentence, questions, quotes=())


def _runs(some: Iterable[str], ids: list[str]) -> str:
    """Criteria in the order of the file, with neighbours of one kind as `E1 to E7`."""
    places = enumerate(ids.index(id) for id in some)
    runs = [
        [ids[place] for _, place in run]
        for _, run in groupby(places, key=lambda each: (each[1] - each[0], ids[each[1]][:1]))
    ]
    return ", ".join((" to " if len(run) > 2 else ", ").join([run[0], run[-1]][: len(run)]) for run in runs)


def _text_findings(protocol: ProtocolData) -> Iterator[Finding]:
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


def _field_findings(protocol: ProtocolData) -> Iterator[Finding]:
    """Criteria that mix what a person judges with what is recorded, and fields that nothing asks about."""
    for id, formula in protocol.requirements.items():
        fields = names(formula)
        judged = [name for name in fields if protocol.fields[name].judged_by]
        recorded = [name for name in fields if not protocol.fields[name].judged_by]
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
    used = {name for _, text in expressions(protocol) for name in names(parse(text, protocol.fields))}
    used = set(protocol.with_causes(used))
    return used | {arm.dosing.anchor for arm in protocol.arms if arm.dosing}


# --- units ------------------------------------------------------------------------------------------------------------


def _unit_findings(protocol: ProtocolData) -> Iterator[Finding]:
    """Units that are not known, and criteria that compare or add fields whose units differ."""
    for name, field in protocol.fields.items():
        if field.unit is None:
            continue
        try:
            parse_unit(field.unit, name)
        except ProtocolError as error:
            sentence = f"{error.message}. No table can be turned into it; what is counted stands in braces: {{points}}."
            yield finding_for(protocol, "unit", name, sentence)
    for id, formula in protocol.requirements.items():
        for first, second in _pairs(formula):
            a, b = (protocol.fields[name].unit for name in (first, second))
            if not _is_same_unit(a, b):
                why = f"{first} is in {a} and {second} in {b}"
                sentence = f"{titles(protocol, id)} holds {first} against {second}, but {why}."
                yield finding_for(protocol, "unit", f"{id}:{first}+{second}", sentence, [id])


def _pairs(formula: Formula) -> Iterator[tuple[str, str]]:
    """Pairs of fields that are compared, added or subtracted as they are."""
    for part in walk(formula):
        match part:
            case Compare(operands):
                yield from pairwise(operand.name for operand in operands if isinstance(operand, Name))
            case Arithmetic("+" | "-", Name(first), Name(second)):
                yield first, second


def _is_same_unit(a: str | None, b: str | None) -> bool:
    """Whether two units are one and the same, or one is not declared."""
    try:
        return a is None or b is None or factor(a, b, "") == (1, 0)
    except ProtocolError:
        return False
