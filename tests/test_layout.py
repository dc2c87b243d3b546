"""The house: no room knows a later one, and no import goes round in a circle."""

import ast

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
