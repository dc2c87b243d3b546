"""What the screens share: script and style from files of this folder, and a sentence where no widget can live."""

from __future__ import annotations

import html
from functools import cache
from pathlib import Path
from typing import Any

import anywidget

HERE = Path(__file__).parent


@cache
def module(*names: str) -> str:
    """Plotly's library, the parts that screens share, and the files: one copy, no name that another page could hold."""
    from plotly.offline import get_plotlyjs

    library = f"const Plotly = ((module) => {{\n{get_plotlyjs()}\nreturn module.exports;\n}})({{ exports: {{}} }});"
    return "\n".join([library, *((HERE / name).read_text("utf-8") for name in ("parts.js", *names))])


def style(*names: str) -> str:
    """The files one after another."""
    return "\n".join((HERE / name).read_text("utf-8") for name in names)


class Screen(anywidget.AnyWidget):
    """A widget that says in a sentence where it can be used, where no widget can live: in a report."""

    elsewhere = ""

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, *metadata = bundle if isinstance(bundle, tuple) else (bundle,)
        data = {**(data or {}), "text/html": f"<p>{html.escape(self.elsewhere)}</p>"}
        return (data, *metadata) if metadata else data
