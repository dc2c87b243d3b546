"""Text goes in, a checked formula comes out: parser, white list and type checker in one walk."""

from __future__ import annotations

import ast
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any, TypeAlias

from ..stage import expect
from .errors import ProtocolError, nearest
from .formula import MIRRORED, NUMERIC, And, Compare, Formula, In, Name, Not, Or, Value, names, type_of, weight
from .functions import FUNCTIONS, fold
from .syntax import read

_MAX_POWER = 10
_MAX_WEIGHT = 1_000
MAX_NUMBER = 1e15
"""Beyond it a double no longer holds every whole number, and engines would disagree about equality."""
_TOO_LARGE = "the number is too large; at most 1e15 is read"


def parse(text: str, fields: Mapping[str, Any]) -> Formula:
    """The formula that `text` says over declared `fields`.

    Nothing is ever executed: Python's own parser reads the text and a white list turns it into nodes.

    Args:
        text: boolean Python syntax, at most 2,000 characters and 50 levels deep.
        fields: by name, what each field may hold, as a protocol's `Field` says it: `type`, `values` of a category,
            from low to high if `ordered`.

    Raises:
        ProtocolError: not in the language, an undeclared field, or types that do not fit; a caret marks the place.

    >>> from trialtools.criteria.protocol import Field
    >>> parse("18 <= age <= 85", {"age": Field("integer", "Age")}).operators
    ('<=', '<=')
    >>> parse("agee > 65", {"age": Field("integer", "Age")})
    Traceback (most recent call last):
    ...
    trialtools.criteria.language.errors.ProtocolError: no field 'agee'; did you mean 'age'?
        agee > 65
        ^^^^
    """
    expect(text, str, "a condition", "text in the language of criteria")
    reader = Reader(text, fields)
    return reader.weigh(reader.flag(reader.source.tree, "a criterion", whole=True))


def parse_number(text: str, fields: Mapping[str, Any]) -> Formula:
    """The formula of a number that `text` says over declared `fields`: how a field is worked out from others.

    Raises:
        ProtocolError: as `parse` does, and for what is true or false, a date or a category.

    >>> from trialtools.criteria.protocol import Field
    >>> fields = {"weight": Field("number", "Weight"), "height": Field("number", "Height")}
    >>> parse_number("weight / height**2", fields).operator
    '/'
    """
    reader = Reader(text, fields)
    formula = reader.numeric(reader.source.tree, "this")
    if not names(formula):
        raise reader.fault(reader.source.tree, "this asks about no field and says the same for every patient")
    return reader.weigh(formula)


_COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_ORDER = ("<", "<=", ">", ">=")
_Nodes: TypeAlias = tuple[ast.expr, ast.expr]
_Pair: TypeAlias = tuple[Formula, Formula]
_REFUSED = {
    ast.Attribute: "a dot is not part of the language; a field is one plain name",
    ast.Subscript: "square brackets after a name are not part of the language",
    ast.Lambda: "lambda is not part of the language",
    ast.JoinedStr: "an f-string is not part of the language; write plain text in quotes",
    ast.NamedExpr: "':=' is not part of the language",
    ast.Starred: "'*' before a name is not part of the language",
    ast.Dict: "curly braces are not part of the language",
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), "'for' is not part of the language"),
}
_SIGNS = {
    ast.BitAnd: "'&' is not part of the language; write and",
    ast.BitOr: "'|' is not part of the language; write or",
    ast.BitXor: "'^' is not part of the language",
    ast.Mod: "'%' is not part of the language; a percentage is a plain number",
    ast.FloorDiv: "'//' is not part of the language; write /",
    ast.Invert: "'~' before a value is not part of the language; write not",
    ast.UAdd: "'+' before a value is not part of the language",
}
_EMPTY = ("none", "null", "na", "nan", "unknown")
_FLAGS = {"true": "True", "false": "False", "yes": "True", "no": "False"}


class Reader:
    """One walk over Python's syntax tree: white list, types, and the place of each fault."""

    def __init__(self, text: str, fields: Mapping[str, Any]) -> None:
        self.text = text
        self.fields = fields
        self.source = read(text)

    def fault(self, node: ast.AST, message: str) -> ProtocolError:
        return ProtocolError(message, self.text, self.source.span(node))

    def weigh(self, formula: Formula) -> Formula:
        """The formula, unless a table engine would take minutes over it."""
        if weight(formula) > _MAX_WEIGHT:
            raise ProtocolError("the expression is too intricate; make a field of a part of it, with from: in the file")
        return formula

    def text_of(self, node: ast.AST) -> str:
        return self.text[slice(*self.source.span(node))]

    def flag(self, node: ast.expr, asks: str, whole: bool = False) -> Formula:
        """A formula that is true, false or unknown."""
        formula = self.formula(node)
        if type_of(formula) != "flag":
            raise self.fault(node, f"{asks} needs something true or false; this is {self.describe(formula)}")
        if isinstance(formula, Value) and not whole:
            raise self.fault(node, f"{formula.value} decides {asks} for everybody; write it alone or leave it out")
        return formula

    def formula(self, node: ast.expr) -> Formula:
        formula = self.read(node)
        return replace(formula, span=self.source.span(node)) if isinstance(formula, Value) else formula

    def read(self, node: ast.expr) -> Formula:
        match node:
            case ast.Name():
                return self.name(node)
            case ast.Constant():
                return self.constant(node)
            case ast.BoolOp(op, items):
                word = "and" if isinstance(op, ast.And) else "or"
                parts = tuple(self.flag(item, f"'{word}'") for item in items)
                return And(parts) if word == "and" else Or(parts)
            case ast.UnaryOp():
                return self.unary(node)
            case ast.BinOp():
                return self.arithmetic(node)
            case ast.Compare():
                return self.compare(node)
            case ast.Call():
                return self.call(node)
        raise self.refuse(node)

    def refuse(self, node: ast.expr) -> ProtocolError:
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return self.fault(node, "a list stands only after 'in' or 'not in'")
        return self.fault(node, _REFUSED.get(type(node), "this is not part of the language of criteria"))

    def name(self, node: ast.Name) -> Name:
        written = self.text_of(node)
        if odd := next((character for character in written if not character.isascii()), None):
            message = f"the name '{written}' has a letter that is not a plain one: {unicodedata.name(odd, odd).lower()}"
            raise self.fault(node, f"{message}; retype it")
        if node.id in self.fields:
            return Name(node.id, self.fields[node.id].type)
        raise self.fault(node, self.name_fault(node.id))

    def name_fault(self, name: str) -> str:
        """Why a name is none, with what was most likely meant."""
        if name in FUNCTIONS:
            return f"'{name}' is a function; write {name}(...)"
        if flag := _FLAGS.get(name.lower()):
            return f"no field '{name}'; write {flag}"
        if name.lower() in _EMPTY:
            return f"no field '{name}'; ask known(field) or missing(field)"
        if field := next((field for field, declared in self.fields.items() if name in declared.values), None):
            return f"no field '{name}'; a value of {field} stands in quotes: \"{name}\""
        return f"no field '{name}'{nearest(name, dict(self.fields))}"

    def constant(self, node: ast.Constant) -> Value:
        value = node.value
        if value is None:
            raise self.fault(node, "None is not part of the language; ask known(field) or missing(field)")
        if not isinstance(value, bool | str | int | float):
            raise self.fault(node, "this is not part of the language; write a plain number, or plain text in quotes")
        if not isinstance(value, str) and not abs(value) <= MAX_NUMBER:
            raise self.fault(node, _TOO_LARGE)
        if value == 0 and re.search("[1-9]", self.text_of(node).lower().partition("e")[0]):
            raise self.fault(node, "the number is too near zero to be told from it")
        return Value(value)

    def unary(self, node: ast.UnaryOp) -> Formula:
        if isinstance(node.op, ast.Not):
            return Not(self.flag(node.operand, "'not'"))
        if isinstance(node.op, ast.USub):
            return fold("-", Value(0), self.numeric(node.operand, "a minus sign"))
        raise self.fault(node, _SIGNS[type(node.op)])

    def numeric(self, node: ast.expr, asks: str) -> Formula:
        formula = self.formula(node)
        if type_of(formula) not in NUMERIC:
            raise self.fault(node, f"{asks} needs a number; this is {self.describe(formula)}")
        return formula

    def arithmetic(self, node: ast.BinOp) -> Formula:
        operator = _ARITHMETIC.get(type(node.op))
        if operator is None:
            raise self.fault(node, _SIGNS.get(type(node.op), "this is not part of the language of criteria"))
        left, right = self.formula(node.left), self.formula(node.right)
        dates = (type_of(left), type_of(right)).count("date")
        if dates == 2 and operator == "-":
            return fold(operator, left, right)
        if dates:
            message = "dates can only be subtracted from each other (days), moved by months_before, or counted between"
            raise self.fault(node, f"{message} by completed_years and completed_months")
        for side, formula in ((node.left, left), (node.right, right)):
            if type_of(formula) not in NUMERIC:
                raise self.fault(side, f"'{operator}' needs numbers; this is {self.describe(formula)}")
        if operator == "/" and right == Value(0):
            raise self.fault(node, "a division by zero has no value")
        if operator == "**":
            self.power(node, left, right)
        folded = fold(operator, left, right)
        if isinstance(folded, Value) and folded.value == math.inf:
            raise self.fault(node, "this has no value that is a number")
        if isinstance(folded, Value) and not abs(folded.value) <= MAX_NUMBER:  # type: ignore[arg-type]
            raise self.fault(node, _TOO_LARGE)
        return folded

    def power(self, node: ast.BinOp, base: Formula, exponent: Formula) -> None:
        """Refuse a power that no two engines, and no reader, would work out alike."""
        if isinstance(exponent, Value):
            if not 0 < abs(exponent.value) <= _MAX_POWER:  # type: ignore[arg-type]
                raise self.fault(node.right, f"an exponent is at most {_MAX_POWER} in size, and not 0")
        elif not isinstance(base, Value):
            raise self.fault(node, "'**' needs a plain number on one side, such as height**2 or 0.9938**age")
        elif base.value <= 0:  # type: ignore[operator]
            raise self.fault(node.left, "a number with an exponent that differs between patients must be above 0")

    def compare(self, node: ast.Compare) -> Formula:
        if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
            return self.membership(node)
        if any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            raise self.fault(node, "'is' is not part of the language; write ==, or known(field)")
        sides = [node.left, *node.comparators]
        operands, operators = [self.formula(side) for side in sides], [_COMPARE[type(op)] for op in node.ops]
        chain = zip(pairwise(sides), pairwise(operands), operators, strict=True)
        links = [self.link(node, *link) for link in chain]
        if any(isinstance(link, In) for link in links):
            return And(tuple(links)) if len(links) > 1 else links[0]
        return Compare(tuple(operands), tuple(operators))

    def link(self, node: ast.Compare, sides: _Nodes, pair: _Pair, operator: str) -> Formula:
        """One comparison of a chain: `child_pugh >= "B"` is the list of values that it means."""
        turned = isinstance(pair[0], Value)
        match pair[::-1] if turned else pair:
            case Name(name, "category") as field, Value(value) if operator in _ORDER:
                comparison, declared = MIRRORED[operator] if turned else operator, self.fields[name]
            case _:
                self.comparable(node, sides, pair, operator)
                return Compare(pair, (operator,))
        if not declared.ordered:
            message = f"'{operator}' needs an order; add ordered: true to {name}"
            raise self.fault(node, f"{message} if {', '.join(declared.values)} stand from low to high")
        self.comparable(node, sides, pair, "==")
        end = declared.values.index(str(value)) + (comparison in ("<=", ">"))
        below = comparison in ("<", "<=")
        if levels := declared.values[:end] if below else declared.values[end:]:
            return In(field, levels)
        raise self.fault(node, f"no value of {name} is {'below' if below else 'above'} '{value}'")

    def comparable(self, node: ast.Compare, sides: _Nodes, pair: _Pair, operator: str) -> None:
        """Refuse a comparison that could never mean anything."""
        left, right = (type_of(side) for side in pair)
        if not (names(pair[0]) or names(pair[1])):
            raise self.fault(node, "a comparison needs a field; this one says the same for every patient")
        if (left in NUMERIC and right in NUMERIC) or left == right == "date":
            return
        if not ({left, right} <= {"category", "text"} or left == right == "flag"):
            message = f"cannot compare {self.describe(pair[0])} with {self.describe(pair[1])}{_hint(pair)}"
            raise self.fault(node, message)
        if operator in _ORDER and left == right == "category":
            raise self.fault(node, f"'{operator}' compares a category with a value; two are compared with == or !=")
        if operator in _ORDER:
            raise self.fault(node, f"'{operator}' needs numbers or dates; {self.describe(pair[0])} has no order")
        for this, other, side in ((*pair, sides[1]), (*pair[::-1], sides[0])):
            if not isinstance(this, Name) or this.type != "category":
                continue
            values = self.fields[this.name].values
            if isinstance(other, Value) and other.value not in values:
                raise self.fault(side, f"{this.name} cannot be '{other.value}'{nearest(str(other.value), values)}")
            if isinstance(other, Name) and not set(values) & set(self.fields[other.name].values):
                raise self.fault(side, f"{this.name} and {other.name} have no value in common")

    def membership(self, node: ast.Compare) -> Formula:
        if len(node.ops) > 1:
            raise self.fault(node, "'in' stands alone; join comparisons with and")
        members = node.comparators[0]
        if not isinstance(members, ast.Tuple | ast.List | ast.Set):
            raise self.fault(members, "'in' needs a list, such as ('a', 'b') or ('a',)")
        if not members.elts:
            raise self.fault(members, "the list after 'in' is empty; nothing could ever be in it")
        item = self.formula(node.left)
        if not names(item) or type_of(item) == "flag":
            raise self.fault(node.left, f"'in' needs a category, number or date field; this is {self.describe(item)}")
        values = []
        for element in members.elts:
            value = self.formula(element)
            if not isinstance(value, Value):
                raise self.fault(element, "the list after 'in' may hold only plain values")
            self.comparable(node, (node.left, element), (item, value), "==")
            values.append(value.value)
        formula = In(item, tuple(values))
        return Not(formula) if isinstance(node.ops[0], ast.NotIn) else formula

    def call(self, node: ast.Call) -> Formula:
        if not isinstance(node.func, ast.Name):
            raise self.refuse(node.func)
        called = "if" if self.text_of(node.func) == "if" else node.func.id
        if called not in FUNCTIONS:
            raise self.fault(node.func, f"no function '{called}'{nearest(called, FUNCTIONS)}")
        if node.keywords and called == "if":
            raise self.fault(node.keywords[0], "a single '=' does not compare; write ==")
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.fault(node, f"{called} takes plain arguments only")
        return FUNCTIONS[called](self, node, node.args)

    def day(self, node: ast.expr, asks: str) -> Formula:
        formula = self.formula(node)
        if type_of(formula) != "date":
            raise self.fault(node, f"{asks}; this is {self.describe(formula)}")
        return formula

    def whole_number(self, node: ast.expr, asks: str) -> int:
        if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
            return node.value
        raise self.fault(node, asks)

    def describe(self, formula: Formula) -> str:
        match formula:
            case Name(name, type):
                return f"the {type} {name}"
            case Value(bool() as value):
                return str(value)
            case Value(str() as value):
                return f"the text '{value}'"
            case Value(value):
                return f"{'the date' if isinstance(value, date) else 'the number'} {value}"
        return {"flag": "something true or false", "date": "a date"}.get(type_of(formula), "a number")


def _hint(pair: _Pair) -> str:
    """What was most likely meant by a comparison of unlike things."""
    for this, other in (pair, pair[::-1]):
        match type_of(this), other:
            case "date", Value():
                return '; a date is written date("2023-01-31")'
            case (("number" | "integer"), Value(str() as written)) if written.replace(".", "", 1).isdigit():
                return "; write the number without quotes"
            case "flag", Value() if isinstance(this, Name):
                return f"; a flag stands alone: {this.name}, or not {this.name}"
    return ""
