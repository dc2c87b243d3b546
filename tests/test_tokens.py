"""The one sheet of colours: what is read and every mark stand out from their ground, in light and in dark."""

import re
from pathlib import Path

import pytest

SHEET = (Path(__file__).parents[1] / "trialtools" / "figures" / "tokens.css").read_text("utf-8")
TEXTS = ("ink", "quiet", "act", "pass-text", "fail-text", "open-text")
MARKS = ("edge", "pass", "fail", "open", "arm-1", "arm-2")
GROUNDS = ("paper", "panel", "note-ground", "mark", "alarm")


def tokens(theme):
    """The colours of a theme by name; dark changes those of light."""
    light, dark = (SHEET[SHEET.index(start) :].partition("}")[0] for start in (".tt {", ".tt[data"))
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    return colours | (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark)) if theme == "dark" else {})


def luminance(colour):
    """Relative luminance. Source: WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_what_is_read_stands_out(theme, ground):
    colours = tokens(theme)
    for text in TEXTS:
        assert contrast(colours[text], colours[ground]) >= 4.5, f"{text} on {ground}, {theme}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_borders_and_pressed_buttons_stand_out(theme):
    colours = tokens(theme)
    for mark in MARKS:
        assert min(contrast(colours[mark], colours[ground]) for ground in ("paper", "panel")) >= 3, f"{mark}, {theme}"
    assert contrast(colours["on-act"], colours["act"]) >= 4.5
    assert contrast(colours["paper"], colours["ink"]) >= 7, "a button that is chosen has ground and ink exchanged"
    assert contrast(colours["ink"], colours["line"]) >= 4.5, "words on a hatched ground"
    for arm in ("arm-1", "arm-2-text"):
        assert min(contrast(colours[arm], colours[ground]) for ground in ("paper", "panel")) >= 4.5, f"{arm}, {theme}"


def test_no_screen_has_colours_of_its_own():
    """But for the paper on which figures are drawn: their colours are those of the reports."""
    package = Path(__file__).parents[1] / "trialtools"
    for file in [*(package / "widgets").glob("*.css"), package / "figures" / "portable.css"]:
        assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", file.read_text("utf-8"))) <= {"#fff"}, file.name
