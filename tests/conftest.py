"""What the tests share: the protocol, the folders, and one rule for what a machine may lack."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")
"""Where files lie in memory: a ledger waits for the disk at each entry, and a test needs no disk."""
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 2**31:
    tempfile.tempdir = os.environ["TMPDIR"] = str(MEMORY)
RECEIPTS = tempfile.TemporaryDirectory(prefix="trialtools-receipts-")
os.environ["TRIALTOOLS_RECEIPTS"] = RECEIPTS.name
sys.modules.setdefault("rfc3987_syntax", None)  # as `trialtools report` does, for a second
gc.set_threshold(50_000, 20, 50)  # libraries hold a million objects: to search them for circles is a tenth of a run

# By file or folder, the kind of its tests; all other files hold unit tests. A mark on a test is stronger than its file.
# `make test-KIND` runs one kind.
CATEGORIES = {
    "spec": {"spec", "test_protocol.py"},
    "agreement": {"test_agreement.py", "test_engines.py", "test_fuzz.py", "fuzz"},
    "oracles": {"test_interim.py", "test_realdata.py", "test_cases.py", "cases"},
    "reports": {
        *("test_report.py", "test_notebooks.py", "test_interim_report.py", "test_committee.py", "test_guide.py"),
        "test_lesson_pages.py",
    },
    "ui": {"ui"},
}
POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes and limits of this kind are POSIX's")

_JUPYTER = ("app", "desk", "explorer", "export", "laboratory", "lessons")
TOGETHER = {
    **{f"tests/ui/test_{name}.py": "Jupyter" for name in _JUPYTER},
    **dict.fromkeys(("tests/ui/test_portable.py", "tests/ui/test_views.py"), "portable"),
    **dict.fromkeys(("tests/test_lesson_pages.py", "tests/ui/test_lesson_pages.py"), "quiz"),
}
"""Files that share what takes long to make: one worker has them all, and makes it once."""
SLOW_FIRST = ("ui", "reports", "agreement")
"""Kinds whose files take long: they come first, so that no worker is left with one when the others are done."""


def pytest_collection_finish() -> None:
    gc.freeze()  # what is there by now stays to the end


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not any(item.get_closest_marker(kind) for kind in CATEGORIES):
            item.add_marker("ui" if _kind(item) == "unit" and "chromium" in item.fixturenames else _kind(item))
        if hasattr(getattr(item, "obj", None), "hypothesis"):
            item.add_marker("long")
    items.sort(key=lambda item: _kind(item) not in SLOW_FIRST)


def _kind(item: pytest.Item) -> str:
    """The kind of its file."""
    parts = {*item.path.relative_to(ROOT).parts}
    return next((kind for kind, files in CATEGORIES.items() if files & parts), "unit")


class _WholeFiles(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> LoadFileScheduling | None:
    return _WholeFiles(config, log) if config.getvalue("dist") == "loadfile" else None


def sample(cases: int) -> int:
    """How many cases a test takes: so many, or with `make long` as many as it is told."""
    return int(os.environ.get("TRIALTOOLS_LONG", 0)) or cases


settings.register_profile("default", deadline=None, max_examples=sample(100))
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def _program(*names: str) -> Callable[[], Path | None]:
    return lambda: next((Path(place) for name in names if (place := shutil.which(name))), None)


def _module(name: str) -> Callable[[], Path | None]:
    return lambda: Path(spec.origin) if (spec := find_spec(name)) and spec.origin else None


def _postgres() -> Path | None:
    """The folder with initdb and pg_ctl, which Debian keeps off the PATH."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *filter(None, [_program("initdb")()])]
    return max(places).parent if places else None


def _realdata() -> Path | None:
    folder = ROOT.parent / "shared" / "realdata"
    return folder if folder.is_dir() else None


def _engine() -> Path | None:
    """The folder with Python for a browser, as `make lessons` keeps it in this checkout."""
    return next((ROOT / "reports" / "lessons").glob("engine-*"), None)


def _axe() -> Path | None:
    """The accessibility checker, as npm puts it in this checkout; it is part of tests alone."""
    script = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    return script if script.is_file() else None


COMPONENTS: dict[str, tuple[Callable[[], Path | None], str]] = {
    "chromium": (
        _program("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        "apt-get install chromium",
    ),
    "java": (_program("java"), "apt-get install default-jre-headless"),
    "pdftotext": (_program("pdftotext"), "apt-get install poppler-utils"),
    "postgres": (_postgres, "apt-get install postgresql"),
    "realdata": (_realdata, "put the folder with the public data sets at ../shared/realdata, beside this checkout"),
    "ibis": (_module("ibis"), ".venv/bin/pip install --constraint constraints.txt --editable '.[database]'"),
    "spark": (
        lambda: _module("pyspark")() if _program("java")() else None,
        "apt-get install default-jre-headless; "
        ".venv/bin/pip install --constraint constraints.txt --editable '.[spark]'",
    ),
    "engine": (_engine, "make lessons"),
    "axe": (_axe, "npm install --no-save axe-core"),
    "strace": (_program("strace"), "apt-get install strace"),
    "rattler": (_module("rattler"), ".venv/bin/pip install py-rattler"),
}


def find_component(name: str) -> Path:
    """Where a component is; without it the test is skipped aloud, or fails where everything must be there."""
    find, remedy = COMPONENTS[name]
    if component := find():
        return component
    lacking = f"{name} is not on this machine. To have it: {remedy}"
    if os.environ.get("TRIALTOOLS_REQUIRE_ALL") == "1":
        pytest.fail(lacking, pytrace=False)
    pytest.skip(lacking)


@pytest.fixture(scope="session")
def require() -> Callable[[str], Path]:
    """`require("java")` inside a test: the path, or a skip that names the command to install it."""
    return find_component


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def protocol():
    import trialtools as tt

    return tt.load_protocol(ROOT / "data" / "protocols" / "NCT05741099.yaml")


@pytest.fixture(scope="session")
def items():
    """The items of the quiz, each with its proof."""
    from trialtools.lessons.pages.quiz import quiz

    return quiz()


@pytest.fixture(scope="session")
def realdata() -> Path:
    return find_component("realdata")


@pytest.fixture(scope="session")
def chromium() -> Path:
    return find_component("chromium")


@pytest.fixture
def in_process():
    """Reports are made in this process, without a kernel; processes of `--jobs` start kernels all the same."""
    from notebook import without_kernel

    with without_kernel():
        yield
