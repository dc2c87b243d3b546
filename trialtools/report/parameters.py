"""A notebook's parameters cell goes in with what a caller asks for; checked values come out, or an error that helps.

The cell is read with `ast` rather than with papermill's own inspection, which skips a line that has two equals signs
and knows a type only by the first word of it.
"""

from __future__ import annotations

import ast
import difflib
import io
import math
import re
import tokenize
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Any

from .errors import ReportError

PLAIN = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "list": "a list"}
PLAIN |= {"dict": "key: value pairs", "Path": "a path", "date": "a date, year-month-day", "None": "null"}


class Typed(str):
    """A value as it was typed at a command line; it is read as what the notebook declares."""


class Misfit(Exception):
    """A value is not of the declared type."""


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: what it is called, its type, its default and its comment."""

    name: str
    type: str
    default: Any
    written: str
    help: str

    def __str__(self) -> str:
        declared = f"{self.name}: {self.type}" if self.type else self.name
        return f"{declared} = {self.written}" + (f"   # {self.help}" if self.help else "")


def parse_parameters(texts: Sequence[str]) -> dict[str, Any]:
    """What `-p key=value` says, by key; the values are read once the notebook has said of which type they are.

    Args:
        texts: such as `["n=3", "readings={I6: registered}"]`.

    Raises:
        ReportError: no equals sign, or a key twice.

    >>> parse_parameters(["n=3", "cut=2023-01-31", "note=a = b"])
    {'n': '3', 'cut': '2023-01-31', 'note': 'a = b'}
    """
    read: dict[str, Any] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise ReportError(f"'{text}' is not of the form key=value, such as -p n=200")
        if key.strip() in read:
            raise ReportError(f"the parameter {key.strip()} is given twice")
        read[key.strip()] = Typed(value.strip())
    return read


def declared_parameters(notebook: Any) -> dict[str, Parameter]:
    """The parameters of a notebook, by name: what its cell tagged `parameters` assigns.

    Types are read from annotations (`n: int = 200`), from comments (`n = 200  # type: int`), or from the default.
    A notebook without such a cell has none.

    Raises:
        ReportError: the cell is not plain Python.
    """
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if not cells:
        return {}
    try:
        tree, comments = ast.parse(cells[0].source), _comments(cells[0].source)
    except (SyntaxError, tokenize.TokenError) as error:
        raise ReportError(f"the parameters cell of the notebook is not plain Python: {error}") from None
    found = (_declaration(node, comments) for node in tree.body)
    return {parameter.name: parameter for parameter in found if parameter}


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _declaration(node: ast.stmt, comments: Mapping[int, str]) -> Parameter | None:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
            type = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            type = ""
        case _:
            return None
    comment = comments.get(node.end_lineno or node.lineno, "")
    if said := re.match(r"type:\s*(\S+)\s*", comment):
        type, comment = type or said[1], comment[said.end() :].lstrip("# ")
    try:
        default = ast.literal_eval(value)
        type = type or ("" if default is None else default.__class__.__name__)
    except ValueError:
        default = None
    return Parameter(name, str(type), default, ast.unparse(value), comment)


def checked(given: Mapping[str, Any], declared: Mapping[str, Parameter], notebook: str) -> dict[str, Any]:
    """The given values, read and held against what the notebook declares.

    Raises:
        ReportError: an unknown name, with the nearest one and what there is; or a value of the wrong type.
    """
    for name in given:
        if name not in declared:
            raise ReportError(_unknown(name, declared, notebook))
    return {name: _value(value, declared[name]) for name, value in given.items()}


def _unknown(name: str, declared: Mapping[str, Parameter], notebook: str) -> str:
    if not declared:
        return f"{notebook} takes no parameters, so '{name}' cannot be given: it has no cell tagged 'parameters'"
    close = difflib.get_close_matches(name, declared, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    listed = "\n".join(f"  {parameter}" for parameter in declared.values())
    return f"{notebook} has no parameter '{name}'{hint} It takes\n{listed}"


def _value(value: Any, parameter: Parameter) -> Any:
    try:
        type = ast.parse(parameter.type, mode="eval").body if parameter.type else None
    except SyntaxError:
        type = None
    try:
        return _fit(_read(value, type) if isinstance(value, Typed) else _plain(value), type)
    except Misfit:
        wanted = PLAIN.get(parameter.type, "")
        hint = f" ({wanted})" if wanted else ""
        shown = f"'{value}'" if isinstance(value, str) else f"{value!r}"
        raise ReportError(
            f"the parameter {parameter.name} is {shown}; expected {parameter.type or 'text, numbers or lists'}{hint}, "
            f"such as {parameter.name}={parameter.written}"
        ) from None


def _read(value: Typed, type: ast.expr | None) -> Any:
    """What was typed, as its type reads it: text stays as it stands, so that `007`, `no` and a date remain."""
    names = {type.id} if isinstance(type, ast.Name) else _alternatives(type)
    if value in ("null", "None", "~") and "None" in names:
        return None
    if names & {"str", "Path", "date"}:
        return str(value)
    import yaml

    try:
        return yaml.load(str(value), Loader=_loader())
    except yaml.YAMLError:
        raise Misfit from None


def _alternatives(type: ast.expr | None) -> set[str]:
    """The plain names in a union, an optional type or a literal."""
    match type:
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _alternatives(left) | _alternatives(right)
        case ast.Name(id=name):
            return {name}
        case ast.Constant(value=None):
            return {"None"}
        case ast.Constant(value=str()):
            return {"str"}
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return {"None"} | _alternatives(inner)
        case ast.Subscript(value=ast.Name(id="Union" | "Literal"), slice=ast.Tuple(elts=parts)):
            return set().union(*(_alternatives(part) for part in parts))
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            return _alternatives(inner)
    return set()


def _loader() -> type:
    """YAML that knows true, false, null and plain numbers, and leaves dates, times and `yes` as text."""
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - yaml's own way to say it

    for tag, pattern, first in (
        ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
        ("null", r"^(?:null|None|~|)$", ["n", "N", "~", ""]),
        ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
        ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.?[0-9]+)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
    ):
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)
    return Loader


def _plain(value: Any) -> Any:
    """A Python value as a notebook can be given it: paths and dates as text, numpy's numbers as numbers."""
    if isinstance(value, PathLike):
        return str(Path(value))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if getattr(value, "shape", None) == () else value


def _fit(value: Any, type: ast.expr | None) -> Any:
    """The value as the declared type holds it; a whole number will do for a float."""
    match type:
        case None:
            return _jsonable(value)
        case ast.Name(id=name):
            return _TYPES.get(name, _jsonable)(value)
        case ast.Constant(value=None):
            return _require(value is None, value)
        case ast.Constant(value=str(quoted)):
            return _fit(value, ast.parse(quoted, mode="eval").body)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _first(value, [left, right])
        case ast.Subscript(value=ast.Name(id="Union"), slice=ast.Tuple(elts=parts)):
            return _first(value, parts)
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return None if value is None else _fit(value, inner)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return _require(value in [part.value for part in parts if isinstance(part, ast.Constant)], value)
        case ast.Subscript(value=ast.Name(id="list" | "tuple" | "set" | "Sequence"), slice=inner):
            inner = inner.elts[0] if isinstance(inner, ast.Tuple) else inner
            return [_fit(item, inner) for item in _require(isinstance(value, list), value)]
        case ast.Subscript(value=ast.Name(id="dict" | "Mapping"), slice=ast.Tuple(elts=[_, inner])):
            pairs = _require(isinstance(value, dict), value)
            return {str(key): _fit(item, inner) for key, item in pairs.items()}
    return _jsonable(value)


def _first(value: Any, types: Sequence[ast.expr]) -> Any:
    for type in types:
        try:
            return _fit(value, type)
        except Misfit:
            continue
    raise Misfit


def _require(holds: bool, value: Any) -> Any:
    if not holds:
        raise Misfit
    return value


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if isinstance(value, float):
        return _finite(value)
    return _require(value is None or isinstance(value, bool | int | str), value)


def _finite(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(_require(number and math.isfinite(value), value))


def _iso(value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise Misfit from None


_TYPES: dict[str, Callable[[Any], Any]] = {
    "int": lambda value: _require(isinstance(value, int) and not isinstance(value, bool), value),
    "float": _finite,
    "bool": lambda value: _require(isinstance(value, bool), value),
    "str": lambda value: str(_require(isinstance(value, str), value)),
    "Path": lambda value: str(_require(isinstance(value, str), value)),
    "date": _iso,
    "list": lambda value: _jsonable(_require(isinstance(value, list), value)),
    "tuple": lambda value: _jsonable(_require(isinstance(value, list), value)),
    "dict": lambda value: _jsonable(_require(isinstance(value, dict), value)),
}


def located(
    values: Mapping[str, Any], declared: Mapping[str, Parameter], folder: Path, here: Path | None = None
) -> dict[str, Any]:
    """The values with their paths made absolute, seen from where the caller stands and not from the notebook.

    A text is a path if its type is `Path`, its comment has the word file, folder or path, or its default or the value
    itself names something that exists. Where the default is there, or the comment says file, what is given must exist.

    Raises:
        ReportError: no such file.
    """
    here = here or Path.cwd()
    return {name: _absolute(value, declared[name], folder, here) for name, value in values.items()}


def _absolute(value: Any, parameter: Parameter, folder: Path, here: Path) -> Any:
    if not isinstance(value, str) or not value or "://" in value:
        return value
    place = (here / Path(value).expanduser()).resolve()
    said = set(re.findall(r"[a-z]+", parameter.help.lower()))
    default = exists(folder, parameter.default)
    if not (parameter.type == "Path" or said & {"file", "folder", "path"} or default or exists(here, value)):
        return value
    if (default or "file" in said) and not place.exists():
        raise ReportError(f"the parameter {parameter.name} is '{value}', but there is no file {place}")
    return str(place)


def exists(folder: Path, value: Any) -> Path | None:
    """What a text names, seen from a folder; None if it names nothing there."""
    if not isinstance(value, str) or not value or len(value) > 1000 or "\n" in value or "\0" in value:
        return None
    try:
        place = folder / Path(value).expanduser()
        return place if place.exists() else None
    except (OSError, RuntimeError):
        return None
