"""What the browser tests share: JupyterLab and Voila on loopback, a copy of notebooks and data, a Chromium, offline."""

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from ui.servers import free_port, serve

SLOW = 90_000

QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


@pytest.fixture(scope="session")
def project(root, tmp_path_factory) -> Path:
    """A copy of what a user has, so that nothing a test writes lands in the checkout."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("notebooks", "data"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    return folder


TOKEN = "a-token-for-tests"


@pytest.fixture(scope="session")
def voila(chromium, root, project, tmp_path_factory):
    """The address of the notebooks as pages, served with a token as `make app` serves them."""
    home, port = tmp_path_factory.mktemp("voila"), free_port()
    own = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = ["voila", "--no-browser", f"--port={port}", f"--token={TOKEN}", "."]
    with serve(command, home, root, project / "notebooks", own, f"http://127.0.0.1:{port}/?token={TOKEN}"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def lab(chromium, root, project, tmp_path_factory):
    """The address of a JupyterLab with settings of its own: no news, no token, nothing of the user's."""
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
    with serve(command, home, root, project, own, f"http://127.0.0.1:{port}/api"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="package")
def browser(chromium):
    """A Chromium that finds this machine only; `outside` lists what it would have asked others for.

    It ends with this folder: while it is open, no other test of this process can open one.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
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
        yield context
        program.close()


@pytest.fixture(scope="module")
def opened(browser, project, request):
    """A function that opens a notebook, down to one cell, in JupyterLab (after Run All) or as a page of Voila.

    `given` are other parameters. What the page complains of is kept in `complaints`.
    """

    from playwright.sync_api import expect

    def open_(kind: str, name: str, last: str, given: dict[str, Any] | None = None):
        path = project / "notebooks" / name
        notebook = nbformat.read(path, as_version=4)
        at = next(at for at, cell in enumerate(notebook.cells) if cell.id == last)
        told = nbformat.v4.new_code_cell("\n".join(f"{key} = {value!r}" for key, value in (given or {}).items()))
        notebook.cells = [*notebook.cells[:2], told, *notebook.cells[2 : at + 1]]
        nbformat.write(notebook, path)
        address, page = request.getfixturevalue(kind), browser.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        if kind == "lab":
            # which kernel, or that one ended: a dialog that comes now and then would take the keys
            page.add_locator_handler(page.locator(".jp-Dialog button.jp-mod-accept"), lambda accept: accept.click())
            page.goto(f"{address}/lab/tree/notebooks/{name}?reset")
            expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=SLOW)
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        else:
            page.goto(f"{address}/voila/render/{name}?token={TOKEN}", timeout=SLOW)
        return page

    return open_
