"""A YAML file goes in, a `Protocol` comes out; and back, without loss."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ..expr import ProtocolError, nearest
from .model import Protocol

NOT_IN_FILE = ("text", "readings")


def load_protocol(path: str | os.PathLike[str], readings: Mapping[str, str] | None = None) -> Protocol:
    """The protocol that a YAML file holds.

    Args:
        path: the file; its `source` is looked for beside it.
        readings: by criterion id, the reading to choose where a sentence is ambiguous; the first one otherwise.

    Raises:
        ProtocolError: the first fault, with file, line, column and the nearest name.

    >>> protocol = load_protocol("data/protocols/NCT05741099.yaml", readings={"I6": "registered"})
    >>> protocol.reading("I6"), protocol.reading("E7")
    ('registered', 'other_viruses')
    """
    file = Path(path)
    try:
        written = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ProtocolError(f"the protocol cannot be read: {reason}", where=str(path)) from None
    return read_protocol(written, name=str(path), folder=file.parent, readings=readings)


def read_protocol(
    written: str, name: str = "protocol", folder: Path | None = None, readings: Mapping[str, str] | None = None
) -> Protocol:
    """The protocol that a YAML text holds; `name` stands for the file in errors, `source` is sought in `folder`."""
    try:
        root = yaml.compose(written, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise _not_yaml(error, name) from None
    if not isinstance(root, yaml.MappingNode):
        raise ProtocolError("a protocol is a list of 'key: value' lines; see data/protocols", where=name)
    try:
        data = _plain(root)
        for key in NOT_IN_FILE:
            if key in data:
                raise ProtocolError(f"'{key}' is not read from the file", path=(key,))
        if folder is not None and data.get("source"):
            data["text"] = _source(folder, data["source"])
        return _validated({**data, "readings": dict(readings or {})})
    except ProtocolError as error:
        raise error.located(_place(root, written, name, error)) from None


def write_protocol(protocol: Protocol, path: str | os.PathLike[str]) -> Path:
    """Write a protocol as YAML, all or nothing; reading it back gives an equal protocol of the same hash.

    Comments of a file that was read are not kept. The chosen readings are not part of the file.
    """
    file = Path(path)
    content = {key: value for key, value in _content(protocol).items() if key not in NOT_IN_FILE}
    written = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    part = file.with_name(f".{file.name}.part")
    part.write_text(written, "utf-8")
    part.replace(file)
    return file


def _content(value: Any) -> Any:
    """Plain data with what differs from the default, in the order of declaration."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _content(getattr(value, f.name)) for f in fields(value) if not _is_default(value, f)}
    if isinstance(value, dict):
        return {key: _content(item) for key, item in value.items()}
    return [_content(item) for item in value] if isinstance(value, tuple | list) else value


def _is_default(value: Any, field: Any) -> bool:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return getattr(value, field.name) == default


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Protocol)


def _validated(data: dict[str, Any]) -> Protocol:
    from pydantic import ValidationError

    try:
        return _adapter().validate_python(data)
    except ValidationError as error:
        faults = error.errors()
        message, path = _fault(faults[0], data)
        more = len({fault["loc"][:3] for fault in faults}) - 1
        raise ProtocolError(message + (f" (and {more} more after it)" if more else ""), path=path) from None


def _fault(fault: Any, data: Any) -> tuple[str, tuple[str | int, ...]]:
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
            return f"'{key}' is not a key here{nearest(key, _keys(path[:-1]))}", path
        case "literal_error":
            return f"{key} is '{fault['input']}'; expected {fault['ctx']['expected'].replace(chr(39), '')}", path
        case "string_type":
            return f"{key} is {fault['input']!r}; expected text (put it in quotes)", path
    return f"{key}: {fault['msg'][:1].lower()}{fault['msg'][1:]}", path


def _keys(path: tuple[str | int, ...]) -> list[str]:
    """The keys that are allowed at a path, for the nearest name."""
    from . import model

    parts = {
        "fields": model.Field,
        "criteria": model.Criterion,
        "facts": model.Fact,
        "guideline": model.Fact,
        "ambiguities": model.Ambiguity,
        "arms": model.Arm,
        "design": model.DesignItem,
        "dosing": model.Dosing,
    }
    part = next((parts[key] for key in reversed(path) if key in parts), Protocol)
    return [f.name for f in fields(part) if f.name not in NOT_IN_FILE or part is not Protocol]


def _source(folder: Path, source: Any) -> str:
    try:
        return (folder / str(source)).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise ProtocolError(f"the registry text cannot be read: {folder / str(source)}", path=("source",)) from None


# --- places in the file -----------------------------------------------------------------------------------------------


def _plain(node: yaml.Node) -> Any:
    """The data of a YAML tree. A key that stands twice is an error: YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        data: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _plain(key_node)
            if not isinstance(key, str):
                raise ProtocolError(f"the key {key!r} is read by YAML as no text; put it in quotes").located(
                    _mark(key_node.start_mark)
                )
            if key in data:
                raise ProtocolError(f"the key '{key}' stands twice").located(_mark(key_node.start_mark))
            data[key] = _plain(value_node)
        return data
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        raise ProtocolError(f"YAML cannot read this value: {error}").located(_mark(node.start_mark)) from None


def _mark(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _not_yaml(error: Exception, name: str) -> ProtocolError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "nested too deeply"
    place = f"{name}, {_mark(mark)}" if mark else name
    return ProtocolError(
        f"this is not YAML: {problem}; a text with : # ? , or quotes in it needs quotes around it", where=place
    )


def _place(root: yaml.Node, written: str, name: str, error: ProtocolError) -> str:
    """`file, line 42, column 17 (criterion I6, readings.guideline)`."""
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
    """A list item by its own id, a key by its name."""
    if isinstance(key, str):
        return "" if key in ("criteria", "facts", "guideline", "ambiguities", "arms") else key
    own = _child(node, "id") if isinstance(node, yaml.MappingNode) else None
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
