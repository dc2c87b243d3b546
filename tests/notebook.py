"""A notebook run in this process: what its cells show, as objects to assert on."""

import ast
import json
import os
import re
from pathlib import Path
from typing import Any

from trialtools import figures
from trialtools.report.parameters import declared_parameters, resolve_paths, validate
from trialtools.report.run import find_notebook, read_notebook


def run_cells(name: str, **given: Any) -> tuple[dict[str, Any], list[Any]]:
    """The names that a notebook leaves behind, and what its cells show, one a cell.

    Args:
        name: such as `screening`.
        given: parameters, held against the notebook's own; relative paths are seen from where the caller stands.
    """
    path = find_notebook(name)
    declared = declared_parameters(read_notebook(path))
    values = resolve_paths(validate(given, declared, path.name), declared, path.parent)
    names: dict[str, Any] = {"__name__": "__main__"}
    shown, here = [], Path.cwd()
    os.chdir(path.parent)
    try:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            tags = cell["metadata"].get("tags", [])
            if cell["cell_type"] != "code" or "remove" in tags:
                continue
            tree = ast.parse("".join(cell["source"]))
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, path.name, "exec"), names)
            names.update(values if "parameters" in tags else {})
            if last is not None:
                shown.append(eval(compile(ast.Expression(last.value), path.name, "eval"), names))
    finally:
        os.chdir(here)
    return names, shown


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
    names = {"interim": look, "show": look.show, "figures": figures, "closed": look.closed}
    names |= {"distribution": "nobody", "seed": 1, "ledger_head": ""}
    shown = []
    for cell in cells[2:]:  # after the parameters, and what reads them
        tree = ast.parse(cell.source)
        last: Any = tree.body.pop()
        exec(compile(tree, "report", "exec"), names)
        shown.append(eval(compile(ast.Expression(last.value), "report", "eval"), names))
    return shown
