"""A wrong condition and the wanted one go in, one small edit comes out that leads on from the first to the second.

Conditions are compared as trees. Where a learner wrote the same thing another way round, the trees are turned as well
(`not (a or b)` is `not a and not b`), and the nearest pair leads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..criteria.language.syntax import read

_OPPOSITE = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}


class _Edit(NamedTuple):
    """One change of a tree: the part that goes, what comes in its place, and how one says so."""

    old: ast.expr
    new: ast.expr
    says: str


_Way = tuple[int, _Edit | None]
"""How far it is from one tree to another, and the first edit."""


def next_step(mine: str, wanted: str) -> tuple[str, str]:
    """The condition after one edit towards the wanted one, and the edit in words; both empty where they are the same.

    >>> next_step("spo2 < 93 and cough", "spo2 <= 93 or cough")
    ('spo2 < 93 or cough', 'One step nearer: join with `or`, not with `and`.')
    """
    trees = [(tree, _push_not(tree)) for tree in (_plain(mine), _plain(wanted))]
    (plain, pushed), (goal, pushed_goal) = trees
    pairs = [(plain, goal), (plain, pushed_goal), (pushed, pushed_goal)]
    ways = [(_way(*pair), pair[0]) for pair in pairs]
    turned = _Edit(plain, ast.UnaryOp(ast.Not(), plain), "put `not` before the whole, in brackets")
    ways.append((_sum([(1, turned), _way(_push_not(plain, True), pushed_goal)]), plain))
    (_, edit), start = min(ways, key=lambda found: found[0][0])
    if edit is None:
        return "", ""
    return ast.unparse(_Replaced(edit).visit(start)), f"One step nearer: {edit.says}."


def alike(mine: str, theirs: str) -> bool:
    """Whether two conditions are written alike, but for order, brackets and where a `not` stands.

    >>> alike("not (spo2 > 93 or cough)", "not cough and spo2 <= 93"), alike("cough", "not cough")
    (True, False)
    """
    return _way(_push_not(_plain(mine)), _push_not(_plain(theirs)))[0] == 0


def _way(mine: ast.expr, theirs: ast.expr) -> _Way:
    """The shortest way found from one tree to another; at worst the whole is written anew."""
    if ast.dump(mine) == ast.dump(theirs):
        return 0, None
    anew = _Edit(mine, theirs, f"write `{ast.unparse(theirs)}`, not `{ast.unparse(mine)}`")
    return min([*_ways(mine, theirs), (1 + _weight(theirs), anew)], key=lambda way: way[0])


def _ways(mine: Any, theirs: Any) -> Iterator[_Way]:
    parts, goals = (tree.values if isinstance(tree, ast.BoolOp) else [tree] for tree in (mine, theirs))
    if len(parts) > 1 and len(goals) > 1:
        swap = _Edit(mine, ast.BoolOp(theirs.op, parts), f"join with `{_word(theirs)}`, not with `{_word(mine)}`")
        other = type(mine.op) is not type(theirs.op)
        yield _sum([(1, swap)] * other + _match(mine, mine.op, parts, goals))
    if len(parts) > 1:
        yield _sum(_match(mine, mine.op, parts, [theirs]))
    if len(goals) > 1:
        yield _sum(_match(mine, theirs.op, [mine], goals))
    match mine, theirs:
        case ast.UnaryOp(ast.Not(), item), _:
            yield _sum([(1, _Edit(mine, item, f"take `not` away from `{ast.unparse(item)}`")), _way(item, theirs)])
        case _, ast.UnaryOp(ast.Not(), item):
            turned = ast.UnaryOp(ast.Not(), mine)
            yield _sum([(1, _Edit(mine, turned, f"put `not` before `{ast.unparse(mine)}`")), _way(mine, item)])
        case ast.Compare(left, [op], [right]), ast.Compare(wanted, [sign], [limit]):
            new = ast.Compare(left, [sign], [right])
            swap = _Edit(mine, new, f"look at the sign: `{ast.unparse(new)}`, not `{ast.unparse(mine)}`")
            yield _sum([_way(left, wanted), _way(right, limit), *[(1, swap)] * (type(op) is not type(sign))])


def _match(mine: ast.expr, op: ast.boolop, parts: list[ast.expr], goals: list[ast.expr]) -> list[_Way]:
    """From parts to those wanted, in any order: each goes with the nearest; what is left is dropped or added."""
    pairs = {(i, j): _way(part, goal) for i, part in enumerate(parts) for j, goal in enumerate(goals)}
    ways, free, wanted = [], dict(enumerate(parts)), dict(enumerate(goals))
    for (i, j), way in sorted(pairs.items(), key=lambda pair: pair[1][0]):
        if i in free and j in wanted:
            ways.append(way)
            del free[i], wanted[j]
    for i, part in free.items():
        fewer = _join(op, [*parts[:i], *parts[i + 1 :]])
        ways.append((1, _Edit(mine, fewer, f"leave out `{ast.unparse(part)}`")))
    for goal in wanted.values():
        more = ast.BoolOp(op, [*parts, goal])
        ways.append((_weight(goal), _Edit(mine, more, f"add `{_word(more)} {ast.unparse(goal)}`")))
    return ways


def _sum(ways: Iterable[_Way]) -> _Way:
    """One way after another: the first edit leads."""
    found = list(ways)
    return sum(far for far, _ in found), next((edit for _, edit in found if edit), None)


def _word(tree: ast.BoolOp) -> str:
    return "and" if isinstance(tree.op, ast.And) else "or"


def _join(op: ast.boolop, parts: list[ast.expr]) -> ast.expr:
    """Parts joined, those that are joined alike as one; a single one stays as it is."""
    flat: list[ast.expr] = []
    for part in parts:
        flat += part.values if isinstance(part, ast.BoolOp) and type(part.op) is type(op) else [part]
    return ast.BoolOp(op, flat) if len(flat) > 1 else flat[0]


def _weight(tree: ast.expr) -> int:
    """How many names a tree holds, as a measure of what there is to write."""
    return sum(isinstance(node, ast.Name) for node in ast.walk(tree)) or 1


def _plain(text: str) -> ast.expr:
    return _Plain().visit(read(text).tree)


class _Plain(ast.NodeTransformer):
    """A tree in one way of writing it: no chains, no `if`, `and` within `and` as one."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "_if":
            return _join(ast.Or(), [ast.UnaryOp(ast.Not(), node.args[0]), node.args[1]])
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        operands = [node.left, *node.comparators]
        pairs = zip(operands, node.ops, operands[1:], strict=False)
        return _join(ast.And(), [_limit_right(left, op, right) for left, op, right in pairs])

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        return _join(node.op, node.values)


def _limit_right(left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.expr:
    """`age >= 18` for `18 <= age`."""
    mirrored = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}.get(type(op), type(op))
    return (
        ast.Compare(right, [mirrored()], [left]) if isinstance(left, ast.Constant) else ast.Compare(left, [op], [right])
    )


def _push_not(tree: ast.expr, negated: bool = False) -> ast.expr:
    """The same condition with every `not` drawn inwards as far as it goes."""
    match tree:
        case ast.UnaryOp(ast.Not(), item):
            return _push_not(item, not negated)
        case ast.BoolOp(op, values):
            other = (ast.And() if isinstance(op, ast.Or) else ast.Or()) if negated else op
            return _join(other, [_push_not(value, negated) for value in values])
        case ast.Compare(left, [op], [right]) if negated and type(op) in _OPPOSITE:
            return ast.Compare(left, [_OPPOSITE[type(op)]()], [right])
    return ast.UnaryOp(ast.Not(), tree) if negated else tree


class _Replaced(ast.NodeTransformer):
    def __init__(self, edit: _Edit) -> None:
        self.edit = edit

    def visit(self, node: ast.AST) -> ast.AST:
        return self.edit.new if node is self.edit.old else self.generic_visit(node)
