"""What a protocol file holds beside its keys, and a protocol written as YAML, without loss."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from ..files import whole
from ..language import ProtocolError
from .field import Question, key_of
from .model import ProtocolData
from .yamlfile import PLAIN_NUMBER

_NOT_IN_FILE = {
    "text": "name the file of the registry text under source:",
    "readings": "the first reading is the default, another is chosen when the file is loaded",
}


def write_protocol(protocol: ProtocolData, path: str | os.PathLike[str]) -> Path:
    """Write a protocol as YAML, all or nothing; reading it back gives an equal protocol of the same hash.

    Comments of a file that was read are not kept. The chosen readings are not part of the file. `source:` names the
    registry text as the first file did: in another folder the text goes along.
    """
    file = Path(path)
    content = {key: value for key, value in _content(protocol).items() if key not in _NOT_IN_FILE}
    declared = [name for name, field in protocol.fields.items() if not isinstance(field, Question)]
    content["fields"] = {name: content["fields"][name] for name in declared}
    with whole(file) as part:
        part.write_text(as_yaml(content), "utf-8")
    return file


def as_yaml(content: Any, width: float = 110, flow: bool = False) -> str:
    """A part of a protocol as it stands in a file, without what goes without saying; `flow` is all in { }."""
    how: Any = {"sort_keys": False, "allow_unicode": True, "width": width, "default_flow_style": flow}
    return yaml.dump(_content(content), Dumper=_Dumper, **how)


def with_source(folder: Path | None, readings: Mapping[str, str] | None, data: dict[str, Any]) -> dict[str, Any]:
    """What a file says, and what does not stand in it: the registry text and the chosen readings."""
    for key, instead in _NOT_IN_FILE.items():
        if key in data:
            raise ProtocolError(f"'{key}' is not a key of a protocol file; {instead}", path=(key, ""))
    text = _source(folder, data["source"]) if folder is not None and data.get("source") else ""
    return {**data, "text": text, "readings": dict(readings or {})}


class _Dumper(yaml.SafeDumper):
    """Writes a value out wherever it stands, never as an alias of another place; a list stands below its key.

    A text that is read as a number where it stands plain, such as 1e3, is written in quotes.
    """

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def represent_str(self, data: str) -> yaml.Node:
        style = "'" if PLAIN_NUMBER.fullmatch(data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def _content(value: Any) -> Any:
    """Plain data with what differs from the default, in the order of declaration."""
    if is_dataclass(value) and not isinstance(value, type):
        return {key_of(f.name): _content(getattr(value, f.name)) for f in fields(value) if not _is_default(value, f)}
    if isinstance(value, dict):
        return {key: _content(item) for key, item in value.items()}
    return [_content(item) for item in value] if isinstance(value, tuple | list) else value


def _is_default(value: Any, field: Any) -> bool:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return getattr(value, field.name) == default


def _source(folder: Path, source: Any) -> str:
    file = os.path.normpath(folder / str(source))
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ProtocolError(f"the registry text {file} cannot be read: {reason}", path=("source",)) from None
