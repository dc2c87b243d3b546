"""A notebook run in this process: what its cells show, as objects to assert on."""

import ast
import io
import json
import re
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import plotly.io
from IPython.core.formatters import DisplayFormatter
from nbformat.v4 import new_output
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from trialtools import figures
from trialtools.figures import arm_tables
from trialtools.report.parameters import read_parameters
from trialtools.report.run import find_notebook, read_notebook


def run_cells(name: str, **parameters: Any) -> tuple[dict[str, Any], list[Any]]:
    """The names that a notebook leaves behind, and what its cells show, one a cell.

    Args:
        name: such as `screening`.
        given: parameters, held against the notebook's own; relative paths are seen from where the caller stands.
    """
    path = find_notebook(name)
    _, values, _ = read_parameters(path, parameters)
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    with chdir(path.parent):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            tags = cell["metadata"].get("tags", [])
            if cell["cell_type"] != "code" or "remove" in tags:
                continue
            value = _run("".join(cell["source"]), names)
            names.update(values if "parameters" in tags else {})
            if value is not _NOTHING:
                shown.append(value)
    return names, shown


_NOTHING = object()


def _run(source: str, names: dict[str, Any]) -> Any:
    """What the last line of a cell is; nothing, where it is no expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last is not None else _NOTHING


def text_of(shown: list[Any]) -> str:
    """All that a reader reads of what cells show, tags removed; figures are left out."""
    pages = [_page(item) for item in shown if item is not None]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", " ".join(pages)))


def _page(item: Any) -> str:
    if hasattr(item, "to_plotly_json"):
        return ""
    page = item._repr_html_() if hasattr(item, "_repr_html_") else None
    return page if page is not None else repr(item)


def report_of(look: Any) -> list[Any]:
    """What the cells of the interim report show of a look that is there already, but for the figures of each arm."""
    cells = [c for c in read_notebook(find_notebook("interim_report")).cells if c.cell_type == "code"]
    names = {"interim": look, "show": look.show, "figures": figures, "arm_tables": arm_tables, "closed": look.closed}
    names |= {"distribution": "nobody", "seed": 1, "ledger_head": ""}
    return [_run(cell.source, names) for cell in cells[2:]]  # after the parameters, and what reads them


def without_kernel() -> Any:
    """While this lasts, reports are made in this process."""
    return patch("trialtools.report.write.execute", execute_here)


def execute_here(notebook: Path, parameters: Any, stage: Path, *_: Any) -> Any:
    """In place of `trialtools.report.run.execute`: the executed notebook, without a kernel.

    What a cell raises, it raises here. `test_notebooks.py` proves for the interim report that a kernel shows the same.
    """
    executed = load_notebook_node(str(notebook))
    if parameters:
        executed = parameterize_notebook(executed, dict(parameters), language="python", kernel_name="python3")
    names: dict[str, Any] = {"__name__": "__main__"}
    default, plotly.io.renderers.default = plotly.io.renderers.default, "plotly_mimetype"
    try:
        with chdir(notebook.parent):
            for number, cell in enumerate((cell for cell in executed.cells if cell.cell_type == "code"), start=1):
                cell.execution_count, cell.outputs = number, _outputs(cell.source, number, names)
    finally:
        plotly.io.renderers.default = default
    return executed


def _outputs(source: str, number: int, names: dict[str, Any]) -> list[Any]:
    """What a cell prints and shows, as a kernel sends it."""
    outputs, formatter, printed = [], DisplayFormatter(), io.StringIO()

    def show(*items: Any, raw: bool = False) -> None:
        for item in items:
            data, metadata = (item, {}) if raw else formatter.format(item)
            outputs.extend([new_output("display_data", data, metadata=metadata)] if data else [])

    with patch("IPython.display.display", show), redirect_stdout(printed):
        value = _run(source, names)
        if value is not None and value is not _NOTHING:
            data, metadata = formatter.format(value)
            more = {"metadata": metadata, "execution_count": number}
            outputs.extend([new_output("execute_result", data, **more)] if data else [])
    stream = [new_output("stream", name="stdout", text=printed.getvalue())] if printed.getvalue() else []
    return [*stream, *outputs]
