"""The one error of a protocol: what is wrong, where it stands, and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ProtocolError(Exception):
    """What is wrong in a protocol, where it stands, and what was expected.

    `text` and `span` mark the place inside one expression; `path` the place inside the protocol, as keys and
    positions (`("criteria", 3, "when")`); `where` the place in the file, once it is known.
    """

    def __init__(
        self,
        message: str,
        text: str = "",
        span: tuple[int, int] | None = None,
        path: tuple[str | int, ...] = (),
        where: str = "",
    ) -> None:
        super().__init__(message)
        self.message, self.text, self.span, self.path, self.where = message, text, span, path, where

    def __str__(self) -> str:
        lines = [self.message]
        if self.where:
            lines.append(f"  {self.where}")
        if self.span is not None:
            lines.extend(f"    {line}" for line in _caret(self.text, *self.span))
        return "\n".join(lines)

    def at(self, *path: str | int, where: str = "") -> ProtocolError:
        """The same error with its place in the protocol, or in a file."""
        return ProtocolError(self.message, self.text, self.span, self.path if where else path, where or self.where)


def _caret(text: str, start: int, end: int, width: int = 88) -> tuple[str, str]:
    """The part of `text` around the fault, and a line with carets under the fault."""
    text = "".join(character if character.isprintable() else " " for character in text)
    first = max(0, min(start - width // 2, len(text) - width))
    shown = text[first : first + width]
    carets = max(1, min(end, first + len(shown)) - start)
    return shown, " " * (start - first) + "^" * carets


def nearest(word: object, words: Iterable[str]) -> str:
    """`; did you mean 'age'?` for a misspelt word, or the short list of what there is."""
    candidates = list(words)
    if close := difflib.get_close_matches(str(word), candidates, n=1, cutoff=0.6):
        return f"; did you mean '{close[0]}'?"
    return f"; known are {', '.join(candidates[:8])}{', ...' if len(candidates) > 8 else ''}" if candidates else ""
