"""A notebook that JupyterLab exports as HTML goes in, the same with figures that draw themselves comes out.

nbconvert leaves plotly's figures out. `make lab` names this in its configuration; elsewhere it is one line in
`jupyter_server_config.py`: `c.HTMLExporter.preprocessors = ["trialtools.report.export.KeepFigures"]`.
"""

from __future__ import annotations

from typing import Any

from nbconvert.preprocessors import Preprocessor

from .page import HERE, PLOTLY, figure_html, packed_plotly


class KeepFigures(Preprocessor):
    """Puts each figure in as data, and plotly.js once, packed; the page asks nobody for anything to draw them."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        outputs = [
            output for cell in nb.cells for output in cell.get("outputs", []) if PLOTLY in output.get("data", {})
        ]
        for number, output in enumerate(outputs, start=1):
            output.data["text/html"] = figure_html(output.data[PLOTLY], number)
        if outputs:
            outputs[-1].data["text/html"] += _drawer()
        return nb, resources


def _drawer() -> str:
    return (
        "<style>.plot { margin: 0; } .plot figcaption span { display: block; }</style>"
        f'<script type="text/plain" id="plotly-packed">{packed_plotly()}</script>'
        f"<script>{(HERE / 'page.js').read_text('utf-8')}</script>"
    )
