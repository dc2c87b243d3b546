"""How quick a key is in JupyterLab. `make bench` asks for it; a test it is not, for seconds depend on the machine.

Each speed is a line `SPEED what: median, p90 and worst of its milliseconds, and the median of an empty cell beside it`.
"""

import json
import os
import statistics

from playwright.sync_api import expect

SLOW = 90_000
GIVEN = json.loads(os.environ.get("TRIALTOOLS_UI_PARAMETERS", "{}"))
"""Parameters of the notebooks."""
PRESSES = 20
# Milliseconds from a key in a box until a screen is as `done` asks, by the browser's own clock.
STOPWATCH = """(box, [screen, done]) => {
  window.times = [];
  let pressed = 0;
  const root = document.querySelector(screen), ready = new Function('root', `return ${done}`);
  box.addEventListener('keydown', () => { pressed = performance.now(); }, true);
  new MutationObserver(() => { if (pressed && ready(root)) { const start = pressed; pressed = 0;
    requestAnimationFrame(() => window.times.push(performance.now() - start)); } })
    .observe(root, { subtree: true, attributes: true, attributeFilter: ['class', 'data-state'] });
}"""
EMPTY_CELL = """async () => {
  const { kernel } = jupyterapp.shell.currentWidget.context.sessionContext.session, start = performance.now();
  await kernel.requestExecute({ code: '' }).done;
  return performance.now() - start;
}"""


def press(page, keys, what, capsys):
    """Presses the keys, one after the other has had its effect, and tells how long that took."""
    page.evaluate("window.times.length = 0")
    for n, key in enumerate(keys):
        page.keyboard.press(key)
        page.wait_for_function("n => window.times.length > n", arg=n)
    times = page.evaluate("window.times")
    empty = statistics.median([page.evaluate(EMPTY_CELL) for _ in keys])
    p90 = statistics.quantiles(times, n=10, method="inclusive")[-1]
    with capsys.disabled():
        print(f"\nSPEED {what}: {statistics.median(times):.0f}, {p90:.0f}, {max(times):.0f}, {empty:.1f}")


def test_the_desk(notebook, capsys):
    with notebook("01_screening.ipynb", "desk") as page:
        desk = page.locator(".tt-desk")
        expect(desk.locator(".roster")).to_contain_text("2,000 of 2,000 patients", timeout=SLOW)
        rate = desk.get_by_label("Respiratory rate at rest")
        rate.evaluate(STOPWATCH, [".tt-desk", "root.dataset.state === 'settled'"])
        rate.press("2")
        page.wait_for_function("window.times.length")
        press(
            page, ["5", "Backspace"] * (PRESSES // 2), "verdict", capsys
        )  # 2 is impossible and so not known, 25 passes


def test_the_explorer(notebook, capsys):
    with notebook("03_cohort_explorer.ipynb", "explorer", GIVEN) as page:
        explorer = page.locator(".tt-explorer")
        expect(explorer).to_have_attribute("data-state", "settled", timeout=SLOW)
        upper = explorer.locator("[data-criterion=I1] .limit input[type=text]").nth(1)
        upper.evaluate(STOPWATCH, [".tt-explorer", "!root.querySelector('.stale')"])
        drawing = ".drawing .main-svg"
        for tab, drawn in {
            "What costs patients": drawing,
            "What is not known": drawing,
            "Who is left": ".bars",
        }.items():
            explorer.get_by_role("tab", name=tab).press("Enter")
            expect(explorer.locator(drawn).first).to_be_visible(timeout=SLOW)
            upper.focus()
            press(page, ["ArrowDown"] * PRESSES, tab, capsys)
