"""A kernel that is killed, in JupyterLab and behind a page: no verdict stands as if somebody had checked it."""

import re

import psutil
import pytest
from playwright.sync_api import expect

SLOW = 90_000
expect.set_options(timeout=20_000)


def kernels():
    """The kernels that this test's own servers started and that still run."""
    below = [each for each in psutil.Process().children(recursive=True) if each.status() != psutil.STATUS_ZOMBIE]
    return {process.pid for process in below if any("ipykernel" in part for part in process.cmdline())}


@pytest.mark.parametrize("kind", ["lab", "voila"])
def test_a_killed_kernel_takes_the_verdict_with_it(opened, request, kind):
    request.getfixturevalue(kind)
    page = opened(kind, "01_screening.ipynb", "desk")
    desk = page.locator(".tt-desk")
    expect(desk).to_have_attribute("data-state", "settled", timeout=SLOW)
    age = desk.get_by_label("Age at screening")
    age.press_sequentially("90")
    expect(desk.locator(".verdict")).to_contain_text("Not eligible: I1 fails")
    running = [
        psutil.Process(pid) for pid in kernels()
    ]  # all: JupyterLab may have opened the notebook on an earlier one
    for kernel in running:
        kernel.suspend()  # the key is pressed before JupyterLab's own message about the dead kernel takes the keyboard
    age.press("Backspace")
    expect(desk).to_have_attribute("data-state", re.compile("pending|slow"))
    for kernel in running:
        kernel.kill()
    expect(desk.locator(".verdict")).to_contain_text("Not connected: reload this page", timeout=SLOW)
    expect(desk.locator(".rest")).to_be_hidden()
    expect(age).to_have_value("9")
    page.close()
