"""The screening desk without a browser: what is typed becomes a verdict, and what cannot be read becomes a remark."""

from datetime import date
from pathlib import Path

import nbformat
import polars as pl
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import trialtools as tt
from trialtools.report.write import report
from trialtools.widgets import Desk, card, desk

SKETCH = """
id: S
title: A sketch
fields:
  hb: {type: number, unit: g/dL, range: [2, 25], label: Haemoglobin, group: tests}
  n: {type: integer, label: Visits}
  sex: {type: category, values: [female, male], label: Sex, group: person}
  stage: {type: category, values: [i, ii, iii, iv], label: Stage}
  pregnant: {type: flag, label: Pregnant, applies: 'sex == "female"'}
  seen_on: {type: date, label: Seen on, range: [2020-01-01, 2030-12-31], group: dates}
  consent: {type: flag, label: Consent, judged_by: person, group: judgement}
  shoe: {type: number, label: Shoe size}
criteria:
  - {id: I1, kind: inclusion, label: Hb, readings: {strict: hb >= 10, lenient: hb >= 8}}
  - {id: I2, kind: inclusion, label: Consent, when: consent}
  - {id: E1, kind: exclusion, label: Pregnant, when: pregnant}
  - {id: E2, kind: exclusion, label: Late, when: 'stage == "iv" or n > 5 or seen_on > date("2025-01-01")'}
"""
TABLE = pl.DataFrame(
    {
        "patient_id": ["a", "b", "c", "d"],
        "hb": [12.5, 7.0, None, 9.0],
        "sex": ["male", "female", "female", "male"],
        "pregnant": [None, False, True, None],
        "stage": ["i", "ii", None, "i"],
        "n": [1, 2, 3, None],
        "seen_on": [date(2024, 5, 1)] * 4,
        "consent": [True, True, None, True],
    }
)


@pytest.fixture(scope="module")
def sketch():
    from trialtools.criteria.contents import read_protocol

    return read_protocol(SKETCH)


@pytest.fixture
def screen(sketch):
    return desk(sketch, TABLE)


# --- the card ---------------------------------------------------------------------------------------------------------


def test_the_card_follows_the_protocol(sketch):
    layout = card.layout(sketch)
    assert [group["name"] for group in layout["groups"]] == ["person", "tests", "history", "dates", "judgement"]
    kinds = {field["name"]: field["kind"] for group in layout["groups"] for field in group["fields"]}
    text = {"hb", "n", "seen_on"}
    assert kinds == {"sex": "buttons", "pregnant": "buttons", "consent": "buttons", "stage": "list"} | dict.fromkeys(
        text, "text"
    )
    assert [field["name"] for field in layout["unasked"]] == ["shoe"]
    assert layout["ambiguous"][0]["options"] == {
        "strict": "Haemoglobin is at least 10 g/dL",
        "lenient": "Haemoglobin is at least 8 g/dL",
    }


def test_every_field_of_the_trial_has_one_place_on_the_card(protocol):
    layout = card.layout(protocol)
    placed = [field["name"] for group in layout["groups"] for field in group["fields"]]
    assert sorted(placed + [field["name"] for field in layout["unasked"]]) == sorted(protocol.fields)
    assert "room_air" in placed, "another reading asks for it"


@pytest.mark.parametrize(
    ("field", "text", "value", "remark"),
    [
        ("hb", "12", 12, ""),
        ("hb", " 12.5 ", 12.5, ""),
        ("hb", "12,5", 12.5, ""),
        ("hb", "", None, ""),
        ("hb", "999", 999, "999 is outside 2 to 25, read as not known"),
        ("hb", "-1", -1, "-1 is outside 2 to 25, read as not known"),
        ("hb", "1e400", float("inf"), "1e400 is outside 2 to 25, read as not known"),
        ("hb", "nan", None, "'nan' is not a number, read as not known"),
        ("hb", "1_0", None, "'1_0' is not a number, read as not known"),
        ("hb", "\uff11\uff12", None, "'\uff11\uff12' is not a number, read as not known"),
        ("hb", "12 g/dL", None, "'12 g/dL' is not a number, read as not known"),
        (
            "n",
            "1,234",
            None,
            "'1,234' can be read two ways; write it with a point, or without the comma, read as not known",
        ),
        ("n", "2.5", None, "2.5 is not a whole number, read as not known"),
        ("n", "3.0", 3, ""),
        ("sex", "male", "male", ""),
        ("sex", "Male", None, "'Male' is not one of female, male, read as not known"),
        ("consent", "no", False, ""),
        ("consent", "maybe", None, "'maybe' is not yes or no, read as not known"),
        ("seen_on", "2024-02-29", date(2024, 2, 29), ""),
        ("seen_on", "2023-02-29", None, "'2023-02-29' is not a day of the calendar, read as not known"),
        ("seen_on", "01/02/2024", None, "'01/02/2024' is not a date like 2023-01-31, read as not known"),
        (
            "seen_on",
            "1999-01-01",
            date(1999, 1, 1),
            "1999-01-01 is outside 2020-01-01 to 2030-12-31, read as not known",
        ),
    ],
)
def test_what_is_typed(sketch, field, text, value, remark):
    patient, remarks = card.read(sketch, {field: text})
    assert (patient.get(field), remarks.get(field, "")) == (value, remark)


def test_a_patient_written_on_the_card_is_read_back_the_same(protocol, root):
    patients = tt.read_patients(root / "data" / "cohort" / "cohort.csv", protocol)
    for id in ("P-000001", "P-000003", "P-000042"):
        patient = {name: value for name, value in patients.patient(id).items() if value is not None}
        assert card.read(protocol, card.write(protocol, patient))[0] == patient


# --- the answer -------------------------------------------------------------------------------------------------------


def test_the_verdict_follows_what_is_typed(screen):
    assert screen.verdict == "Not decided yet: 0 passed, 0 failed, 4 open"
    screen.entries = {"hb": "12", "sex": "male", "consent": "yes", "stage": "i", "n": "1", "seen_on": "2024-01-01"}
    assert screen.verdict == "Eligible: 4 passed, 0 failed, 0 open"
    screen.entries = {**screen.entries, "hb": "7"}
    assert screen.verdict == "Not eligible: I1 fails: 3 passed, 1 failed, 0 open"
    assert screen.patient["hb"] == 7
    screen.entries = {**screen.entries, "sex": "female", "pregnant": "yes", "n": "9"}
    assert screen.answer["headline"] == "Not eligible: I1 fails, E1 and E2 apply"
    screen.entries = {**screen.entries, "sex": "male", "pregnant": "", "n": "1"}
    screen.entries = {**screen.entries, "hb": "70"}
    assert screen.remarks == {"hb": "70 is outside 2 to 25, read as not known"}
    assert screen.verdict == "Not decided yet: 3 passed, 0 failed, 1 open"
    with pytest.raises(tt.DataError, match="no field 'hbb'; did you mean 'hb'"):
        screen.entries = {"hbb": "7"}


def test_a_patient_that_is_set_comes_onto_the_card(screen):
    before = screen.answer["card"]
    screen.patient = {"hb": 7.25, "consent": False, "seen_on": date(2024, 1, 1)}
    assert screen.entries == {"hb": "7.25", "consent": "no", "seen_on": "2024-01-01"}
    assert screen.answer["card"] != before, "it is another card"
    assert screen.answer["entries"] == screen.entries
    assert screen.explanation.decision == "ineligible"
    with pytest.raises(tt.DataError, match="no field 'hbb'; did you mean 'hb'"):
        screen.patient = {"hbb": 7}
    assert screen.explanation.decision == "ineligible"


def test_the_desk_says_what_explain_says(screen, sketch):
    screen.patient = {"hb": 9, "sex": "female"}
    assert screen.explanation == sketch.explain({"hb": 9, "sex": "female"})
    assert [each["id"] for each in screen.answer["criteria"]] == [each.id for each in screen.explanation.by_urgency]
    screen.readings = {"I1": "lenient"}
    assert screen.explanation == sketch.with_readings({"I1": "lenient"}).explain({"hb": 9, "sex": "female"})


def test_what_does_not_apply_is_marked(screen):
    screen.entries = {"sex": "male"}
    assert screen.answer["inapplicable"] == ["pregnant"]
    screen.entries = {"sex": "female"}
    assert screen.answer["inapplicable"] == []


def test_advice_is_that_of_open_items_and_nearest_eligible(screen):
    screen.entries = {"hb": "12", "sex": "male", "stage": "i", "n": "1", "seen_on": "2024-01-01"}
    advice = screen.advise()
    assert advice["n"] == screen.answer["n"]
    assert (advice["find_out"], [item["field"] for item in advice["judge"]]) == ([], ["consent"])
    screen.entries = {**screen.entries, "hb": "9.5", "consent": "yes"}
    assert screen.advise()["changes"] == ["Haemoglobin: 10 g/dL (now 9.5 g/dL)"]


def test_readings_change_the_verdict_and_the_table_and_reset_takes_them_back(screen):
    screen.choose("d")
    screen.list_decisions()
    assert screen.explanation.decision == "ineligible"
    assert screen.table["counts"] == {"eligible": 1, "ineligible": 3, "undetermined": 0}
    screen.readings = {"I1": "lenient"}
    assert screen.explanation.decision == "undetermined"
    assert screen.table["of"] != screen.answer["of"], "a view can tell that the table is of other readings"
    screen.list_decisions()
    assert screen.table["of"] == screen.answer["of"]
    assert screen.table["counts"]["undetermined"] == 1
    screen.entries = {**screen.entries, "hb": "20"}
    assert screen.answer["who"] == "d, changed"
    screen.reset()
    assert (screen.readings, screen.patient["hb"], screen.answer["who"]) == ({"I1": "strict"}, 9.0, "d")


# --- the table --------------------------------------------------------------------------------------------------------


def test_choosing_and_blanking(screen):
    screen.choose("b")
    assert screen.entries["hb"] == "7" and screen.answer["id"] == "b"
    screen.blank()
    assert screen.patient == {} and screen.entries == {}
    with pytest.raises(tt.DataError, match="no patient 'z'"):
        screen.choose("z")


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, "abcd"),
        ({"decision": "ineligible"}, "bcd"),
        ({"criterion": "I1"}, "bcd"),
        ({"criterion": "I1", "state": "unknown"}, "c"),
        ({"criterion": "I1", "state": "failed"}, "bd"),
        ({"criterion": "I"}, ""),
        ({"text": " E1 "}, "c"),
        ({"decision": "eligible", "text": "I1"}, ""),
    ],
)
def test_filters(screen, filters, ids):
    screen.filters = filters
    assert "".join(screen.decisions["patient_id"]) == ids


def test_a_text_is_found_as_it_is_shown(protocol, root):
    screen = desk(protocol, root / "data" / "cohort" / "cohort.csv")
    screen.filters = {"text": "Active tuberculosis"}
    assert len(screen.decisions) and screen.decisions["open_items"].str.contains("active_tuberculosis").all()


def test_a_long_table_shows_its_first_rows_and_counts_them_all(sketch):
    many = pl.DataFrame({"patient_id": [f"p{i}" for i in range(700)], "hb": [12.0] * 700})
    screen = desk(sketch, many)
    wish(screen, ask="ready")
    wish(screen, ask="list", filters={})
    assert (len(screen.table["rows"]), screen.table["kept"], len(screen.source["ids"])) == (200, 700, 500)
    screen.choose("p699")
    assert screen.answer["id"] == "p699"


def test_export_holds_what_is_filtered_and_no_formula(sketch):
    screen = desk(sketch, TABLE.with_columns(patient_id=pl.Series(["=1+1", "b", "@c", "-d"])))
    screen.filters = {"decision": "ineligible"}
    assert pl.read_csv(screen.export())["patient_id"].to_list() == ["b", "'@c", "'-d"]
    screen.filters = {}
    assert pl.read_csv(screen.export())["patient_id"].to_list() == ["'=1+1", "b", "'@c", "'-d"]


def test_a_file_goes_to_the_view_that_asked_and_to_no_folder(screen, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = []
    screen.send = lambda content, buffers: files.append((content, buffers))
    wish(screen, ask="export")
    assert files == [({"file": "decisions.csv", "view": "a view"}, [screen.export()])]
    assert not list(tmp_path.iterdir())


# --- what a view wishes -----------------------------------------------------------------------------------------------


def wish(screen, *buffers, view="a view", **content):
    n = screen.heard.get(view, 0) + 1
    screen._receive(None, {"view": view, "n": n, **content}, [memoryview(part) for part in buffers])
    return screen.notice


def test_a_wish_is_heard_once(screen):
    edit = {"view": "a", "n": 1, "ask": "edit", "card": screen.answer["card"], "field": "hb", "text": "9"}
    screen._receive(None, edit, [])
    screen.entries = {}
    screen._receive(None, edit, [])
    assert screen.entries == {} and screen.heard == {"a": 1}


def test_a_field_lands_on_the_card_on_which_it_was_typed_or_nowhere(screen):
    wish(screen, ask="choose", id="b", card="second")
    wish(screen, ask="edit", card="second", field="hb", text="11")
    assert (screen.patient["hb"], screen.answer["who"]) == (11, "b, changed")
    screen.choose("d")
    notice = wish(screen, ask="edit", card="second", field="hb", text="3")
    assert notice["wrong"] and "“Haemoglobin: 3” was meant for a card that is no longer here" in notice["text"]
    assert (screen.patient["hb"], screen.answer["who"]) == (9, "d")


def test_what_is_typed_for_a_patient_whom_nobody_finds_is_not_the_patients_before(screen):
    screen.choose("a")
    wish(screen, ask="choose", id="nobody", card="second")
    notice = wish(screen, ask="edit", card="second", field="hb", text="3")
    assert "no patient 'nobody'" in notice["text"] and "was not taken" in notice["text"]
    assert (screen.patient["hb"], screen.answer["who"]) == (12.5, "a")


def test_a_typed_card_is_put_aside_and_comes_back(screen):
    screen.choose("b")
    screen.entries = {**screen.entries, "hb": "11"}
    screen.choose("d")
    assert screen.notice["aside"]
    screen.bring_back()
    assert (screen.patient["hb"], screen.answer["who"]) == (11, "b, changed")
    screen.choose("a")
    screen.choose("b")
    assert screen.answer["who"] == "b", "a card on which nothing was typed is not put aside"


def test_a_fault_of_the_program_is_told_and_the_view_is_answered(screen):
    with pytest.raises(KeyError):
        wish(screen, ask="edit", card=screen.answer["card"], field="hb")
    assert screen.heard == {"a view": 1}
    assert screen.notice["wrong"] and "a fault of the program" in screen.notice["text"]


# --- files from the browser -------------------------------------------------------------------------------------------


def uploads(screen, name, *parts):
    for place, part in enumerate(parts):
        wish(screen, part, ask="upload", name=name, part=place, parts=len(parts))
    return screen.draft


def test_an_upload_replaces_the_table_and_says_what_was_wrong_with_it(screen):
    screen.choose("a")
    draft = uploads(screen, "C:\\visits\\new.csv", b"patient_id,hb\nx,1", b"2\ny,999\n")
    assert (draft["name"], draft["n"]) == ("new.csv", 2)
    assert "Haemoglobin: 1 × impossible value" in draft["findings"][0]
    assert "Not known for anybody" in draft["findings"][-1] and "Consent" in draft["findings"][-1]
    assert (screen.source["ids"], screen.patient) == (["x", "y"], {})
    screen.list_decisions()
    assert screen.table["n"] == 2
    screen.choose("x")
    assert screen.patient["hb"] == 12


def test_an_upload_leaves_a_typed_card(screen):
    screen.entries = {"hb": "11"}
    uploads(screen, "new.csv", b"patient_id,hb\nx,12\n")
    assert screen.entries == {"hb": "11"} and screen.patients.n == 1
    assert "stays as it was typed" in screen.notice["text"]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("broken.parquet", b"PAR1 and then nothing", "broken.parquet cannot be read"),
        ("broken.csv.gz", b"\x1f\x8b", "broken.csv.gz is truncated"),
        ("empty.csv", b"", "empty.csv is empty"),
        ("heads.csv", b"patient_id,hb\n", "but no patient below them"),
        ("other.csv", b"id,weight\n1,70\n", "none of its columns is a field of the protocol"),
        ("twice.csv", b"patient_id,hb\nx,1\nx,2\n", "an id that stands more than once"),
        ("text.csv", b"patient_id,hb\nx,many\n", "hb"),
        ("letter.docx", b"PK", "files of this kind are not read"),
        ("../..", b"x", "files of this kind are not read"),
        ("a\0b" + 300 * "c" + ".csv", b"", "c.csv is empty"),
    ],
)
def test_an_upload_that_cannot_be_read_is_told_and_changes_nothing(screen, name, content, problem):
    screen.choose("a")
    draft = uploads(screen, name, content)
    assert problem in draft["problem"]
    assert "Traceback" not in draft["problem"] and screen._folder.name not in draft["problem"]
    assert (screen.patients.n, screen.answer["id"]) == (4, "a")
    wish(screen, ask="drop")
    assert screen.draft == {} and not list(Path(screen._folder.name).iterdir())


def test_what_a_drafted_mapping_proposes_is_asked_and_then_read(screen):
    """Codes of the column's own: proposed with the question, and read so only when somebody says so."""
    draft = uploads(screen, "visits.csv", b"Nr,Haemoglobin,Gender,consent\nx,12.5,Male,yes\ny,9,Female,no\n")
    assert draft["id"] == "Nr" and draft["fields"]["sex"] == "Gender" and "is it Gender" in draft["asks"]["sex"]
    assert screen.patients.n == 4, "nothing is taken before it is asked"
    wish(screen, ask="map", columns=draft["fields"], id=draft["id"], comma=False, leave=False, number=False)
    assert screen.draft["n"] == screen.patients.n == 2
    screen.choose("y")
    assert (screen.patient["sex"], screen.patient["hb"], screen.patient["consent"]) == ("female", 9, False)


def test_columns_are_chosen_and_what_cannot_be_read_is_left_unknown(screen):
    draft = uploads(screen, "visits.csv", b"Nr;HB;when;consent\nx;12,5;2024-05-01;true\ny;forty;;\n;9;;\n")
    assert "This file uses semicolons" in draft["problem"]
    assert draft["columns"] == ["Nr", "HB", "when", "consent"]
    assert (draft["fields"]["hb"], draft["fields"]["consent"], draft["fields"]["n"]) == ("HB", "consent", "")
    choice = {
        "columns": {**draft["fields"], "seen_on": "when"},
        "id": "Nr",
        "comma": True,
        "leave": False,
        "number": False,
    }
    wish(screen, ask="map", **choice)
    assert "forty" in screen.draft["problem"] and screen.patients.n == 4
    assert "“Leave unknown what cannot be read”" in screen.draft["problem"], "the desk's own way, not that of a file"
    assert screen.draft["fields"]["seen_on"] == "when", "what was chosen stays chosen"
    wish(screen, ask="map", **choice | {"leave": True, "number": True})
    assert screen.draft["n"] == screen.patients.n == 3
    assert any("forty" in each for each in screen.draft["findings"])
    screen.choose("x")
    assert (screen.patient["hb"], screen.patient["seen_on"]) == (12.5, date(2024, 5, 1))
    screen.choose("y")
    assert "hb" not in screen.patient


@pytest.mark.parametrize(
    ("content", "question"),
    [
        (b"Our visits,,\nof 2024,,\npatient_id,hb,n\nx,12,1\ny,9,2\n", "the names of its columns in line 3"),
        ("patient_id,hb,Größe\nx,12,1\ny,9,2\n".encode("cp1252"), "is written in cp1252"),
    ],
)
def test_how_a_file_is_written_is_told_and_it_is_read_so_once_that_is_taken(screen, content, question):
    draft = uploads(screen, "visits.csv", content)
    assert question in draft["problem"] and screen.patients.n == 4
    wish(screen, ask="map", columns=draft["fields"], id=draft["id"], comma=False, leave=False, number=False)
    assert screen.draft["n"] == 2 and screen.patients.patient("x")["hb"] == 12


def test_what_is_chosen_stays_as_it_was_chosen(screen):
    """A column that is taken away is not proposed again; one that is not there is told."""
    draft = uploads(screen, "visits.csv", b"Nr,Haemoglobin,Gender\nx,forty,Male\n")
    assert draft["fields"]["sex"] == "Gender"
    how = {"ask": "map", "id": "", "comma": False, "leave": False, "number": False}
    wish(screen, columns={**draft["fields"], "sex": ""}, **how)
    assert (screen.draft["fields"]["sex"], screen.draft["id"]) == ("", "") and "forty" in screen.draft["problem"]
    wish(screen, columns={"hb": "Hemo"}, **how)
    assert "Hemo" in screen.draft["problem"] and screen.patients.n == 4


MAPPING = b"patient_id: Nr\nfields: {hb: {column: Haem, unit: g/L}}\n"


def test_a_mapping_file_reads_the_table_before_it_and_those_after(screen):
    uploads(screen, "visits.csv", b"Nr,Haem\nx,125\n")
    assert screen.draft["problem"]
    uploads(screen, "wrong.yaml", b"fields: {hbb: Haem}\n")
    assert "no field 'hbb'" in screen.notice["text"] and "/" not in screen.notice["text"].split("\n")[0]
    uploads(screen, "mine.yaml", MAPPING)
    assert screen.draft["n"] == 1
    screen.choose("x")
    assert screen.patient["hb"] == 12.5
    uploads(screen, "later.csv", b"Nr,Haem\nz,90\n")
    screen.choose("z")
    assert screen.patient["hb"] == 9


def test_a_field_that_a_mapping_reads_from_several_columns_stays_so(screen):
    uploads(screen, "mine.yaml", b"patient_id: Nr\nfields: {hb: hb, pregnant: {columns: [p1, p2]}}\n")
    draft = uploads(screen, "visits.csv", b"Nr,hb,p1,p2\nx,many,false,true\n")
    wish(screen, ask="map", columns=draft["fields"], id=draft["id"], comma=False, leave=True, number=False)
    assert screen.draft["n"] == 1 and screen.patients.patient("x")["pregnant"] is True


def test_without_a_table_the_desk_takes_patients_by_hand(sketch):
    screen = desk(sketch)
    wish(screen, ask="ready")
    assert screen.table == {} and screen.source == {}
    for message in ({"ask": "choose", "id": "a", "card": "x"}, {"ask": "export"}):
        assert wish(screen, **message)["wrong"] and "no table of patients is open" in screen.notice["text"]


# --- without a browser ------------------------------------------------------------------------------------------------


def test_where_no_widget_can_live_a_sentence_stands(tmp_path, root):
    """The notebook runs as it is; a page of it leaves the desk out, or says where it can be had."""
    source = "import trialtools as tt\nfrom trialtools import widgets\n"
    source += f"widgets.desk(tt.load_protocol({str(root / 'data/protocols/NCT05741099.yaml')!r}))"
    parameters = new_code_cell("n: int = 1", metadata={"tags": ["parameters"]})
    cells = [new_markdown_cell("# A page"), parameters, new_code_cell(source)]
    nbformat.write(new_notebook(cells=cells), tmp_path / "page.ipynb")
    report(tmp_path / "page.ipynb", out=tmp_path / "out")
    (page,) = (tmp_path / "out").glob("*.html")
    text = page.read_text("utf-8")
    assert Desk.elsewhere in text and "screening desk:" not in text
    assert "tt-desk" not in text and "widget-view" not in text


def test_the_screening_notebook_has_its_desk_and_a_report_leaves_it_out(root):
    notebook = nbformat.read(root / "notebooks" / "01_screening.ipynb", as_version=4)
    (cell,) = [cell for cell in notebook.cells if "widgets.desk(" in cell.source]
    assert "remove" in cell.metadata["tags"]


def test_what_is_typed_in_part_is_kept_in_part(protocol):
    """As a table would say it, and written back as it was typed."""
    typed = {"spo2": ">93", "screened_on": "2023-05"}
    patient, remarks = card.read(protocol, typed)
    assert (patient["spo2"].low > 93, patient["screened_on"].high, remarks) == (True, date(2023, 5, 31), {})
    assert card.write(protocol, patient) == typed
