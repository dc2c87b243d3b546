"""A wrong condition and the wanted one go in, one small edit comes out that leads on from the first to the second.

Conditions are compared as trees: a word, or `and`, `or`, `not` or the sign of a comparison before its parts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from operator import itemgetter
from typing import Any, NamedTuple

from ..criteria.language.formula import MIRRORED, OPPOSITE
from ..criteria.language.syntax import read

_SIGNS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_OPPOSITE = {**OPPOSITE, "and": "or", "or": "and"}
_JOINS = ("and", "or")
_cost = itemgetter(0)
_Tree = str | tuple[Any, ...]


class _Way(NamedTuple):
    """From one tree to another: how much there is to write, and the first edit: the tree after it, and its words."""

    cost: int
    tree: _Tree
    says: str = ""

    def after(self, cost: int, tree: _Tree, says: str) -> _Way:
        """The way that begins with one more edit."""
        return _Way(self.cost + cost, tree, says)


def next_step(mine: str, wanted: str) -> tuple[str, str]:
    """The condition after one edit towards the wanted one, and the edit in words; both empty where they are the same.

    >>> next_step("spo2 < 93 and cough", "spo2 <= 93 or cough")
    ('spo2 < 93 or cough', 'One step nearer: join with `or`, not with `and`.')
    """
    trees = [_tree(read(text).tree) for text in (mine, wanted)]
    way = min(_way(*trees), _way(*map(_inward, trees)), key=_cost)
    return (_text(way.tree), f"One step nearer: {way.says}.") if way.cost else ("", "")


def _way(mine: _Tree, goal: _Tree) -> _Way:
    """The shortest way found from one tree to another; at worst the whole is written anew."""
    anew = _Way(1 + _weight(goal), goal, f"write `{_text(goal)}`, not `{_text(mine)}`")
    return min([*_ways(mine, goal), anew], key=_cost) if mine != goal else _Way(0, goal)


def _ways(mine: _Tree, goal: _Tree) -> Iterator[_Way]:
    if mine[0] in _JOINS and goal[0] == _OPPOSITE[mine[0]]:
        together = _join(goal[0], *mine[1:])
        yield _way(together, goal).after(1, together, f"join with `{goal[0]}`, not with `{mine[0]}`")
    if mine[0] == "not":
        yield _way(mine[1], goal).after(1, mine[1], f"take `not` away from `{_text(mine[1])}`")
    if goal[0] == "not":
        yield _way(mine, goal[1]).after(1, ("not", mine), f"put `not` before `{_text(mine)}`")
    if mine[0] in MIRRORED and goal[0] in MIRRORED and mine[1] == goal[1]:
        flipped = (goal[0], *mine[1:])
        if flipped != mine:
            yield _way(flipped, goal).after(1, flipped, f"look at the sign: `{_text(flipped)}`, not `{_text(mine)}`")
        else:
            yield _Way(1, goal, f"write `{goal[2]}`, not `{mine[2]}`")
    for op in _JOINS:
        if op in (mine[0], goal[0]):
            yield _match(op, _parts(op, mine), _parts(op, goal))


def _match(op: str, parts: list[_Tree], goals: list[_Tree]) -> _Way:
    """From parts to those wanted, in any order: each goes with the nearest; what is left is dropped or added."""
    pairs = [(_way(part, goal), i, j) for i, part in enumerate(parts) for j, goal in enumerate(goals)]
    ways, free, wanted = list[_Way](), dict(enumerate(parts)), dict(enumerate(goals))
    for way, i, j in sorted(pairs, key=lambda pair: _cost(pair[0])):
        if i in free and j in wanted:
            ways.append(way._replace(tree=_join(op, *parts[:i], way.tree, *parts[i + 1 :])))
            del free[i], wanted[j]
    for i, part in free.items():
        ways.append(_Way(1, _join(op, *parts[:i], *parts[i + 1 :]), f"leave out `{_text(part)}`"))
    for goal in wanted.values():
        ways.append(_Way(_weight(goal), _join(op, *parts, goal), f"add `{op} {_inside(goal)}`"))
    first = next((way for way in ways if way.cost), ways[0])
    return first._replace(cost=sum(map(_cost, ways)))


def _weight(tree: _Tree) -> int:
    """How many conditions a tree holds, as a measure of what there is to write."""
    return sum(map(_weight, tree[1:])) if tree[0] in (*_JOINS, "not") else 1


def _parts(op: str, tree: _Tree) -> list[_Tree]:
    return [*tree[1:]] if tree[0] == op else [tree]


def _join(op: str, *parts: _Tree) -> _Tree:
    """Parts together, those that are together alike as one; a single one stays as it is."""
    flat = [each for part in parts for each in _parts(op, part)]
    return (op, *flat) if len(flat) > 1 else flat[0]


def _inward(tree: _Tree, negated: bool = False) -> _Tree:
    """The same condition with every `not` drawn inwards as far as it goes."""
    if tree[0] == "not":
        return _inward(tree[1], not negated)
    op = _OPPOSITE.get(tree[0], "") if negated else tree[0]
    if tree[0] in _JOINS:
        return _join(op, *(_inward(part, negated) for part in tree[1:]))
    return tree if not negated else (op, *tree[1:]) if op else ("not", tree)


def _tree(node: ast.expr) -> _Tree:
    """A tree in one way of writing it: no chains, no `if`, `and` within `and` as one, limits on the right."""
    match node:
        case ast.BoolOp(op, values):
            return _join("and" if isinstance(op, ast.And) else "or", *map(_tree, values))
        case ast.UnaryOp(ast.Not(), item):
            return "not", _tree(item)
        case ast.Call(ast.Name("_if"), [when, then]):
            return _join("or", ("not", _tree(when)), _tree(then))
        case ast.Compare(left, ops, others) if all(type(op) in _SIGNS for op in ops):
            ends = zip([left, *others], ops, others, strict=False)
            return _join("and", *(_pair(one, _SIGNS[type(op)], other) for one, op, other in ends))
    return ast.unparse(node)


def _pair(left: ast.expr, sign: str, right: ast.expr) -> _Tree:
    """`age >= 18` for `18 <= age`."""
    if isinstance(left, ast.Constant):
        left, sign, right = right, MIRRORED[sign], left
    return sign, ast.unparse(left), ast.unparse(right)


def _text(tree: _Tree) -> str:
    """A tree as one writes it."""
    if isinstance(tree, str):
        return tree
    op, *parts = tree
    return f"not {_inside(parts[0])}" if op == "not" else f" {op} ".join(map(_inside, parts))


def _inside(tree: _Tree) -> str:
    return f"({_text(tree)})" if tree[0] in _JOINS else _text(tree)
