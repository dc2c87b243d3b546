"""YAML text goes in, a checked frozen dataclass comes out; every fault is told with its line and column."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

import yaml

from ..language import ProtocolError, nearest
from .field import key_of

_T = TypeVar("_T")


def read_text(path: str | os.PathLike[str], what: str) -> str:
    """The text of a file.

    Raises:
        ProtocolError: `what` cannot be read, and why.
    """
    try:
        return Path(path).read_text("utf-8")
    except (OSError, ValueError) as error:  # also a letter that is not UTF-8, and a path that no system takes
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ProtocolError(f"{what} cannot be read: {reason}", where=str(path)) from None


def read_yaml(
    written: str,
    type: type[_T],
    name: str,
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = lambda data: data,
    check: Callable[[_T], None] = lambda made: None,
) -> _T:
    """The dataclass that a YAML text holds.

    Args:
        written: the text.
        type: a dataclass that checks itself when it is built.
        name: stands for the file in errors.
        prepare: completes the plain data before they are checked.
        check: raises what else is wrong with what was made, with its `path`.

    Raises:
        ProtocolError: the first fault, with line, column and the nearest key.
    """
    try:
        root = _compose(written)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        raise _not_yaml(error, written, name) from None
    if not isinstance(root, yaml.MappingNode):
        raise ProtocolError("this file holds no 'key: value' lines; see data/ for examples", where=name)
    try:
        made = _validate(prepare(_plain(root, set())), type)
        check(made)
        return made
    except ProtocolError as error:
        raise error.at(where=_place(root, written, name, error)) from None


@lru_cache(8)  # a notebook and a lesson read the same few files again and again; nobody changes the tree
def _compose(written: str) -> yaml.Node | None:
    return yaml.compose(written, Loader=yaml.SafeLoader)


@cache
def _adapter(type: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(type)


def _validate(data: dict[str, Any], type: type[_T]) -> _T:
    from pydantic import ValidationError

    try:
        made = _adapter(type).validate_python(data)
    except ValidationError as error:
        faults = error.errors()
        message, path = _fault(faults, data, type)
        more = len({fault["loc"][:3] for fault in faults}) - 1
        follows = f" ({more} more fault{'s follow' if more > 1 else ' follows'})" if more else ""
        raise ProtocolError(message + follows, path=path) from None
    for path, written, read in _pairs(data, made, ()):
        if isinstance(written, bool) != isinstance(read, bool) or isinstance(written, str) != isinstance(read, str):
            what = f"item {path[-1] + 1} of {path[-2]}" if isinstance(path[-1], int) else str(path[-1])
            raise ProtocolError(f"{what} is {_literal(written)}; expected {_READ[read.__class__]}", path=path)
    return made


def _pairs(data: Any, made: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any, Any]]:
    """Each plain value as it was written and as it was read: pydantic takes "no" for False and true for 1."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _pairs(value, _under(made, key), (*path, key))
    elif isinstance(data, list | tuple):
        for place, pair in enumerate(zip(data, made, strict=True)):
            yield from _pairs(*pair, (*path, place))
    else:
        yield path, data, made


def _under(made: Any, key: str) -> Any:
    if isinstance(made, dict):
        return made[key]
    return next(getattr(made, f.name) for f in fields(made) if key_of(f.name) == key)


_READ = {bool: "true or false", int: "a whole number", float: "a number", str: "text (put it in quotes)"}
_READ[date] = "a date, year-month-day, without quotes"
_UNKNOWN_KEY = ("unexpected_keyword_argument", "extra_forbidden")
_EXPECTED = {  # by the first word of pydantic's own names of faults
    "tuple": "a list, such as [a, b]",
    "list": "a list, such as [a, b]",
    "dict": "'key: value' lines",
    "dataclass": "'key: value' lines",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "date": "a date, year-month-day",
    "string": "text",
}
_COMMA = "a text with a comma inside { } needs quotes around it"


def _fault(faults: Any, data: Any, type: type) -> tuple[str, tuple[str | int, ...]]:
    """Pydantic's findings as one sentence, and the path without the marks of its own that pydantic puts in.

    A misspelt key is told before the key that is missing for it.
    """
    beside = [fault for fault in faults if fault["loc"][:-1] == faults[0]["loc"][:-1]]
    fault = next((fault for fault in beside if fault["type"] in _UNKNOWN_KEY), faults[0])
    path: tuple[str | int, ...] = ()
    for part in fault["loc"]:
        is_item = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if is_item or (isinstance(data, dict) and part in data):
            path, data = (*path, part), data[part]
    key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    what = f"item {path[-1] + 1} of {key}" if path and isinstance(path[-1], int) else key
    kind = fault["type"]
    if kind in _UNKNOWN_KEY:
        hint = f"; {_COMMA}" if data is None else nearest(key, _keys(type, path[:-1]))
        return f"'{key}' is not a key here{hint}", (*path, "")
    if kind.startswith("missing") and isinstance(fault["loc"][-1], str):
        return f"'{fault['loc'][-1]}' is missing here", path
    if isinstance(data, list) and kind in ("missing", "too_long"):
        wanted = fault.get("ctx", {}).get("max_length") or max(other["loc"][-1] for other in beside) + 1
        return f"{what} has {len(data)} value{'' if len(data) == 1 else 's'}; expected {wanted}", path
    if kind == "literal_error":
        return f"{what} is {_literal(data)}; expected {fault['ctx']['expected'].replace(chr(39), '')}", path
    expected = _EXPECTED.get(kind.split("_")[0])
    if data is None and expected:
        return f"'{what}' has no value; {f'expected {expected}' if what.isidentifier() else _COMMA}", path
    if expected == "text" and isinstance(data, bool):
        return f"{what}: YAML reads yes, no, on and off as true or false; put the text in quotes", path
    if expected:
        quoted = " (put it in quotes)" if expected == "text" and not isinstance(data, list | dict) else ""
        return f"{what} is {_literal(data)}; expected {expected}{quoted}", path
    return f"{what}: {fault['msg'][:1].lower()}{fault['msg'][1:]}", path


def _literal(value: Any) -> str:
    """A value as its writer would recognize it."""
    named = {NoneType: "empty", bool: str(value).lower(), list: "a list", dict: "a set of keys"}
    if value.__class__ in named:
        return named[value.__class__]
    if isinstance(value, str):
        return f"'{_short(value)}'"
    return f"the number {_short(str(value))}" if isinstance(value, int | float) else f"the date {value}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:40]}..."


def _keys(type: type, path: tuple[str | int, ...]) -> list[str]:
    """The keys that are allowed at a path, for the nearest name."""
    for part in path:
        if isinstance(part, str) and is_dataclass(type) and part in (hints := get_type_hints(type)):
            type = next((kind for kind in _dataclasses(hints[part])), type)
    return [key_of(f.name) for f in fields(type)] if is_dataclass(type) else []


def _dataclasses(hint: Any) -> list[Any]:
    return [hint] if is_dataclass(hint) else [each for part in get_args(hint) for each in _dataclasses(part)]


# --- places in the file -----------------------------------------------------------------------------------------------


_TAGS = {yaml.MappingNode: ("map",), yaml.SequenceNode: ("seq",)}
_SCALARS = ("str", "int", "float", "bool", "null", "timestamp")
PLAIN_NUMBER = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9]+|[-+]?\.(?:inf|nan)", re.I
)


def _plain(node: yaml.Node, seen: set[int]) -> Any:
    """The data of a YAML tree. A key that stands twice is an error: YAML would silently keep the last."""
    here = _mark(node.start_mark)
    if id(node) in seen:
        raise ProtocolError("this value is used again by '*'; write it out in both places", where=here)
    seen.add(id(node))
    tag = node.tag.removeprefix("tag:yaml.org,2002:")
    if tag not in _TAGS.get(type(node), _SCALARS):
        raise ProtocolError(f"the tag '!!{tag}' is not read; leave it out", where=here)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, seen)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, seen) for item in node.value]
    return _scalar(node, tag, here)


def _mapping(node: yaml.MappingNode, seen: set[int]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        place = _mark(key_node.start_mark)
        if key_node.value == "<<":
            raise ProtocolError("'<<' is not read; write the keys out", where=place)
        key = _plain(key_node, seen)
        if not isinstance(key, str):
            written = key_node.value if isinstance(key_node, yaml.ScalarNode) else "[ ] or { }"
            raise ProtocolError(f"YAML does not read the key {written} as text; put it in quotes", where=place)
        if key in data:
            raise ProtocolError(f"the key '{key}' stands twice", where=place)
        data[key] = _plain(value_node, seen)
    return data


def _scalar(node: Any, tag: str, here: str) -> Any:
    """One value. Numbers are plain digits: YAML would make 80 of 1:20 and 8 of 010, and a text of 1e5."""
    written, plain = node.value, bool(PLAIN_NUMBER.fullmatch(node.value))
    if node.style is None and tag == "str" and plain:
        return float(written)
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node, deep=True)
    except Exception as error:
        reason = f"YAML cannot read {_short(written)}: {_short(str(error))}; put it in quotes if it is text"
        misfit = f"the tag '!!{tag}' does not fit '{_short(written)}'; leave it out"
        raise ProtocolError(reason if isinstance(error, ValueError) else misfit, where=here) from None
    if value != value:
        raise ProtocolError(f"{written} is no number; leave the value out", where=here)
    if isinstance(value, str) and re.search("[\ud800-\udfff]", value):
        raise ProtocolError("a sign is written by half of its number (\\uD800); write the sign itself", where=here)
    if tag in ("int", "float") and not plain:
        message = f"YAML reads {_short(written)} as {value}; write a number in plain digits, and put text in quotes"
        raise ProtocolError(message, where=here)
    return value


def _mark(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _not_yaml(error: Exception, written: str, name: str) -> ProtocolError:
    match error:
        case yaml.reader.ReaderError():
            message = f"the file holds an invisible character (U+{error.character:04X}); retype the line"
            return ProtocolError(message, where=f"{name}, {_at(written, error.position)}")
        case yaml.MarkedYAMLError(problem=str() as problem):
            message = _yaml_problem(problem)
            mark = error.context_mark if "never closed" in message else error.problem_mark
            return ProtocolError(message, where=f"{name}, {_mark(mark)}" if mark else name)
    if odd := re.search(r"\\U(?!000|0010)[0-9A-Fa-f]{8}", written):  # beyond 0010FFFF
        message = f"no sign has the number {odd[0]}; write the sign itself"
        return ProtocolError(message, where=f"{name}, {_at(written, odd.start())}")
    return ProtocolError("this file is nested too deeply to be read", where=name)


_PROBLEMS = {  # what YAML's own reader says, and what it means for whoever wrote the file
    r"'\\t'": "a tab stands here; YAML wants spaces",
    r"another document": "a second document begins here (---); one file holds one",
    r"<block end>": "this line does not fit the indentation of the lines above, or a quote above is not closed",
    r"mapping values": "a second ': ' stands in this line; a text with a colon in it needs quotes around it",
    r"expected ':'": "a ': ' is missing after a key in this line or the one above",
    r"found character": "a text cannot begin with this sign; put it in quotes",
    r"line break": "a text that begins with > or | needs quotes around it",
    r"expected ',' or .*<stream end>": "a [ or { is never closed",
    r"expected ',' or": "this does not fit inside [ ] or { }; a text with : ? , or quotes in it needs quotes around it",
    r"undefined alias|expected alphabetic": "a text that begins with * or & needs quotes around it",
    r"end of stream": "a quote is never closed",
}


def _yaml_problem(problem: str) -> str:
    cures = (cure for pattern, cure in _PROBLEMS.items() if re.search(pattern, problem))
    return next(cures, f"this is not YAML: {problem}; a text with signs in it needs quotes around it")


def _place(root: yaml.Node, written: str, name: str, error: ProtocolError) -> str:
    """`file, line 42, column 17 (I6, readings, guideline)`."""
    if error.where:
        return f"{name}, {error.where}"
    node, key_node, steps = root, None, []
    for key in error.path:
        if key == "" and key_node is not None:
            node, steps[-1] = key_node, key_node.value
            break
        if (child := _child(node, key)) is None:
            break
        key_node, node = child
        steps.append(_step(node, key))
    if not steps:
        return name
    if error.span is None and key_node is not None and not (isinstance(node, yaml.ScalarNode) and node.value):
        node = key_node  # a whole block, or nothing at all: the key says best where it is
    offset = len("".join(error.text[: error.span[0]].split())) if error.span else 0
    named = ", ".join(filter(None, steps))
    return f"{name}, {_at(written, _index(node, written, offset))}{f' ({named})' if named else ''}"


def _child(node: yaml.Node, key: str | int) -> tuple[yaml.Node | None, yaml.Node] | None:
    """What stands under a key or at a position, with the key."""
    if isinstance(node, yaml.MappingNode):
        return next((pair for pair in node.value if pair[0].value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return None, node.value[key]
    return None


def _step(node: yaml.Node, key: str | int) -> str:
    """A list item by its own id, a key by its name; a list of items with ids goes without saying."""
    if isinstance(key, str):
        is_item = isinstance(node, yaml.SequenceNode) and node.value and _child(node.value[0], "id") is not None
        return "" if is_item else key
    own = _child(node, "id")
    return own[1].value if own and isinstance(own[1], yaml.ScalarNode) and own[1].value else f"item {key + 1}"


_ESCAPED = {  # how one character of a value may be written, by the style of the YAML text
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|.)|.", re.DOTALL),
    "'": re.compile(r"''|.", re.DOTALL),
}
_BLANKS = {"\\" + letter for letter in "ntrvfNLP_ \t\r\n"}


def _is_blank(token: str) -> bool:
    """Whether one written character stands for white space, or for none at all."""
    if len(token) > 2 and token[0] == "\\":
        return chr(int(token[2:], 16)).isspace()
    return token.isspace() or token in _BLANKS


def _index(node: yaml.Node, written: str, offset: int) -> int:
    """Where in the file the character stands that is `offset` visible characters into a value.

    Folding changes white space only, so visible characters can be counted through any style of YAML text.
    """
    at, style = node.start_mark.index, node.style if isinstance(node, yaml.ScalarNode) else None
    if style in ("|", ">"):
        at = written.index("\n", at)
    elif style in _ESCAPED:
        at += 1
    while at < len(written):
        escaped = _ESCAPED[style].match(written, at) if style in _ESCAPED else None
        token = escaped[0] if escaped else written[at]
        if not _is_blank(token):
            if not offset:
                break
            offset -= 1
        at += len(token)
    return at


def _at(written: str, index: int) -> str:
    return f"line {written.count(chr(10), 0, index) + 1}, column {index - written.rfind(chr(10), 0, index)}"
