"""The ways in: names of a package, loaded when they are asked for, and commands, which end with an exit code.

What a library that is not installed comes with stands in a sentence.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

DONE, FOUND, _BAD_INPUT, _NOTEBOOK_FAILED = range(4)
"""The exit codes of a command."""


class MissingLibraryError(ImportError):
    """A library is not installed; the message names the extra that brings it."""


_EXTRAS = {
    "interim": ("scipy", "statsmodels", "lifelines"),
    "workbench": (
        *("plotly", "great_tables", "jinja2", "papermill", "nbconvert", "nbformat", "ipykernel"),
        *("jupyter_client", "ipywidgets", "traitlets", "anywidget", "jupyterlab", "IPython"),
    ),
    "excel": ("fastexcel",),
    "duckdb": ("duckdb",),
    "app": ("voila",),
    "spark": ("pyspark",),
    "database": ("ibis", "sqlglot", "psycopg"),
}


def _install_hint(error: ModuleNotFoundError) -> str | None:
    """What to install for a library that was not found; None if no part of this package asks for it.

    >>> _install_hint(ModuleNotFoundError("No module named 'plotly'", name="plotly.graph_objects"))
    "plotly is not installed; it comes with: pip install 'trialtools[workbench]'"
    """
    library = (error.name or "").split(".")[0]
    extra = next((extra for extra, names in _EXTRAS.items() if library in names), None)
    return f"{library} is not installed; it comes with: pip install 'trialtools[{extra}]'" if extra else None


def load_module(module: str) -> Any:
    """A library, or a file of ours that needs some, loaded when it is asked for; who lacks it is told what to install.

    Raises:
        MissingLibraryError: it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if hint := _install_hint(error):
            raise MissingLibraryError(hint) from None
        raise


def lazy_door(
    package: str, names: Mapping[str, Sequence[str]], rooms: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package that offers names of its files.

    The door answers from the table and never by trying: to ask whether a name exists loads nothing.

    Args:
        package: the `__name__` of the package.
        names: by file, relative to the package ("frames.attrition"), the names that it offers.
        rooms: folders that are asked for by their own name.
    """
    file_of = {name: file for file, offered in names.items() for name in offered}

    def get(name: str) -> Any:
        if name in file_of:
            return getattr(load_module(f"{package}.{file_of[name]}"), name)
        if name in rooms:
            return load_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get, lambda: sorted([*file_of, *rooms])


def report_error(error: Exception) -> int:
    """Say an error in a paragraph on stderr, and give its exit code; a fault of ours is raised, with its traceback."""
    if isinstance(error, ModuleNotFoundError) and (hint := _install_hint(error)):
        error = MissingLibraryError(hint)
    ours = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith("trialtools")}
    if not ours and not isinstance(error, OSError):
        raise error
    print(f"trialtools: {error}", file=sys.stderr)
    return _NOTEBOOK_FAILED if "NotebookError" in ours else _BAD_INPUT
