"""The front door: what `import trialtools as tt` offers, and what it costs."""

import importlib
import re
import subprocess
import sys
from types import ModuleType

import pytest

import trialtools as tt

ROOMS = ("criteria", "cohort", "arms", "interim", "figures", "simulate", "widgets", "lessons")


@pytest.mark.parametrize("room", ["", *(f".{room}" for room in (*ROOMS, "report") if room != "criteria")])
def test_every_door_opens_and_none_is_a_room(room):
    package = importlib.import_module(f"trialtools{room}")
    for name in dir(package):
        thing = getattr(package, name)
        if room in ("", ".arms", ".interim") and name in (*ROOMS, "data", "frames", "sequential", "laboratory"):
            assert isinstance(thing, ModuleType)
        else:
            assert not isinstance(thing, ModuleType), f"{package.__name__}.{name} is hidden by a file"
            assert thing.__doc__, f"{package.__name__}.{name} says nothing of itself"


def test_doors_stay_open_after_every_room_was_entered():
    code = "\n".join(f"import trialtools.{room}" for room in ROOMS)
    code += "\nimport trialtools as tt\nassert callable(tt.screen) and callable(tt.load_protocol)"
    subprocess.run([sys.executable, "-c", code], check=True)


HEAVY = ("polars", "pandas", "numpy", "z3", "plotly", "scipy", "pydantic")


@pytest.mark.parametrize(
    ("code", "may"),
    [
        ("import trialtools", ()),
        ("from trialtools.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass", ()),
        ("import trialtools as tt; tt.load_protocol('data/protocols/NCT05741099.yaml')", ("pydantic", "z3")),
        (
            "from trialtools.__main__ import main; main(['check', 'data/protocols/NCT05741099.yaml'])",
            ("pydantic", "z3"),
        ),
    ],
    ids=["import", "help", "load_protocol", "check"],
)
def test_the_package_is_light(code, may):
    code += f"\nimport sys; print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == f"LOADED {[name for name in HEAVY if name in may]}"


def test_what_a_question_gives_says_itself_in_a_line(root):
    """Whoever prints an object of a wide table, or of a trial, meets no page of columns."""
    protocol, cohort = tt.example("NCT05741099")
    patients, trial = tt.read_patients(cohort, protocol), tt.read_trial(root / "data/trial", protocol)
    narrower = tt.diff(protocol, protocol.amend({"I1": "18 <= age <= 75"}), patients)
    nobody = protocol.someone("late_pregnancy", "eligible")
    for each in (protocol, patients, tt.screen(protocol, patients), protocol.lint(), narrower, nobody, trial):
        assert 10 < len(repr(each)) < 250 and "\n" not in repr(each)
    assert repr(patients) == "cohort.csv, SYNTHETIC: 2,000 patients"
    assert "INELIGIBLE (15 pass, 2 fail" in repr(protocol.explain(patients.patient("P-000001")))
    assert "not collected" not in trial._repr_html_() and "labs 3,675" in trial._repr_html_()


def test_tab_on_an_object_is_a_table_of_contents(root):
    """It holds whatever a notebook asks for, and nothing that only the rooms need."""
    protocol, cohort = tt.example("NCT05741099")
    trial = tt.read_trial(root / "data/trial", protocol)
    screening, look = tt.screen(protocol, cohort), tt.look(trial, protocol)
    notebooks = "".join(file.read_text("utf-8") for file in (root / "notebooks").rglob("*.ipynb"))
    for names, each in (("protocol|rules", protocol), ("screening", screening), ("interim", look), ("trial", trial)):
        used = set(re.findall(rf"(?<![\w.])(?:{names})\.(\w+)", notebooks))
        assert used and used <= {*dir(each)} and all(hasattr(each, name) for name in dir(each)), names
    assert not {"depth", "causes", "work_out", "masks", "arm_of"} & {*dir(protocol), *dir(screening), *dir(look)}


def test_an_argument_of_the_wrong_kind_is_told_in_a_sentence():
    protocol, cohort = tt.example("NCT02210780")
    patients = tt.read_patients(cohort, protocol)
    screening = tt.screen(protocol, patients)
    for call, expected in (
        (lambda: tt.screen(patients, protocol), "tt.screen(protocol, patients) expects a Protocol, not Patients"),
        (lambda: tt.what_if(protocol, patients, {"off": ["I1"]}), "expects Edits, or changes by name"),
        (lambda: tt.read_patients(protocol, cohort), "tt.read_patients(table, protocol) expects a Protocol"),
        (lambda: tt.look(protocol, "data/trial"), "tt.look(data, protocol) expects a folder of trial data"),
        (lambda: tt.load_protocol(protocol), "tt.load_protocol(path) expects the path of a protocol file"),
        (lambda: protocol.explain(patients), "expects values by field name, such as patients.patient(id) gives"),
        (lambda: protocol.amend("I1"), "protocol.amend(changes) expects changes by criterion, not str"),
        (lambda: protocol.judge({"age": 70}, "age > 65"), "a condition expects text in the language of criteria"),
        (lambda: tt.arms.plan(screening), "tt.arms.plan(protocol) expects a Protocol, not Screening"),
        (lambda: tt.figures.impact(screening), "figures.impact(frame) expects a frame"),
        (lambda: tt.figures.flow(screening), "figures.flow(frame) expects a frame"),
        (lambda: tt.widgets.desk(patients, protocol), "tt.widgets.desk(protocol, patients) expects a Protocol"),
    ):
        with pytest.raises(TypeError, match=re.escape(expected)):
            call()
