"""A wrong condition and the wanted one go in, one small edit comes out that leads on from the first to the second.

Conditions are compared as trees. Where a learner wrote the same thing another way round, the wanted tree is turned
too (`not (a or b)` is `not a and not b`), and the tree that is nearest to the learner's leads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..criteria.language.syntax import read

_OPPOSITE = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
_MIRRORED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Eq: ast.Eq, ast.NotEq: ast.NotEq}


@dataclass(frozen=True)
class _Edit:
    """One change of a tree: the part that goes, what comes in its place, and how one says so."""

    old: ast.expr
    new: ast.expr
    says: str


_Way = tuple[int, _Edit | None]
"""How far it is from one tree to another, and the first edit."""


def next_step(mine: str, wanted: str) -> tuple[str, str]:
    """The condition after one edit towards the wanted one, and the edit in words; both empty where they are the same.

    >>> next_step("spo2 < 93 and cough", "spo2 <= 93 or cough")
    ('spo2 < 93 or cough', 'One step nearer: join `spo2 < 93 and cough` with `or`, not with `and`.')
    """
    tree, goal = _tree(mine), _tree(wanted)
    pairs = ((tree, goal), (tree, _push_not(goal)), (_push_not(tree), _push_not(goal)))
    (_, edit), start = min(((_way(*pair), pair[0]) for pair in pairs), key=lambda found: found[0][0])
    if edit is None:
        return "", ""
    return ast.unparse(_Replaced(edit).visit(start)), f"One step nearer: {edit.says}."


def alike(mine: str, theirs: str) -> bool:
    """Whether two conditions are written alike, but for order, brackets and where a `not` stands.

    >>> alike("not (spo2 > 93 or cough)", "not cough and spo2 <= 93"), alike("cough", "not cough")
    (True, False)
    """
    return _way(_push_not(_tree(mine)), _push_not(_tree(theirs)))[0] == 0


def _tree(text: str) -> ast.expr:
    return _Plain().visit(read(text).tree)


def _way(mine: ast.expr, theirs: ast.expr) -> _Way:
    """The shortest way found from one tree to another; at worst the whole is written anew."""
    if ast.dump(mine) == ast.dump(theirs):
        return 0, None
    anew = _Edit(mine, theirs, f"write `{ast.unparse(theirs)}`, not `{ast.unparse(mine)}`")
    return min([*_ways(mine, theirs), (1 + _weight(theirs), anew)], key=_far)


def _ways(mine: ast.expr, theirs: ast.expr) -> Iterator[_Way]:
    parts, goals = (tree.values if isinstance(tree, ast.BoolOp) else [tree] for tree in (mine, theirs))
    if len(parts) > 1 and len(goals) > 1:
        yield _match(mine, parts, theirs, goals)
        yield from _regroup(mine, parts, theirs, goals)
    if len(parts) > 1:
        yield _match(mine, parts, theirs, [theirs])
    if len(goals) > 1:
        yield _match(mine, [mine], theirs, goals)
    match mine, theirs:
        case ast.UnaryOp(ast.Not(), item), ast.UnaryOp(ast.Not(), other):
            yield _way(item, other)
        case ast.UnaryOp(ast.Not(), item), _:
            yield _sum([(1, _Edit(mine, item, f"take `not` away from `{ast.unparse(item)}`")), _way(item, theirs)])
        case _, ast.UnaryOp(ast.Not(), other):
            turned = ast.UnaryOp(ast.Not(), mine)
            yield _sum([(1, _Edit(mine, turned, f"put `not` before `{ast.unparse(mine)}`")), _way(mine, other)])
        case ast.Compare(left, [op], [right]), ast.Compare(wanted, [sign], [limit]):
            ways = [_way(left, wanted), _way(right, limit)]
            if type(op) is not type(sign):
                new = ast.Compare(left, [sign], [right])
                ways.append((1, _Edit(mine, new, f"look at the sign: `{ast.unparse(new)}`, not `{ast.unparse(mine)}`")))
            yield _sum(ways)
        case ast.Call(called, args), ast.Call(other, wanted) if len(args) == len(wanted):
            if ast.dump(called) == ast.dump(other):
                yield _sum(_way(*pair) for pair in zip(args, wanted, strict=True))


def _regroup(mine: Any, parts: list[ast.expr], theirs: Any, goals: list[ast.expr]) -> Iterator[_Way]:
    """By changing the one word that sets a few parts apart from the others, or keeps them together."""
    for i, part in enumerate(parts):
        if isinstance(part, ast.BoolOp):
            rest = [*parts[:i], *parts[i + 1 :], *part.values]
            edit = _joining(part, ast.BoolOp(mine.op, part.values))
            yield 1 + _match(ast.BoolOp(mine.op, rest), rest, theirs, goals)[0], edit
    for group in goals:
        if isinstance(group, ast.BoolOp) and len(parts) > len(group.values):
            free = dict(enumerate(parts))
            taken = [free.pop(min(free, key=lambda i: _way(free[i], goal)[0])) for goal in group.values]
            new = ast.BoolOp(theirs.op, [*free.values(), ast.BoolOp(group.op, taken)])
            edit = _Edit(mine, new, f"write `{ast.unparse(new)}`; brackets and the joining word decide")
            yield 1 + _match(new, new.values, theirs, goals)[0], edit


def _joining(old: ast.BoolOp, new: ast.BoolOp) -> _Edit:
    return _Edit(old, new, f"join `{ast.unparse(old)}` with `{_word(new.op)}`, not with `{_word(old.op)}`")


def _match(mine: Any, parts: list[ast.expr], theirs: Any, goals: list[ast.expr]) -> _Way:
    """From parts to those wanted, in any order: each goes with the nearest; what is left is dropped or added."""
    op = mine.op if len(parts) > 1 else theirs.op
    ways, free, wanted = [], dict(enumerate(parts)), dict(enumerate(goals))
    if len(parts) > 1 and len(goals) > 1 and type(op) is not type(theirs.op):
        ways.append((1, _joining(mine, ast.BoolOp(theirs.op, parts))))
    pairs = {(i, j): _way(part, goal) for i, part in free.items() for j, goal in wanted.items()}
    for (i, j), way in sorted(pairs.items(), key=lambda pair: pair[1][0]):
        if i in free and j in wanted:
            ways.append(way)
            del free[i], wanted[j]
    for i, part in free.items():
        ways.append((1, _Edit(mine, _join(op, [*parts[:i], *parts[i + 1 :]]), f"leave out `{ast.unparse(part)}`")))
    for goal in wanted.values():
        new = _join(op, [*parts, goal])
        ways.append((_weight(goal), _Edit(mine, new, f"add `{_word(op)} {ast.unparse(goal)}`")))
    return _sum(ways)


def _sum(ways: Iterable[_Way]) -> _Way:
    """One way after another: the first edit leads."""
    found = list(ways)
    return sum(far for far, _ in found), next((edit for _, edit in found if edit), None)


def _far(way: _Way) -> int:
    return way[0]


def _word(op: ast.boolop) -> str:
    return "and" if isinstance(op, ast.And) else "or"


def _join(op: ast.boolop, parts: list[ast.expr]) -> ast.expr:
    return ast.BoolOp(op, parts) if len(parts) > 1 else parts[0]


def _weight(tree: ast.expr) -> int:
    """How many names a tree holds, as a measure of what there is to write."""
    return sum(isinstance(node, ast.Name) for node in ast.walk(tree)) or 1


def _push_not(tree: ast.expr, negated: bool = False) -> ast.expr:
    """The same condition with every `not` drawn inwards as far as it goes."""
    match tree:
        case ast.UnaryOp(ast.Not(), item):
            return _push_not(item, not negated)
        case ast.BoolOp(op, values):
            other = (ast.And() if isinstance(op, ast.Or) else ast.Or()) if negated else op
            return _Plain().visit(ast.BoolOp(other, [_push_not(value, negated) for value in values]))
        case ast.Compare(left, [op], [right]) if negated and type(op) in _OPPOSITE:
            return ast.Compare(left, [_OPPOSITE[type(op)]()], [right])
    return ast.UnaryOp(ast.Not(), tree) if negated else tree


class _Plain(ast.NodeTransformer):
    """A tree in one way of writing it: no chains, no `if`, the limit on the right, `and` within `and` as one."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "_if":
            return self.visit(ast.BoolOp(ast.Or(), [ast.UnaryOp(ast.Not(), node.args[0]), node.args[1]]))
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        operands = [node.left, *node.comparators]
        pairs = [_limit_right(*pair) for pair in zip(operands, node.ops, operands[1:], strict=False)]
        return _join(ast.And(), pairs)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        parts: list[ast.expr] = []
        for part in node.values:
            alike = isinstance(part, ast.BoolOp) and type(part.op) is type(node.op)
            parts += part.values if alike else [part]  # type: ignore[attr-defined]
        return ast.BoolOp(node.op, parts)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        whole = isinstance(node.value, float) and node.value.is_integer()
        return ast.Constant(int(node.value)) if whole else ast.Constant(node.value)  # type: ignore[arg-type]


def _limit_right(left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.expr:
    if isinstance(left, ast.Constant) and type(op) in _MIRRORED:
        return ast.Compare(right, [_MIRRORED[type(op)]()], [left])
    return ast.Compare(left, [op], [right])


class _Replaced(ast.NodeTransformer):
    def __init__(self, edit: _Edit) -> None:
        self.edit = edit

    def visit(self, node: ast.AST) -> ast.AST:
        return self.edit.new if node is self.edit.old else self.generic_visit(node)
