"""A tidy frame goes in, a printed table comes out. Nothing here computes: what is shown stands in the frame."""

from __future__ import annotations

import hashlib
import html
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api import types

from ..criteria.doors import load_module
from ..criteria.language.wording import printed_unit
from ..criteria.stage import expect
from .format import ABSENT, FRAME, SCREEN_WORDS, SPACE, absent, count, heading, n_of, number, words
from .page import FONTS, INK, QUIET

if TYPE_CHECKING:
    from great_tables import GT

_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")


def table(
    frame: pd.DataFrame,
    title: str | None = None,
    subtitle: str | None = None,
    labels: Mapping[str, str] | None = None,
    notes: Mapping[str, str] | Sequence[str] = (),
    formats: Mapping[str, Callable[[Any], str]] | None = None,
    columns: Sequence[str] | None = None,
    group: str | None = None,
    rows: int = 200,
) -> GT:
    """A frame as a printed table: three rules, figures aligned to the right, zero as 0, absent as a dash.

    Args:
        frame: one row a line.
        title: the finding, in a sentence.
        subtitle: population, N, data cut.
        labels: headings by column; a column without one is headed by its own name.
        notes: footnotes by column, lettered; or plain lines below the table.
        formats: how to write a column, such as `{"share": percent}`; otherwise whole numbers are written whole, other
            numbers with one decimal.
        columns: which columns, in which order; all of them otherwise.
        group: a column whose values head groups of rows.
        rows: at most so many are shown; what is left out is said below the table.

    Unknown is shown as a dash, never as zero or no. An empty frame gives a table that says why
    (`frame.attrs["why"]`), or "none".

    >>> import pandas as pd
    >>> made = table(pd.DataFrame({"label": ["Age", "Imaging"], "n": [12480, None]}), labels={"n": "Patients"})
    >>> all(text in made.as_raw_html() for text in ("Label", "Patients", "12,480", "—"))
    True
    """
    expect(frame, pd.DataFrame, "figures.table(frame)", FRAME)
    chosen: list[str] = list(dict.fromkeys([*([group] if group else []), *map(str, columns or frame.columns)]))
    written, figures = _cell_texts(frame.loc[:, chosen].head(rows), formats or {})
    body = [column for column in chosen if column != group]
    # great_tables would draw a random id, and two runs of one report would differ by it
    name = "t" + hashlib.sha256(f"{title}{subtitle}{written.to_csv()}".encode()).hexdigest()[:10]
    made = load_module("great_tables").GT(written, id=name, groupname_col=group if len(frame) else None)
    headings: dict[str, Any] = {column: (labels or {}).get(column) or heading(column) for column in body}
    made = made.cols_label(headings).fmt(_in_page, columns=body)  # great_tables escapes from 1.0 on only
    made = made.cols_align("left", body).cols_align("right", [column for column in body if column in figures])
    if title or subtitle:
        made = made.tab_header(title or "", subtitle)
    made = _add_notes(made, notes)
    if len(frame) > rows:
        made = made.tab_source_note(f"The first {count(rows)} of {count(len(frame))} rows.")
    return _add_rules(made, name)


def baseline(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None) -> GT:
    """The printed baseline table: a column a group, `n (%)` of it or `median (q1 to q3)`, what is not known as a row.

    Args:
        frame: as `screening.baseline()` gives it, or suppressed.
        title: the finding, in a sentence.
        subtitle: population, N, data cut.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> page = baseline(screening.baseline(fields=["sex"])).as_raw_html().replace(SPACE, " ")
    >>> all(text in page for text in ("female", "not known", "not decided yet (n = 299)", "23 (45.1 %)"))
    True
    """
    expect(frame, pd.DataFrame, "figures.baseline(frame)", "a frame, such as screening.baseline() gives")
    sizes = frame.drop_duplicates("group").set_index("group")["of"]
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for each in frame.to_dict("records"):
        unit = f", {printed_unit(each['unit'])}" if each["unit"] else ""
        level = words(each["level"]) if each["level"] else "median (q1 to q3)"
        row = rows.setdefault((each["label"] + unit, level), {"smd": number(each["smd"], 2)})
        row["smd"] = row["smd"] if row["smd"] != ABSENT else number(each["smd"], 2)
        spread = f"{number(each['median'])} ({number(each['q1'])} to {number(each['q3'])})"
        sentence = n_of(each["n"], each["of"]) if each["level"] else ABSENT if absent(each["median"]) else spread
        row[str(each["group"])] = sentence
    groups = [str(group) for group in sizes.index]
    apart = ["smd"] if len(groups) > 1 else []  # one group differs from nobody
    written = pd.DataFrame(
        [{"variable": variable, "level": level, **row} for (variable, level), row in rows.items()],
        columns=["variable", "level", *groups, *apart],
    )
    heads = {
        str(group): f"{SCREEN_WORDS.get(str(group), words(group))} (n{SPACE}={SPACE}{count(n)})"
        for group, n in sizes.items()
    }
    note = "largest standardized difference between two groups; in the row not known, of not being known"
    labels, notes = {"level": SPACE, "smd": "SMD", **heads}, dict.fromkeys(apart, note)
    made = table(written, title, subtitle, labels, notes, group="variable")
    return made.cols_align("right", [*groups, *apart])


def _cell_texts(frame: pd.DataFrame, formats: Mapping[str, Callable[[Any], str]]) -> tuple[pd.DataFrame, set[str]]:
    """The cells as text, and the columns that hold figures."""
    if frame.empty:
        cells = {
            column: [frame.attrs.get("why", "none") if position == 0 else ""]
            for position, column in enumerate(frame.columns)
        }
        return pd.DataFrame(cells, dtype=object), set()
    figures = {c for c in frame if types.is_numeric_dtype(frame[c]) and not types.is_bool_dtype(frame[c])}
    figures |= {column for column in formats if column in frame}
    cells = {c: [(formats.get(c) or _format(frame[c]))(value) for value in frame[c]] for c in frame}
    return pd.DataFrame(cells, dtype=object), figures


def _format(column: Any) -> Callable[[Any], str]:
    known = [value for value in column if not absent(value)]
    numeric = all(isinstance(value, int | float) or hasattr(value, "__float__") for value in known)
    if not numeric or any(isinstance(value, bool) for value in known):
        return words
    whole = all(math.isfinite(value) and float(value).is_integer() for value in known)
    return count if whole else number


def _in_page(text: str) -> str:
    """A cell as HTML; a date is one word."""
    return _DATE.sub(r'<span style="white-space:nowrap">\g<0></span>', html.escape(text))


def _add_notes(made: GT, notes: Mapping[str, str] | Sequence[str]) -> GT:
    if isinstance(notes, Mapping):
        labels = load_module("great_tables").loc.column_labels
        for column, note in notes.items():
            made = made.tab_footnote(note, locations=labels(columns=column))
        return made.opt_footnote_marks("letters")
    for note in (notes,) if isinstance(notes, str) else notes:
        made = made.tab_source_note(note)
    return made


def _add_rules(made: GT, name: str) -> GT:
    """Three rules: above the headings, below them, and below the last row."""
    rule, none = {"style": "solid", "width": "1px", "color": INK}, "none"
    edges: dict[str, Any] = {
        f"column_labels_border_{side}_{key}": value for side in ("top", "bottom") for key, value in rule.items()
    }
    edges |= {f"table_body_border_bottom_{key}": value for key, value in rule.items()}
    made = made.tab_options(
        **edges,
        table_body_hlines_style=none,
        table_body_border_top_style=none,
        table_border_top_style=none,
        table_border_bottom_style=none,
        heading_border_bottom_style=none,
        row_group_border_top_style=none,
        row_group_border_bottom_style=none,
        row_group_font_weight="600",
        heading_align="left",
        heading_title_font_size="16px",
        heading_title_font_weight="600",
        heading_subtitle_font_size="13px",
        column_labels_font_weight="600",
        table_font_names=list(FONTS),
        table_font_size="13px",
        table_font_color=INK,
        table_margin_left="0",
        data_row_padding="4px",
        source_notes_font_size="12px",
    )
    return made.opt_css(
        f"#{name} .gt_row {{font-variant-numeric: tabular-nums; vertical-align: top}}"
        f"#{name} .gt_subtitle, #{name} .gt_sourcenote, #{name} .gt_footnote {{color: {QUIET}}}"
        f"#{name} .gt_footnote, #{name} .gt_sourcenote {{padding-left: 0; font-size: 12px}}"
        f"#{name} .gt_title, #{name} .gt_subtitle {{padding-left: 0}}"
        f"#{name} .gt_title {{font-weight: 600 !important}}"
        f"#{name} tr {{break-inside: avoid}}"
    )
