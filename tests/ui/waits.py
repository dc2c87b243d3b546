"""How a browser test waits for what takes seconds: for a state, which is looked for all the time."""

from typing import Any

SLOW = 90_000
"""ms in which a kernel has started and a screen stands, on a machine that is busy."""
SHOWN = """([selector, text]) =>
  [...document.querySelectorAll(selector)].some((each) => each.checkVisibility() && each.innerText.includes(text))"""


def await_shown(page: Any, selector: str, text: str = "") -> None:
    """Until it is shown, with a text in it. `expect` would look once a second by then."""
    await_true(page, SHOWN, [selector, text])


def await_true(page: Any, script: str, given: Any = None) -> None:
    """Until a function says so in the page."""
    page.wait_for_function(script, arg=given, timeout=SLOW, polling=50)
