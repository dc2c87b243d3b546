"""Lines go in, what a notebook shows of an object comes out."""

import html
from collections.abc import Sequence


def as_lines(lines: Sequence[str]) -> str:
    """An object in a few lines: the first one bold, the last one, its methods, in small letters."""
    first, *middle, last = (html.escape(line) for line in lines)
    return "<div>" + "<br>".join([f"<b>{first}</b>", *middle, f"<small>{last}</small>"]) + "</div>"
