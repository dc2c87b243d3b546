"""A notebook's parameters cell goes in with what a caller asks for; checked values come out, or an error that helps.

The cell is read with `ast` rather than with papermill's own inspection, which skips a line that has two equals signs
and knows a type only by the first word of it.
"""

from __future__ import annotations

import ast
import difflib
import io
import json
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from os import PathLike
from pathlib import Path
from types import NoneType
from typing import Any, Literal, Union, get_args, get_origin

from .errors import ReportError

PLAIN = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "list": "a list"}
PLAIN |= {"dict": "key: value pairs", "Path": "a path", "date": "a date, year-month-day", "None": "null"}
TYPES: dict[str, Any] = {"int": int, "float": float, "bool": bool, "str": str, "Path": str, "date": date, "None": None}
TYPES |= {"list": list[Any], "tuple": list[Any], "dict": dict[str, Any]}


class Typed(str):
    """A value as it was typed at a command line; it is read as what the notebook declares."""


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
    from pydantic import ConfigDict, TypeAdapter

    try:
        declared = _type(ast.parse(parameter.type, mode="eval").body) if parameter.type else Any
        held = TypeAdapter(declared, config=ConfigDict(strict=True))
        given = _read(value, declared) if isinstance(value, Typed) else value
        # by way of JSON, for a notebook can be given nothing else
        return held.dump_python(held.validate_json(json.dumps(given, allow_nan=False, default=_plain)), mode="json")
    except (ValueError, TypeError):
        wanted = PLAIN.get(parameter.type, "")
        hint = f" ({wanted})" if wanted else ""
        shown = f"'{value}'" if isinstance(value, str) else f"{value!r}"
        raise ReportError(
            f"the parameter {parameter.name} is {shown}; expected {parameter.type or 'text, numbers or lists'}{hint}, "
            f"such as {parameter.name}={parameter.written}"
        ) from None


def _type(node: ast.expr) -> Any:
    """The type that an annotation names, read without running it; what we do not know holds anything."""
    match node:
        case ast.Name(id=name):
            return TYPES.get(name, Any)
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str(quoted)):
            return _type(ast.parse(quoted, mode="eval").body)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _union(_type(left), _type(right))
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return _union(_type(inner), None)
        case ast.Subscript(value=ast.Name(id=name), slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return _generic(name, parts)
    return Any


def _union(*types: Any) -> Any:
    return Union[types]  # noqa: UP007 - the bar does not join types that are known only now


def _generic(name: str, parts: list[ast.expr]) -> Any:
    match name:
        case "Union":
            return _union(*map(_type, parts))
        case "Literal":
            return Literal[tuple(part.value for part in parts if isinstance(part, ast.Constant))]
        case "list" | "tuple" | "set" | "Sequence":
            return list[_type(parts[0])]
        case "dict" | "Mapping":
            return dict[str, _type(parts[-1])]
    return Any


def _read(value: Typed, declared: Any) -> Any:
    """What was typed, as its type reads it: text stays as it stands, so that `007`, `no` and a date remain."""
    kinds = _kinds(declared)
    if value in ("null", "None", "~") and NoneType in kinds:
        return None
    if kinds & {str, date}:
        return str(value)
    import yaml

    try:
        return yaml.load(str(value), Loader=_loader())
    except yaml.YAMLError:
        raise ValueError from None


def _kinds(declared: Any) -> set[Any]:
    """The plain types in a union, an optional type or a literal."""
    if get_origin(declared) is Literal:
        return {type(value) for value in get_args(declared)}
    if get_origin(declared) is Union:
        return set().union(*map(_kinds, get_args(declared)))
    return {declared}


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
    """A Python value as JSON holds it: paths and dates as text, numpy's numbers as numbers."""
    if isinstance(value, PathLike):
        return str(Path(value))
    if isinstance(value, date):
        return value.isoformat()
    if getattr(value, "shape", None) == ():
        return value.item()
    raise TypeError


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
