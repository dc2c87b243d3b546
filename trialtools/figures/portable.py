"""A portable table of counts goes in, a piece of a page comes out that answers without Python.

The page holds the table and the script that counts; neither asks anybody for anything. What it cannot answer it says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .format import LIMITS
from .page import Html


def portable_explorer(table: Mapping[str, Any]) -> Html:
    """The explorer of a report: criteria to switch, readings to choose, one limit at a time to move.

    Args:
        table: what `screening.portable_counts()` gives. With groups of several patients a count has a lower and an
            upper end, and the true one lies between.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> "Another trial within 3 months" in portable_explorer(screening.portable_counts())
    True
    """
    if sum(table["groups"]["n"]) < table["n"]:
        return Html("<p>There are too few patients to count them here under other settings.</p>")
    limits = [{**limit, "word": LIMITS[limit["operator"]]} for limit in table["limits"]]
    data = json.dumps({**table, "limits": limits}, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    style, script = (_text("tokens.css") + _text("portable.css"), _text("elements.js") + _text("portable.js"))
    return Html(
        f"<style>{style}</style>"
        f'<section class="tt tt-portable" aria-label="Try other settings"><noscript><p>This part needs JavaScript; the '
        f"tables of this report do not.</p></noscript>"
        f'<script type="application/json">{data}</script></section><script>(() => {{\n{script}}})();</script>'
    )


@cache
def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")
