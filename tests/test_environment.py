"""One list of libraries told three times: pyproject, constraints and environment agree, and with what is imported."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())

# Where conda-forge or Python's `import` say another name than pyproject.toml.
CONDA_NAMES = {"great-tables": "great_tables", "duckdb": "python-duckdb", "jupyter-client": "jupyter_client"}
IMPORT_NAMES = {"pyyaml": "yaml", "z3-solver": "z3", "ibis-framework": "ibis", "pynacl": "nacl"}
# What `pip install --no-build-isolation --editable .` asks of a conda environment.
CONDA_ONLY = {"python", "pip", "hatchling"}


def requirements(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(line.name): line for line in map(Requirement, lines)}


CORE = requirements(PROJECT["dependencies"])
EXTRAS = {extra: requirements(lines) for extra, lines in PROJECT["optional-dependencies"].items()}
PRODUCT = CORE | EXTRAS["app"] | EXTRAS["spark"] | EXTRAS["database"]
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


def test_environment_holds_the_ranges_of_core_and_app():
    conda = {line.name: line.specifier for line in map(Requirement, ENVIRONMENT["dependencies"])}
    ours = {CONDA_NAMES.get(name, name): line.specifier for name, line in (CORE | EXTRAS["app"]).items()}
    assert {name: line for name, line in conda.items() if name not in CONDA_ONLY} == ours
    assert conda["python"] == PROJECT["requires-python"]


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
