"""A wrong condition and the wanted one go in, one small edit comes out that leads on from the first to the second.

Conditions are compared as trees: `and` or `or` before its parts, every `not` drawn inwards; what is left is text.
"""

from __future__ import annotations

import ast
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import product
from typing import Any

from ..criteria.language.formula import MIRRORED, OPPOSITE
from ..criteria.language.syntax import read

_SIGNS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_Tree = str | tuple[Any, ...]
_Way = tuple[float, _Tree, str]
"""From one tree to another: how far it is, the tree after the first edit, and that edit in words."""


def next_step(mine: str, wanted: str) -> tuple[str, str]:
    """The condition after one edit towards the wanted one, and the edit in words; both empty where they are the same.

    >>> next_step("spo2 < 93 and cough", "spo2 <= 93 or cough")
    ('spo2 < 93 or cough', 'One step nearer: join with `or`, not with `and`.')
    """
    far, tree, says = _way(_tree(read(mine).tree), _tree(read(wanted).tree))
    return (_text(tree), f"One step nearer: {says}.") if far else ("", "")


@lru_cache(100_000)  # each level of a deep condition asks for the same ways twice
def _way(mine: _Tree, goal: _Tree) -> _Way:
    """The shortest way found from one tree to another; at worst the whole is written anew."""
    if mine == goal:
        return 0, goal, ""
    here, there = _text(mine), _text(goal)
    joins = [tree[0] for tree in (mine, goal) if not isinstance(tree, str)]
    anew = max(_size(mine), _size(goal)) + len(joins) - SequenceMatcher(None, here, there).ratio()
    ways = [(anew, goal, f"write `{there}`, not `{here}`")]
    if len({*joins}) == 2:
        flipped, turned = (goal[0], *mine[1:]), _tree(ast.parse(here, mode="eval").body, negated=True)
        ways.append((1 + _way(flipped, goal)[0], flipped, f"join with `{goal[0]}`, not with `{mine[0]}`"))
        ways.append((2 + _way(turned, goal)[0], turned, f"turn it round: `{_text(turned)}`"))
    return min([*ways, *(_match(op, _parts(op, mine), _parts(op, goal)) for op in joins)], key=lambda way: way[0])


def _match(op: str, parts: list[_Tree], goals: list[_Tree]) -> _Way:
    """From parts to those wanted, in any order: each goes where it saves most; what is left is dropped or added."""
    ways, free, wanted = list[_Way](), [*parts], [*goals]
    while free and wanted:
        part, goal = min(product(free, wanted), key=lambda pair: _way(*pair)[0] - _size(pair[1]))
        far, tree, says = _way(part, goal)
        ways.append((far, _join(op, *(tree if each == part else each for each in parts)), says))
        free.remove(part)
        wanted.remove(goal)
    ways += [(1, _join(op, *(each for each in parts if each != part)), f"leave out `{_text(part)}`") for part in free]
    added = [(_size(goal), _join(op, *parts, goal), f"add `{op} {_inside(goal)}`") for goal in wanted]
    ways = [*ways, *added] if len(parts) > 1 else [*added, *ways]  # a single part becomes a join before its own edits
    _, tree, says = next((way for way in ways if way[1] != _join(op, *parts)), ways[0])
    return sum(far for far, *_ in ways), tree, says


def _size(tree: _Tree) -> int:
    """How much there is to write; to leave something out, or to join it in another way, is 1."""
    return 2 if isinstance(tree, str) else sum(map(_size, tree[1:]))


def _parts(op: str, tree: _Tree) -> list[_Tree]:
    return [*tree[1:]] if tree[0] == op else [tree]


def _join(op: str, *parts: _Tree) -> _Tree:
    """Parts together, each once, those that are together alike as one; a single one stays as it is."""
    flat = dict.fromkeys(each for part in parts for each in _parts(op, part))
    return (op, *flat) if len(flat) > 1 else next(iter(flat))


def _tree(node: ast.expr, negated: bool = False) -> _Tree:
    """A tree in one way of writing it: no chains, no `if`, `and` within `and` as one, limits on the right."""
    match node:
        case ast.UnaryOp(ast.Not(), item):
            return _tree(item, not negated)
        case ast.BoolOp(op, items):
            return _join("and" if isinstance(op, ast.And) != negated else "or", *(_tree(i, negated) for i in items))
        case ast.Call(ast.Name("_if"), [when, then]):
            return _tree(ast.BoolOp(ast.Or(), [ast.UnaryOp(ast.Not(), when), then]), negated)
        case ast.Compare(left, [op, _, *_] as ops, others):
            links = zip([left, *others], ops, others, strict=False)
            return _tree(ast.BoolOp(ast.And(), [ast.Compare(one, [op], [other]) for one, op, other in links]), negated)
        case ast.Compare(left, [op], [right]) if sign := _SIGNS.get(type(op)):
            if isinstance(left, ast.Constant):
                left, sign, right = right, MIRRORED[sign], left
            return f"{ast.unparse(left)} {OPPOSITE[sign] if negated else sign} {ast.unparse(right)}"
    return f"not {ast.unparse(node)}" if negated else ast.unparse(node)


def _text(tree: _Tree) -> str:
    """A tree as one writes it."""
    return tree if isinstance(tree, str) else f" {tree[0]} ".join(map(_inside, tree[1:]))


def _inside(tree: _Tree) -> str:
    return tree if isinstance(tree, str) else f"({_text(tree)})"
