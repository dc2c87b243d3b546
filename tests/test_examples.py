"""The trials that come with the package: the same from a checkout and from an installed wheel."""

import os
import subprocess
import sys

import pytest

import trialtools as tt

NAMES = ("NCT02210780", "NCT04288102", "NCT04355728", "NCT05741099")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_the_file_of_the_checkout(root, name):
    protocol, cohort = tt.example(name)
    assert protocol == tt.load_protocol(root / "data" / "protocols" / f"{name}.yaml")
    folder = "cohort_NCT02210780" if name == "NCT02210780" else "cohort"
    assert cohort.read_bytes() == (root / "data" / folder / "cohort.csv").read_bytes()


def test_readings_are_chosen_as_in_load_protocol():
    assert tt.example("NCT05741099", readings="I6=registered").protocol.reading("I6") == "registered"


@pytest.mark.parametrize("name", ["", "NCT05741098", "../protocols/NCT05741099", None, 5])
def test_another_name_is_told_the_names_there_are(name):
    with pytest.raises(tt.ProtocolError) as error:
        tt.example(name)
    assert str(error.value) == f"there is no example {name!r}; there are {', '.join(NAMES)}"


ELSEWHERE = """
import sys, trialtools as tt
assert tt.__file__.startswith(sys.argv[1]), tt.__file__
for name in sys.argv[2:]:
    protocol, cohort = tt.example(name)
    assert str(cohort).startswith(sys.argv[1]) and protocol.source
screening = tt.screen(*tt.example("NCT05741099"))
print(screening.n, screening.certain, screening.possible)
"""


def test_an_installed_wheel_brings_them_far_from_the_checkout(root, tmp_path):
    pip, site = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"], tmp_path / "site"
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, root], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    command = [sys.executable, "-c", ELSEWHERE, site, *NAMES]
    run = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(site)}, capture_output=True, text=True
    )
    assert run.stdout.split() == ["2000", "51", "350"], run.stderr
