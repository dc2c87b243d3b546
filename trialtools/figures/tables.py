"""A tidy frame goes in, a table for people comes out; also the number formats, the banner and the headline of a report.

Nothing here computes: what is shown stands in the frame. Unknown is never shown as zero; what is absent is a dash.
"""

from __future__ import annotations

import hashlib
import html
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from great_tables import GT

ABSENT = "—"
NOBODY = "no patients"
SPACE = "\N{NO-BREAK SPACE}"
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
INK, QUIET, LINE = "#1a1a1a", "#595959", "#d0d0d0"


class Html(str):
    """A piece of HTML that a notebook shows as such."""

    def _repr_html_(self) -> str:
        return str(self)


def count(n: Any) -> str:
    """A whole number with its thousands separated; 0 stays 0, what is absent is a dash.

    >>> count(12480), count(0), count(None), count(float("nan"))
    ('12,480', '0', '—', '—')
    """
    return ABSENT if absent(n) else f"{n:,.0f}".replace("-", "−")


def number(x: Any, digits: int = 1) -> str:
    """A measurement with a fixed number of decimals; what is absent is a dash.

    >>> number(22.46), number(-0.5, 2), number(None)
    ('22.5', '−0.50', '—')
    """
    return ABSENT if absent(x) else f"{x:,.{digits}f}".replace("-", "−")


def percent(share: Any, digits: int = 1) -> str:
    """A share (0 to 1) in percent. A few are never rounded to none, nor nearly all to all; absent is a dash.

    >>> [percent(x).replace(SPACE, " ") for x in (0.125, 0, 0.00001, 0.99999, 1, None)]
    ['12.5 %', '0 %', '<0.1 %', '>99.9 %', '100 %', '—']
    """
    if absent(share):
        return ABSENT
    if share in (0, 1):
        return f"{share * 100:.0f}{SPACE}%"
    least = 10.0**-digits
    if 0 < share < least / 200:
        return f"<{least:.{digits}f}{SPACE}%"
    if 1 - least / 200 < share < 1:
        return f">{100 - least:.{digits}f}{SPACE}%"
    return f"{share * 100:.{digits}f}{SPACE}%".replace("-", "−")


def n_of(n: Any, of: Any) -> str:
    """A count with its share of a named whole; without a whole there is no share.

    >>> n_of(863, 1313).replace(SPACE, " "), n_of(0, 0)
    ('863 (65.7 %)', '0')
    """
    return count(n) if absent(n) or absent(of) or not of else f"{count(n)} ({percent(n / of)})"


def interval(certain: Any, possible: Any) -> str:
    """From the certain (unknown counts as fail) to the possible (unknown counts as pass); one number if they agree.

    >>> interval(0, 1412), interval(7, 7)
    ('0 to 1,412', '7')
    """
    return count(certain) if certain == possible else f"{count(certain)} to {count(possible)}"


def absent(value: Any) -> bool:
    """Whether there is no value: None, NaN, NaT, NA or an empty text."""
    if value is None or (isinstance(value, str) and value == ""):
        return True
    if isinstance(value, list | tuple | set | dict):
        return not value
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA refuses to be asked
        return True


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

    Unknown is shown as a dash, never as zero or no. An empty frame gives a table that says "no patients".

    >>> import pandas as pd
    >>> made = table(pd.DataFrame({"label": ["Age", "Imaging"], "n": [12480, None]}), labels={"n": "Patients"})
    >>> all(text in made.as_raw_html() for text in ("Label", "Patients", "12,480", "—"))
    True
    """
    from great_tables import GT

    chosen: list[str] = list(dict.fromkeys([*([group] if group else []), *map(str, columns or frame.columns)]))
    written, figures = _written(frame.loc[:, chosen].head(rows), formats or {})
    body = [column for column in chosen if column != group]
    # great_tables would draw a random id, and two runs of one report would differ by it
    name = "t" + hashlib.sha256(f"{title}{subtitle}{written.to_csv()}".encode()).hexdigest()[:10]
    made = GT(written, id=name, groupname_col=group if len(frame) else None)
    headings: dict[str, Any] = {column: (labels or {}).get(column) or heading(column) for column in body}
    made = made.cols_label(headings).fmt(html.escape, columns=body)  # great_tables escapes from 1.0 on only
    made = made.cols_align("left", body).cols_align("right", [column for column in body if column in figures])
    if title or subtitle:
        made = made.tab_header(title or "", subtitle)
    made = _noted(made, notes)
    if len(frame) > rows:
        made = made.tab_source_note(f"The first {count(rows)} of {count(len(frame))} rows.")
    return _ruled(made, name)


def baseline(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None) -> GT:
    """The printed baseline table: a column a group, `n (%)` or `median (q1 to q3)`, unknown as a row.

    Args:
        frame: as `screening.baseline()` gives it, or suppressed.
        title: the finding, in a sentence.
        subtitle: population, N, data cut.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> page = baseline(screening.baseline(fields=["sex"])).as_raw_html().replace(SPACE, " ")
    >>> all(text in page for text in ("Sex", "female", "eligible (n = 51)", "23 (45.1 %)"))
    True
    """
    import pandas as pd

    sizes = frame.drop_duplicates("group").set_index("group")["of"]
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for each in frame.to_dict("records"):
        unit = f", {each['unit']}" if each["unit"] else ""
        level = each["level"] or "median (q1 to q3)"
        row = rows.setdefault((each["label"] + unit, level), {"smd": number(each["smd"], 2)})
        row["smd"] = row["smd"] if row["smd"] != ABSENT else number(each["smd"], 2)
        spread = f"{number(each['median'])} ({number(each['q1'])} to {number(each['q3'])})"
        said = n_of(each["n"], each["of"]) if each["level"] else ABSENT if absent(each["median"]) else spread
        row[str(each["group"])] = said
    groups = [str(group) for group in sizes.index]
    written = pd.DataFrame(
        [{"variable": variable, "level": level, **row} for (variable, level), row in rows.items()],
        columns=["variable", "level", *groups, "smd"],
    )
    heads = {str(group): f"{group} (n{SPACE}={SPACE}{count(n)})" for group, n in sizes.items()}
    notes = {"smd": "largest standardized difference between two groups; in the row unknown, of being unknown"}
    made = table(written, title, subtitle, {"level": SPACE, "smd": "SMD", **heads}, notes, group="variable")
    return made.cols_align("right", [*groups, "smd"])


def heading(name: str) -> str:
    """A column's own name as a heading.

    >>> heading("undetermined"), heading("patient_id"), heading("n")
    ('Undetermined', 'Patient id', 'n')
    """
    words = str(name).replace("_", " ")
    return words if len(words) == 1 else words[:1].upper() + words[1:]


def _written(frame: pd.DataFrame, formats: Mapping[str, Callable[[Any], str]]) -> tuple[pd.DataFrame, set[str]]:
    """The cells as text, and the columns that hold figures."""
    import pandas as pd
    from pandas.api import types

    if frame.empty:
        cells = {column: [NOBODY if position == 0 else ""] for position, column in enumerate(frame.columns)}
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


def words(value: Any) -> str:
    """Any single value as a reader would write it; what is absent is a dash.

    >>> words(True), words(["imaging", "consent"]), words(None), words(date(2023, 1, 31)), words(0)
    ('yes', 'imaging, consent', '—', '2023-01-31', '0')
    """
    if absent(value):
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set):
        return ", ".join(words(item) for item in value)
    if isinstance(value, datetime) and (value.hour, value.minute, value.second) == (0, 0, 0):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float):
        return count(value) if float(value).is_integer() else number(value)
    return str(value)


def _noted(made: GT, notes: Mapping[str, str] | Sequence[str]) -> GT:
    from great_tables import loc

    if isinstance(notes, Mapping):
        for column, note in notes.items():
            made = made.tab_footnote(note, locations=loc.column_labels(columns=column))
        return made.opt_footnote_marks("letters")
    for note in (notes,) if isinstance(notes, str) else notes:
        made = made.tab_source_note(note)
    return made


def _ruled(made: GT, name: str) -> GT:
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


def banner(
    text: str = "SYNTHETIC", detail: str = "made up by a program; nothing here is a result about people"
) -> Html:
    """A label across the page that cannot be overlooked, on the screen or in print.

    >>> "SYNTHETIC" in banner()
    True
    """
    look = f"border:2px solid {INK};padding:6px 12px;margin:0 0 12px;font:14px/1.4 {', '.join(FONTS)};color:{INK}"
    stripes = "background:repeating-linear-gradient(135deg,#fff 0 14px,#f1f1f1 14px 28px);print-color-adjust:exact"
    said = f"<strong>{html.escape(text)}</strong>" + (f" · {html.escape(detail)}" if detail else "")
    return Html(f'<div role="note" class="tt-banner" style="{look};{stripes}">{said}</div>')


def headline(question: str, answer: str, context: Sequence[str] = (), figure: Any = "", source: str = "") -> Html:
    """The first screen of a report: what it is about, the question, the answer in a sentence, one figure, its N.

    Args:
        question: what the reader asks.
        answer: a sentence that answers it, with its interval; unknown is said, not left out.
        context: what was read: protocol, population, data cut, hash, readings.
        figure: anything that shows itself as HTML, such as `figures.flow(...)`.
        source: N used and where the data come from.

    >>> page = headline("Who could enter the trial?", "Between 0 and 412 patients.", context=["NCT05741099"])
    >>> page.index("NCT05741099") < page.index("Who could") < page.rindex("Between 0")
    True
    """
    drawn = figure._repr_html_() if hasattr(figure, "_repr_html_") else html.escape(str(figure))
    small, caps = f"font-size:12.5px;color:{QUIET}", "font-size:11px;letter-spacing:.08em;text-transform:uppercase"
    parts = [
        _line(" · ".join(str(part) for part in context), f"{small};margin:0 0 14px"),
        _line("Question", f"{caps};color:{QUIET};margin:0"),
        _line(question, "font-size:16px;margin:0 0 8px"),
        _line("Answer", f"{caps};color:{QUIET};margin:0"),
        # an answer of several sentences must leave room for its figure
        _line(
            answer, f"font-size:{21 if len(answer) < 110 else 17}px;line-height:1.35;font-weight:600;margin:0 0 14px"
        ),
        str(drawn or ""),
        _line(source, f"{small};margin:6px 0 0"),
    ]
    said = html.escape(answer, quote=True)
    look = f"font-family:{', '.join(FONTS)};color:{INK}"
    return Html(f'<div class="tt-headline" data-answer="{said}" style="{look}">{"".join(parts)}</div>')


def _line(text: str, style: str) -> str:
    return f'<p style="{style}">{html.escape(text)}</p>' if text else ""
