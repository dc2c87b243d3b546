"""A registry record becomes a checklist: every sentence a question with its quote, nothing lost, nothing assumed."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import find_component, sample
from hypothesis import given, settings
from hypothesis import strategies as st

import trialtools as tt
from trialtools.__main__ import main
from trialtools.criteria.contents import Protocol
from trialtools.criteria.draft.items import Eligibility, read_eligibility
from trialtools.criteria.draft.lines import apart, clean
from trialtools.criteria.draft.new import new
from trialtools.criteria.draft.registry_text import record_in
from trialtools.criteria.draft.suggestions import suggestions, unsaid
from trialtools.criteria.proofs.findings import uncovered_text
from trialtools.criteria.protocol import DataError, squeeze
from trialtools.simulate.patients import cohort

RULES = """\
Key Inclusion Criteria:

1. Age over 18 years
2. Eczema Area and Severity Index (EASI) score \\>=16 at the screening visit
3. At least one of the following:

   * Asthma
   * Hay fever

Key Exclusion Criteria:

1. History of Guillain-Barre syndrome
2. AST or ALT \\> 2.5 x ULN

Not all inclusion/ exclusion criteria are listed."""


def record(rules: str = RULES, id: str = "NCT00000001", **eligibility: Any) -> dict[str, Any]:
    """A record as the registry's API serves it, made up."""
    who = {"sex": "ALL", "minimumAge": "18 Years", "healthyVolunteers": False} | eligibility
    arms = [
        {"label": "Placebo qw", "type": "EXPERIMENTAL", "interventionNames": ["Drug: Placebo"]},
        {"label": "Drug A", "type": "SHAM_COMPARATOR", "description": "Weekly"},
    ]
    return {
        "protocolSection": {
            "identificationModule": {"nctId": id, "briefTitle": "A made-up trial"},
            "designModule": {
                "studyType": "INTERVENTIONAL",
                "phases": ["PHASE2", "PHASE3"],
                "designInfo": {
                    "allocation": "RANDOMIZED",
                    "maskingInfo": {"masking": "DOUBLE", "whoMasked": ["PARTICIPANT", "INVESTIGATOR"]},
                },
                "enrollmentInfo": {"count": 40, "type": "ESTIMATED"},
            },
            "outcomesModule": {
                "primaryOutcomes": [{"measure": "EASI-75", "timeFrame": "Week 16"}],
                "secondaryOutcomes": [{"measure": "IGA 0 or 1"}, {"measure": "Itch", "timeFrame": "Week 4"}],
            },
            "eligibilityModule": {"eligibilityCriteria": rules, **who},
            "armsInterventionsModule": {"armGroups": arms},
            "contactsLocationsModule": {
                "locations": [{"facility": "A Clinic", "city": "Berlin"}, {"facility": "Jo Doe, MD", "city": "Bern"}]
            },
        }
    }


def drafted(folder: Path, content: Any, name: str = "") -> Protocol:
    """The protocol that `new` makes of a record or a text; it loads, and nothing is wrong in it."""
    file = folder / (name or ("record.txt" if isinstance(content, str) else "record.json"))
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    protocol = tt.load_protocol(new(file, folder).protocol)
    findings = protocol.lint()
    assert not [finding.sentence for finding in findings if finding.severity == "finding"]
    assert uncovered_text(protocol) == ()
    return protocol


def lost(text: str, read: Eligibility) -> str:
    """The letters and digits of a text that stand neither in a quote nor among the lines that are told to be none.

    No rule is quoted twice, so what stands nowhere cannot hide behind what stands somewhere else.
    """
    kept = [quote for item in read.items for quote in item.quotes]
    mentioned, written = (
        Counter(re.findall(r"\w", part)) for part in (" ".join([*kept, *read.headings, *read.incomplete]), text)
    )
    assert not mentioned - written
    return "".join(written - mentioned)


def test_every_sentence_is_a_question_with_its_quote_and_ages_are_a_formula(tmp_path: Path) -> None:
    protocol = drafted(tmp_path, record())
    assert protocol.formula("I1") and protocol.criterion["I1"].when == "age >= 18"
    assert protocol.questions == ("I2", "I3", "I4", "E1", "E2")
    assert protocol.criterion["E1"].quotes == ("1. History of Guillain-Barre syndrome",)
    assert "5 of 6 criteria are still questions" in protocol.lint().text().splitlines()[0]
    assert [finding.kind for finding in protocol.lint()] == ["question"]


def test_what_the_record_states_stands_with_its_place_and_nothing_is_assumed(tmp_path: Path) -> None:
    protocol = drafted(tmp_path, record())
    values = {name: item.value for name, item in protocol.design.items()}
    assert values["allocation"] == "randomized" and values["masking"] == "double" and values["sample_size"] == 40
    assert values["endpoint"] == "EASI-75 [Time frame: Week 16]" and values["phase"] == "phase 2 / phase 3"
    assert (
        values["secondary_endpoint"] == "IGA 0 or 1" and values["secondary_endpoint_2"] == "Itch [Time frame: Week 4]"
    )
    assert values["complete"] == "the text says that it does not list every criterion"
    assert all(item.quote and not item.assumed for item in protocol.design.values())
    assert [(arm.role, arm.intervention) for arm in protocol.arms] == [
        ("experimental", "Drug: Placebo"),
        ("sham comparator", "Drug A"),
    ]
    assert protocol.sites == ("A Clinic, Berlin",) and "Jo Doe" not in protocol.text


def test_arms_of_one_name_in_a_record_are_told_apart(tmp_path: Path) -> None:
    twins = record()
    for arm in twins["protocolSection"]["armsInterventionsModule"]["armGroups"]:
        arm["label"] = "Placebo"
    arms = drafted(tmp_path, twins).arms
    assert len({arm.label for arm in arms}) == 2 and all(arm.label.startswith("Placebo (") for arm in arms)


def test_the_checklist_screens_simulates_explains_and_drives_the_desk_at_once(tmp_path: Path) -> None:
    protocol = drafted(tmp_path, record())
    sizes = {group["name"]: len(group["fields"]) for group in tt.widgets.desk(protocol).layout_["groups"]}
    assert sizes == {"person": 1, "questions to get in": 3, "questions to be kept out": 2}
    table = pl.DataFrame({"patient_id": ["a", "b"], "age": [40, 12]})
    assert list(tt.screen(protocol, table).decisions()["decision"]) == ["undetermined", "ineligible"]
    assert "awaiting judgement" in protocol.explain({"age": 40}).text()
    file = tmp_path / "protocols" / "NCT00000001.yaml"
    assert main(["simulate", "cohort", str(file), "--n", "50", "--seed", "1", "--out", str(tmp_path / "c")]) == 0
    assert main(["screen", str(file), str(tmp_path / "c" / "cohort.csv")]) == 0


def test_contradictions_of_the_record_are_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.json").write_text(json.dumps(record()), "utf-8")
    assert main(["new", str(tmp_path / "r.json"), "--out", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert "NCT00000001: 6 criteria; 1 logic, 5 questions for a person; 5 formulas proposed" in output
    assert '  ? the arm "Placebo qw" is registered as experimental' in output
    assert "  ? I2: the text says age > 18; the record says age >= 18" in output
    assert "  ? 1 of 2 sites bear the name of a person and are left out" in output
    assert "  - Key Exclusion Criteria:" in output and "next: trialtools check" in output
    written = (tmp_path / "protocols" / "NCT00000001.yaml").read_text("utf-8")
    assert "    # ? the text says age > 18; the record says age >= 18" in written


def test_adopting_what_is_proposed_is_three_lines(tmp_path: Path) -> None:
    drafted(tmp_path, record())
    file = tmp_path / "protocols" / "NCT00000001.yaml"
    lines = file.read_text("utf-8").splitlines()
    field = next(line for line in lines if "# proposed field   easi:" in line)
    formula = next(line for line in lines if "# proposed         when: easi" in line)
    place = lines.index(field)
    ask = max(n for n, line in enumerate(lines[:place]) if line == "    ask: true")
    lines[ask] = "    " + formula.split("# proposed         ")[1]  # one: the formula instead of the question
    lines[place : place + 2] = []  # two: the proposal goes
    lines.insert(lines.index("fields:") + 1, "  " + field.split("# proposed field   ")[1])  # three: its field
    file.write_text("\n".join(lines), "utf-8")
    adopted = tt.load_protocol(file)
    assert adopted.criterion["I3"].when == "easi >= 16" and "I3" not in adopted.questions
    assert [finding.kind for finding in adopted.lint()] == ["question"]


def adopt_all(file: Path) -> Protocol:
    """The protocol with every proposal taken as it stands: its fields, and its formulas for the question."""
    head, *criteria = re.split(r"\n(?=  - id: )", file.read_text("utf-8"))
    fields: dict[str, str] = {}
    for place, written in enumerate(criteria):
        fields = dict(re.findall(r"# proposed field   (\w+): (.*)", written)) | fields
        if formulas := re.findall(r"# proposed         when: (.*)", written):
            both = " and ".join(f"({formula})" for formula in formulas)
            criteria[place] = written.replace("    ask: true", f"    when: {both}")
    fields = {name: field for name, field in fields.items() if f"\n  {name}: " not in head}
    lines = "".join(f"\n  {name}: {field}" for name, field in fields.items())
    file.write_text("\n".join([head.replace("\nfields:", f"\nfields:{lines}"), *criteria]), "utf-8")
    return tt.load_protocol(file)


def test_every_proposal_can_be_taken_as_it_stands_and_passes_and_fails(tmp_path: Path) -> None:
    rules = (
        f"{RULES}\n3. Stroke within 6 months of baseline\n4. Haemoglobin < 9 g/dL\n5. QTcF > 470 ms\n6. Weight < 40 kg"
    )
    drafted(tmp_path, record(rules, maximumAge="24 Years", minimumAge="12 Years"))
    adopted = adopt_all(tmp_path / "protocols" / "NCT00000001.yaml")
    assert adopted.questions == ("E1",) and not [f for f in adopted.lint() if f.kind in ("unit", "unused")]
    states = tt.screen(adopted, cohort(adopted, 400, seed=3).drop("synthetic")).criterion_states()
    assert states["pass"].min() > 0 and states["fail"].min() > 0


def test_a_criterion_that_is_deleted_is_missed(tmp_path: Path) -> None:
    drafted(tmp_path, record())
    file = tmp_path / "protocols" / "NCT00000001.yaml"
    written = file.read_text("utf-8")
    start = written.index("  - id: E1")
    file.write_text(written[:start] + written[written.index("  - id: E2") :], "utf-8")
    assert uncovered_text(tt.load_protocol(file)) == ("1. History of Guillain-Barre syndrome",)


def test_nothing_is_overwritten_and_a_changed_record_says_what_changed(tmp_path: Path) -> None:
    drafted(tmp_path, record())
    before = {path: path.read_bytes() for path in tmp_path.rglob("NCT*")}
    with pytest.raises(
        DataError, match=r"somebody's work may be in it; nothing was written\. The record has not changed"
    ):
        new(tmp_path / "record.json", tmp_path)
    changed = record(RULES.replace("Guillain-Barre syndrome", "vitiligo"), minimumAge="16 Years")
    (tmp_path / "record.json").write_text(json.dumps(changed), "utf-8")
    with pytest.raises(DataError) as refused:
        new(tmp_path / "record.json", tmp_path)
    message = str(refused.value)
    assert "  - 1. History of Guillain-Barre syndrome\n" in message and "  + 1. History of vitiligo\n" in message
    assert "  - 18 Years and older\n" in message and "  + 16 Years and older\n" in message
    assert "E1 (History of Guillain-Barre syndrome) quotes what the record no longer says" in message
    assert "I3" not in message and {path: path.read_bytes() for path in tmp_path.rglob("NCT*")} == before


def test_what_stands_in_the_way_is_refused_whatever_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drafted(tmp_path, record())
    command = ["new", str(tmp_path / "record.json"), "--out", str(tmp_path)]
    for file in (tmp_path / "registry" / "NCT00000001.txt", tmp_path / "protocols" / "NCT00000001.yaml"):
        file.write_bytes(b"\xff no UTF-8")
        assert main(command) == 2 and "nothing was written" in capsys.readouterr().err
        file.unlink()
        file.mkdir()
        assert main(command) == 2 and "nothing was written" in capsys.readouterr().err


REFUSED = {
    '{"FullStudiesResponse": {}}': "is of the old API",
    '{"studies": []}': "is of several studies",
    "[1]": "is a list",
    "3": "is of one value",
    '{"protocolSection": {"identificationModule": {"nctId": "NCT1"}}}': "NCT1: the record has no eligibility text",
    "{": "is not JSON",
    '{"protocolSection": {"identificationModule": {"nctId": "../../x"}}}': "expected the number of a trial",
    json.dumps(record(minimumAge=[18])): "eligibilityModule.minimumAge is '[18]'; expected text",
    "": "is empty",
    "Inclusion Criteria:\nNone\nExclusion Criteria:\nNone": "no criterion below them",
}


@pytest.mark.parametrize(("content", "message"), REFUSED.items())
def test_what_is_no_record_is_refused_in_a_sentence(
    content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / ("r.txt" if not content or content.startswith("Inclusion") else "r.json")
    file.write_text(content, "utf-8")
    assert main(["new", str(file), "--out", str(tmp_path)]) == 2
    output = capsys.readouterr().err
    assert message in output and output.count("\n") == 1 and not list(tmp_path.glob("*/"))
    assert main(["new", str(tmp_path / "nowhere.json")]) == 2


@pytest.mark.parametrize(
    ("who", "formula"),
    [
        ({"minimumAge": "18 Years", "maximumAge": "64 Years"}, "18 <= age <= 64"),
        ({"minimumAge": "6 Months", "maximumAge": "5 Years"}, "6 <= age_months <= 71"),
        ({"minimumAge": None, "maximumAge": "28 Days"}, "age_days <= 28"),
    ],
)
def test_ages_are_completed_units(who: dict[str, Any], formula: str, tmp_path: Path) -> None:
    assert drafted(tmp_path, record("* Consent", **who)).criterion["I1"].when == formula


def test_sex_is_a_formula_and_ages_that_cannot_be_said_are_none(tmp_path: Path) -> None:
    protocol = drafted(tmp_path, record("* Consent", sex="FEMALE", minimumAge="2 Hours", maximumAge="3 Years"))
    assert [criterion.when for criterion in protocol.criteria] == [None, 'sex == "female"', None]
    assert protocol.criterion["I1"].ask and protocol.criterion["I1"].label == "Age 2 hours to 3 years"
    ages = {"minimumAge": "65 Years", "maximumAge": "18 Years"}, {"maximumAge": "9" * 20 + " Years"}
    for n, who in enumerate(ages):
        assert drafted(tmp_path, record("* Consent", f"NCT{n}", **who)).criterion["I1"].ask


def test_more_criteria_than_a_protocol_holds_become_one_question(tmp_path: Path) -> None:
    rules = "Inclusion:\n* Consent\nExclusion:\n" + "\n".join(f"* Condition {n}" for n in range(80))
    protocol = drafted(tmp_path, record(rules))
    assert len(protocol.criteria) == 62 and protocol.criteria[-1].label == "Further exclusions: any of 21"
    assert len(protocol.criteria[-1].quotes) == 21


# --- texts as they are written ----------------------------------------------------------------------------------------

NESTED = """\
Inclusion criteria for Part A (healthy volunteers)
1.1 Men and women, aged 18-55
1.1.1 Women: not of childbearing potential, defined as one of
      1.1.1.1 postmenopausal
      1.1.1.2 sterile
1.2 BMI 19.0 – 30.0 kg/m²
Inclusion criteria for Part B (patients)
2.1 E. coli bacteraemia, treated with more than
    1.5 g of ceftriaxone
2.2 Neutrophils ≥ 1.5 x 10^9/L
Exclusion criteria (Parts A and B)
3.1 QTcF > 450 ms
"""
PLAIN = """\
Adults of 18 years or older with heart failure
NYHA class II-IV
Left ventricular ejection fraction below 40% as
measured within the last 6 months by a method that the
investigator accepts
Exclusion Criteria
Systolic blood pressure <90 mmHg
Myocardial infarction within 30 days
Gender dysphoria under treatment
Sponsor employees
"""
UNICODE = """\
KEY INCLUSION CRITERIA
\u27a2 HbA1c \u2265 7&nbsp;% and &lt; 10 %
\uf0b7 Either:
\u25e6 Metformin \u2265 1500 mg/day, or
\u25e6 Intolerance of metformin
\u2022
Willing to consent
\u200b
KEY EXCLUSION CRITERIA
① Type 1 diabetes
② eGFR &lt; 45 mL/min/1.73 m2
③ Others, e.g.
   cancer. See section 5.2.
Other protocol-defined inclusion/exclusion criteria may apply.
"""
PEOPLE = """\
**Inclusion Criteria:**

For women:
- Negative pregnancy test
For men:
- Agree to contraception

Both:
- Life expectancy of at least 3 months
- Adequate organ function:
    a) ANC >= 1,500/µL
    b) Platelets >= 100,000/mm3
    c) AST and ALT <= 2.5 x ULN

**Exclusion Criteria:**

Not applicable
"""
RUN_ON = (
    "Inclusion Criteria: Age 40 years or older; Stable asthma (incl. mild). Patients with one or more of the "
    "following: (1) cough; (2) wheeze; (3) fever (38 °C) Exclusion Criteria: Patients with tuberculosis Patients with "
    "HIV. Pregnant or lactating women. Dr. Smith's score > 5"
)
TEXTS = {
    "numbers in numbers": (NESTED, 4, 1),
    "lines without marks": (PLAIN, 3, 4),
    "bullets of all kinds": (UNICODE, 3, 3),
    "headings of people": (PEOPLE, 4, 0),
    "all in one line": (RUN_ON, 3, 4),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_many_hands_lose_nothing(name: str, tmp_path: Path) -> None:
    text, inclusions, exclusions = TEXTS[name]
    read = read_eligibility(clean(text))
    assert lost(apart(clean(text)), read) == ""
    kinds = Counter(item.kind for item in read.items)
    assert (kinds["inclusion"], kinds["exclusion"]) == (inclusions, exclusions)
    protocol = drafted(tmp_path, record(text))
    assert len(protocol.questions) == inclusions + exclusions
    assert len(drafted(tmp_path, text, f"{name}.txt").questions) == inclusions + exclusions
    assert list(tt.screen(protocol, pl.DataFrame({"patient_id": ["a"], "age": [9]})).decisions()["decision"])


def test_a_list_is_joined_only_where_its_words_are_certain() -> None:
    certain = "* Having at least one of the following:\n  * Asthma\n  * Eczema"
    assert [item.join for item in read_eligibility(certain).items] == ["or"]
    for lead in (
        "Women will not be considered fertile if one of the following is documented:",
        "Adequate organ function:",
        "No asthma, unless one of the following:",
        "Women of childbearing potential must agree to use one of the following:",
    ):
        (item,) = read_eligibility(f"* {lead}\n  * Asthma\n  * Eczema").items
        assert item.join == "" and "any of them, or all?" in item.remarks[0]
    flat = read_eligibility("* One of the following:\n* Asthma\n* Eczema").items
    assert [item.remarks for item in flat[1:]] == [("may be a part of the list that is announced above it",)] * 2


def test_a_line_that_excludes_turns_what_stands_below_it() -> None:
    rules = "Patients are eligible if:\n- over 18\nPatients will be excluded if:\n- pregnant\n- under dialysis"
    read = read_eligibility(rules)
    assert [item.kind for item in read.items] == ["inclusion", "exclusion", "exclusion"] and lost(rules, read) == ""
    assert all("read as an exclusion" in item.remarks[0] for item in read.items[1:])


@pytest.mark.parametrize(
    ("over", "below"),
    [
        ("Who can take part:\n- adults\n", "Who cannot take part:\n\nHeart:\n- stroke\n- flu"),
        ("Who can take part?\nadults\n", "Who can't take part in this study?\nstroke\nflu"),
        ("You can join if you are:\n- adults\n", "You cannot join if any of these apply:\n- stroke\n- flu"),
        ("Inclusions:\n- adults\n", "Exclusions:\n- stroke\n- flu"),
        ("Inclusion:\n- adults\n", "Reasons for exclusion\n- stroke\n- flu"),
        ("Include:\n- adults\n", "Exclude:\n- stroke\n\nInfections:\n- flu"),
        ("Einschlusskriterien:\n- adults\n", "Ausschlusskriterien:\n- stroke\n- flu"),
        ("Critères d’inclusion\n- adults\n", "Critères de non-inclusion\n- stroke\n- flu"),
    ],
)
def test_the_headings_of_a_ward_sheet_keep_people_out_too(over: str, below: str) -> None:
    read = read_eligibility(f"{over}\n{below}")
    kinds = {item.text: item.kind for item in read.items}
    assert (kinds["adults"], kinds["stroke"], kinds["flu"]) == ("inclusion", "exclusion", "exclusion")
    assert lost(f"{over}\n{below}", read) == ""
    rule = read_eligibility("Inclusion Criteria:\n- Patients who cannot take part in exercise\n- flu")
    assert {item.kind for item in rule.items} == {"inclusion"}


@pytest.mark.parametrize(
    ("stated", "sex"),
    [
        ("Gender\nFemale, Male", "all"),
        ("Sex\nMale\nFemale", "all"),
        ("Gender\nWomen and men", "all"),
        ("Gender\nFemale", "female"),
        ("Gender\nMen", "male"),
        ("Gender\nFemale: no, male: yes", ""),
    ],
)
def test_a_sex_is_a_rule_only_where_it_is_the_only_one(stated: str, sex: str, tmp_path: Path) -> None:
    text = f"Inclusion criteria:\n1. Colitis\nExclusion criteria:\n1. Gout\n\n{stated}\n"
    assert record_in(text, "pasted.txt").sex == sex
    protocol = drafted(tmp_path, text, "pasted.txt")
    assert ("sex" in protocol.fields) == (sex in ("female", "male"))


def test_ages_are_those_that_are_eligible_and_no_other_years(tmp_path: Path) -> None:
    text = "Inclusion criteria:\n1. Colitis\nExclusion criteria:\n1. Gout\n\nLocations\nFollow-up 2 years to 4 years\n"
    assert record_in(f"{text}Sexes eligible: all", "pasted.txt").ages == ("", "")
    stated = record_in(f"{text}Ages Eligible for Study\n18 Years to 75 Years", "pasted.txt")
    assert (stated.ages, stated.age_quote) == (("18 Years", "75 Years"), "18 Years to 75 Years")


def test_what_a_registry_states_in_a_line_is_no_exclusion_and_ends_nothing(tmp_path: Path) -> None:
    text = (
        "Inclusion criteria:\nColitis\n{}\nConsent\n\nExclusion criteria:\nGout\n\n"
        "Minimum Age: 18 Years\n\nMaximum Age: 75 Years\n{}\n"
    )
    protocol = drafted(tmp_path, text.format("", "Gender: Female"), "pasted.txt")
    labels = ["Age 18 years to 75 years", "Sex: female", "Colitis", "Consent", "Gout"]
    assert [each.label for each in protocol.criteria] == labels
    alone = record_in("Inclusion criteria:\nGout\nExclusion criteria:\nGender: Male\nFlu\n", "pasted.txt")
    assert "Gender: Male\nFlu" in alone.eligibility and alone.sex == ""
    inside = record_in(text.format("Sex: all", ""), "pasted.txt")
    assert "Consent" in inside.eligibility and (inside.sex, inside.ages) == ("all", ("18 Years", "75 Years"))


def test_the_source_of_a_page_is_read_as_the_page() -> None:
    page = (
        "<html><body><h3 class='x'>Inclusion Criteria</h3><ul><li id=\"a\">Flu, p <b class='y'>now</b></li></ul>"
        "<h3>Exclusion Criteria</h3><ul><li>INR <p and > 3</li></ul></body></html>"
    )
    read = read_eligibility(clean(page))
    assert [(item.kind, item.text) for item in read.items] == [
        ("inclusion", "Flu, p now"),
        ("exclusion", "INR <p and > 3"),
    ]


def test_a_file_of_a_word_processor_is_refused_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sheet.txt").write_text("Inclusion criteria:\r\n\u2022 Colitis\r\n", "utf-16")
    assert main(["new", str(tmp_path / "sheet.txt"), "--out", str(tmp_path)]) == 2
    assert "save it as plain text in UTF-8" in capsys.readouterr().err


def test_captions_of_a_registry_page_are_no_questions() -> None:
    rules = "Inclusion Criteria:\n\nDescription\n\n* Gout\n* Flu"
    read = read_eligibility(rules)
    assert [item.text for item in read.items] == ["Gout", "Flu"] and lost(rules, read) == ""
    assert read_eligibility("Inclusion Criteria:\n* Gout\n* Description of pain").items[1].text == "Description of pain"


def test_alternatives_on_lines_of_their_own_are_marked() -> None:
    read = read_eligibility("* FEV1 below 80 %\nOR\n* FEV1/FVC below 0.7\n* Consent")
    assert [len(item.remarks) for item in read.items] == [1, 1, 0] and "may be enough" in read.items[0].remarks[0]


def test_headings_over_headings_go_into_the_quote_below() -> None:
    rules = "PATIENT CHARACTERISTICS:\n\nPerformance status:\n\n* ECOG 0-2\n  o fit\n  o working\n\nAge:\n\n* Any"
    read = read_eligibility(rules)
    assert [(item.under, item.text, item.parts) for item in read.items] == [
        ("Performance status", "ECOG 0-2", ("fit", "working")),
        ("Age", "Any", ()),
    ]
    assert read.items[0].quotes[0] == "PATIENT CHARACTERISTICS:" and lost(rules, read) == ""


def test_nothing_below_an_exclusion_heading_is_set_aside() -> None:
    rules = (
        "Exclusion Criteria:\nPatients meeting any of the following will be excluded:\n* Gout\nUnknown heading:\n* Flu"
    )
    read = read_eligibility(rules)
    assert read.headings == ("Exclusion Criteria:",) and lost(rules, read) == ""
    assert [(item.kind, item.text) for item in read.items] == [("exclusion", "Gout"), ("exclusion", "Flu")]
    alone = read_eligibility("Exclusion Criteria:\n* Gout\n\nConcomitant medication:")
    assert [item.text for item in alone.items] == ["Gout", "Concomitant medication:"]


ISRCTN = """\
ISRCTN12345678
Walking for knees

Participant inclusion criteria
1. Aged over 50 years
2. Osteoarthritis of the knee

Participant type(s)
Patient
Age group
Adult
Lower age limit
50 Years
Sex
Both
Target number of participants
120

Participant exclusion criteria
1. Knee replacement
2. Unable to walk

Date of first enrolment
01/02/2019
"""
CHICTR = """\
注册号: Registration number: ChiCTR2000012345
Public title: Acupuncture for migraine
纳入标准:
Inclusion criteria: 1. Migraine without aura; 2. Aged 18 to 65 years; 3. Sign informed consent.
排除标准:
Exclusion criteria: (1) Pregnancy; (2) Other headaches; (3) Severe liver disease
研究实施时间: Study execute time: From 2020-03-01 To 2021-03-01
Gender: Both
"""
EU_CTR = """\
EudraCT Number: 2015-001234-56
Title of the trial: A trial of something
E.3 Principal inclusion criteria
- Men aged 40 and older
- PSA > 4 ng/mL
E.4 Principal exclusion criteria
- Prior prostatectomy
E.5 End point(s)
E.5.1 Primary end point(s)
Survival
"""
CTIS = """\
EU CT number: 2023-501234-12-00
Inclusion criteria
1
Signed consent
2
ECOG 0-1
Exclusion criteria
1
Brain metastases
"""
CTIS_TABLE = """\
EU CT Number: 2024-509876-31-00
2.1.2. Eligibility criteria
Principal inclusion criteria
No\tPrincipal inclusion criteria
1\tECOG 0-1
2\tSigned consent
Principal exclusion criteria
No\tPrincipal exclusion criteria
1\tBrain metastases
Population age range: 18-64 years, 65-84 years, 85+ years
Gender: Female, Male
"""
PASTED = {"ISRCTN12345678": (ISRCTN, 2, 2), "ChiCTR2000012345": (CHICTR, 3, 3), "2015-001234-56": (EU_CTR, 2, 1)}
PASTED["2023-501234-12-00"] = (CTIS, 2, 1)
PASTED["2024-509876-31-00"] = (CTIS_TABLE, 2, 1)


@pytest.mark.parametrize("id", PASTED)
def test_texts_pasted_from_other_registries(id: str, tmp_path: Path) -> None:
    """Made up in the style of the registries, not taken from them."""
    text, inclusions, exclusions = PASTED[id]
    protocol = drafted(tmp_path, text, "pasted.txt")
    kinds = Counter(protocol.criterion[id].kind for id in protocol.questions)
    assert protocol.id == id and (kinds["inclusion"], kinds["exclusion"]) == (inclusions, exclusions)


def test_what_a_pasted_text_says_beside_its_criteria_is_printed(tmp_path: Path) -> None:
    (tmp_path / "isrctn.txt").write_text(ISRCTN, "utf-8")
    draft = new(tmp_path / "isrctn.txt", tmp_path)
    text = draft.text().splitlines()
    for line in ("Participant type(s)", "Both", "120", "Participant exclusion criteria", "01/02/2019"):
        assert f"  - {line}" in text
    protocol = tt.load_protocol(draft.protocol)
    assert protocol.title == "Walking for knees" and protocol.criterion["I1"].when == "age >= 50"


# --- generated texts --------------------------------------------------------------------------------------------------

MARKS = [
    "",
    "",
    "* ",
    "- ",
    "• ",
    "1. ",
    "2. ",
    "3) ",
    "(1) ",
    "a) ",
    "b. ",
    "iv. ",
    "1.1 ",
    "1.1.2 ",
    "o  ",
    "①",
    "E. ",
]
SAYINGS = [
    *("Inclusion Criteria:", "EXCLUSION CRITERIA", "Key exclusion", "Inclusion/Exclusion criteria", "Eligibility"),
    *("For women:", "Part B:", "At least one of the following:", "Patients will be excluded if:", "and", "-", "1."),
    *("Age ≥ 18 years", "Asthma", "no asthma, or", "asthma within 4 weeks; HIV. Pregnant women", "None", "Sex"),
    *("1\uff09甲\uff1b2\uff09乙", "1e3", "One of the following;Asthma;HIV. Exclusion: no", "b; 2) c", "null"),
    *("x: (1) a; (2) b; (3) c", "Other criteria may apply.", "“quoted” # text: with {signs} [of] YAML\\"),
]
LINES = st.tuples(st.sampled_from(["", "", "  ", "    "]), st.sampled_from(MARKS), st.sampled_from(SAYINGS)).map(
    "".join
)


@settings(max_examples=sample(25))
@given(st.lists(st.one_of(LINES, LINES, st.just(""), st.text(max_size=30)), min_size=1, max_size=14).map("\n".join))
def test_no_word_of_any_text_is_lost(text: str) -> None:
    cleaned = clean(text)
    read = read_eligibility(cleaned)
    assert lost(apart(cleaned), read) == ""
    assert all(squeeze(quote) in squeeze(cleaned) for item in read.items for quote in item.quotes)


@settings(max_examples=sample(25))
@given(rules=st.lists(LINES, min_size=1, max_size=12).map("\n".join))
def test_whatever_is_pasted_loads_and_is_covered(rules: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    drafted(tmp_path_factory.mktemp("pasted"), f"Inclusion criteria:\n- Consent\n{rules}", "T1.txt")


def test_formulas_are_proposed_only_of_what_a_sentence_says() -> None:
    right = {
        "Body mass index (BMI) between 18 and 30 kg/m2": ["18 <= bmi <= 30"],
        "≥10% body surface area (BSA) of AD involvement": ["bsa_involved >= 10"],
        "ANC ≥ 1.5 x 10^9/L": ["anc >= 1.5"],
        "AST and ALT ≤ 2.5 x ULN": ["alt <= 2.5 * alt_uln", "ast <= 2.5 * ast_uln"],
        "NYHA class II-IV": ["nyha >= 2"],
        "Stroke within 6 months before screening": ["stroke_on >= months_before(screened_on, 6)"],
        "ECOG performance status 0-1": ["0 <= ecog <= 1"],
        "Systolic blood pressure >180mmHg or diastolic blood pressure >110mmHg": ["diastolic > 110", "systolic > 180"],
        "Male or female, LVEF not less than 40%": ["lvef >= 40"],
        "Women aged 18 to 45 years": ["18 <= age <= 45"],
    }
    for sentence, formulas in right.items():
        assert sorted(each.formula for each in suggestions(sentence)) == sorted(formulas), sentence
    for sentence in (
        "Prednisone >10 mg daily",
        "fasting glucose and 2 hour: 140 - 199 mg/dl",
        "For adolescents under 18 years of age, able to assent",
        "Steroids for more than 28 days during the 6 months prior to the study",
        "IGA on the 0-4 scale",
        "Life expectancy of at least 12 weeks",
        "Post-bronchodilator FEV1/FVC < 0.70",
        "QTcF > 470 msec (females) or > 450 msec (males)",
        "In men: haemoglobin < 13 g/dL",
        "No botulinum toxin in the last 3 months",
        "No stroke, bleeding or infarction within 6 months before screening",
        "Not older than 65 years",
        "No ALT > 3 x ULN",
    ):
        assert suggestions(sentence) == [], sentence


def test_a_formula_that_says_only_a_part_of_its_sentence_is_marked(tmp_path: Path) -> None:
    part = {
        "ALT or alanine aminotransferase > 3 x ULN": [],
        "Creatinine clearance < 30 mL/min": [],
        "AST > 3 x ULN and platelets < 100 x 10^9/L": [],
        "Platelets, then (by the local laboratory) AST > 3 x ULN": ["Platelets"],
        "NT-proBNP > 400 (or > 600 if in atrial fibrillation)": ["> 600"],
        "Age ≥ 28 days and < 16 years": ["≥ 28 days"],
        "Diastolic blood pressure ≥ 60 and ≤ 90 mmHg": ["≤ 90 mmHg"],
        "BMI > 35, except athletes": ["except athletes"],
        "Malignancy within 3 years before screening, unless cured (by surgery)": ["unless cured"],
    }
    for sentence, rest in part.items():
        assert unsaid(sentence, suggestions(sentence)) == rest, sentence
    sheet = "Inclusion criteria:\n\u2022 Hb 9,5 - 13,5 g/dl\no NT-proBNP > 400\nExclusion criteria:\n\u2022 Dialysis\n"
    (tmp_path / "sheet.txt").write_text(sheet, "utf-8")
    text = new(tmp_path / "sheet.txt", tmp_path).text()
    assert "I1: a line below it is read as a part of it" in text
    assert "I1: what is proposed says only a part: nothing of 'Hb'" in text


def test_a_rate_for_a_body_surface_keeps_its_unit() -> None:
    (made,) = suggestions("eGFR \u2265 25 mL/min/1.73 m^2 (CKD-EPI) at screening")
    assert (made.formula, made.fields["egfr"].unit, made.doubt) == ("egfr >= 25", "mL/min/{1.73_m2}", "")
    assert suggestions("eGFR < 30 mL/min")[0].fields["egfr"].unit == "mL/min"
    assert suggestions("Creatinine clearance < 30 mL/min")[0].doubt == ""


def test_a_part_of_a_list_that_is_said_only_in_part_is_marked_too(tmp_path: Path) -> None:
    rules = "Inclusion criteria:\n- At least 2 of:\n  - heart rate > 160/min\n  - WBC > 12 or < 4 G/l\n  - fever\n"
    protocol = drafted(tmp_path, rules, "list.txt")
    written = (tmp_path / "protocols" / "list.yaml").read_text("utf-8")
    assert len(protocol.criteria) == 1 and "nothing of '< 4 G/l'" in written
    assert "at_least(2," in written and "'at least 2'" not in written


@pytest.mark.parametrize(
    "sentence",
    [
        "Gestational age between 12+0 and 16+6 weeks at randomisation",
        "Gestational age ≥ 37+0",
        "Bone age ≤ 12 years",
        "Age at onset below 40 years",
        "Age at diagnosis of 18 years or older",
    ],
)
def test_another_age_is_not_the_age_at_screening(sentence: str) -> None:
    assert not any("age" in each.fields for each in suggestions(sentence))


def test_a_list_that_goes_on_inside_a_line_is_split_only_where_it_counts_on() -> None:
    split = {
        "1) adult; 2) ≥10% BSA\n3) fever; 4) cough": ["adult;", "≥10% BSA", "fever;", "cough"],
        "a) asthma; b) COPD; c) cancer": ["asthma;", "COPD;", "cancer"],
        "(i) asthma, (ii) COPD": ["asthma,", "COPD"],
        "①asthma\uff1b②COPD": ["asthma\uff1b", "COPD"],
    }
    whole = (
        "3. fever, see section 4. Cough does not count",
        "1. ALT > 1.5; 2.5 in cirrhosis",
        "Grade 1) or 2) of the scale",
        "Infection with a. baumannii; b. cepacia",
        "c) toxicity of grade d) to f)",
    )
    for text, rules in split.items():
        assert [item.text for item in read_eligibility(f"Inclusion:\n{text}").items] == rules
    for text in whole:
        assert len(read_eligibility(f"Inclusion:\n{text}").items) == 1, text


def test_what_stands_in_two_languages_is_asked_once_where_all_numbers_agree(tmp_path: Path) -> None:
    chinese, english = "1. 年龄18-65岁\n2. 签署知情同意书", "1. Aged 18-65\n2. Consent"
    rules = f"纳入标准:\n{chinese}\nInclusion criteria:\n{english}\n排除标准:\n1. 妊娠\n"
    protocol = drafted(tmp_path, rules, "T1.txt")
    assert [c.quotes for c in protocol.criteria] == [
        ("1. Aged 18-65", "1. 年龄18-65岁"),
        ("2. Consent", "2. 签署知情同意书"),
        ("1. 妊娠",),
    ]
    assert "taken for the same rule" in (tmp_path / "protocols" / "T1.yaml").read_text("utf-8")
    assert len(drafted(tmp_path, rules.replace("Aged 18-65", "Aged 18-60"), "T2.txt").criteria) == 5
    bare = "排除标准:\n1. 妊娠\n2. BMI\uff1e35 kg/m2\uff1b\nExclusion criteria:\n1. Pregnancy\n2. BMI > 35 kg/m2;\n"
    assert len(drafted(tmp_path, bare, "T4.txt").criteria) == 2
    assert len(drafted(tmp_path, bare.replace("BMI >", "BMI <"), "T5.txt").criteria) == 4
    mixed = "纳入标准:\n1. 知情同意\n2. Asthma\n3. 偏头痛\n4. COPD\n"
    assert len(drafted(tmp_path, mixed, "T3.txt").criteria) == 4


@pytest.mark.parametrize("rules", ["- Consent\nOther criteria may apply.", "- Consent. Other criteria may apply."])
def test_a_statement_that_more_criteria_apply_takes_no_rule_with_it(rules: str, tmp_path: Path) -> None:
    protocol = drafted(tmp_path, f"Inclusion criteria:\n{rules}", "T1.txt")
    assert "Consent" in protocol.criterion["I1"].label
    twice = drafted(
        tmp_path, "Inclusion criteria:\n- Adult\n- Other criteria may apply.\n- Criteria may also apply.", "T3.txt"
    )
    assert list(twice.design) == ["complete", "complete_2"]
    assert drafted(tmp_path, "Inclusion criteria:\nOther criteria may apply.", "T2.txt").questions == ("I1",)


def test_what_stands_in_odd_places_is_read_as_what_it_is(tmp_path: Path) -> None:
    run_on = drafted(tmp_path, "Inclusion: age 18-65; consent. Exclusion: pregnancy; allergy.", "T1.txt")
    assert [c.label for c in run_on.criteria if c.kind == "exclusion"] == ["Pregnancy; allergy"]
    chinese = "研究对象的纳入标准:\n1\uff09年龄≥18岁\uff1b2\uff09知情同意\n排除标准:\n不符合纳入标准\n"
    chinese += "研究实施时间:\nMin age 18 岁 years"
    assert [c.kind[:2] for c in drafted(tmp_path, chinese, "T2.txt").criteria] == ["in", "in", "in", "ex"]
    (tmp_path / "T3.txt").write_text("| Inclusion criteria | Exclusion criteria |\n| Adult | Pregnancy |", "utf-8")
    assert "I1: the heading says inclusion and exclusion" in new(tmp_path / "T3.txt", tmp_path).text()
    table = "Principal inclusion criteria\nNumber\nPrincipal inclusion criteria\n1\nAdult\n2\nRSV"
    assert len(read_eligibility(table).items) == 2
    page = "Inclusion Criteria:\n* Infant\n\nAges Eligible for Study: 6 Months to 23 Months\nSexes Eligible: All\n"
    assert [c.when for c in drafted(tmp_path, page, "T4.txt").criteria] == ["6 <= age_months <= 23", None]


def test_parts_of_a_list_that_sound_alike_stay_apart(tmp_path: Path) -> None:
    rules = "Inclusion criteria:\n- Two or more of the following:\n  * Any dose\n  * The dose\n  * Fever\n"
    drafted(tmp_path, rules, "T1.txt")
    assert "when: at_least(2, dose, dose_2, fever)" in (tmp_path / "protocols" / "T1.yaml").read_text("utf-8")


def test_the_header_of_a_table_is_no_name_of_people() -> None:
    rules = (
        "Principal inclusion criteria (English)\nNumber\tPrincipal inclusion criteria (English)\n1\tColitis\n2\tGout"
    )
    assert [item.under for item in read_eligibility(rules).items] == ["", ""]


# --- the records of the registry, where they are at hand --------------------------------------------------------------

RECORDS = {  # criteria, age, criteria that say what the record does not
    "NCT00763412": (11, "12 <= age <= 24", []),
    "NCT02210780": (13, "18 <= age <= 64", []),
    "NCT03475563": (13, "age >= 18", ["I2"]),
    "NCT03630471": (18, "13 <= age <= 20", []),
    "NCT04207047": (28, "age >= 18", []),
}


@pytest.mark.parametrize("id", RECORDS)
def test_real_records_are_split_right(id: str, tmp_path: Path) -> None:
    source = find_component("realdata") / "registry_records" / f"{id}.json"
    rules = json.loads(source.read_text("utf-8"))["protocolSection"]["eligibilityModule"]["eligibilityCriteria"]
    assert lost(clean(rules), read_eligibility(clean(rules))) == ""
    protocol = drafted(tmp_path, source.read_text("utf-8"), f"{id}.json")
    count, age, doubted = RECORDS[id]
    assert len(protocol.criteria) == count and protocol.criterion["I1"].when == age
    assert len(protocol.questions) == count - 1
    text = (tmp_path / "protocols" / f"{id}.yaml").read_text("utf-8")
    assert text.count("; the record says") == len(doubted)
