"""A library that is not installed goes in; what brings it comes out in a sentence."""


class MissingLibraryError(ImportError):
    """A library is not installed; the message names the extra that brings it."""


EXTRAS = {
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


def install_hint(error: ModuleNotFoundError) -> str | None:
    """What to install for a library that was not found; None if no part of this package asks for it.

    >>> install_hint(ModuleNotFoundError("No module named 'plotly'", name="plotly.graph_objects"))
    "plotly is not installed; it comes with: pip install 'trialtools[workbench]'"
    """
    library = (error.name or "").split(".")[0]
    extra = next((extra for extra, names in EXTRAS.items() if library in names), None)
    return f"{library} is not installed; it comes with: pip install 'trialtools[{extra}]'" if extra else None
