"""What the functions of the language take, and the formulas that they are."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from functools import partial, reduce
from operator import add, mul, sub, truediv
from typing import TYPE_CHECKING, Any

from .evaluator import evaluate
from .formula import Arithmetic, AtLeast, CompletedTime, Formula, Known, MonthsBefore, Not, Or, Value, names

if TYPE_CHECKING:
    from .parser import Reader

_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_MAX_MONTHS = 1_200


def _if_then(reader: Reader, node: ast.Call, arguments: list[ast.expr]) -> Formula:
    if len(arguments) != 2:
        raise reader.fault(node, "'if' needs a condition before 'then' and one behind it, as in: if a then b")
    return Or((Not(reader.flag(arguments[0], "'if'")), reader.flag(arguments[1], "'then'")), conditional=True)


def _extreme(reader: Reader, node: ast.Call, arguments: list[ast.expr]) -> Formula:
    called = reader.text_of(node.func)
    if len(arguments) < 2:
        raise reader.fault(node, f"{called} takes two numbers or more, such as {called}(creatinine, 1)")
    return reduce(partial(fold, called), (reader.numeric(argument, called) for argument in arguments))


def _completed_call(reader: Reader, node: ast.Call, arguments: list[ast.expr]) -> Formula:
    called = reader.text_of(node.func)
    if len(arguments) != 2:
        raise reader.fault(node, f"{called} takes two dates, the earlier one first: {called}(born_on, screened_on)")
    days = [reader.day(argument, f"{called} needs dates") for argument in arguments]
    if not any(names(day) for day in days):
        raise reader.fault(node, "this asks about no field and says the same for every patient")
    return CompletedTime("years" if called == "completed_years" else "months", *days)


def _known_call(reader: Reader, node: ast.Call, arguments: list[ast.expr]) -> Formula:
    if len(arguments) != 1 or not isinstance(arguments[0], ast.Name):
        raise reader.fault(node, "known and missing take one field, such as known(spo2)")
    return Known(reader.name(arguments[0]).name)


def _at_least(reader: Reader, node: ast.Call, arguments: list[ast.expr]) -> Formula:
    if len(arguments) < 2:
        raise reader.fault(node, "at_least takes a number and the things to count: at_least(2, a, b, c)")
    n = reader.whole_number(arguments[0], "at_least needs a plain whole number first, such as at_least(2, a, b, c)")
    items = tuple(reader.flag(item, "at_least") for item in arguments[1:])
    if not 1 <= n <= len(items):
        parts, range_text = ("1 part", "1") if len(items) == 1 else (f"{len(items)} parts", f"1 to {len(items)}")
        raise reader.fault(arguments[0], f"at_least counts {parts} here, so it can ask for {range_text}, not {n}")
    return AtLeast(n, items)


def _months_before(reader: Reader, node: ast.Call, arguments: list[ast.expr]) -> Formula:
    if len(arguments) != 2:
        raise reader.fault(node, "months_before takes a date and a number of months: months_before(screened_on, 3)")
    when = reader.day(arguments[0], "months_before needs a date")
    months = reader.whole_number(arguments[1], "months_before needs a plain whole number of months, such as 3")
    moved = MonthsBefore(when, months)
    if months < 0 or _months(moved) > _MAX_MONTHS:
        raise reader.fault(arguments[1], f"months_before takes 0 to {_MAX_MONTHS:,} months")
    return Value(evaluate(moved, {})) if isinstance(when, Value) else moved


def _date(reader: Reader, node: ast.Call, arguments: list[ast.expr]) -> Formula:
    match arguments:
        case [ast.Constant(str() as written)] if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written):
            try:
                day = date.fromisoformat(written)
            except ValueError:
                raise reader.fault(node, f"the calendar has no {written}") from None
            if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
                raise reader.fault(node, f"dates are read from {_FIRST_YEAR} to {_LAST_YEAR}")
            return Value(day)
    raise reader.fault(node, 'a date is written date("2023-01-31"), year first')


def _months(when: Formula) -> int:
    return when.months + _months(when.date) if isinstance(when, MonthsBefore) else 0


def fold(operator: str, left: Formula, right: Formula) -> Formula:
    """Arithmetic on constants is done once, here, so that no engine does it its own way."""
    if isinstance(right, Value) and left == Value(0) and operator == "-" and not isinstance(right.value, date):
        return Value(-right.value)  # type: ignore[operator]
    node = Arithmetic(operator, left, right)
    if isinstance(left, Value) and isinstance(right, Value):
        result = _on_paper(operator, left.value, right.value) if operator in _WORK else evaluate(node, {})
        return Value(math.inf if result is None else result)
    return node


_WORK = {"+": add, "-": sub, "*": mul, "/": truediv}


def _on_paper(operator: str, left: Any, right: Any) -> Any:
    """Numbers as the decimals that were written: 1.5 * 1.2 is 1.8, which doubles miss by a digit; or days between."""
    if isinstance(left, date):
        return float((left - right).days)
    one, other = Fraction(str(left)), Fraction(str(right))
    return None if operator == "/" and not other else float(_WORK[operator](one, other))


FUNCTIONS: dict[str, Callable[[Reader, ast.Call, list[ast.expr]], Formula]] = {
    "at_least": _at_least,
    "known": _known_call,
    "missing": lambda *call: Not(_known_call(*call)),
    "min": _extreme,
    "max": _extreme,
    "months_before": _months_before,
    "completed_years": _completed_call,
    "completed_months": _completed_call,
    "date": _date,
    "if": _if_then,  # which `syntax` makes a call
}
