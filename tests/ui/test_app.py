"""`make app`: a front page with tasks, a screen on each page, kernels that end with it, nothing from elsewhere."""

import os
import re
import subprocess
import sys
import time

import psutil
import pytest
from playwright.sync_api import expect

from ui.servers import end, free_port

SLOW = 90_000
TASKS = {
    "Open the screening desk": ".tt-desk",
    "Open the cohort explorer": ".tt-explorer",
    "Open the laboratory": ".tt-laboratory",
}


@pytest.fixture(scope="module")
def address(chromium, root, project, tmp_path_factory):
    """The address that the app prints, token and all; one page of it names a file that is not there."""
    home = tmp_path_factory.mktemp("app")
    broken = (project / "notebooks/app/desk.ipynb").read_text("utf-8").replace("cohort.csv", "nowhere.csv")
    (project / "notebooks/app/broken.ipynb").write_text(broken, "utf-8")
    own = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": os.pathsep.join([str(root), *sys.path[1:]])}
    command = [sys.executable, "-m", "trialtools.widgets.app", "notebooks", str(free_port())]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            command, env=os.environ | own, cwd=project, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        printed = server.stdout.readline()
        yield re.search(r"http://\S+", printed)[0]
    finally:
        end(server)


def kernels():
    """The kernels that this test's own servers started and that still run."""
    below = [each for each in psutil.Process().children(recursive=True) if each.status() != psutil.STATUS_ZOMBIE]
    return {process.pid for process in below if any("ipykernel" in part for part in process.cmdline())}


@pytest.fixture
def home(browser, address):
    page = browser.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    for _ in range(60):
        try:
            page.goto(address)
            break
        except Exception:
            time.sleep(0.5)
    yield page
    page.close()


@pytest.mark.parametrize("task", TASKS)
def test_a_task_opens_on_its_screen_and_its_kernel_ends_with_it(browser, home, task, capsys):
    before = kernels()
    begin = time.monotonic()
    home.get_by_role("link", name=task).click()
    screen = home.locator(TASKS[task])
    expect(screen.get_by_role("button").nth(1)).to_be_visible(timeout=SLOW)
    with capsys.disabled():
        print(f"\n{task}: painted {time.monotonic() - begin:.1f} s after the click, with the start of its kernel")
    home.wait_for_function("(screen) => screen.getBoundingClientRect().y < 60", arg=screen.element_handle())
    assert len(kernels() - before) == 1
    expect(screen).to_have_attribute("data-state", "settled", timeout=SLOW)
    assert not home.complaints and not browser.outside
    home.get_by_role("link", name="trialtools").click()
    expect(home.get_by_role("heading", level=1)).to_have_text("What would you like to do?")
    end = time.monotonic() + SLOW / 1000
    while not kernels() <= before:
        assert time.monotonic() < end, "the kernel of a page that was left still runs"
        time.sleep(0.2)


def test_a_page_that_cannot_be_made_says_what_to_do(home, address):
    home.goto(address.replace("/?", "/voila/render/app/broken.ipynb?"))
    trouble = home.locator(".page-trouble")
    expect(trouble).to_contain_text("This page could not be made", timeout=SLOW)
    expect(trouble).to_contain_text("nowhere.csv does not exist")
    home.get_by_role("link", name="trialtools").click()
    expect(home.get_by_role("heading", level=1)).to_have_text("What would you like to do?")


def test_a_page_that_did_not_come_whole_says_so_and_is_loaded_again(home):
    """Until then it says that it is being opened: a part that is lost on its way leaves nothing blank."""
    home.route("**/voila/static/voila.js*", lambda route: route.abort())
    home.get_by_role("link", name="Open the screening desk").click()
    expect(home.get_by_role("alert")).to_contain_text("This page did not come whole", timeout=SLOW)
    home.unroute_all()
    home.get_by_role("button", name="Load it again").click()
    expect(home.locator(".tt-desk")).to_be_visible(timeout=SLOW)
    expect(home.locator(".page-wait:visible")).to_have_count(0)


def test_a_page_to_read_has_its_figures_and_asks_nobody(browser, home):
    home.get_by_role("link", name="How one sentence is read").click()
    expect(home.locator(".main-svg").first).to_be_visible(timeout=SLOW)
    assert not home.complaints and not browser.outside


def test_the_front_page_fits_a_phone(home):
    home.set_viewport_size({"width": 390, "height": 800})
    assert home.evaluate("document.documentElement.scrollWidth") <= 390
    home.set_viewport_size({"width": 1440, "height": 1000})
