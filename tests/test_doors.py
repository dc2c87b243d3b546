"""The front door: what `import trialtools as tt` offers, and what it costs."""

import importlib
import subprocess
import sys
from types import ModuleType

import pytest

ROOMS = ("criteria", "cohort", "arms", "interim", "figures", "simulate", "widgets", "lessons")


@pytest.mark.parametrize("room", ["", ".cohort", ".arms", ".interim"])
def test_every_door_opens_and_none_is_a_room(room):
    package = importlib.import_module(f"trialtools{room}")
    for name in dir(package):
        found = getattr(package, name)
        if name in (*ROOMS, "data", "frames", "sequential", "laboratory"):
            assert isinstance(found, ModuleType)
        else:
            assert not isinstance(found, ModuleType), f"{package.__name__}.{name} is hidden by a file"
            assert found.__doc__, f"{package.__name__}.{name} says nothing of itself"


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
