"""What was simulated goes in; the README beside it comes out: what it is, how it was made, what is assumed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..criteria.contents import Protocol
from .model import HERE

LABEL = "SYNTHETIC: drawn by a random number generator; no row is a person"


def render(template: str, **facts: Any) -> str:
    """A template of this room, filled in. Only a document needs Jinja2, so it is imported here."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    page = Environment(loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters |= {"percent": lambda share: f"{100 * share:g} %", "count": lambda n: f"{n:,}"}
    return page.get_template(template).render(label=LABEL, **facts) + "\n"


def command_line(what: str, protocol: Protocol, path: str | os.PathLike[str] | None, options: str, folder: Path) -> str:
    """The command that makes the same data again."""
    file = Path(path).as_posix() if path else f"{protocol.id}.yaml"
    return f"trialtools simulate {what} {file} {options} --out {folder.as_posix()}"
