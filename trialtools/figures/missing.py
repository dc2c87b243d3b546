"""What is unknown together: a map of missingness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from .format import count, n_of
from .page import QUIET
from .rows import HATCHED, most_of, records
from .sets import members, sets
from .template import blank, wrap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def missingness(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "") -> Figure:
    """Patients by the exact set of facts that they lack, the most frequent set first.

    Args:
        frame: from `missingness`: fields, size, n, of; the last row is `other`.
        title: the finding; otherwise for how many nothing is unknown, or what is lacking most often.
        subtitle: the population; otherwise the number of patients.
        source: a last line.

    A column without dots is the patients of whom nothing is unknown.

    >>> import pandas as pd
    >>> made = missingness(pd.DataFrame({"fields": ["bmi", "", "other"], "n": [6, 4, 0], "of": [10, 10, 10]}))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>Nothing is unknown for 4 of 10; most often lacking together: bmi</b>'
    """
    rows = records(frame)
    of = most_of(rows, "of")
    if not of:
        return blank(title or "No patients were screened", subtitle or "")
    names = list(dict.fromkeys(name for row in rows[:-1] for name in members(row["fields"])))
    hover = [
        f"<b>{wrap(row['fields'] or 'nothing is unknown', 60)[0]}</b><br>{n_of(row['n'], of)} of {count(of)}"
        for row in rows
    ]
    population = f"{count(of)} patients by the exact set of facts unknown of them; fields without a column are left out"
    made = sets(
        [row["fields"] for row in rows],
        names,
        [("patients", HATCHED, QUIET, [row["n"] for row in rows])],
        title or _finding(rows, of),
        population if subtitle is None else subtitle,
        source,
        hover,
    )
    return made.update_layout(meta={"alt": f"{_finding(rows, of)}. {len(names)} fields in {len(rows) - 1} sets."})


def _finding(rows: list[dict[str, Any]], of: int) -> str:
    # a set without a row of its own is nobody's, or one of the many in `other`: then nothing is said of it
    whole = next((row["n"] for row in rows if not members(row["fields"])), None)
    said = [] if whole is None else [f"nothing is unknown for {count(whole)} of {count(of)}"]
    worst = max((row for row in rows[:-1] if members(row["fields"])), key=lambda row: row["n"] or 0, default=None)
    if worst is not None:
        inside = members(worst["fields"])
        names = ", ".join(inside[:3]).replace("_", " ") + (f" and {len(inside) - 3} more" if len(inside) > 3 else "")
        said.append(f"most often lacking together: {names} ({count(worst['n'])} of {count(of)})")
    told = "; ".join(said) or "no set of facts has a row of its own"
    return told[0].upper() + told[1:]
