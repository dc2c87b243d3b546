"""A notebook and its parameters go in, a report comes out: one HTML page that stands alone, and what it was made from.

Everything that can be refused is refused before the notebook runs. A run that is killed leaves the report of an earlier
run as it was. A run that fails leaves `NAME.failed.ipynb`, and no page that could be taken for its report: the page of
the earlier run is renamed `NAME.previous.html`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..criteria.files import alone_in
from .browser import find_browser, print_pdf
from .errors import NotebookError, ReportError, check_letters
from .manifest import file_sha256, inputs, manifest, paths_shown
from .page import banner, key_facts, page, prepare, title
from .parameters import read_parameters
from .run import execute, find_notebook, short_name

_LARGEST = 3_000_000
_SUFFIXES = (".html", ".pdf", ".ipynb", ".manifest.json")
"""What a report consists of; the page is put in place last, so that where it stands the rest stands too."""


@dataclass(frozen=True)
class Report:
    """Where a report stands; and, of an open one, why names of arms alone were searched for, where they were."""

    html: Path
    notebook: Path
    manifest: Path
    pdf: Path | None = None
    names_alone: str = ""


def report(
    notebook: str | os.PathLike[str],
    parameters: Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] = "reports",
    pdf: bool = False,
    name: str | None = None,
    check: Callable[[Path], None] | None = None,
) -> Report:
    """Run a notebook into a report: `NAME.html`, `NAME.ipynb`, `NAME.manifest.json` and, if asked for, `NAME.pdf`.

    Args:
        notebook: a path, or a name such as `screening` for `notebooks/01_screening.ipynb`.
        parameters: by name, held against the notebook's cell tagged `parameters` before it runs. Paths are seen from
            where you stand, while the notebook itself runs in its own folder, as in JupyterLab; so its defaults are
            written as seen from there. A path is what is declared as `Path`; any other text stays text.
        out: the folder for the report; it is made where it is missing.
        pdf: print the page as well, with the installed Chromium or Chrome.
        name: what the files are called; otherwise as the notebook is, without its number.
        check: looks at the folder of the finished files before they are put in place; what it raises ends the run, and
            nothing of the run is kept.

    What unknown does is the notebook's affair; nothing here reads data.

    Raises:
        ReportError: an unknown parameter, a wrong type, no such notebook or file, no browser, a folder that cannot be
            written. Apart from a browser that fails, all of it before anything ran or was touched.
        NotebookError: the notebook failed; it says in which cell and leaves `NAME.failed.ipynb`.
    """
    source = find_notebook(notebook)
    declared, values, run = read_parameters(source, parameters or {})
    printer = find_browser() if pdf else None
    name, folder = name or short_name(source), Path(out)
    shown = paths_shown(run, declared, source.parent)
    values_shown, run_shown = _without_places(values, shown), _without_places(run, shown)
    files, protocol = inputs(run, declared, source.parent, folder)
    facts = manifest(name, source, values_shown, run_shown, files, protocol)
    _refuse_foreign(folder, name, source)
    with _stage(folder, name) as stage, _set_aside_on_failure(folder, name):
        began = time.monotonic()
        executed = _execute(source, values, stage, folder, name)
        _write(stage, name, executed, shown, facts)
        if printer:
            print_pdf(printer, stage / f"{name}.html", stage / f"{name}.pdf")
        facts["seconds"] = round(time.monotonic() - began, 1)
        _finish(stage, name, facts)
        if check:
            check(stage)
        return _publish(stage, folder, name)


@contextmanager
def _stage(folder: Path, name: str) -> Iterator[Path]:
    """A place beside the report where everything is written first: a run that is killed leaves nothing half-written."""
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        stage = Path(tempfile.mkdtemp(prefix=f".~{name}-", dir=folder)).resolve()
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def explain_write_errors(folder: Path) -> Iterator[None]:
    """What the operating system refuses here, told with its place."""
    check_letters("the folder", folder.resolve())
    try:
        yield
    except OSError as error:
        raise ReportError(f"the report could not be written to {folder}: {error.strerror or error}") from None


def _sweep(folder: Path) -> None:
    """Throw away the drafts that killed runs left, of whatever name; a day old, for another run may be at work."""
    drafts = [*folder.glob(".~*-????????/"), *folder.glob("cuts/.~*-????????/")]
    for left in (*drafts, *folder.glob(".~*-lock.json")):
        with suppress(OSError):  # another run may sweep as well
            if time.time() - left.lstat().st_mtime > 86_400:
                shutil.rmtree(left) if left.is_dir() else left.unlink()


@contextmanager
def _set_aside_on_failure(folder: Path, name: str) -> Iterator[None]:
    """Of a notebook that fails no earlier page may be taken for its report; a full disk says nothing of that page."""
    try:
        yield
    except OSError:
        raise
    except Exception:
        for suffix in _SUFFIXES:
            if (folder / f"{name}{suffix}").exists():
                (folder / f"{name}{suffix}").replace(folder / f"{name}.previous{suffix}")
        raise


def _execute(source: Path, values: Mapping[str, Any], stage: Path, folder: Path, name: str) -> Any:
    # Before the thread starts: both need jupyter_client, and two threads that import it at once find it half-made.
    import papermill  # noqa: F401

    preparing = threading.Thread(target=prepare, daemon=True)
    preparing.start()
    try:
        executed = execute(source, values, stage, name)
    except NotebookError as error:
        failed = folder / f"{name}.failed.ipynb"
        if (stage / "run.ipynb").exists():
            (stage / "run.ipynb").replace(failed)
        raise NotebookError(error.message, error.cell, failed if failed.exists() else None) from None
    preparing.join()
    return executed


def _write(stage: Path, name: str, executed: Any, shown: Mapping[str, str], facts: dict[str, Any]) -> None:
    import nbformat

    executed = nbformat.from_dict(_without_places(executed, shown))

    facts["title"] = title(executed) or name
    facts["synthetic"] = "SYNTHETIC" in banner(executed)
    if numbers := key_facts(executed):
        facts["facts"] = numbers
    # papermill notes what it read and where it wrote: places of this machine
    for key in ("input_path", "output_path"):
        executed.metadata.get("papermill", {}).pop(key, None)
    # what Python prints of a table is as long as the table once more, and no page shows it
    for output in (output for cell in executed.cells for output in cell.get("outputs", [])):
        if "text/html" in output.get("data", {}):
            output.data.pop("text/plain", None)
    nbformat.write(executed, stage / f"{name}.ipynb")
    made = page(executed, facts).encode()
    (stage / f"{name}.html").write_bytes(made)
    if len(made) > _LARGEST:
        size = f"{len(made) / 1e6:.1f} MB"
        warnings.warn(f"{name}.html has {size}, over 3 MB: a figure or a table carries many rows", stacklevel=3)


def _without_places(value: dict[str, Any], shown: Mapping[str, str]) -> dict[str, Any]:
    """Plain data without the folders of this machine: each path as the caller would write it."""
    text = json.dumps(value, default=str)
    for place in sorted(shown, key=len, reverse=True):
        text = text.replace(json.dumps(place)[1:-1], json.dumps(shown[place])[1:-1])
    return json.loads(text)


def _refuse_foreign(folder: Path, name: str, source: Path) -> None:
    """Only what an earlier report of this name wrote may be replaced."""
    file = folder / f"{name}.manifest.json"
    try:
        ours = {*json.loads(file.read_text("utf-8"))["outputs"], file.name} if file.exists() else set()
    except (OSError, ValueError, KeyError, TypeError):
        ours = set()
    for suffix in _SUFFIXES:
        place = folder / f"{name}{suffix}"
        if place.exists() and (place.resolve() == source.resolve() or place.name not in ours):
            raise ReportError(
                f"{place} was not written by a report of this name, so it stays; choose another folder with --out"
            )


def _finish(stage: Path, name: str, facts: Mapping[str, Any]) -> None:
    outputs = {
        file.name: {"sha256": file_sha256(file), "bytes": file.stat().st_size}
        for suffix in _SUFFIXES
        if (file := stage / f"{name}{suffix}").exists()
    }
    text = json.dumps({**facts, "outputs": outputs}, indent=2, ensure_ascii=False, default=str)
    (stage / f"{name}.manifest.json").write_text(text + "\n", "utf-8")


def _publish(stage: Path, folder: Path, name: str) -> Report:
    """Put everything in place, the page last; then what it replaces goes. Files of two runs at once are never mixed."""
    with alone_in(folder):
        for suffix in reversed(_SUFFIXES):
            if (stage / f"{name}{suffix}").exists():
                (stage / f"{name}{suffix}").replace(folder / f"{name}{suffix}")
            else:  # a PDF of the earlier run is not the print of this one
                (folder / f"{name}{suffix}").unlink(missing_ok=True)
        for suffix in _SUFFIXES:
            (folder / f"{name}.previous{suffix}").unlink(missing_ok=True)
        (folder / f"{name}.failed.ipynb").unlink(missing_ok=True)
    page, printed, notebook, made_from = (folder / f"{name}{suffix}" for suffix in _SUFFIXES)
    return Report(page, notebook, made_from, printed if printed.exists() else None)
