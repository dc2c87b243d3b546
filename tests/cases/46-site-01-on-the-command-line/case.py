"""A site '01' stays '01'; and a report of the same cutoff from data that have changed since is refused."""

import contextlib
import io
import shutil

import pandas as pd

from trialtools.__main__ import main


def report(data):
    arguments = ["-p", "protocol=protocol.yaml", "-p", f"data={data}", "-p", "cutoff=2023-03-15", "-p", "look=1"]
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
        code = main(["report", "interim", *arguments, "--site", "01", "--out", "out"])
    return code, "changed since the first report" in stderr.getvalue()


def case():
    first = report("trial")
    shutil.copytree("trial", "late")
    outcomes = pd.read_csv("late/outcomes.csv")
    outcomes.loc[0, "value"] = 1 - outcomes.loc[0, "value"]
    outcomes.to_csv("late/outcomes.csv", index=False)
    second = report("late")
    return (first, second[0] != 0, second[1]), ((0, False), True, True)
