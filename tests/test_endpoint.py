"""The declared endpoint: what is understood, and what is refused with the place it stands at."""

from dataclasses import replace

import pandas as pd
import pytest

from trialtools.criteria.protocol import DataError, DesignItem
from trialtools.interim.data.read import primary_of
from trialtools.interim.endpoint import endpoint_of

FULL = {"name": "progression", "kind": "binary", "day": 28, "better": "lower"}


@pytest.fixture
def declared(protocol):
    """The endpoint of the bundled protocol, declared otherwise; an item that is None is left out."""

    def endpoint(value, **more):
        items = {**protocol.design, "endpoint": DesignItem(value)}
        items |= {name: DesignItem(item) for name, item in more.items()}
        return replace(protocol, design=items)

    return endpoint


@pytest.mark.parametrize(
    ("day", "days"), [(28, 28), ("28 days", 28), ("4 weeks", 28), ("1 week", 7), ("6 months", 183), ("12 months", 365)]
)
def test_a_window_is_in_days_weeks_or_months(declared, day, days):
    assert endpoint_of(declared(FULL | {"day": day})).day == days


@pytest.mark.parametrize(
    ("window", "days"),
    [
        ("±3 days", (25, 31)),
        ("+/-3", (25, 31)),
        ("+- 1 week", (21, 35)),
        ("25 to 31", (25, 31)),
        ("days 28-35", (28, 35)),
    ],
)
def test_the_window_of_a_visit_is_in_days_after_randomization(declared, window, days):
    endpoint = endpoint_of(declared(FULL | {"window": window}))
    assert (endpoint.window, endpoint.last, endpoint.by_day) == (days, days[1], " by day 28")


@pytest.mark.parametrize(
    ("text", "name", "day"),
    [
        ("pep", "pep", None),
        ("progression by day 28", "progression", 28),
        ("progression at Day-28", "progression", 28),
        ("progression within 4 weeks", "progression", 28),
        ("all-cause death at week 24", "all-cause death", 168),
    ],
)
def test_a_short_text_is_a_name_and_a_day(declared, text, name, day):
    endpoint = endpoint_of(declared(text, better="higher"))
    assert (endpoint.name, endpoint.day, endpoint.kind, endpoint.better) == (name, day, "binary", "higher")


@pytest.mark.parametrize(
    "text",
    [
        "change of progression from day 1 to day 28",
        "progression between day 8 and day 28",
        "Death within 60 days; progression by day 28",
        "progression within 6 months",  # months differ in length: the short form does not choose
        "progression (30 +/- 3 days after randomization)",
    ],
)
def test_prose_is_refused_and_not_searched_for_numbers(declared, text):
    with pytest.raises(DataError, match=r"design.endpoint is .* declare it, such as \{name: progression"):
        endpoint_of(declared(text))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "survival"}, "kind is 'survival'; expected binary, time_to_event, continuous, ordinal"),
        ({"better": "fewer"}, "better is 'fewer'; expected lower or higher"),
        ({"better": None}, "says no better; such as"),
        ({"name": ""}, "says no name; such as"),
        ({"day": 0}, "day is 0; expected whole days"),
        ({"day": "soon"}, "day is 'soon'; expected whole days"),
        *(
            ({"window": window}, "window is .*; expected days that hold its day")
            for window in ("3 days", "±28", "1 to 9")
        ),
        ({"window": "±3 days", "kind": "time_to_event"}, "a time to event has none"),
        ({"window": "±3 days", "day": None}, "expected days that hold its day"),
        ({"dya": 28}, "no item 'dya'; did you mean 'day'"),
        ({"kind": "ordinal"}, "the kind is ordinal, and there are no levels"),
        ({"levels": ["well", "ill", "dead"]}, "the kind is binary, and there are 3 levels"),
        ({"levels": "well to dead"}, "the kind is binary, and there are 1 levels"),
    ],
)
def test_a_declaration_that_cannot_be_understood_is_refused(declared, change, message):
    with pytest.raises(DataError, match=rf"NCT05741099: design.endpoint.*{message}"):
        endpoint_of(declared(FULL | change))


def test_an_ordinal_endpoint_declares_its_levels_best_first(declared):
    value = {"name": "status", "kind": "ordinal", "day": 14, "levels": ["home", "ward", "dead"]}
    assert endpoint_of(declared(value)).levels == ("home", "ward", "dead")


def test_the_declared_endpoint_is_looked_for_among_the_outcomes(protocol, declared):
    """Early on recoveries are known and nothing else: they must not be taken for progressions."""

    def name_and_window(*names, of=protocol):
        primary = primary_of(pd.DataFrame({"endpoint": names}, dtype="str"), of and endpoint_of(of))
        return primary.name, primary.window

    assert name_and_window("recovery", "progression") == name_and_window("progression") == ("progression", 28)
    assert name_and_window("recovery") == name_and_window() == (None, 28)
    assert name_and_window("Progression") == ("Progression", 28)
    assert name_and_window("recovery", of=None) == ("recovery", None)
    assert name_and_window("recovery", "death", of=None) == (None, None)


def test_the_bundled_protocols_declare_their_endpoints(root):
    import trialtools as tt

    kinds = {"NCT05741099": "binary", "NCT02210780": "binary", "NCT04288102": "continuous", "NCT04355728": "continuous"}
    for file, kind in kinds.items():
        assert endpoint_of(tt.load_protocol(root / f"data/protocols/{file}.yaml")).kind == kind
