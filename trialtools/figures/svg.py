"""What flow diagrams are drawn of: pieces of SVG whose words can be selected, searched and read out."""

import hashlib
import html
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from .format import NOBODY
from .page import FONTS, INK, QUIET, Html
from .template import SMALL, STATES, SUBTITLE, TITLE, WIDTH, wrap

_STRIP, LINE = 20, 15
"""How wide the strip of stages is, and how high a line of words."""

Parts = list[str]


def page(
    finding: str, subtitle: str | None, source: str, alt: str, draw: Callable[[float], tuple[Parts, float]]
) -> Html:
    """The drawing as HTML: as wide as a printed page, scrolled where the screen is narrower.

    Args:
        finding: the title; none where it is empty.
        subtitle: the population.
        source: a last line.
        alt: the drawing in words.
        draw: of a top, the parts and where they end.
    """
    parts, end = draw(2)
    if source:
        parts.append(text(0, end + 20, wrap(source, 110)[0], QUIET, SMALL, "start"))
    drawing, height = "".join(parts), end + (28 if source else 4)
    # two figures on one page must not share the name of the hatching
    hatch = "hatch" + hashlib.sha256(drawing.encode()).hexdigest()[:8]
    lines = f'<path d="M0 6L6 0M-1 1L1 -1M5 7L7 5" stroke="{STATES["unknown"]}" stroke-width="1.4"/>'
    pattern = f'<pattern id="{hatch}" width="6" height="6" patternUnits="userSpaceOnUse">{lines}</pattern>'
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    look = f"display:block;background:white;font-family:{', '.join(FONTS)};font-variant-numeric:tabular-nums"
    sentence = f'role="group" aria-label="{html.escape(alt)}" style="{look}"'
    heading = _line(finding, TITLE, INK, "600") + _line(subtitle, SUBTITLE, QUIET, "400")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {sentence}>'
    body = f"<defs>{pattern}</defs>{drawing.replace('#hatch', f'#{hatch}')}</svg>"
    return Html(f'<div class="tt-figure" style="overflow-x:auto;break-inside:avoid">{heading}{head}{body}</div>')


def _line(words: str | None, size: float, colour: str, weight: str) -> str:
    """Words above the drawing, which a narrow screen breaks as it must."""
    look = f"margin:0 0 4px;max-width:{WIDTH}px;font:{weight} {size}px/1.3 {', '.join(FONTS)};color:{colour}"
    return f'<p style="{look}">{html.escape(words)}</p>' if words else ""


def nobody(finding: str, subtitle: str | None) -> Html:
    """A drawing of nothing, which says so."""
    return page(
        finding, subtitle, "", NOBODY, lambda top: ([text(0, top + 14, NOBODY, QUIET, anchor="start")], top + 20)
    )


def strips(stages: Iterable[tuple[str, float, float]]) -> Parts:
    """The tinted strip at the left, one piece a stage; its name where the piece is long enough for it."""
    parts = []
    for name, pieces in groupby(stages, key=lambda stage: stage[0]):
        (_, top, bottom), *more = pieces
        bottom = more[-1][2] if more else bottom
        x, y = _STRIP / 2 + 4, (top + bottom) / 2
        parts.append(f'<rect x="0" y="{top:g}" width="{_STRIP}" height="{bottom - top - 2:g}" rx="3" fill="#efefef"/>')
        if bottom - top > 62:
            turned = f'transform="rotate(-90 {x:g} {y:g})" text-anchor="middle" font-size="11" fill="{QUIET}"'
            parts.append(f'<text x="{x:g}" y="{y:g}" {turned}>{html.escape(name.capitalize())}</text>')
    return parts


def box(x: float, y: float, high: float, sentence: str, inside: Sequence[str], wide: float, fill: str = "white") -> str:
    """A box that can be reached by keyboard and is read out."""
    words = html.escape(sentence, quote=True)
    frame = f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="2" fill="{fill}" stroke="{QUIET}"/>'
    return f'<g tabindex="0" role="img" aria-label="{words}"><title>{words}</title>{frame}{"".join(inside)}</g>'


def text(x: float, y: float, words: str, colour: str = INK, size: float = 13, anchor: str = "middle") -> str:
    bold = words.replace("<b>", '<tspan font-weight="600">').replace("</b>", "</tspan>")
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" font-size="{size:g}" text-anchor="{anchor}">{bold}</text>'


def path(steps: str) -> str:
    """A line that is drawn as the letters of SVG say."""
    return f'<path d="{steps}" stroke="{QUIET}" fill="none"/>'


def across(x: float, y: float, to: float, *, arrow: bool = False) -> str:
    """A line to the right, with an arrow at its end."""
    tip = f'<polygon points="{to:g},{y:g} {to - 7:g},{y - 4:g} {to - 7:g},{y + 4:g}" fill="{QUIET}"/>'
    return path(f"M{x:g} {y:g}H{to - 5 * arrow:g}") + tip * arrow


def down(x: float, y: float, to: float, *, arrow: bool = False) -> str:
    """A line downwards, with an arrow at its end."""
    tip = f'<polygon points="{x:g},{to:g} {x - 4:g},{to - 7:g} {x + 4:g},{to - 7:g}" fill="{QUIET}"/>'
    return path(f"M{x:g} {y:g}V{to:g}") + tip * arrow
