"""The explorer of a report, in a page opened from a file without network or kernel: its counts hold the kernel's."""

import json
import random
import re
from collections import defaultdict
from itertools import combinations, compress, pairwise
from pathlib import Path

import pytest
from conftest import sample

import trialtools as tt
from trialtools import figures
from trialtools.cohort.whatif import CohortCache, Edits, drop_criteria, toggle_effects, with_edits
from trialtools.report.page import POLICY

CASES = sample(40)

SET = (Path(__file__).parent / "portable_hands.js").read_text("utf-8")


@pytest.fixture
def page(browser, tmp_path):
    """Opens a portable table as a report is opened: from a file, under the policy of reports."""
    page = browser.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))

    def open_(table):
        policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        file = tmp_path / "report.html"
        file.write_text(f"<!DOCTYPE html><meta charset=utf-8>{policy}{figures.portable_explorer(table)}", "utf-8")
        page.goto(file.as_uri())
        return page

    yield open_
    assert not page.complaints
    page.close()


def a_setting(draw, table):
    """Some criteria off, some read another way, perhaps one limit at another value; what a person could set."""
    ids = [criterion["id"] for criterion in table["criteria"]]
    off = draw.sample(ids, draw.choice([0, 0, 1, 1, 2, 4, len(ids) - 1]))
    several = [each for each in table["criteria"] if len(each["columns"]) > 1]
    other = [each for each in several if draw.random() < 0.15]
    readings = {each["id"]: draw.choice([r for r in each["columns"] if r != each["chosen"]]) for each in other}
    free = [at for at, limit in enumerate(table["limits"]) if limit["criterion"] not in {*off, *readings}]
    at = draw.choice(free) if free and draw.random() < 0.6 else None
    return off, readings, at, draw.randrange(len(table["limits"][at]["values"])) if at is not None else 0


def ends(text):
    """`51` and `48 to 55` as two ends."""
    numbers = [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", text)]
    return numbers[0], numbers[-1]


@pytest.mark.long
@pytest.mark.parametrize("minimum", [5, 1])
def test_a_count_of_the_page_holds_that_of_the_kernel(page, screening, counts, protocol, minimum, capsys):
    """Random settings: with groups of five the true count lies between, without it is the count; 10,000 by N=10000."""
    table = counts(minimum)
    shown, cache, draw = page(table), CohortCache(protocol, screening.patients), random.Random(minimum)
    took, wide = [], defaultdict(list)
    for _ in range(CASES):
        off, readings, at, value = a_setting(draw, table)
        limit = table["limits"][at] if at is not None else None
        edits = Edits(
            off=tuple(off),
            readings=readings,
            thresholds={limit["threshold"]: limit["values"][value]} if limit else {},
        )
        own = [each for each in table["limits"] if limit and each["criterion"] == limit["criterion"]]
        slider = [limit["criterion"], own.index(limit), value] if limit else None
        seen = shown.evaluate(SET, {"off": off, "readings": readings, "limit": slider})
        full = cache.screen(with_edits(protocol, edits))
        counted = drop_criteria(full, edits.off)
        sure, open_ = seen["ends"].removesuffix(".").split(". With")
        pairs = [(ends(sure), counted.certain), (ends(open_), counted.possible)]
        for row, told in zip(toggle_effects(full, edits.off).to_dict("records"), seen["cells"], strict=True):
            pairs += [(ends(told[0]), row["certain"]), (ends(told[1]), row["possible"])]
        for (low, high), true in pairs:
            assert low <= true <= high and (minimum > 1 or low == high), (edits, seen)
        for at, ((low, high), _) in enumerate(pairs[2:]):
            apart = abs(low - pairs[at % 2][0][0])
            exact = low == high and len({*pairs[at % 2][0]}) == 1
            assert not exact or apart == 0 or apart >= minimum, f"two counts tell of {apart}: {edits}"
        wide[len(off) + len(readings) + bool(limit)].append(ends(open_)[1] - ends(open_)[0])
        lowest, highest = ends(sure)[0], ends(open_)[1]
        assert ends(seen["headline"].split(" of ")[0]) == (lowest, highest)
        took.append(seen["took"]) if limit else None
    with capsys.disabled():
        print(f"\n  minimum {minimum}: slider to redraw {sorted(took)[len(took) // 2]:.1f} ms (median of {len(took)})")
        print("  width of a count, median by changes:", {n: sorted(wide[n])[len(wide[n]) // 2] for n in sorted(wide)})


def test_as_the_protocol_says_it_is_the_very_count(page, screening, counts):
    """And so it is of one change alone, unless that tells of fewer than five patients."""
    table = counts(5)
    shown, told = page(table), {tuple(which) for which, *_ in table["near"]}
    assert shown.locator(".headline").inner_text() == (
        f"At least {screening.certain} and at most {screening.possible} of 2,000 patients are eligible"
    )
    exact = 0
    for row in screening.impact().to_dict("records"):
        seen = [ends(cell) for cell in shown.locator(f"[data-criterion={row['criterion']}] td.n").all_inner_texts()]
        true = [screening.certain + row["gain_certain"], screening.possible + row["gain_possible"]]
        assert all(low <= n <= high for (low, high), n in zip(seen, true, strict=True))
        if (table["changes"].index((row["criterion"], "")),) in told:
            assert seen == [(n, n) for n in true]
            exact += 1
    assert exact > 5


def test_one_limit_at_a_time_and_what_is_no_value_is_told(page, counts):
    shown = page(counts(5))
    lower, upper = (shown.get_by_label(f"I1, Age at screening {word}", exact=True) for word in ("from", "to"))
    first = shown.locator(".headline").inner_text()
    wrong = shown.locator(".wrong").nth(1)
    for typed, told in [("", "No number is typed"), ("abc", "No number is typed"), ("999", "999 is outside 0 to 120")]:
        upper.fill(typed)
        assert told in wrong.inner_text() and "85 stays" in wrong.inner_text()
        assert shown.locator(".headline").inner_text() == first
    upper.fill("60")
    assert "I1, Age at screening to 60 (85 in the protocol)" in shown.locator(".above").inner_text()
    lower.fill("30")
    above = shown.locator(".above").inner_text()
    assert "one limit at a time" in above and upper.input_value() == "85" and "to 60" not in above
    shown.get_by_label("I6 Respiratory rate").uncheck()
    assert shown.get_by_label("I6, Respiratory rate at rest below", exact=True).is_disabled()
    shown.locator("tbody [type=checkbox]:checked").evaluate_all("(boxes) => boxes.forEach((box) => box.click())")
    assert "One criterion at least must stay on" in shown.locator(".above").inner_text()
    assert shown.locator("tbody [type=checkbox]:checked").count() == 1


def test_no_small_group_travels(screening, counts):
    """Groups of five at least; whatever counts differ by, in a sweep of one limit, is five patients or none."""
    table = counts(5)
    assert min(table["groups"]["n"]) >= 5 and sum(table["groups"]["n"]) == screening.n
    for limit in table["limits"]:
        assert len(limit["curves"]) == len(table["groups"]["n"])
        for _, rows in limit["near"]:
            for (_, *before), (_, *after) in pairwise(rows):
                assert all(abs(x - y) >= 5 or x == y for x, y in zip(before, after, strict=True)), limit["threshold"]
            assert all(count >= 5 or count == 0 for _, *counts in rows for count in counts)
    told = {tuple(which): counts for which, *counts in table["near"]}
    assert max(map(len, told)) == 2, "counts of three criteria off and the groups, put together, tell of one patient"
    for which, counts in told.items():
        for part in (part for size in range(len(which)) for part in combinations(which, size) if part in told):
            assert all(abs(x - y) >= 5 or x == y for x, y in zip(counts, told[part], strict=True)), (which, part)
    assert told[()] == [screening.certain, screening.possible]
    for limit in table["limits"]:
        off = table["changes"].index((limit["criterion"], ""))
        for change, rows in limit["near"]:
            fewer = [(), (off,)] if change < 0 else [(), (change,), (off,), tuple(sorted((change, off)))]
            for (_, *counts), which in ((row, which) for row in rows for which in fewer if which in told):
                assert all(abs(x - y) >= 5 or x == y for x, y in zip(counts, told[which], strict=True)), (limit, which)
    text = json.dumps(table)
    assert not re.search(r"P-\d{6}", text), "nobody's id"


def whole_and_some(table, sets, passes):
    """Of groups of which all pass, and of which some may, the patients; from what the page says of groups."""
    n = table["groups"]["n"]
    whole = [all(each[group] | passes == passes for each in sets) for group in range(len(n))]
    some = [all(each[group] & passes for each in sets) for group in range(len(n))]
    return sum(compress(n, whole)), sum(compress(n, some))


@pytest.fixture(params=["some", "all"])
def table(request, root, protocol, counts, tmp_path):
    """What a report carries of the first patients of the cohort, and of all."""
    if request.param == "all":
        return counts(5)
    lines = (root / "data/cohort/cohort.csv").read_text("utf-8").splitlines(keepends=True)
    file = tmp_path / "cohort.csv"
    file.write_text("".join(lines[:301]), "utf-8")
    return tt.screen(protocol, file).portable_counts()


def test_nobody_is_known_as_what_is_left_beside_whole_groups(table):
    """Who subtracts the groups that surely belong from a count finds nobody or five, among groups of which some may."""
    column = [[int(row[at]) for row in table["groups"]["sets"]] for at in range(len(table["groups"]["sets"][0]))]
    looked = 0
    for which, *counts in table["near"]:
        changed = dict(table["changes"][each] for each in which)
        read = {each["id"]: changed.get(each["id"], each["chosen"]) for each in table["criteria"]}
        on = [each for each in table["criteria"] if each["id"] not in changed or changed[each["id"]]]
        own = [column[each["columns"][read[each["id"]]]] for each in on]
        for count, passes in zip(counts, (1, 5), strict=True):
            whole, some = whole_and_some(table, own, passes)
            assert count == whole or count - whole >= 5, (which, count - whole)
            looked += some > whole
    assert looked > 50


def test_of_fewer_patients_than_the_minimum_nobody_travels(root, protocol):
    few = tt.read_patients(root / "data/cohort/cohort.csv", protocol)
    table = tt.screen(protocol, few.filter(protocol, "age == 83 and pcr_positive and spo2 > 97")).portable_counts(40)
    assert table["groups"]["n"] == [] and 0 < table["n"] < 40
    assert "too few patients" in figures.portable_explorer(table)
