"""Units are turned exactly where they measure the same thing, and refused where only the dimension agrees."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialtools.criteria.contents import read_protocol
from trialtools.criteria.language import ProtocolError
from trialtools.criteria.units import factor, parse_unit, part_of_year


@pytest.mark.parametrize(
    ("unit", "wanted", "by", "plus"),
    [
        ("[degF]", "Cel", 5 / 9, -160 / 9),
        ("Cel", "K", 1, 273.15),
        ("/h", "/min", 1 / 60, 0),
        ("10*9/L", "10*6/L", 1000, 0),  # a power of ten, not ten times nine
        ("10*3/uL", "10*9/L", 1, 0),
        ("10\u00b3/\u00b5l", "10*9/L", 1, 0),  # and no hundred and three
        ("10\u2079/L", "10*3/uL", 1, 0),
        ("mcmol/L", "umol/L", 1, 0),
        ("1", "%", 100, 0),
        ("g/L", "g/dL", 0.1, 0),
        ("mg/dl", "g/L", 0.01, 0),
        ("ug/L", "ng/mL", 1, 0),
        ("\u00b5g/l", "ug/L", 1, 0),
        ("\u03bcmol/l", "umol/L", 1, 0),
        ("mg / dL", "mg/dL", 1, 0),
        ("\u2103", "Cel", 1, 0),
        ("\u00baC", "Cel", 1, 0),
        ("L/L", "%", 100, 0),
        ("umol/mol", "mmol/mol", 0.001, 0),
        ("U/L", "ukat/L", 1 / 60, 0),
        ("mL/(min.m2)", "L/min/m2", 0.001, 0),
        ("[lb_av]", "kg", 0.45359237, 0),
        ("[in_i]", "cm", 2.54, 0),
        ("mm[Hg]", "kPa", 0.133322387, 0),
        ("cm[H2O]", "kPa", 0.0980665, 0),
        ("wk", "d", 7, 0),
        ("a", "mo", 12, 0),
        ("kg.m/s2", "N", 1, 0),
    ],
)
def test_factors(unit, wanted, by, plus):
    assert factor(unit, wanted, "x") == (by, plus)


@pytest.mark.parametrize(
    ("everyday", "ucum"),
    [
        ("cells/uL", "/mm3"),
        ("cells/\u00b5l", "{cells}/uL"),
        ("/mm\u00b3", "/uL"),
        ("IU/L", "[IU]/L"),
        ("mIU/L", "m[IU]/L"),
        ("IU/L", "U/L"),
        ("mL/min/1.73m2", "mL/min/{1.73_m2}"),
        ("ml/min/1.73 m\u00b2", "mL/min/{1.73_m2}"),
        ("bpm", "/min"),
        ("breaths/min", "/min"),
        ("{beats}/min", "/min"),
        ("mmHg", "mm[Hg]"),
        ("cmH2O", "cm[H2O]"),
        ("mEq/L", "meq/L"),
        ("mOsm/kg", "mosm/kg"),
        ("years", "a"),
        ("yr", "a"),
        ("days", "d"),
        ("hours", "h"),
        ("lbs", "[lb_av]"),
        ("\u00b0C", "Cel"),
        ("mcg", "ug"),
        ("cc", "mL"),
        ("percent", "%"),
    ],
)
def test_what_people_write_every_day(everyday, ucum):
    assert factor(everyday, ucum, "x") == factor(ucum, everyday, "x") == (1, 0)


@pytest.mark.parametrize(
    ("unit", "wanted", "why"),
    [
        ("mmol/mol", "%", "the meaning is not"),
        ("g/g", "%", "the meaning is not"),
        ("mg/g", "mmol/mol", "the meaning is not"),
        ("mg/dL", "mmol/L", "depends on the substance"),
        ("meq/L", "mmol/L", "depends on the substance"),
        ("[IU]/L", "ug/L", "depends on the substance"),
        ("mosm/L", "mmol/L", "different things"),
        ("mL/min/1.73m2", "mL/min", "in braces"),
        ("mg/g{creat}", "mg/g", "in braces"),
        ("ug/mL{FEU}", "ug/mL", "in braces"),
        ("{beats}/min", "{breaths}/min", "in braces"),
        ("deg", "%", "different things"),
        ("Gy", "Sv", "different things"),
        ("Bq", "Hz", "different things"),
        ("kg", "/min", "different things"),
        ("Cel", "%", "different things"),
    ],
)
def test_what_does_not_measure_the_same_thing_is_refused_both_ways(unit, wanted, why):
    for pair in ((unit, wanted), (wanted, unit)):
        with pytest.raises(ProtocolError, match=f"x is in .* here, which cannot become .*{why}"):
            factor(*pair, "x")


@pytest.mark.parametrize(
    ("unit", "nearest"),
    [
        ("10^9/L", "10*9/L"),
        ("x10^9/L", "10*9/L"),
        ("10E9/l", "10*9/L"),
        ("10**9/L", "10*9/L"),
        ("10^4/uL", "10*4/uL"),  # and no other power
        ("10^3/L", "10*3/L"),
        ("kg/m^3", "kg/m3"),
        ("MIU/L", "m[IU]/L"),  # how a laboratory in capitals writes it; no million
        ("G/L", "10*9/L"),
        ("K/uL", None),  # kelvin: known, and no count
        ("C", "Cel"),
        ("MG/DL", "mg/dL"),
        ("Mg/dL", "mg/dL"),
        ("mg/dl/", "mg/dL"),
        ("mmol/", "mmol/L"),
        ("blub", None),
    ],
)
def test_an_unknown_unit_is_told_with_the_nearest_known_one(unit, nearest):
    with pytest.raises(ProtocolError) as error:
        factor(unit, "10*9/L", "platelets")
    assert f"'{unit}'" in str(error.value) or "cannot become" in str(error.value)
    assert nearest is None or f"did you mean '{nearest}'?" in str(error.value)


@pytest.mark.parametrize(
    "unit", ["", " ", "/", "//min", "(", ")", "{", "}", "0", "m0x", "10*", "mg/0", "1.", ".", "a/b/c"]
)
def test_odd_units_are_read_or_refused(unit):
    try:
        assert parse_unit(unit, "x").size > 0
    except ProtocolError as error:
        assert "is not known" in str(error)


@given(st.text("mgLl/{}.()10*[]HguUdk%d-2 ", max_size=12), st.text("mgLl/{}.()10*[]HguUdk%d-2 ", max_size=12))
def test_no_unit_ends_in_a_traceback_and_there_and_back_is_the_same(unit, wanted):
    try:
        (there, plus), (back, _) = factor(unit, wanted, "x"), factor(wanted, unit, "x")
    except ProtocolError:
        return
    assert there > 0 and abs(there * back - 1) < 1e-12 and plus == 0


def test_a_year_has_its_months_and_days():
    assert parse_unit("a", "x").size / parse_unit("mo", "x").size == 12
    assert parse_unit("a", "x").size / parse_unit("d", "x").size == Fraction("365.25")
    assert [part_of_year(unit, "years") for unit in ("mo", "months", "days", "wk", "a", "h", "x", None)] == [
        *("mo", "mo", "d", "wk", "", "", "", "")
    ]


def units_told(fields: str, when: str) -> list[str]:
    criteria = f"criteria:\n  - {{id: I1, kind: inclusion, label: A, when: '{when}'}}\n"
    protocol = read_protocol(f"id: U\ntitle: Units\nfields:\n{fields}{criteria}")
    return [finding.sentence for finding in protocol.lint() if finding.kind == "unit"]


def test_a_protocol_is_told_which_of_its_units_nobody_knows():
    fields = "  plt: {type: number, unit: 10^9/L, label: P}\n  pain: {type: integer, unit: '{points}', label: Pain}\n"
    (sentence,) = units_told(fields, "plt > 100 and pain < 3")
    assert "plt: the unit '10^9/L' is not known; did you mean '10*9/L'?" in sentence


@pytest.mark.parametrize(
    ("alt", "uln", "when", "sentence"),
    [
        ("U/L", "U/L", "alt <= uln", False),
        ("U/L", "IU/L", "alt <= uln", False),
        ("U/L", "ukat/L", "alt <= uln", True),
        ("U/L", "mg/L", "alt - uln < 3", True),
        ("U/L", "mg/L", "alt / uln < 3", False),
    ],
)
def test_fields_of_different_units_that_are_held_against_each_other(alt, uln, when, sentence):
    fields = f"  alt: {{type: number, unit: {alt}, label: ALT}}\n  uln: {{type: number, unit: {uln}, label: ULN}}\n"
    assert bool(units_told(fields, when)) == sentence


@pytest.mark.parametrize(
    ("unit", "meant"),
    [
        ("103/uL", "10*3/uL"),
        ("1000/mm3", "10*3/uL"),
        ("109/L", "10*9/L"),
        ("K/uL", "10*3/uL"),
        ("Gpt/l", "10*9/L"),
        ("mM", "mmol/L"),
        ("mg/24 h", "mg/d"),
        ("mg%", "mg/dL"),
        ("inch", "[in_i]"),
    ],
)
def test_a_unit_that_looks_like_another_is_refused_with_what_is_meant(unit, meant):
    with pytest.raises(ProtocolError, match=re.escape(f"did you mean '{meant}'?")):
        factor(unit, "fL", "x")


@pytest.mark.parametrize(
    "unit",
    ["Mio/ml", "millimol/L", "vol%", "ppm", "Torr", "thousand/uL", "100/uL", "m0", f"{'(' * 2000}m{')' * 2000}"],
)
def test_no_unit_is_guessed_that_is_only_a_little_like_it(unit):
    with pytest.raises(ProtocolError, match="write it as UCUM does"):
        factor(unit, "mmol/L", "x")
