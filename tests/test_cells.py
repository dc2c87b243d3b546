"""What the text of one cell stands for: a value, the bounds of one that is known in part, or the reason why neither."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialtools.cohort.sources import MappedColumn
from trialtools.cohort.sources.cells import Cell, read_cell
from trialtools.criteria.protocol import Field

NUMBER, WHOLE, DAY = Field("number", "", "mg/L"), Field("integer", ""), Field("date", "")
AGE = Field("integer", "", "years", (0, 120))


def number(text: str, field: Field = NUMBER, **how) -> Cell:
    return read_cell(text, field, MappedColumn("x", **how))


def day(text: str, field: Field = DAY, **how) -> Cell:
    return read_cell(text, field, MappedColumn("x", **how))


def just_above(value: float) -> float:
    return math.nextafter(value, math.inf)


def just_below(value: float) -> float:
    return math.nextafter(value, -math.inf)


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1.250", ",", 1250),
        ("1.250,5", ",", 1250.5),
        ("1.234.567", ",", 1234567),
        ("-1,5", ",", -1.5),
        (",5", ",", 0.5),
        ("1,250", ".", 1250),
        ("1,250.5", ".", 1250.5),
        ("1\u2009250,5", ",", 1250.5),
        ("1\u202f250", None, 1250),
        ("1\u00a0250.5", None, 1250.5),
        ("12 500", None, 12500),
        ("1'250", None, 1250),
        ("1\u2019250", None, 1250),
        ("\u22125", None, -5),
        ("\t5\u200b", None, 5),
        ("\ufeff5\u00a0", None, 5),
        ("1e3", None, 1000),
        ("\uff11\uff12", None, 12),
    ],
)
def test_numbers_are_read_with_the_marks_that_were_declared(text, decimal, value):
    assert number(text, decimal=decimal).value == value


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("1.25", ","),
        ("0.250", ","),
        ("1.2345", ","),
        ("12.34.567", ","),
        ("1.250.5", ","),
        ("1,250", None),
        ("1,5", None),
        ("1,250.5", None),
        ("1,25", "."),
        ("1.250.000", "."),
        ("1 25", None),
        ("1 2500", None),
        ("1_000", None),
        ("0x1f", None),
        ("1/2", None),
        ("1:40", None),
        ("n.a.", None),
        ("-", None),
        ("5 5", None),
        ("5 -", None),
        ("1e", None),
        ("", None),
        (".", None),
        (">", None),
        ("> n.a.", None),
        ("10-5", None),
        ("5-", None),
        ("1-2-3", None),
        ("5 mg/L-1 g", None),
        ("20 \u00b1 2", None),
        ("20*", None),
        ("~20", None),
    ],
)
def test_a_number_written_another_way_is_refused(text, decimal):
    cell = number(text, decimal=decimal)
    assert cell == Cell(fault=cell.fault) and cell.fault


@pytest.mark.parametrize(
    ("text", "unit", "column", "value"),
    [
        ("97 %", "%", None, 97),
        ("97%", "%", None, 97),
        ("97\u202f%", "%", None, 97),
        ("22/min", "/min", None, 22),
        ("22 / min", "/min", None, 22),
        ("22 breaths/min", "/min", None, 22),
        ("37.5 \u00b0C", "Cel", None, 37.5),
        ("99.5 \u00b0F", "Cel", None, 37.5),
        ("120 mmHg", "mm[Hg]", None, 120),
        ("5 mg/dl", "mg/L", None, 50),
        ("5 mg/dl", "mg/L", "mg/dL", 5),  # in the unit of its column, which the table turns as a whole
        ("250 10*9/L", "10*9/L", None, 250),
        ("2 weeks", "d", None, 14),
        ("5 \u00b5mol/l", "umol/L", None, 5),
    ],
)
def test_a_unit_behind_the_number(text, unit, column, value):
    assert number(text, Field("number", "", unit), unit=column).value == value


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("20-25", 20, 25),
        ("18\u201385", 18, 85),
        ("20 to 25 years", 20, 25),
        ("20..25", 20, 25),
        ("20.5 - 25.5", 21, 25),
        ("11-25 mo", 0, 2),
        ("7-7", 7, 7),
    ],
)
def test_a_range_is_known_in_part(text, low, high):
    assert number(text, AGE) == Cell(low=low, high=high)


def test_a_range_in_the_marks_and_units_of_its_column():
    assert number("1,5-2,5", decimal=",") == Cell(low=1.5, high=2.5)
    assert number("1-2 g/L") == Cell(low=1000, high=2000)
    assert number("5-10", unit="mg/dL") == Cell(low=50, high=100)
    assert number("1e-2") == Cell(0.01) and number("-5 - -1") == Cell(low=-5, high=-1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1_000", "underscore"),
        ("20 \u00b1 2", "with its error"),
        ("20 +/- 2", "with its error"),
        ("20*", "write the number alone"),
        ("20-", "write the number alone"),
        ("~20", "nothing before it but a sign"),
        ("ca. 20", "nothing before it but a sign"),
        ("25-20", "from its lower end to its upper one"),
        ("n.a.", "belongs under missing:"),
    ],
)
def test_a_refusal_has_its_own_words(text, message):
    assert message in number(text, WHOLE).fault


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2020-06-01 00:00", date(2020, 6, 1)),
        ("2020-06-01T23:30", date(2020, 6, 1)),
        ("2020-06-01 23:30:59.123", date(2020, 6, 1)),
        ("2023-W05-3", date(2023, 2, 1)),
    ],
)
def test_a_time_of_iso_8601_is_of_its_day(text, value):
    assert day(text).value == day(text, format="%d/%m/%Y").value == value


@pytest.mark.parametrize("text", ["2020-06-01T23:30-04:00", "2020-06-01 23:30:00-0400", "2020-06-02T03:30Z"])
def test_a_time_with_an_offset_needs_a_place(text):
    assert "zone:" in day(text).fault and not day(text).value
    assert day(text, zone="Asia/Shanghai").value == date(2020, 6, 2)
    assert day(text, zone="America/New_York").value == date(2020, 6, 1)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2023-W05", date(2023, 1, 30), date(2023, 2, 5)),
        ("2023-Q1", date(2023, 1, 1), date(2023, 3, 31)),
        ("2020-06-01/2020-06-03", date(2020, 6, 1), date(2020, 6, 3)),
        ("2020-02 to 2020-03", date(2020, 2, 1), date(2020, 3, 31)),
        ("2020-06-01 \u2013 2020-07-01", date(2020, 6, 1), date(2020, 7, 1)),
    ],
)
def test_weeks_quarters_and_spans_are_known_in_part(text, low, high):
    assert day(text) == Cell(low=low, high=high)


@pytest.mark.parametrize(
    "text",
    [
        "13/06/2020",
        "06/13/2020",
        "1.6.2020",
        "1 Jun 2020",
        "01JUN2020",
        "20200601",
        "June 2020",
        "2020/06/01",
        "06/2020",
        "1/6/2020 10:30",
        "06/13/2020 10:30 PM",
        "Jun 5, 2020",
        "2020-06-01 10:00 PM",
        "01-Jun-2020",
        "30.06.20",
    ],
)
def test_a_hint_that_is_obeyed_leads_to_a_day(text):
    """Whatever format the message names reads the text; where it names two, both do."""
    named = re.findall(r"'(%[^']+)'", day(text).fault)
    for written in named:
        made = day(text, format=written, pivot=2030 if "%y" in written else None)
        assert made.fault == "" and (made.value or made.low).year == 2020
    assert named


@pytest.mark.parametrize("text", ["1 " * 100_000 + "x", "1-" * 50_000, "9" * 100_000, "1 to " * 20_000, "> " * 50_000])
def test_a_text_that_is_far_too_long_is_refused_at_once(text):
    for cell in (number(text), day(text), number("5 " + text)):
        assert "has more than" in cell.fault


def test_many_texts_that_say_nothing_are_refused_without_a_search_in_each():
    """Two hundred thousand of them took minutes when each was held against every format and unit."""
    with patch("trialtools.criteria.units.get_close_matches", return_value=[]) as searched:
        for i in range(100_000, 100_020):
            assert "write it as UCUM does" in number(f"5 qx-{i}").fault
    assert searched.call_count <= 1
    with patch("trialtools.cohort.sources.cells.datetime", wraps=datetime) as clock:
        day("22.5.2001 0.39")
        before = clock.strptime.call_count
        day("19.7.1990 0.98")
    assert clock.strptime.call_count <= before + 3


def test_what_no_format_reads_is_told_so():
    assert "no such day" in day("2020-06-31").fault
    for text in ("43983", "1590969600", "2023-032", "spring 2020", "n.a."):
        assert "no format: reads it" in day(text).fault
    assert "one format" in day("06/13/2020", format="%d/%m/%Y").fault


def test_months_behind_an_age_are_completed_years():
    assert [number(f"{months} months", AGE).value for months in (11, 12, 18, 23, 24)] == [0, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("text", "unit"),
    [("53 mmol/mol", "%"), ("97 %", None), ("5 mmol/L", "mg/L"), ("5 x", "mg/L"), ("5 %", "mg/L"), ("3 *", "mg/L")],
)
def test_another_unit_behind_the_number_is_refused(text, unit):
    assert number(text, Field("number", "", unit)).fault


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("> 100", just_above(100), None),
        (">100", just_above(100), None),
        (">=100", 100, None),
        ("=>100", 100, None),
        ("\u2265 100", 100, None),
        ("90+", 90, None),
        ("<0.5", None, just_below(0.5)),
        ("\u2264 3", None, 3),
        ("\uff1c3", None, just_below(3)),
        ("< 5 mg/dL", None, just_below(50)),
    ],
)
def test_numbers_known_in_part(text, low, high):
    assert number(text) == Cell(low=low, high=high)


def test_bounds_of_whole_numbers():
    assert number("> 3", WHOLE) == number("> 3.0", WHOLE) == number(">= 4", WHOLE) == Cell(low=4)
    assert number("> 3.5", WHOLE) == number(">= 3.5", WHOLE) == Cell(low=4)
    assert number("< 3", WHOLE) == number("<= 2.9", WHOLE) == Cell(high=2)
    assert number("< 3.5", WHOLE) == number("<= 3", WHOLE) == Cell(high=3)
    assert number("< 18 months", AGE) == Cell(high=1)


@given(st.integers(-300, 3000), st.sampled_from(["<", "<=", ">", ">="]))
def test_a_bound_holds_for_every_age_that_it_can_mean(months, sign):
    """Completed years of an age in months: the bounds are the least and the most that half a month's steps allow."""
    cell = number(f"{sign} {months}", AGE, unit="mo")
    allowed = [half / 2 for half in range(2 * months - 60, 2 * months + 60) if eval(f"{half / 2} {sign} {months}")]
    years = [math.floor(age / 12) for age in allowed]
    assert cell == (Cell(low=min(years)) if ">" in sign else Cell(high=max(years)))


@pytest.mark.parametrize(
    ("text", "format", "low", "high"),
    [
        ("2023-05", None, date(2023, 5, 1), date(2023, 5, 31)),
        ("2023-5", None, date(2023, 5, 1), date(2023, 5, 31)),
        ("2024-02", None, date(2024, 2, 1), date(2024, 2, 29)),
        ("2023", None, date(2023, 1, 1), date(2023, 12, 31)),
        ("2020-UN-UN", None, date(2020, 1, 1), date(2020, 12, 31)),
        ("2020-05-UN", None, date(2020, 5, 1), date(2020, 5, 31)),
        ("2020-UNK-UNK", None, date(2020, 1, 1), date(2020, 12, 31)),
        ("2020-05-??", None, date(2020, 5, 1), date(2020, 5, 31)),
        ("2020-05-XX", None, date(2020, 5, 1), date(2020, 5, 31)),
        ("2020-05-00", None, date(2020, 5, 1), date(2020, 5, 31)),
        ("2020-00-05", None, date(2020, 1, 1), date(2020, 12, 31)),
        ("2020---15", None, date(2020, 1, 1), date(2020, 12, 31)),
        ("UN.05.2020", "%d.%m.%Y", date(2020, 5, 1), date(2020, 5, 31)),
        ("00.00.2020", "%d.%m.%Y", date(2020, 1, 1), date(2020, 12, 31)),
        ("05.2020", "%d.%m.%Y", date(2020, 5, 1), date(2020, 5, 31)),
        ("2020", "%d.%m.%Y", date(2020, 1, 1), date(2020, 12, 31)),
        ("05/2020", "%m/%Y", date(2020, 5, 1), date(2020, 5, 31)),
        ("2020", "%Y", date(2020, 1, 1), date(2020, 12, 31)),
        ("< 2020", None, None, date(2019, 12, 31)),
        ("<= 2020-05", None, None, date(2020, 5, 31)),
        ("> 2020-05", None, date(2020, 6, 1), None),
        (">= 2020-05-03", None, date(2020, 5, 3), None),
    ],
)
def test_days_known_in_part(text, format, low, high):
    assert day(text, format=format) == Cell(low=low, high=high)


@pytest.mark.parametrize(
    ("text", "format", "value"),
    [
        ("13/01/2020", "%d/%m/%Y", date(2020, 1, 13)),
        ("1.2.2020", "%d.%m.%Y", date(2020, 2, 1)),
        ("20200113", "%Y%m%d", date(2020, 1, 13)),
        ("13-Jan-2020", "%d-%b-%Y", date(2020, 1, 13)),
        ("2020-01-13", "%F", date(2020, 1, 13)),
        ("2020-01-13 23:59", "%Y-%m-%d %H:%M", date(2020, 1, 13)),
        ("2020-01-13 00:00:00", "%d.%m.%Y", date(2020, 1, 13)),  # how a workbook writes the day of a date cell
        ("2020-01-13T10:30", None, date(2020, 1, 13)),
    ],
)
def test_days_in_their_format(text, format, value):
    assert day(text, format=format).value == value


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("2020-02-30", None),
        ("2020-13-01", None),
        ("2020-13", None),
        ("13/01/2020", None),
        ("01/13/2020", "%d/%m/%Y"),
        ("1/2/20", "%d/%m/%Y"),
        ("2020111", "%Y%m%d"),
        ("05/20", "%d/%m/%y"),
        ("0000", None),
        ("43831", None),
        ("> 9999-12-31", None),
        ("", None),
        ("soon", None),
    ],
)
def test_what_is_no_day_is_refused(text, format):
    assert day(text, format=format).fault


def test_two_digits_of_a_year_need_a_pivot_or_a_range():
    assert "century" in day("12/03/69", format="%d/%m/%y").fault
    assert day("12/03/69", format="%d/%m/%y", pivot=2030).value == date(1969, 3, 12)
    assert day("12/03/30", format="%d/%m/%y", pivot=2030).value == date(2030, 3, 12)
    assert day("12/03/31", format="%d/%m/%y", pivot=2030).value == date(1931, 3, 12)
    birth = Field("date", "", range=(date(1920, 1, 1), date(2015, 12, 31)))
    assert day("12/03/69", birth, format="%d/%m/%y").value == date(1969, 3, 12)
    assert (
        "century"
        in day("12/03/15", Field("date", "", range=(date(1910, 1, 1), date(2020, 1, 1))), format="%d/%m/%y").fault
    )
    assert day("29/02/00", format="%d/%m/%y", pivot=1999).fault  # 1900 had none


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.sampled_from(["%d.%m.%Y", "%Y-%m-%d", "%m/%d/%Y", "%Y%m%d"]))
def test_every_day_comes_back(when, format):
    assert day(when.strftime(format), format=format).value == when
    part = day(when.strftime("%Y-%m"))
    assert part.low <= when <= part.high and part.high + timedelta(1) == (part.low + timedelta(31)).replace(day=1)


@given(st.text(max_size=12), st.sampled_from([None, ".", ","]), st.sampled_from([NUMBER, WHOLE, DAY, AGE]))
def test_no_text_ends_in_a_traceback(text, decimal, field):
    cell = read_cell(text, field, MappedColumn("x", decimal=decimal if field.type != "date" else None))
    assert cell.fault or cell != Cell()
