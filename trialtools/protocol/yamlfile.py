"""YAML text goes in, a checked frozen dataclass comes out; every fault is told with its line and column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

import yaml

from ..expr import ProtocolError, nearest

T = TypeVar("T")


def read_yaml(
    written: str, type: type[T], name: str, prepare: Callable[[dict[str, Any]], dict[str, Any]] = lambda data: data
) -> T:
    """The dataclass that a YAML text holds.

    Args:
        written: the text.
        type: a dataclass that checks itself when it is built.
        name: stands for the file in errors.
        prepare: completes the plain data before they are checked.

    Raises:
        ProtocolError: the first fault, with line, column and the nearest key.
    """
    try:
        root = yaml.compose(written, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise _not_yaml(error, name) from None
    if not isinstance(root, yaml.MappingNode):
        raise ProtocolError("this file is a list of 'key: value' lines; see data/ for examples", where=name)
    try:
        return _validated(prepare(_plain(root)), type)
    except ProtocolError as error:
        raise error.located(_place(root, written, name, error)) from None


@cache
def _adapter(type: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(type)


def _validated(data: dict[str, Any], type: type[T]) -> T:
    from pydantic import ValidationError

    try:
        return _adapter(type).validate_python(data)
    except ValidationError as error:
        faults = error.errors()
        message, path = _fault(faults[0], data, type)
        more = len({fault["loc"][:3] for fault in faults}) - 1
        raise ProtocolError(message + (f" (and {more} more after it)" if more else ""), path=path) from None


def _fault(fault: Any, data: Any, type: type) -> tuple[str, tuple[str | int, ...]]:
    """Pydantic's finding as one sentence, and the path without the marks of its own that pydantic puts in."""
    path: tuple[str | int, ...] = ()
    for part in fault["loc"]:
        inside = part in data if isinstance(data, dict) else isinstance(part, int) and isinstance(data, list)
        if inside:
            path, data = (*path, part), data[part]
    key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    match fault["type"]:
        case "missing" | "missing_argument":
            return f"'{fault['loc'][-1]}' is missing here", path
        case "unexpected_keyword_argument" | "extra_forbidden":
            return f"'{key}' is not a key here{nearest(key, _keys(type, path[:-1]))}", path
        case "literal_error":
            return f"{key} is '{fault['input']}'; expected {fault['ctx']['expected'].replace(chr(39), '')}", path
        case "string_type":
            return f"{key} is {fault['input']!r}; expected text (put it in quotes)", path
    return f"{key}: {fault['msg'][:1].lower()}{fault['msg'][1:]}", path


def _keys(type: type, path: tuple[str | int, ...]) -> list[str]:
    """The keys that are allowed at a path, for the nearest name."""
    for part in path:
        if isinstance(part, str) and is_dataclass(type) and part in (hints := get_type_hints(type)):
            type = next((kind for kind in _dataclasses(hints[part])), type)
    return [f.name for f in fields(type)] if is_dataclass(type) else []


def _dataclasses(hint: Any) -> list[Any]:
    return [hint] if is_dataclass(hint) else [found for part in get_args(hint) for found in _dataclasses(part)]


# --- places in the file -----------------------------------------------------------------------------------------------


def _plain(node: yaml.Node) -> Any:
    """The data of a YAML tree. A key that stands twice is an error: YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        data: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key, place = _plain(key_node), _mark(key_node.start_mark)
            if not isinstance(key, str):
                raise ProtocolError(
                    f"YAML does not read the key {key_node.value} as text; put it in quotes", where=place
                )
            if key in data:
                raise ProtocolError(f"the key '{key}' stands twice", where=place)
            data[key] = _plain(value_node)
        return data
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        raise ProtocolError(f"YAML cannot read this value: {error}", where=_mark(node.start_mark)) from None


def _mark(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _not_yaml(error: Exception, name: str) -> ProtocolError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "nested too deeply"
    place = f"{name}, {_mark(mark)}" if mark else name
    message = f"this is not YAML: {problem}; a text with : # ? , or quotes in it needs quotes around it"
    return ProtocolError(message, where=place)


def _place(root: yaml.Node, written: str, name: str, error: ProtocolError) -> str:
    """`file, line 42, column 17 (I6, readings, guideline)`."""
    if error.where:
        return f"{name}, {error.where}"
    node, said = root, []
    for key in error.path:
        found = _child(node, key)
        if found is None:
            break
        node = found
        said.append(_named(node, key))
    if not said:
        return name
    offset = len("".join(error.text[: error.span[0]].split())) if error.span else 0
    return f"{name}, {_position(node, written, offset)} ({', '.join(filter(None, said))})"


def _child(node: yaml.Node, key: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key]
    return None


def _named(node: yaml.Node, key: str | int) -> str:
    """A list item by its own id, a key by its name; a list of items with ids goes without saying."""
    if isinstance(key, str):
        listed = isinstance(node, yaml.SequenceNode) and node.value and _child(node.value[0], "id") is not None
        return "" if listed else key
    own = _child(node, "id")
    return own.value if own is not None else f"item {key + 1}"


def _position(node: yaml.Node, written: str, offset: int) -> str:
    """Line and column of the character that stands `offset` visible characters into a value.

    Folding changes white space only, so visible characters can be counted through any style of YAML text.
    """
    at = node.start_mark.index
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        at = written.index("\n", at)
    elif isinstance(node, yaml.ScalarNode) and node.style in ("'", '"'):
        at += 1
    while at < len(written) and (written[at].isspace() or offset):
        offset -= not written[at].isspace()
        at += 1
    line = written.count("\n", 0, at) + 1
    return f"line {line}, column {at - written.rfind(chr(10), 0, at)}"
