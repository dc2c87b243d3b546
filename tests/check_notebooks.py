"""Notebooks in, complaints out: each is committed clean and holds no logic. `--fix` removes what a run left behind."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
LONGEST_CELL, LONGEST_DEF = 15, 5
NOTEBOOK_METADATA, CELL_METADATA = {"kernelspec", "language_info"}, {"tags"}


def untidy(notebook: NotebookNode) -> Iterator[str]:
    """What a run or an editor leaves behind."""
    if extra := notebook.metadata.keys() - NOTEBOOK_METADATA:
        yield f"notebook metadata: {', '.join(sorted(extra))}"
    if (kernel := notebook.metadata.get("kernelspec", {}).get("name")) != "python3":
        yield f"the kernel is {kernel!r}, and only 'python3' is there on every machine"
    if notebook.metadata.get("language_info", {}).get("name") != "python":
        yield "no language_info: ruff passes over a notebook that does not say it is Python"
    for number, cell in enumerate(notebook.cells, 1):
        if extra := cell.metadata.keys() - CELL_METADATA:
            yield f"cell {number}: metadata {', '.join(sorted(extra))}"
        if cell.get("outputs"):
            yield f"cell {number}: outputs"
        if cell.get("execution_count") is not None:
            yield f"cell {number}: an execution count"


def logic(notebook: NotebookNode) -> Iterator[str]:
    """What belongs into trialtools/: a class, a lambda, a long function, a long cell."""
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code":
            continue
        if (lines := sum(1 for line in cell.source.splitlines() if line.strip())) > LONGEST_CELL:
            yield f"cell {number}: {lines} lines of code, at most {LONGEST_CELL}"
        try:
            tree = ast.parse(cell.source)
        except SyntaxError as error:
            yield f"cell {number}: not plain Python at its line {error.lineno}: {error.msg}"
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                yield f"cell {number}: class {node.name}"
            if isinstance(node, ast.Lambda):
                yield f"cell {number}: lambda"
            if isinstance(node, ast.FunctionDef) and (lines := node.end_lineno - node.lineno + 1) > LONGEST_DEF:
                yield f"cell {number}: def {node.name} of {lines} lines, at most {LONGEST_DEF}"


def clean(notebook: NotebookNode) -> None:
    """Remove what a run or an editor left behind."""
    kept = {key: value for key, value in notebook.metadata.items() if key in NOTEBOOK_METADATA}
    python = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    notebook.metadata = nbformat.from_dict(kept | python)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in CELL_METADATA & cell.metadata.keys()})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def main(fix: bool, folder: Path = NOTEBOOKS) -> int:
    complaints = 0
    for path in sorted(folder.rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        notebook = nbformat.read(path, as_version=4)
        if fix and any(untidy(notebook)):
            clean(notebook)
            nbformat.write(notebook, path)
        for complaint in [*untidy(notebook), *logic(notebook)]:
            print(f"{path.relative_to(folder.parent)}: {complaint}", file=sys.stderr)
            complaints += 1
    if complaints:
        print(
            f"{complaints} to mend; `python tests/check_notebooks.py --fix` removes outputs and metadata",
            file=sys.stderr,
        )
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(fix="--fix" in sys.argv[1:]))
