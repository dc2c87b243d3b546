"""What a report was made from: hashes of data, protocol, code and outputs, versions, parameters, seed, time."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..criteria.contents import load_protocol
from ..criteria.language import ProtocolError
from .errors import ReportError
from .parameters import Parameter, place_of
from .run import PACKAGE

_PACKAGES = ("polars", "narwhals", "pandas", "pyarrow", "numpy", "pydantic", "duckdb", "z3-solver", "plotly")
_PACKAGES += ("great-tables", "papermill", "nbconvert", "ipykernel")


def inputs(
    values: Mapping[str, Any],
    declared: Mapping[str, Parameter],
    folder: Path,
    out: Path,
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Every file that the parameters name, with its hash; and the protocol, if one of them is.

    Args:
        values: the parameters as run, defaults included; paths are seen from the notebook's `folder`.
        declared: which of them are paths.
        out: the folder of the report, which is no input even if a parameter names it.

    Raises:
        ReportError: the parameter `protocol` names a file that is no valid protocol.
    """
    entries, protocol = [], None
    for name, value in values.items():
        place = place_of(folder, value) if declared[name].is_path else None
        if place is None or place.resolve() == out.resolve():
            continue
        files = [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())
        for file in files:
            shown = {"parameter": name, "path": _path_shown(file)}
            entries.append({**shown, "sha256": file_sha256(file), "bytes": file.stat().st_size})
        if place.suffix in (".yaml", ".yml"):
            protocol = _protocol(name, place, values.get("readings")) or protocol
    return entries, protocol


def _protocol(name: str, file: Path, readings: Any) -> dict[str, Any] | None:
    try:
        protocol = load_protocol(file)
    except ProtocolError as error:
        if name == "protocol":
            raise ReportError(f"the parameter protocol is no valid protocol: {error}") from None
        return None
    chosen = {**protocol.readings, **readings} if isinstance(readings, Mapping) else readings or protocol.readings
    read = {"readings": chosen} if chosen else {}
    return {"id": protocol.id, "sha256": protocol.sha256, "path": _path_shown(file), **read}


def _path_shown(file: Path) -> str:
    """A path as the caller would write it, or a name alone: a report tells nothing of the machine's folders."""
    file, here = file.resolve(), Path.cwd().resolve()
    return str(file.relative_to(here)) if file.is_relative_to(here) else file.name


def file_sha256(file: Path) -> str:
    """The hash of a file, however large.

    Raises:
        ReportError: it cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ReportError(f"{file} cannot be read: {error.strerror or error}") from None


@cache
def code_sha256() -> str:
    """The hash of this package as it is installed: every file of code, by its place and content."""
    digest = hashlib.sha256()
    for file in sorted(file for file in PACKAGE.rglob("*") if file.suffix in (".py", ".css", ".js", ".j2")):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def versions(packages: Sequence[str] = _PACKAGES) -> dict[str, str]:
    """What is installed of the packages that a report rests on, this one first."""
    versions_of = {}
    for name in ("trialtools", *packages):
        try:
            versions_of[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions_of


def paths_shown(values: Mapping[str, Any], declared: Mapping[str, Parameter], folder: Path) -> dict[str, str]:
    """By absolute path of a parameter, what stands for it in a report."""
    places = [(folder / value).resolve() for name, value in values.items() if value and declared[name].is_path]
    return {str(place): _path_shown(place) for place in places}


def manifest(
    name: str,
    notebook: Path,
    values: Mapping[str, Any],
    run: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    protocol: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Everything that is known before the run; time, duration and outputs are added after it."""
    seeds = {key: value for key, value in run.items() if key == "seed" or key.endswith("_seed")}
    return {
        "report": name,
        "made": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "parameters": {"given": dict(values), "run": dict(run)},
        **({"seed": next(iter(seeds.values())) if len(seeds) == 1 else seeds} if seeds else {}),
        **({"protocol": dict(protocol)} if protocol else {}),
        "inputs": list(inputs),
        "notebook": {"file": notebook.name, "sha256": file_sha256(notebook)},
        "code": {"package": "trialtools", "sha256": code_sha256()},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": versions(),
    }
