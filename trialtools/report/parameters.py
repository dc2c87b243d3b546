"""A notebook's parameters cell goes in with what a caller asks for; checked values come out, or an error that helps.

The cell is run, as the report will run it anyway: its annotations are the types, its values the defaults.
"""

from __future__ import annotations

import ast
import difflib
import io
import json
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from os import PathLike
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import yaml

from .errors import ReportError, check_letters
from .run import read_notebook

_PLAIN = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "list": "a list"}
_PLAIN |= {"dict": "key: value pairs", "Path": "a path", "date": "a date, year-month-day", "None": "null"}


class _CommandLineText(str):
    """A value as it was typed at a command line; it is read as what the notebook declares."""


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: what it is called, its type, its default and its comment."""

    name: str
    kind: Any
    type: str
    default: Any
    written: str
    help: str

    @property
    def is_path(self) -> bool:
        return Path in _kinds(self.kind)

    def __str__(self) -> str:
        declared = f"{self.name}: {self.type}" if self.type else self.name
        return f"{declared} = {self.written}" + (f"   # {self.help}" if self.help else "")


def parse_parameters(texts: Sequence[str]) -> dict[str, Any]:
    """What `-p key=value` says, by key; the values are read once the notebook has given their types.

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
        read[key.strip()] = _CommandLineText(value.strip())
    return read


def declared_parameters(notebook: Any) -> dict[str, Parameter]:
    """The parameters of a notebook, by name: what its cell tagged `parameters` assigns.

    Types are the annotations (`n: int = 200`, `data: Path = "../data"`); without one, the type of the default.
    A notebook without such a cell has none.

    Raises:
        ReportError: the cell cannot be run.
    """
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if not cells:
        return {}
    source, scope = cells[0].source, {"Path": Path, "date": date, "Literal": Literal}
    try:
        tree, comments = ast.parse(source), _comments(source)
        exec(compile(source, "the parameters cell", "exec", dont_inherit=True), scope)
        declarations = [_declaration(node, comments, scope) for node in tree.body]
    except (Exception, SystemExit) as error:
        raise ReportError(f"the parameters cell of the notebook cannot be run: {error}") from None
    return {parameter.name: parameter for parameter in declarations if parameter}


def read_parameters(
    notebook: Path, given: Mapping[str, Any]
) -> tuple[dict[str, Parameter], dict[str, Any], dict[str, Any]]:
    """What a notebook declares, the given values as it reads them, and these over its defaults.

    Raises:
        ReportError: as for `declared_parameters`, `validate` and `resolve_paths`.
    """
    declared = declared_parameters(read_notebook(notebook))
    chosen = resolve_paths(validate(given, declared, notebook.name), declared, notebook.parent)
    return declared, chosen, {name: parameter.default for name, parameter in declared.items()} | chosen


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _declaration(node: ast.stmt, comments: Mapping[int, str], scope: dict[str, Any]) -> Parameter | None:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
            type = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
            kind = eval(str(type), scope)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            kind = Any if scope[name] is None else scope[name].__class__
            type = "" if kind is Any else kind.__name__
        case _:
            return None
    comment = comments.get(node.end_lineno or node.lineno, "")
    return Parameter(name, kind, str(type), scope[name], ast.unparse(value), comment)


def validate(values: Mapping[str, Any], declared: Mapping[str, Parameter], notebook: str) -> dict[str, Any]:
    """The given values, read and held against what the notebook declares.

    Raises:
        ReportError: an unknown name, with the nearest one and what there is; or a value of the wrong type.
    """
    for name in values:
        if name not in declared:
            raise ReportError(_unknown(name, declared, notebook))
    return {name: _value(value, declared[name]) for name, value in values.items()}


def _unknown(name: str, declared: Mapping[str, Parameter], notebook: str) -> str:
    if not declared:
        return f"{notebook} takes no parameters, so '{name}' cannot be given: it has no cell tagged 'parameters'"
    close = difflib.get_close_matches(name, declared, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    parameters = "\n".join(f"  {parameter}" for parameter in declared.values())
    return f"{notebook} has no parameter '{name}'{hint} It takes\n{parameters}"


def _value(value: Any, parameter: Parameter) -> Any:
    from pydantic import ConfigDict, TypeAdapter

    if isinstance(value, str):
        check_letters(f"the parameter {parameter.name}:", value)
    try:
        adapter = TypeAdapter(parameter.kind, config=ConfigDict(strict=True))
        read = _read(value, parameter.kind) if isinstance(value, _CommandLineText) else value
        if read == "" and parameter.is_path:  # no path; pydantic would make it "."
            return ""
        # by way of JSON, for a notebook can be given nothing else
        return adapter.dump_python(
            adapter.validate_json(json.dumps(read, allow_nan=False, default=_plain)), mode="json"
        )
    except (ValueError, TypeError):
        wanted = _PLAIN.get(parameter.type, "")
        hint = f" ({wanted})" if wanted else ""
        shown = f"'{value}'" if isinstance(value, str) else f"{value!r}"
        raise ReportError(
            f"the parameter {parameter.name} is {shown}; expected {parameter.type or 'text, numbers or lists'}{hint}, "
            f"such as {parameter.name}={parameter.written}"
        ) from None


def _read(value: _CommandLineText, kind: Any) -> Any:
    """What was typed, as its type reads it: text stays as it stands, so that `007`, `no` and a date remain."""
    kinds = _kinds(kind)
    if value in ("null", "None", "~") and NoneType in kinds:
        return None
    if kinds & {str, date, Path} or any(value in get_args(each) for each in kinds):
        return str(value)
    try:
        return json.loads(value)
    except ValueError:
        return yaml.load(value, yaml.BaseLoader)  # {I6: registered}: every plain word is text


def _kinds(kind: Any) -> set[Any]:
    """The types in a union or an optional type; the words of a literal stay together."""
    if get_origin(kind) in (Union, UnionType):
        return set().union(*map(_kinds, get_args(kind)))
    return {kind}


def _plain(value: Any) -> Any:
    """A Python value as JSON holds it: paths and dates as text, numpy's numbers as numbers."""
    if isinstance(value, PathLike):
        return str(Path(value))
    if isinstance(value, date):
        return value.isoformat()
    if getattr(value, "shape", None) == ():
        return value.item()
    raise TypeError


def resolve_paths(values: Mapping[str, Any], declared: Mapping[str, Parameter], folder: Path) -> dict[str, Any]:
    """The values, with those declared as `Path` made absolute: a relative path starts at the current directory.

    Any other text stays text, even where a file or folder of that name exists. A path must exist if its default names
    something that exists in the notebook's folder, or if its comment says file.

    Raises:
        ReportError: no such file.
    """
    return {name: _absolute(value, declared[name], folder) for name, value in values.items()}


def _absolute(value: Any, parameter: Parameter, folder: Path) -> Any:
    if not parameter.is_path or not value:
        return value
    place = Path(value).expanduser().resolve()
    needed = place_of(folder, parameter.default) or "file" in parameter.help.lower().split()
    if needed and not place.exists():
        raise ReportError(f"the parameter {parameter.name} is '{value}', but there is no file {place}")
    return str(place)


def place_of(folder: Path, value: Any) -> Path | None:
    """What a path names, seen from a folder; None if it names nothing there."""
    if not value:
        return None
    place = folder / Path(value).expanduser()
    return place if place.exists() else None
