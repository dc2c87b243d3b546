"""A wrong condition and the wanted one go in, one small edit comes out that leads on from the first to the second.

Conditions are compared as trees: a word, or `and`, `or`, `not` or the sign of a comparison before its parts. Where a
learner wrote the same thing another way round, the trees are turned as well (`not (a or b)` is `not a and not b`), and
the nearest pair leads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..criteria.language.syntax import read

_SIGNS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "==", "and": "or", "or": "and"}
_JOINS = ("and", "or")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}

_Tree = str | tuple[Any, ...]


class _Edit(NamedTuple):
    """One change: the whole tree after it, how much there is to write, and how one says so."""

    tree: _Tree
    cost: int
    says: str


_Way = list[_Edit]
"""Edits from one tree to another; only the first has the whole tree, the others say how far it is."""


def next_step(mine: str, wanted: str) -> tuple[str, str]:
    """The condition after one edit towards the wanted one, and the edit in words; both empty where they are the same.

    >>> next_step("spo2 < 93 and cough", "spo2 <= 93 or cough")
    ('spo2 < 93 or cough', 'One step nearer: join with `or`, not with `and`.')
    """
    plain, goal = _tree(mine), _tree(wanted)
    turned, turned_goal = _push_not(plain), _push_not(goal)
    whole = _Edit(("not", plain), 1, "put `not` before the whole, in brackets")
    ways = [_way(plain, goal), _way(plain, turned_goal), _way(turned, turned_goal)]
    nearest = min([*ways, [whole, *_way(_push_not(plain, True), turned_goal)]], key=_length)
    return (_text(nearest[0].tree), f"One step nearer: {nearest[0].says}.") if nearest else ("", "")


def alike(mine: str, theirs: str) -> bool:
    """Whether two conditions are written alike, but for order, brackets and where a `not` stands.

    >>> alike("not (spo2 > 93 or cough)", "not cough and spo2 <= 93"), alike("cough", "not cough")
    (True, False)
    """
    return not _way(_push_not(_tree(mine)), _push_not(_tree(theirs)))


def _way(mine: _Tree, goal: _Tree) -> _Way:
    """The shortest way found from one tree to another; at worst the whole is written anew."""
    if mine == goal:
        return []
    anew = _Edit(goal, 1 + _weight(goal), f"write `{_text(goal)}`, not `{_text(mine)}`")
    return min([*_ways(mine, goal), [anew]], key=_length)


def _ways(mine: _Tree, goal: _Tree) -> Iterator[_Way]:
    parts, goals = _parts(mine), _parts(goal)
    if len(parts) > 1 and len(goals) > 1:
        joined = _Edit((goal[0], *parts), 1, f"join with `{goal[0]}`, not with `{mine[0]}`")
        yield [joined] * (goal[0] != mine[0]) + _match(mine[0], parts, goals)
    if len(parts) > 1:
        yield _match(mine[0], parts, [goal])
    if len(goals) > 1:
        yield _match(goal[0], [mine], goals)
    match mine, goal:
        case ("not", item), _:
            yield [_Edit(item, 1, f"take `not` away from `{_text(item)}`"), *_way(item, goal)]
        case _, ("not", item):
            yield [_Edit(("not", mine), 1, f"put `not` before `{_text(mine)}`"), *_way(mine, item)]
        case (sign, left, right), (wanted, same, limit) if left == same and _OPPOSITE.keys() >= {sign, wanted}:
            turned = _text((wanted, left, right))
            look = _Edit((wanted, left, right), 1, f"look at the sign: `{turned}`, not `{_text(mine)}`")
            moved = [edit._replace(tree=(sign, left, edit.tree)) for edit in _way(right, limit)]
            yield moved + [look] * (sign != wanted)


def _match(op: str, parts: list[_Tree], goals: list[_Tree]) -> _Way:
    """From parts to those wanted, in any order: each goes with the nearest; what is left is dropped or added."""
    pairs = [(_way(part, goal), i, j) for i, part in enumerate(parts) for j, goal in enumerate(goals)]
    way, free, wanted = _Way(), dict(enumerate(parts)), dict(enumerate(goals))
    for edits, i, j in sorted(pairs, key=lambda pair: _length(pair[0])):
        if i in free and j in wanted:
            way += [edit._replace(tree=_join(op, *parts[:i], edit.tree, *parts[i + 1 :])) for edit in edits]
            del free[i], wanted[j]
    for i, part in free.items():
        way.append(_Edit(_join(op, *parts[:i], *parts[i + 1 :]), 1, f"leave out `{_text(part)}`"))
    for goal in wanted.values():
        way.append(_Edit(_join(op, *parts, goal), _weight(goal), f"add `{op} {_text(goal)}`"))
    return way


def _length(way: _Way) -> int:
    return sum(edit.cost for edit in way)


def _weight(tree: _Tree) -> int:
    """How many conditions a tree holds, as a measure of what there is to write."""
    return sum(map(_weight, tree[1:])) if tree[0] in _JOINS or tree[0] == "not" else 1


def _parts(tree: _Tree) -> list[_Tree]:
    return [*tree[1:]] if tree[0] in _JOINS else [tree]


def _join(op: str, *parts: _Tree) -> _Tree:
    """Parts joined, those that are joined alike as one; a single one stays as it is."""
    flat = [each for part in parts for each in (part[1:] if part[0] == op else [part])]
    return (op, *flat) if len(flat) > 1 else flat[0]


def _push_not(tree: _Tree, negated: bool = False) -> _Tree:
    """The same condition with every `not` drawn inwards as far as it goes."""
    match tree:
        case ("not", item):
            return _push_not(item, not negated)
        case ("and" | "or" as op, *parts):
            return _join(_OPPOSITE[op] if negated else op, *(_push_not(part, negated) for part in parts))
        case (sign, left, right) if negated:
            return _OPPOSITE[sign], left, right
    return ("not", tree) if negated else tree


def _tree(text: str) -> _Tree:
    return _read(read(text).tree)


def _read(node: ast.expr) -> _Tree:
    """A tree in one way of writing it: no chains, no `if`, `and` within `and` as one, limits on the right."""
    match node:
        case ast.BoolOp(op, values):
            return _join("and" if isinstance(op, ast.And) else "or", *map(_read, values))
        case ast.UnaryOp(ast.Not(), item):
            return "not", _read(item)
        case ast.Call(ast.Name("_if"), [when, then]):
            return _join("or", ("not", _read(when)), _read(then))
        case ast.Compare(left, ops, others) if all(type(op) in _SIGNS for op in ops):
            signs = (_SIGNS[type(op)] for op in ops)
            return _join("and", *(_pair(*pair) for pair in zip([left, *others], signs, others, strict=False)))
    return ast.unparse(node)


def _pair(left: ast.expr, sign: str, right: ast.expr) -> _Tree:
    """`age >= 18` for `18 <= age`."""
    if isinstance(left, ast.Constant):
        left, sign, right = right, _MIRRORED.get(sign, sign), left
    return sign, ast.unparse(left), ast.unparse(right)


def _text(tree: _Tree) -> str:
    """A tree as one writes it."""
    match tree:
        case str():
            return tree
        case ("not", item):
            return f"not {_inside(item)}"
        case ("and" | "or" as op, *parts):
            return f" {op} ".join(map(_inside, parts))
    return f"{tree[1]} {tree[0]} {tree[2]}"


def _inside(tree: _Tree) -> str:
    return f"({_text(tree)})" if tree[0] in _JOINS else _text(tree)
