"""What the screens share: script and style, wishes that are heard once each and in order, files for the browser."""

from __future__ import annotations

import html
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ..criteria.language import ProtocolError
from ..criteria.protocol import DataError

_PACKAGE = Path(__file__).parents[1]
_VIEWS = 50
"""Views whose last wish is remembered; a page shows one, rarely two."""


@cache
def script(*names: str) -> str:
    """The parts that all screens share, and the files: one module."""
    return _texts("figures/elements.js", "line.js", "parts.js", *names)


@cache
def _plot_library() -> bytes:
    """Plotly's library as a module: 5 MB, which a view asks for when it first draws, after its controls.

    Its first line tells Chromium to read all of it at once: function by function, the page stands twice as long.
    """
    from plotly.offline import get_plotlyjs

    return "\n".join(
        [
            "//# allFunctionsCalledOnLoad",
            "const module = { exports: {} };",
            get_plotlyjs(),
            "export default module.exports;",
        ]
    ).encode()


@cache
def style(*names: str) -> str:
    """The tokens, what all screens share, and the files."""
    return _texts("figures/tokens.css", "screen.css", *names)


def _texts(first: str, *names: str) -> str:
    files = [_PACKAGE / first, *(_PACKAGE / "widgets" / name for name in names)]
    return "\n".join(file.read_text("utf-8") for file in files)


class Screen(anywidget.AnyWidget):
    """A screen of a page. Its views wish, one wish at a time and each with a number; none is ever done twice.

    `heard` holds the last number by view, and changes after whatever the wish changed: a view that finds its number
    there has the answer.
    """

    elsewhere = ""
    """Said where no widget can live: in a report."""

    heard = traitlets.Dict().tag(sync=True)
    notice = traitlets.Dict().tag(sync=True)

    def __init__(self, **state: Any) -> None:
        super().__init__(**state)
        self.on_msg(self._receive)

    def hear(self, wish: Mapping[str, Any], buffers: list[bytes]) -> None:
        """Do what a view wishes.

        Raises:
            DataError, ProtocolError, OSError: it cannot be done; the view is told in these words.
        """
        raise NotImplementedError

    def _receive(self, _: Any, wish: Mapping[str, Any], buffers: list[Any]) -> None:
        view, n = str(wish["view"]), int(wish["n"])
        if wish["ask"] == "library":
            self.send({"library": True, "view": view}, [_plot_library()])
        if n <= self.heard.get(view, 0):
            return self.send_state()  # it was done, and the answer was lost on its way
        try:
            if wish["ask"] != "library":
                self.hear(wish, [bytes(part) for part in buffers])
        except (DataError, ProtocolError, OSError) as error:
            self.tell(str(error), wrong=True)
        except Exception as error:
            self.tell(f"This could not be done, by a fault of the program: {type(error).__name__}: {error}", wrong=True)
            raise
        finally:
            others = [pair for pair in self.heard.items() if pair[0] != view]
            self.heard = dict([*others[-_VIEWS:], (view, n)])

    def tell(self, text: str, wrong: bool = False, **more: Any) -> None:
        """What a button has to say."""
        self.notice = {"n": self.notice.get("n", 0) + 1, "text": text, "wrong": wrong, **more}

    def hand_over(self, view: str, name: str, content: bytes) -> None:
        """A file for the screen that asked, as a download of the browser; it never lies on this machine's disk."""
        self.send({"file": name, "view": view}, [content])

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, *metadata = bundle if isinstance(bundle, tuple) else (bundle,)
        data = {**(data or {}), "text/html": f"<p>{html.escape(self.elsewhere)}</p>"}
        return (data, *metadata) if metadata else data
