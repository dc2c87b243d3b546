"""A notebook and checked parameters go in; the executed notebook comes out, or an error that says where it failed.

The kernel is the very Python that runs this, whatever kernels are installed; it starts in the notebook's own folder, as
it does in JupyterLab, and reads nobody's IPython profile.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import site
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..criteria.language.errors import nearest
from .errors import NotebookError, ReportError, check_letters

# To show a figure plotly imports nbformat, that jsonschema, and that compiles a grammar of web addresses for more than
# a second; no report checks an address against a schema. And the notebook's folder must not hide a library. What nearly
# every notebook loads is loaded here, before any cell holds something, and stays to the end: so Python searches it for
# circles neither while it loads nor when it ends, which is a fifth of a short report. What the notebook holds is
# searched, for a file that is open there is written when it goes.
_START = """
import contextlib, gc, importlib, sys
gc.disable()
sys.path.remove("")
sys.modules["rfc3987_syntax"] = None
for library in ("great_tables", "nbformat", "pandas", "plotly.graph_objects", "polars", "pyarrow.compute", "z3"):
    with contextlib.suppress(Exception):  # not there, or broken: a cell that needs it says so
        importlib.import_module(library)
from ipykernel import kernelapp
gc.freeze()
gc.enable()
kernelapp.launch_new_instance()
"""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the operating system says where nothing more can be written."""
PACKAGE = Path(__file__).resolve().parents[1]


def find_notebook(name: str | os.PathLike[str]) -> Path:
    """The notebook that a path or a short name means: `screening` is `notebooks/01_screening.ipynb`.

    The first word of a name will do where only one has it: `interim` for `interim_report`.

    Names are looked for in `notebooks` below where you stand, then beside this package's own checkout.

    Raises:
        ReportError: there is none, with the nearest name.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path.resolve()
    folders = [Path("notebooks"), PACKAGE.parent / "notebooks"]
    notebooks = {short_name(file): file for folder in reversed(folders) for file in sorted(folder.glob("*.ipynb"))}
    if file := notebooks.get(str(name)) or next((f for f in notebooks.values() if str(name) in (f.stem, f.name)), None):
        return file.resolve()
    begun = [file for each, file in notebooks.items() if each.startswith(f"{name}_")]
    if len(begun) == 1:
        return begun[0].resolve()
    raise ReportError(f"there is no notebook '{name}'{nearest(name, notebooks)}")


def short_name(notebook: Path) -> str:
    """The name of a notebook without its number.

    >>> short_name(Path("notebooks/01_screening.ipynb"))
    'screening'
    """
    return re.sub(r"^\d+[_-]+", "", notebook.stem) or notebook.stem


def read_notebook(path: Path) -> Any:
    """The notebook in a file.

    Raises:
        ReportError: it is no notebook.
    """
    import nbformat

    check_letters("the notebook", path)
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.reader.NotJSONError) as error:  # type: ignore[attr-defined]
        raise ReportError(f"{path} is not a notebook that can be read: {_first_line(str(error))}") from None


def execute(notebook: Path, parameters: Mapping[str, Any], stage: Path, name: str) -> Any:
    """Run a notebook with its parameters and return it executed; however it ended, it is kept in `stage`.

    A bar with the name of the report is drawn on stderr, where that is a terminal.

    Raises:
        NotebookError: a cell failed, ended the notebook early, or its Python died.
        OSError: the disk is full, which says nothing of the notebook.
    """
    import papermill
    from papermill.engines import papermill_engines

    # what parameters there are has been checked; papermill overlooks those with two equals signs, and says so
    logging.getLogger("papermill").setLevel(logging.ERROR)
    kernel = _kernel(stage)
    bar: Any = (
        {"desc": f"Running {name}", "unit": "cell", "delay": 0.5, "leave": False} if sys.stderr.isatty() else False
    )
    papermill_engines.register("saved once", _engine_that_saves_once())
    try:
        papermill.execute_notebook(
            _escape_braces(notebook),
            _escape_braces(stage / "run.ipynb"),
            parameters=dict(parameters),
            engine_name="saved once",
            kernel_name="python3",
            language="python",
            progress_bar=bar,
            log_output=False,
            start_timeout=180,
            store_widget_state=False,
            kernel_manager_class=kernel,
            resources={"metadata": {"path": str(notebook.parent)}},
        )
    except papermill.PapermillExecutionError:
        pass  # told below, like every failure that papermill does not see
    except Exception as error:
        _raise_full(str(error))
        raise NotebookError(f"{notebook.name} could not be run: {_death_text(error)}") from None
    executed = read_notebook(stage / "run.ipynb")
    if failure := _failure(executed, notebook.name):
        _raise_full(failure.message)
        raise failure
    return executed


def _raise_full(words: str) -> None:
    """Raise what the operating system said, if it was that nothing more can be written; others wrap it."""
    for number in _FULL:
        if f"[Errno {number}]" in words:
            raise OSError(number, os.strerror(number)) from None


@cache
def _engine_that_saves_once() -> type:
    """papermill's engine, writing the notebook when all cells are done or one failed, not twice for each cell.

    Every save copies and checks the whole notebook with its figures: half the time of a long report.
    """
    from papermill.engines import NBClientEngine

    class SavedOnce(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:  # type: ignore[override]
            nb_man.save = lambda **_: None
            try:
                super().execute_managed_notebook(nb_man, kernel_name, **options)
            finally:
                del nb_man.save  # what papermill does last is to save

    return SavedOnce


def _escape_braces(path: Path) -> str:
    """Papermill fills braces of a path in with parameters; ours are meant as they stand."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _kernel(stage: Path) -> type:
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    # At its usual level the kernel tells on stderr that loopback is not encrypted and that it was shut down.
    argv = [sys.executable, "-c", _START, "-f", "{connection_file}", "--log-level=50"]
    profile = stage / "ipython"
    profile.mkdir()
    argv.append(f"--ipython-dir={profile}")
    spec = KernelSpec(argv=argv, display_name="Python 3", language="python", env=_environment())

    class ThisPython(AsyncKernelManager):
        kernel_spec = property(lambda self: spec)  # type: ignore[assignment]

    return ThisPython


def _environment() -> dict[str, str]:
    """What the kernel needs to find this very package, and to draw figures as data rather than in a browser window."""
    checkout = str(PACKAGE.parent)
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    # site-packages in front of the standard library would hide parts of it
    if checkout not in [*site.getsitepackages(), site.getusersitepackages()]:
        paths = [checkout, *(path for path in paths if path != checkout)]
    fixed = {"PLOTLY_RENDERER": "plotly_mimetype", "PYTHONHASHSEED": "0", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return {"PYTHONPATH": os.pathsep.join(paths), **fixed} if paths else fixed


def _failure(executed: Any, name: str) -> NotebookError | None:
    """The first cell that did not come to its end; `sys.exit()` counts, though papermill takes it for success."""
    number = 0
    for cell in executed.cells:
        tags = cell.metadata.get("tags", [])
        if "papermill-error-cell-tag" in tags or ("injected-parameters" in tags and not _errors(cell)):
            continue
        number += 1
        if not _errors(cell) and _is_complete(cell):
            continue
        line = _first_line(cell.source)
        return NotebookError(f"{name} failed in cell {number} ({line}): {_error_text(_errors(cell))}", number)
    return None


def _is_complete(cell: Any) -> bool:
    ran = cell.metadata.get("papermill", {}).get("status") == "completed" and cell.get("execution_count")
    return bool(ran) or cell.cell_type != "code" or not cell.source.strip()


def _errors(cell: Any) -> list[Any]:
    return [output for output in cell.get("outputs", []) if output.output_type == "error"]


def _error_text(errors: list[Any]) -> str:
    """The error in its own words, without colours; the name of ours adds nothing, for they are sentences."""
    if not errors:
        return "it did not come to its end"
    error = errors[-1]
    if error.ename == "SystemExit":
        return "it ended the notebook early; a report is a notebook that ran to its end"
    words = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", error.evalue).strip()
    if "pydantic" in error.ename.lower() or len(words) > 1500:
        words = words[:1500]
    ours = error.ename in ("ProtocolError", "DataError", "ReportError")
    return words if ours and words else f"{error.ename}: {words}".rstrip(": ")


def _death_text(error: Exception) -> str:
    if "dead" in type(error).__name__.lower() or "died" in str(error).lower():
        return "the Python that ran it died, perhaps for want of memory"
    return _first_line(str(error)) or type(error).__name__


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    line = (lines or [text.strip()])[0]
    return line if len(line) <= 70 else f"{line[:69]}…"
