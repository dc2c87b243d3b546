"""A YAML file goes in, a `Protocol` comes out; and back, without loss."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from ..language import ProtocolError
from .model import Protocol
from .yamlfile import read_yaml

NOT_IN_FILE = {
    "text": "name the file of the registry text under source:",
    "readings": "the first reading is the default, another is chosen when the file is loaded",
}


def load_protocol(path: str | os.PathLike[str], readings: Mapping[str, str] | str | None = None) -> Protocol:
    """The protocol that a YAML file holds.

    Args:
        path: the file; its `source` is looked for beside it.
        readings: by criterion id, the reading to choose where a sentence is ambiguous, the first one otherwise; as a
            mapping, or as text such as `"I6=registered, E7=literal"`.

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
    chosen = _pairs(readings) if isinstance(readings, str) else readings
    return read_protocol(written, name=str(path), folder=file.parent, readings=chosen)


def _pairs(text: str) -> dict[str, str]:
    """`"I6=registered, E7=literal"` as a mapping."""
    chosen = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        criterion, sign, reading = (piece.strip() for piece in part.partition("="))
        if not (criterion and sign and reading):
            raise ProtocolError(f"'{part}' is not of the form criterion=reading, such as I6=registered")
        if chosen.setdefault(criterion, reading) != reading:
            raise ProtocolError(f"{criterion} is read in two ways, as {chosen[criterion]} and as {reading}; choose one")
    return chosen


def read_protocol(
    written: str, name: str = "protocol", folder: Path | None = None, readings: Mapping[str, str] | None = None
) -> Protocol:
    """The protocol that a YAML text holds; `name` stands for the file in errors, `source` is sought in `folder`."""

    def complete(data: dict[str, Any]) -> dict[str, Any]:
        for key, instead in NOT_IN_FILE.items():
            if key in data:
                raise ProtocolError(f"'{key}' is not a key of a protocol file; {instead}", path=(key, ""))
        text = _source(folder, data["source"]) if folder is not None and data.get("source") else ""
        return {**data, "text": text, "readings": dict(readings or {})}

    return read_yaml(written, Protocol, name, complete)


def write_protocol(protocol: Protocol, path: str | os.PathLike[str]) -> Path:
    """Write a protocol as YAML, all or nothing; reading it back gives an equal protocol of the same hash.

    Comments of a file that was read are not kept. The chosen readings are not part of the file.
    """
    file = Path(path)
    content = {key: value for key, value in _content(protocol).items() if key not in NOT_IN_FILE}
    written = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    part = file.with_name(f".{file.name}.part")
    part.write_text(written, "utf-8")
    part.replace(file)
    return file


class _Dumper(yaml.SafeDumper):
    """Writes a value out wherever it stands, never as an alias of another place."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


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


def _source(folder: Path, source: Any) -> str:
    file = os.path.normpath(folder / str(source))
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ProtocolError(f"the registry text {file} cannot be read: {reason}", path=("source",)) from None
