"""What the desk says while no answer has come: working, no answer yet, not connected. The test is the kernel here."""

import pytest
from playwright.sync_api import expect

from trialtools.widgets import desk
from ui.bench import Bench

SPELL = 3_500


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def bench(page, protocol, patients):
    bench = Bench(page, desk(protocol, patients)).show()
    bench.rest()
    yield bench
    page.evaluate("sessionStorage.clear()")


@pytest.fixture
def screen(bench):
    return bench.page.locator(".tt-desk")


def type_age(screen, text):
    screen.get_by_label("Age at screening").press_sequentially(text)


@pytest.fixture
def clock(bench):
    """The page's clock, which stands: a busy machine changes nothing. It is that of all pages of the browser."""
    bench.page.clock.install(time=0)
    bench.page.clock.pause_at(1000)
    yield bench.page.clock
    bench.page.clock.resume()


def test_from_the_key_press_until_the_answer_the_verdict_is_marked(bench, screen, clock):
    verdict = screen.locator(".verdict")
    expect(screen).to_have_attribute("data-state", "settled")
    type_age(screen, "90")
    expect(screen).to_have_attribute("data-state", "pending")
    clock.run_for(200)
    expect(verdict).to_have_attribute("aria-busy", "true")
    expect(verdict).to_contain_text("Working")
    expect(verdict).to_contain_text("Age at screening is now 90. What stands below is of the card before.")
    clock.run_for(SPELL)
    expect(screen).to_have_attribute("data-state", "slow")
    expect(verdict).to_contain_text("No answer yet")
    clock.resume()
    bench.rest()
    expect(screen).to_have_attribute("data-state", "settled")
    expect(verdict).to_contain_text("Not eligible: I1 fails")


@pytest.mark.parametrize(
    ("status", "connection"), [("dead", "connected"), ("restarting", "connected"), ("unknown", "disconnected")]
)
def test_without_a_kernel_there_is_no_verdict(bench, screen, status, connection):
    type_age(screen, "71")
    bench.rest()
    bench.kernel(status, connection)
    expect(screen.locator(".verdict")).to_contain_text("Not connected: reload this page")
    expect(screen.locator(".rest")).to_be_hidden()
    expect(screen.get_by_label("Age at screening")).to_have_value("71")
    bench.kernel("idle", connection)
    assert screen.get_attribute("data-state") == "lost", "what comes back after a restart knows nothing of this page"


def test_a_line_that_was_down_for_a_while_loses_nothing_and_does_nothing_twice(bench, screen):
    bench.kernel("unknown", "connecting")
    type_age(screen, "71")
    bench.page.evaluate("bench.sent.length = 0")  # lost on the way
    expect(screen).to_have_attribute("data-state", "lost")
    before = bench.widget.answer["n"]
    bench.kernel("idle", "connected")
    bench.kernel("idle", "connected")  # so the message goes out twice more
    bench.rest()
    expect(screen).to_have_attribute("data-state", "settled")
    assert bench.widget.entries == {"age": "71"}
    assert bench.widget.answer["n"] <= before + 2


def test_the_entries_go_with_the_reader_to_a_new_page(bench, screen, protocol):
    type_age(screen, "71")
    bench.kernel("dead")
    bench.page.evaluate("sessionStorage.clear()")
    screen.get_by_role("button", name="Start again with these entries").press("Enter")
    bench.page.wait_for_load_state()
    again = Bench(bench.page, desk(protocol)).show()
    again.rest()
    expect(screen.get_by_label("Age at screening")).to_have_value("71")
    assert again.widget.entries == {"age": "71"}


def test_the_facts_of_one_patient_do_not_stand_under_the_name_of_another(bench, screen):
    bench.widget.choose("P-000003")
    bench.rest()
    expect(screen.get_by_label("Respiratory rate at rest")).to_have_value("30")
    screen.get_by_label("Patient", exact=True).fill("P-000002")
    screen.get_by_label("Patient", exact=True).press("Enter")
    expect(screen.get_by_label("Respiratory rate at rest")).to_have_value("")
    expect(screen.locator(".verdict")).to_contain_text("P-000002 is being opened")
    bench.settle()
    expect(screen.locator(".verdict")).to_contain_text("P-000002 · ")


def test_a_table_is_opened_column_by_column(bench, screen):
    content = b"Nr;Age;resp\nx;71;22\ny;forty;30\n"
    table = {"name": "visits.csv", "mimeType": "text/csv", "buffer": content}
    screen.locator(".top input[type=file]").set_input_files(table)
    expect(screen.locator(".progress")).to_contain_text("Reading visits.csv")
    bench.settle(lambda: "problem" in bench.widget.draft)
    draft = screen.locator(".draft")
    expect(draft).to_contain_text("visits.csv was not read.")
    expect(draft).to_contain_text("This file uses semicolons")
    draft.get_by_text("Which column is which?").click()
    expect(draft.get_by_label("Age at screening")).to_have_value("Age")
    draft.get_by_label("Respiratory rate at rest").select_option("resp")
    draft.get_by_label("Patient id").select_option("Nr")
    draft.get_by_role("button", name="Read it so").press("Enter")
    bench.settle(lambda: "forty" in bench.widget.draft["problem"])
    expect(draft).to_contain_text("forty")
    draft.get_by_label("Leave unknown what cannot be read").check()
    draft.get_by_role("button", name="Read it so").press("Enter")
    bench.settle(lambda: "n" in bench.widget.draft)
    bench.rest()
    expect(draft).to_contain_text("visits.csv was read: 2 patients.")
    expect(draft).to_contain_text("forty")
    expect(screen.locator(".roster")).to_contain_text("2 of 2 patients")
    assert bench.widget.patients.patient("y")["respiratory_rate"] == 30
