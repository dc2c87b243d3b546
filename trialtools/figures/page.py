"""Pieces of a page: its fonts and the colours of its words, the banner, the headline of a report."""

import html
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..criteria.doors import load_module

FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
INK, QUIET = "#1a1a1a", "#595959"


class Html(str):
    """A piece of HTML that a notebook shows as such."""

    def _repr_html_(self) -> str:
        return str(self)

    __html__ = _repr_html_  # a template takes it as it is


def banner(
    text: str = "SYNTHETIC", detail: str = "made up by a program; nothing here is a result about people"
) -> Html:
    """A label across the page that cannot be overlooked, on the screen or in print.

    >>> "SYNTHETIC" in banner()
    True
    """
    look = f"border:2px solid {INK};padding:6px 12px;margin:0 0 12px;font:14px/1.4 {', '.join(FONTS)};color:{INK}"
    stripes = "background:repeating-linear-gradient(135deg,#fff 0 14px,#f1f1f1 14px 28px);print-color-adjust:exact"
    sentence = f"<strong>{html.escape(text)}</strong>" + (f" · {html.escape(detail)}" if detail else "")
    return Html(f'<div role="note" class="tt-banner" style="{look};{stripes}">{sentence}</div>')


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
    size = 21 if len(answer) < 110 else 17  # an answer of several sentences must leave room for its figure
    parts = [
        _line(" · ".join(str(part) for part in context), f"{small};margin:0 0 14px"),
        _line("Question", f"{caps};color:{QUIET};margin:0"),
        _line(question, "font-size:16px;margin:0 0 8px"),
        _line("Answer", f"{caps};color:{QUIET};margin:0"),
        _line(answer, f"font-size:{size}px;line-height:1.35;font-weight:600;margin:0 0 14px"),
        str(drawn or ""),
        _line(source, f"{small};margin:6px 0 0"),
    ]
    sentence = html.escape(answer, quote=True)
    look = f"font-family:{', '.join(FONTS)};color:{INK}"
    return Html(f'<div class="tt-headline" data-answer="{sentence}" style="{look}">{"".join(parts)}</div>')


def _line(text: str, style: str) -> str:
    return f'<p style="{style}">{html.escape(text)}</p>' if text else ""


def fill(template: str, **values: Any) -> Html:
    """A template of this folder with its values, and the styles of a page as `css`."""
    return Html(_templates().get_template(template).render(css=_css(), **values))


@cache
def _templates() -> Any:
    jinja2 = load_module("jinja2")
    return jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)


@cache
def _css() -> str:
    return (Path(__file__).parent / "first_page.css").read_text("utf-8")
