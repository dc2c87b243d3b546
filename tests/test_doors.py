"""The front door: what `import trialtools as tt` offers, and what it costs."""

import subprocess
import sys
from types import ModuleType

import trialtools as tt


def test_every_door_opens_and_none_is_a_room():
    for room, names in tt.DOORS.items():
        for name in names:
            assert not isinstance(getattr(tt, name), ModuleType), f"tt.{name} is hidden by the room {room}"
            assert getattr(tt, name).__doc__, f"tt.{name} says nothing of itself"


def test_doors_stay_open_after_every_room_was_entered():
    code = "\n".join(f"import trialtools.{room}" for room in tt.DOORS)
    code += "\nimport trialtools as tt\nassert callable(tt.screen) and callable(tt.load_protocol)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_is_light():
    code = (
        "import sys, trialtools.protocol; print([m for m in ('polars', 'pandas', 'z3', 'plotly') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
