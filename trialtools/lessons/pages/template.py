"""A template of this folder and what it speaks of go in, HTML with its own style sheet comes out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .prose import prose
from .questions import beginning, label

FOLDER = Path(__file__).parent
_TOKENS = FOLDER.parents[1] / "figures" / "tokens.css"


def render(name: str, **parts: Any) -> str:
    """The page: a template of this folder, filled; `tokens` in it is the one sheet of colours and sizes."""
    pages = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals |= {"label": label, "beginning": beginning, "prose": prose}
    tokens = re.sub(r"/\*.*?\*/", "", _TOKENS.read_text("utf-8"), flags=re.DOTALL)
    page = pages.get_template(name).render(tokens=tokens, **parts)
    used = {*re.findall(r"var\((--[\w-]+)\)", page)}
    return re.sub(r"(--[\w-]+): [^;{}]+;\s*", lambda each: each[0] if each[1] in used else "", page)
