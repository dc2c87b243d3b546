"""A screen on a bare page: its script in a browser, its Python here, and between them messages that a test delivers.

Messages keep their order on each way, as a kernel's do; how long each takes is the test's to say.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 60
OF_EVERY_WIDGET = ("layout", "tabbable", "tooltip")
ADDRESS = "http://127.0.0.1:9/bench"

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>bench</title>
<meta name="viewport" content="width=device-width"><style>%s</style><style>body{margin:0}</style></head>
<body></body></html>"""

PLAY = """async (steps) => {
  const { port1, port2 } = new MessageChannel(), shown = [];
  const turn = () => new Promise((come) => { port1.onmessage = come; port2.postMessage(0); });
  for (const [name, ...given] of steps) { hands[name](...given); await turn(); shown.push(seen()); }
  return shown;
}"""


class Bench:
    """A screen under test. `to_browser` holds what Python sent and the page has not got yet."""

    def __init__(self, page: Any, widget: Any) -> None:
        self.page, self.widget = page, widget
        self.to_browser: deque[tuple] = deque()
        names = [
            name for name in widget.keys if not name.startswith("_") and name not in ("layout", "tabbable", "tooltip")
        ]
        widget.observe(lambda change: self.to_browser.append(("update", change["name"], change["new"])), names)
        widget.send = lambda content, buffers=None: self.to_browser.append(
            ("message", content, [part.decode("latin-1") for part in buffers or []])
        )
        page.route(ADDRESS, lambda route: route.fulfill(body=PAGE % widget._css, content_type="text/html"))
        page.goto(ADDRESS)
        page.evaluate(
            (HERE / "bench.js").read_text("utf-8"),
            [widget._esm, {name: getattr(widget, name) for name in names}],
        )

    def show(self) -> "Bench":
        """One more view of the widget."""
        self.page.evaluate("() => void bench.show()")
        return self

    def hear(self) -> bool:
        """The oldest message of the page reaches Python."""
        message = self.page.evaluate("() => bench.sent.shift() ?? null")
        if message:
            self._receive(message)
        return bool(message)

    def _receive(self, message: list) -> None:
        content, buffers = message
        self.widget._receive(None, content, [bytes(part) for part in buffers])

    def answer(self, then: str = "null") -> Any:
        """The oldest message of Python reaches the page; what the page says `then`, and False where there is none."""
        if not self.to_browser:
            return False
        kind, *content = self.to_browser.popleft()
        return self.page.evaluate(f"(content) => {{ bench.{kind}(...content); return {{ then: {then} }}; }}", content)

    def play(self, steps: Iterable[Sequence], check: Callable[[list[dict]], None]) -> None:
        """Steps of readers and of messages; what is shown is checked after each that can have changed it."""
        for by_hand, some in groupby(steps, lambda step: step[0] not in ("hear", "answer", "code")):
            if by_hand:
                for shown in self.page.evaluate(PLAY, [list(step) for step in some]):
                    check(shown)
                continue
            for way, *given in some:  # what reaches Python, or is only sent, changes nothing on the page
                if way == "code":
                    self.widget.patient = given[-1]
                elif way == "hear":
                    self.hear()
                elif answered := self.answer(then="seen()"):
                    check(answered["then"])

    def settle(self, done: Callable[[], bool] = lambda: True) -> None:
        """Everything is delivered, and what the page asks for after a pause as well, until something is so."""
        end = time.monotonic() + PATIENCE
        while True:
            answers = [self.to_browser.popleft() for _ in range(len(self.to_browser))]
            wishes = self.page.evaluate("(answers) => bench.deliver(answers)", answers)
            for wish in wishes:
                self._receive(wish)
            if wishes or self.to_browser:
                continue
            if done():
                return
            assert time.monotonic() < end, f"this did not come about in {PATIENCE} s"
            self.page.evaluate("() => bench.stir(50)")

    def rest(self) -> None:
        """Everything is delivered and drawn, and nothing more will be asked."""
        widget = self.widget
        if hasattr(widget, "advice"):  # a desk asks for more once nothing is typed any more
            self.settle(lambda: widget.advice.get("n") == widget.answer["n"])
            self.settle(lambda: not widget.source or widget.table.get("of") == widget.answer["of"])
        elif widget.panel["figure"]:
            self.settle(lambda: self.page.locator(".main-svg").count() > 0)
        self.settle()
        self.page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")

    def kernel(self, status: str = "idle", connection: str = "connected") -> None:
        """The kernel's status changes."""
        self.page.evaluate("(status) => bench.status(...status)", [status, connection])
