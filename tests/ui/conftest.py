"""What the browser tests share: JupyterLab and the app on loopback, a copy of notebooks and data, one Chromium."""

import functools
import json
import re
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

import trialtools as tt
from ui.servers import Server, free_port, serve
from ui.waits import SLOW, await_shown, await_true

QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


@pytest.fixture(scope="session")
def project(root, tmp_path_factory) -> Path:
    """A copy of what a user has, so that nothing a test writes lands in the checkout."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("notebooks", "data"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    return folder


@pytest.fixture(scope="session")
def patients(root, protocol):
    """The synthetic cohort."""
    return tt.read_patients(root / "data/cohort/cohort.csv", protocol)


@pytest.fixture(scope="session")
def screening(protocol, patients):
    """The same, screened."""
    return tt.screen(protocol, patients)


@pytest.fixture(scope="session")
def counts(screening):
    """What a report carries, by the smallest group; worked out once."""
    return functools.cache(screening.portable_counts)


@pytest.fixture(scope="session")
def lab(chromium, root, project, tmp_path_factory):
    """A JupyterLab with settings of its own: no news, no token, nothing of the user's."""
    home, port = tmp_path_factory.mktemp("jupyter"), free_port()
    (home / "config" / "labconfig").mkdir(parents=True)
    (home / "config" / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(QUIET))
    names = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
    own = {f"JUPYTER_{name}": str(home / place) for name, place in names.items()}
    own |= {f"JUPYTERLAB_{name}_DIR": str(home / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    command = ["jupyterlab", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += [
        f"--ServerApp.root_dir={project}",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--IdentityProvider.token=",
        "--LabApp.expose_app_in_browser=True",
        "--HTMLExporter.preprocessors=trialtools.report.export.KeepFigures",  # as `make lab` does
    ]
    with serve(command, home, root, project, own, f"http://127.0.0.1:{port}/api") as process:
        yield Server(f"http://127.0.0.1:{port}", process)


@pytest.fixture(scope="package")
def browser(chromium):
    """A Chromium that finds this machine only; `outside` lists what it would have asked others for.

    It ends with this folder: while it is open, no other test of this process can open one.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-gpu"]
        alone = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        program = playwright.chromium.launch(executable_path=chromium, args=[*options, alone])
        context = program.new_context(viewport={"width": 1440, "height": 1000})
        context.outside = outside = []  # type: ignore[attr-defined]

        def watch(request):
            if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "file:")):
                outside.append(request.url)

        def excuse(request):
            if request.failure == "csp" and request.url in outside:  # what its own policy forbids a page asks of nobody
                outside.remove(request.url)

        context.on("request", watch)
        context.on("requestfailed", excuse)
        context.new_page()  # with one tab always open, the window stays: each new one costs half a second
        yield context
        program.close()


@pytest.fixture(scope="session")
def app(chromium, root, project, tmp_path_factory):
    """The screens as pages; its address is the one that `make app` prints, token and all."""
    home, port = tmp_path_factory.mktemp("app"), free_port()
    own = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = ["trialtools.widgets.app", "notebooks", str(port)]
    with serve(command, home, root, project, own, f"http://127.0.0.1:{port}/") as process:
        yield Server(re.findall(r"Open (http://\S+)", (home / "log").read_text("utf-8"))[0], process)


@pytest.fixture(scope="package")
def window(browser, lab):
    """JupyterLab in a tab of the browser, loaded once; what it complains of is kept in `complaints`."""
    page = browser.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    # which kernel, or that one ended: a dialog that comes now and then would take the keys
    page.add_locator_handler(page.locator(".jp-Dialog button.jp-mod-accept"), lambda accept: accept.click())
    page.goto(f"{lab.address}/lab?reset", timeout=SLOW)
    page.wait_for_function("window.jupyterapp?.restored.then(() => true)", timeout=SLOW)
    return page


OPEN = """async (path) => {
  const { context } = await jupyterapp.commands.execute("docmanager:open", { path, factory: "Notebook" });
  await context.ready;
}"""
IDLE = """() => {
  document.querySelector(".jp-Dialog button.jp-mod-accept")?.click();
  return jupyterapp.shell.currentWidget.context.sessionContext.kernelDisplayStatus === "idle";
}"""
RUN = """async () => {
  await jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.info;
  void jupyterapp.commands.execute("notebook:run-all-cells");
}"""
CLOSE = """async () => {
  for (const tab of [...jupyterapp.shell.widgets("main")]) {
    await tab.context?.sessionContext.shutdown();
    if (tab.context) tab.context.model.dirty = false; // nobody is asked whether it shall be saved
    tab.close();
  }
}"""


@pytest.fixture(scope="module")
def notebook(window, project):
    """Opens a notebook, down to one cell, in JupyterLab after Run All; `given` are other parameters."""

    @contextmanager
    def open_(name: str, last: str, given: dict[str, Any] | None = None):
        path = project / "notebooks" / name
        notebook = nbformat.read(path, as_version=4)
        at = next(at for at, cell in enumerate(notebook.cells) if cell.id == last)
        told = nbformat.v4.new_code_cell("\n".join(f"{key} = {value!r}" for key, value in (given or {}).items()))
        notebook.cells = [*notebook.cells[:2], told, *notebook.cells[2 : at + 1]]
        nbformat.write(notebook, path)
        window.complaints.clear()
        window.evaluate(OPEN, f"notebooks/{name}")
        await_true(window, IDLE)
        window.evaluate(RUN)
        yield window
        window.evaluate(CLOSE)

    return open_


@contextmanager
def at_home(browser, app):
    """The front page of the app; what a page complains of is kept in `complaints`."""
    page = browser.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.goto(app.address)
    yield page
    page.close()


@pytest.fixture
def home(browser, app):
    with at_home(browser, app) as page:
        yield page


KERNEL = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"


@pytest.fixture(scope="module")
def task(browser, app):
    """Opens a task from the front page: on its screen, with a kernel of its own that ends when the page is left."""
    from playwright.sync_api import expect

    @contextmanager
    def open_(name: str, screen: str):
        with at_home(browser, app) as page:
            page.get_by_role("link", name=name).click()
            await_shown(page, f"{screen}[data-state=settled]")
            screen = page.locator(screen)
            expect(screen.get_by_role("button").nth(1)).to_be_visible()
            page.wait_for_function("(screen) => screen.getBoundingClientRect().y < 60", arg=screen.element_handle())
            own = page.evaluate(KERNEL)
            kernel = app.kernels[own]
            expect(screen).to_have_attribute("data-state", "settled")
            assert not page.complaints and not browser.outside
            yield page
            page.get_by_role("link", name="trialtools").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("What would you like to do?")
            end = time.monotonic() + SLOW / 1000
            while app.kernels.get(own) == kernel:
                assert time.monotonic() < end, "the kernel of a page that was left still runs"
                time.sleep(0.05)

    return open_


@pytest.fixture(scope="module", params=["lab", "page"])
def opened(request, notebook, task):
    """Opens a screen, in JupyterLab by its notebook and last cell, or as a page by its task and element.

    `given` are other parameters of the notebook.
    """

    def open_(name: str, last: str, link: str, screen: str, **given: Any):
        return notebook(name, last, given) if request.param == "lab" else task(link, screen)

    return open_
