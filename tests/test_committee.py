"""Open and closed: what the committee's reports are made of, what stops them, and that the open one tells no arm."""

import base64
import json

import numpy as np
import pytest

from trialtools.committee import leaks

ARMS = {f"S{i}": "mscs" if i % 5 else "comparator" for i in range(60)}  # 48 and 12


def found(folder, name, text, arms=ARMS):
    (folder / name).write_text(text)
    return [leak.found for leak in leaks(folder, ["mscs", "comparator", "Comparator group"], arms)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.html", "<td>Comparator&nbsp;group</td>"),
        ("x.html", "<p>in the <b>MSCs</b>:</p>"),
        ("x.html", '<script type="application/json">{"hovertext": "S1<br>\\u006dscs"}</script>'),
        ("x.ipynb", json.dumps({"cells": [{"outputs": [{"data": {"text/html": "arm&#61;mscs"}}]}]})),
        ("x.manifest.json", json.dumps({"facts": {"deaths_mscs": 3}})),
    ],
)
def test_the_name_of_an_arm_is_found_wherever_it_stands(tmp_path, name, text):
    assert any("the arm name" in told for told in found(tmp_path, name, text))


@pytest.mark.parametrize("text", ["48 and 12 people", "<td>12</td>\n<td>48</td>", "n = 48 v 12"])
def test_the_sizes_of_the_arms_are_found_side_by_side(tmp_path, text):
    assert found(tmp_path, "x.html", text) == ["the sizes of the arms side by side"]


def test_a_list_that_divides_as_the_arms_do_is_found_however_it_is_coded(tmp_path):
    codes = [1 if arm == "mscs" else 0 for arm in ARMS.values()]
    packed = {"dtype": "i1", "bdata": base64.b64encode(np.array(codes, "int8").tobytes()).decode()}
    for data in (codes, packed, [["S", code] for code in codes]):
        figure = json.dumps({"data": [{"customdata": data}]})
        assert found(tmp_path, "x.html", f'<script type="application/json">{figure}</script>')
        assert found(tmp_path, "x.ipynb", figure)
        (tmp_path / "x.ipynb").unlink()


def test_an_open_page_has_no_leak(tmp_path):
    packed = '<script type="text/plain" id="plotly-packed">+mscs/12/48</script>'
    figure = {"data": [{"y": list(range(60)), "text": ["a"] * 30 + ["b"] * 30}]}
    said = "60 randomized, comparators, 1.12 to 48.5"
    page = f'{packed}{said}<script type="application/json">{json.dumps(figure)}</script>'
    assert found(tmp_path, "x.html", page) == []
