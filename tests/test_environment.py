"""One list of libraries told three times: pyproject, constraints and environment agree, and with what is imported."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from trialtools.criteria import doors

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())

# Where conda-forge or Python's `import` say another name than pyproject.toml.
CONDA_NAMES = {"great-tables": "great_tables", "duckdb": "python-duckdb", "jupyter-client": "jupyter_client"}
IMPORT_NAMES = {"ipython": "IPython", "pyyaml": "yaml", "z3-solver": "z3", "ibis-framework": "ibis", "pynacl": "nacl"}
# What `pip install --no-build-isolation --editable .` asks of a conda environment.
CONDA_ONLY = {"python", "pip", "hatchling", "editables"}


def requirements(lines: list[str]) -> dict[str, Requirement]:
    """By name; an extra that includes another one names this package, which is no library."""
    named = {canonicalize_name(line.name): line for line in map(Requirement, lines)}
    return {name: line for name, line in named.items() if name != PROJECT["name"]}


CORE = requirements(PROJECT["dependencies"])
EXTRAS = {extra: requirements(lines) for extra, lines in PROJECT["optional-dependencies"].items()}
WORKBENCH = CORE | EXTRAS["interim"] | EXTRAS["workbench"] | EXTRAS["excel"] | EXTRAS["duckdb"] | EXTRAS["app"]
PRODUCT = WORKBENCH | EXTRAS["spark"] | EXTRAS["database"]
CONSTRAINTS = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]


def test_environment_has_the_plain_shape_that_every_conda_reads():
    assert list(ENVIRONMENT) == ["name", "channels", "dependencies"]
    assert ENVIRONMENT["name"] == "trialtools"
    assert ENVIRONMENT["channels"] == ["conda-forge"]
    for line in ENVIRONMENT["dependencies"]:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*((>=|<)\d[\d.]*(,<\d[\d.]*)?)?", line), line


def test_conda_can_read_every_line(require):
    require("rattler")
    import rattler

    for line in ENVIRONMENT["dependencies"]:
        assert rattler.MatchSpec(line).name.normalized == re.match(r"[a-z0-9._-]+", line)[0]


def test_environment_holds_the_ranges_of_the_workbench_and_the_app():
    conda = {line.name: line.specifier for line in map(Requirement, ENVIRONMENT["dependencies"])}
    ours = {CONDA_NAMES.get(name, name): line.specifier for name, line in WORKBENCH.items()}
    assert {name: line for name, line in conda.items() if name not in CONDA_ONLY} == ours
    assert conda["python"] == PROJECT["requires-python"]


def test_binder_installs_the_package_into_that_environment():
    """What repo2docker looks for, as far as it can be seen here: both files at the root, no folder that hides them."""
    script = ROOT / "postBuild"
    assert os.access(script, os.X_OK) and not (ROOT / "binder").exists() and not (ROOT / ".binder").exists()
    (command,) = [line for line in script.read_text().splitlines()[1:] if not line.startswith(("#", "set "))]
    assert f"#   {command}\n" in (ROOT / "environment.yml").read_text(), "the same words for people and for Binder"
    brought = {line.name for line in map(Requirement, ENVIRONMENT["dependencies"])}
    assert {"--no-deps", "--no-build-isolation"} <= {*command.split()} and brought >= CONDA_ONLY


def test_constraints_pin_a_version_that_each_range_admits():
    for line in CONSTRAINTS:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line), line
    pins = {canonicalize_name(name): version for name, version in (line.split("==") for line in CONSTRAINTS)}
    assert len(pins) == len(CONSTRAINTS), "one pin for each name"
    for name, line in (PRODUCT | EXTRAS["test"]).items():
        assert line.specifier.contains(pins[name]), f"{line} does not admit {pins[name]}"


def test_every_import_of_the_package_is_declared():
    used: dict[str, str] = {}
    for path in sorted((ROOT / "trialtools").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            used |= {name.split(".")[0]: f"{path.relative_to(ROOT)}:{node.lineno}" for name in names}
    declared = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in PRODUCT}
    foreign = {name: place for name, place in used.items() if name not in sys.stdlib_module_names | {"trialtools"}}
    assert {name: place for name, place in foreign.items() if name not in declared} == {}


@pytest.mark.parametrize("name", ["constraints.txt", "environment.yml", "pyproject.toml"])
def test_no_file_names_a_server(name):
    assert not re.search(r"://|@|\b[\w-]+\.(org|com|io|net|dev)\b", (ROOT / name).read_text())


# The rooms that need so many extras beyond the lean install.
ROOMS = {
    (): (
        *("criteria.contents", "criteria.engine", "cohort.screening", "cohort.whatif", "cohort.difference"),
        *("arms.ledger", "arms.assessment", "arms.command", "simulate", "interim.data.read"),
    ),
    ("interim",): ("interim.sequential.inference", "report.qualification.record"),
    ("interim", "workbench"): ("figures", "report.write", "widgets"),
}

WITHOUT = """
import sys, importlib
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
for room in {rooms!r}:
    for name in [name for name in sys.modules if name.split(".")[0] == "trialtools"]:
        del sys.modules[name]  # each room is entered as the first
    importlib.import_module("trialtools." + room)
"""


def run_without(absent: set[str], rooms: tuple[str, ...], more: str = "") -> subprocess.CompletedProcess[str]:
    code = WITHOUT.format(absent=absent, rooms=rooms) + more
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.parametrize("extras", ROOMS)
def test_a_room_is_entered_with_its_own_libraries_alone(extras):
    there = CORE.keys() | {name for extra in extras for name in EXTRAS[extra]}
    absent = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in PRODUCT.keys() - there}
    run = run_without(absent, ROOMS[extras])
    assert run.returncode == 0, run.stderr


def test_a_missing_library_is_told_with_what_brings_it():
    run = run_without({"scipy"}, (), "import trialtools\ntrialtools.interim.boundaries")
    assert "scipy is not installed; it comes with: pip install 'trialtools[interim]'" in run.stderr


def test_every_library_of_an_extra_is_told():
    extras = {name: extra for extra, names in doors._EXTRAS.items() for name in names}
    for extra, names in EXTRAS.items():
        for name in names if extra != "test" else ():
            assert extras[IMPORT_NAMES.get(name, name.replace("-", "_"))] == extra, name
