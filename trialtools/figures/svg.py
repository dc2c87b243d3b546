"""What flow diagrams are drawn of: pieces of SVG whose words can be selected, searched and read out."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence

from .page import FONTS, INK, QUIET, Html
from .template import STATES, SUBTITLE, TITLE, WIDTH, wrap

STRIP, LINE = 20, 15
"""How wide the strip of stages is, and how high a line of words."""


def strips(stages: Sequence[tuple[str, float, float]]) -> list[str]:
    """The tinted strip at the left, one piece a stage; its name where the piece is long enough for it."""
    joined: list[tuple[str, float, float]] = []
    for name, top, bottom in stages:
        if joined and joined[-1][0] == name:
            joined[-1] = (name, joined[-1][1], bottom)
        else:
            joined.append((name, top, bottom))
    parts = []
    for name, top, bottom in joined:
        x, y = STRIP / 2 + 4, (top + bottom) / 2
        parts.append(f'<rect x="0" y="{top:g}" width="{STRIP}" height="{bottom - top - 2:g}" rx="3" fill="#efefef"/>')
        if bottom - top > 62:
            turned = f'transform="rotate(-90 {x:g} {y:g})" text-anchor="middle" font-size="11" fill="{QUIET}"'
            parts.append(f'<text x="{x:g}" y="{y:g}" {turned}>{html.escape(name.capitalize())}</text>')
    return parts


def box(x: float, y: float, high: float, said: str, inside: Sequence[str], wide: float, fill: str = "white") -> str:
    """A box that can be reached by keyboard and is read out."""
    words = html.escape(said, quote=True)
    frame = f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="2" fill="{fill}" stroke="{QUIET}"/>'
    return f'<g tabindex="0" role="img" aria-label="{words}"><title>{words}</title>{frame}{"".join(inside)}</g>'


def text(x: float, y: float, words: str, colour: str = INK, size: float = 13, anchor: str = "middle") -> str:
    bold = words.replace("<b>", '<tspan font-weight="600">').replace("</b>", "</tspan>")
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" font-size="{size:g}" text-anchor="{anchor}">{bold}</text>'


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="{QUIET}" fill="none"/>'


def path(x1: float, y1: float, x2: float, y2: float, rest: str) -> str:
    """Down, then across, then the rest."""
    return f'<path d="M{x1:g} {y1:g}V{y2:g}H{x2:g}{rest}" stroke="{QUIET}" fill="none"/>'


def arrow(x: float, y: float, way: str) -> str:
    points = f"{x:g},{y:g} {x - 7:g},{y - 4:g} {x - 7:g},{y + 4:g}"
    if way == "down":
        points = f"{x:g},{y:g} {x - 4:g},{y - 7:g} {x + 4:g},{y - 7:g}"
    return f'<polygon points="{points}" fill="{QUIET}"/>'


def heading(title: str, subtitle: str | None) -> tuple[str, float]:
    """The finding and the population, and where they end."""
    y, parts = 16.0 if title or subtitle else 0.0, []
    for line in wrap(title, 66) if title else []:
        parts.append(text(0, y, f"<b>{line}</b>", INK, TITLE, "start"))
        y += TITLE * 1.3
    for line in wrap(subtitle, 100) if subtitle else []:
        parts.append(text(0, y, line, QUIET, SUBTITLE, "start"))
        y += SUBTITLE * 1.4
    return "".join(parts), y + 2


def page(parts: Sequence[str], height: float, said: str) -> Html:
    """The drawing as HTML: as wide as a printed page, scrolled where the screen is narrower."""
    drawing = "".join(parts)
    # two figures on one page must not share the name of the hatching
    hatch = "hatch" + hashlib.sha256(drawing.encode()).hexdigest()[:8]
    lines = f'<path d="M0 6L6 0M-1 1L1 -1M5 7L7 5" stroke="{STATES["unknown"]}" stroke-width="1.4"/>'
    pattern = f'<pattern id="{hatch}" width="6" height="6" patternUnits="userSpaceOnUse">{lines}</pattern>'
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    look = f"display:block;background:white;font-family:{', '.join(FONTS)};font-variant-numeric:tabular-nums"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="group" aria-label="{html.escape(said)}" style="{look}">'
    )
    body = f"<defs>{pattern}</defs>{drawing.replace('#hatch', f'#{hatch}')}</svg>"
    return Html(f'<div class="tt-figure" style="overflow-x:auto;break-inside:avoid">{head}{body}</div>')
