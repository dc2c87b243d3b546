"""The door of expressions: any text is read or refused with its place, and what is read can be said and asked."""

from __future__ import annotations

from datetime import date
from random import Random

from trialtools.criteria.language import ProtocolError, evaluate, names, parse, words
from trialtools.criteria.protocol import Field

FIELDS = {
    "age": Field("integer", "Age"),
    "spo2": Field("number", "Spo2"),
    "cough": Field("flag", "Cough"),
    "sex": Field("category", "Sex", values=("female", "male")),
    "seen_on": Field("date", "Seen_on"),
    "born_on": Field("date", "Born_on"),
}
VALUES = {
    "number": (None, 0.0, -0.0, 93.0, 1e308, -1e-320, float("nan"), float("inf")),
    "integer": (None, 0, 1, 64, -1, 10**15, -(2**63)),
    "flag": (None, True, False),
    "category": (None, "female", "male"),
    "date": (None, date(1, 1, 1), date(1900, 1, 1), date(2024, 2, 29), date(2023, 3, 31), date(9999, 12, 31)),
}
PIECES = """
age spo2 cough sex seen_on born_on agee and or not in is if then else for lambda known missing at_least months_before
date min max completed_years completed_months ( ) [ ] { } , . : ; < <= > >= == != = => + - * ** / // % & | ~ ^ @ # \\ "
' f" b' 0 1 2 65 1e3 1e400 007 0x1f 1_0 .5 "female" "male" "2023-01-31" True False None ≥ ≤ × “ ” − \uff16 \u0430
"""
TOKENS = (*PIECES.split(), "\0", "\n", "\t", "\u200b", "\u00a0", "\ud800", "\u202e", "e\u0301", "\U0001d7d9")


def attempt(chance: Random) -> None:
    """One text; anything but a `ProtocolError` that says something is a fault."""
    text = chance.choice((flag, flag, spoilt, soup, noise))(chance)
    try:
        formula = parse(text, FIELDS)
    except ProtocolError as error:
        assert error.message.strip() and str(error), text
        return
    assert set(names(formula)) <= set(FIELDS) and words(formula, {}), text
    patient = {name: chance.choice(VALUES[field.type]) for name, field in FIELDS.items()}
    assert evaluate(formula, patient) in (True, False, None), text


def noise(chance: Random) -> str:
    return "".join(chr(chance.choice((chance.randrange(128), chance.randrange(0x11000)))) for _ in range(20))


def soup(chance: Random) -> str:
    return chance.choice((" ", "")).join(chance.choices(TOKENS, k=chance.randrange(1, 25)))


def spoilt(chance: Random) -> str:
    """A good expression with up to three pieces cut out, doubled or replaced."""
    text = flag(chance)
    for _ in range(chance.randrange(1, 4)):
        start, end = sorted((chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)))
        piece = chance.choice(("", text[start:end], chance.choice(TOKENS)))
        text = text[:start] + piece + text[end if chance.random() < 0.5 else start :]
    return text


def flag(chance: Random, depth: int = 3) -> str:
    """An expression of the language, mostly one that is read."""
    part = [flag(chance, depth - 1) for _ in range(chance.randrange(1, 4))] if depth else []
    if part and chance.random() < 0.6:
        first = part[0]
        return chance.choice(
            (
                f"not ({first})",
                "(" + chance.choice((" and ", " or ")).join(part) + ")",
                f"at_least({chance.randrange(0, 4)}, {', '.join(part)})",
                f"(if {first} then {part[-1]})",
            )
        )
    left, right, sign = number(chance), number(chance), chance.choice(("<", "<=", ">", ">=", "==", "!="))
    return chance.choice(
        (
            "cough",
            f"{left} {sign} {right}",
            f"{left} {sign} {right} {sign} {number(chance)}",
            f"{left} in ({chance.randrange(9)}, {chance.random():.1f})",
            f"{day(chance)} {sign} {day(chance)}",
            f'sex {sign} "{chance.choice(("female", "male", "other"))}"',
            'sex not in ("female",)',
            f"known({chance.choice(list(FIELDS))})",
            f"missing({chance.choice(list(FIELDS))})",
        )
    )


def number(chance: Random, depth: int = 2) -> str:
    if depth and chance.random() < 0.5:
        left, right = number(chance, depth - 1), number(chance, depth - 1)
        return chance.choice(
            (
                f"({left} {chance.choice('+-*/')} {right})",
                f"-{left}",
                f"({left}) ** {chance.choice(('2', '-1', '0.5', '10', '11', right))}",
                f"{chance.choice(('min', 'max'))}({left}, {right})",
                f"({day(chance)} - {day(chance)})",
                f"{chance.choice(('completed_years', 'completed_months'))}({day(chance)}, {day(chance)})",
            )
        )
    return chance.choice(("age", "spo2", "0", "1", "64", "0.3", "1e15", f"{chance.uniform(-99, 99):.3g}"))


def day(chance: Random) -> str:
    name = chance.choice(("seen_on", "born_on"))
    dated = f'date("{chance.randrange(1890, 2110)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 32):02}")'
    return chance.choice((name, name, dated, f"months_before({name}, {chance.choice((0, 1, 12, 1200, 1201))})"))
