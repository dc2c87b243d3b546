"""The house: no room knows a later one, and no import goes round in a circle."""

import ast
import re

import house

ORDER = ("criteria", "figures", "cohort", "arms", "interim", "simulate", "report", "widgets", "lessons", "__main__")
"""A room may import those before it. Nobody imports `simulate`, `widgets` and `lessons` but the command line."""


def test_no_room_knows_a_later_one(root):
    wrong = []
    for file in (root / "trialtools").rglob("*.py"):
        parts = file.relative_to(root / "trialtools").with_suffix("").parts
        here = parts[0]
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == len(parts) and here != "__init__":
                rooms = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
                wrong += [(str(file), room) for room in rooms if room not in ORDER[: ORDER.index(here)]]
    assert not wrong


def test_the_top_level_is_the_map(root):
    there = {path.stem for path in (root / "trialtools").iterdir() if path.name != "__pycache__"}
    assert there <= {*ORDER, "__init__"}


def test_the_picture_of_the_house_is_current():
    assert house.PICTURE.read_text("utf-8") == house.picture(), "run: python tests/house.py"


def test_what_is_imported_inside_functions_is_the_list_in_contributing(root):
    table = (root / "CONTRIBUTING.md").read_text("utf-8").split("### Imports")[1].split("##")[0]
    listed = {
        (library.split(".")[0], place)
        for what, where in re.findall(r"^\| ([a-z][\w., ]+) \| (`[^|]+`[^|]*) \|", table, re.MULTILINE | re.IGNORECASE)
        for library in what.split(", ")
        for place in re.findall("`([^`]+)`", where)
    }
    late = {
        (library, file.relative_to(root / "trialtools").as_posix())
        for file in (root / "trialtools").rglob("*.py")
        for function in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef)
        for library in _imports(function)
    }
    unlisted = {(library, file) for library, file in late if not any((library, p) in listed for p in _places(file))}
    assert not unlisted
    assert not {
        (library, place) for library, place in listed if not any(a == library and place in _places(b) for a, b in late)
    }


def _imports(function):
    """Libraries and rooms that are imported when a function runs."""
    for node in ast.walk(function):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == "load_module"
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node.args[0].value.split(".")[0]


def _places(file):
    """A file and the folders that it lies in."""
    parts = file.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
