"""The picture of the house, an SVG for CONTRIBUTING: rooms and their imports. `python tests/house.py` writes it."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "tests" / "house.svg"
# Left to right the way of a value; figures below, what shows and what makes data above.
PLACES = {
    "criteria": (0, 1),
    "cohort": (1, 1),
    "arms": (2, 1),
    "interim": (3, 1),
    "report": (4, 1),
    "figures": (1, 2),
    "simulate": (2, 0),
    "widgets": (3, 0),
    "lessons": (4, 0),
}
WIDTH, HEIGHT, BOX = 190, 120, (120, 48)


def arrows() -> Counter[tuple[str, str]]:
    """How many imports one room makes of another."""
    imports: Counter[tuple[str, str]] = Counter()
    for file in sorted((ROOT / "trialtools").rglob("*.py")):
        parts = file.relative_to(ROOT / "trialtools").parts
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if len(parts) > 1 and isinstance(node, ast.ImportFrom) and node.level == len(parts):
                rooms = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
                imports.update((parts[0], room) for room in rooms if room != parts[0])
    return imports


def picture() -> str:
    """The SVG: an arrow points from a room to one that it imports."""
    there = [room for room in PLACES if (ROOT / "trialtools" / room).is_dir()]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {5 * WIDTH} {3 * HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="14">',
        '<defs><marker id="end" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto">'
        '<path d="M0,0 L7,3 L0,6 z" fill="#595959"/></marker></defs>',
        f'<rect width="{5 * WIDTH}" height="{3 * HEIGHT}" fill="#ffffff"/>',
    ]
    for one, other in sorted(arrows()):
        (x1, y1), (x2, y2) = _edge(one, other), _edge(other, one)
        bend = 46 if PLACES[one][1] == PLACES[other][1] and abs(PLACES[one][0] - PLACES[other][0]) > 1 else 0
        middle = f"{(x1 + x2) / 2:.0f},{(y1 + y2) / 2 + bend:.0f}"
        lines.append(
            f'<path d="M{x1:.0f},{y1:.0f} Q{middle} {x2:.0f},{y2:.0f}" fill="none" stroke="#9a9a9a" '
            'marker-end="url(#end)"/>'
        )
    for room in there:
        x, y = _centre(room)
        lines += [
            f'<rect x="{x - BOX[0] / 2:.0f}" y="{y - BOX[1] / 2:.0f}" width="{BOX[0]}" height="{BOX[1]}" rx="6" '
            'fill="#f4f6f8" stroke="#1a1a1a"/>',
            f'<text x="{x:.0f}" y="{y + 5:.0f}" text-anchor="middle" fill="#1a1a1a">{room}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def _centre(room: str) -> tuple[float, float]:
    column, row = PLACES[room]
    return (column + 0.5) * WIDTH, (row + 0.5) * HEIGHT


def _edge(room: str, towards: str) -> tuple[float, float]:
    """Where a line from a room to another one leaves its box."""
    (x, y), (a, b) = _centre(room), _centre(towards)
    dx, dy = a - x, b - y
    scale = min(BOX[0] / 2 / abs(dx) if dx else 9, BOX[1] / 2 / abs(dy) if dy else 9)
    if dy == 0 and abs(dx) > WIDTH:  # around the rooms between
        return x + (BOX[0] / 4 if dx > 0 else -BOX[0] / 4), y + BOX[1] / 2
    return x + dx * scale, y + dy * scale


if __name__ == "__main__":
    PICTURE.write_text(picture(), "utf-8")
