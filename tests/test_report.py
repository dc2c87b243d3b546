"""From a notebook to a page that stands alone: what is refused, what fails closed, what a reader gets.

Every run starts a kernel, so the cases that need none are tried without one.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from trialtools import figures
from trialtools.__main__ import main
from trialtools.criteria.files import alone_in
from trialtools.report.browser import find_browser, print_pdf
from trialtools.report.errors import NotebookError, ReportError
from trialtools.report.index import write_index
from trialtools.report.manifest import code_sha256, file_sha256
from trialtools.report.page import page
from trialtools.report.parameters import declared_parameters, parse_parameters, resolve_paths, validate
from trialtools.report.run import find_notebook
from trialtools.report.write import report

PARAMETERS = """
patients: Path = "../data/patients.csv"  # file with the patients
n: int = 3  # how many bars
share: float = 0.5  # of them
cut: str = "2023-03-31"
arms: list[str] = ["A", "B"]
mode: Literal["open", "closed"] = "open"
limit: int | None = None
note = "a = b = c"
"""

FIGURE = """
import plotly.graph_objects as go
go.Figure(go.Bar(x=list(range(n)), y=[3, 1, 2][:n]), layout={"title": {"text": "Three <b>bars</b>"}, "width": 600})
"""


MANIFEST = {
    "report": "x",
    "made": "2026-01-01T00:00:00Z",
    "parameters": {"given": {}, "run": {"note": "</script><b>bold"}},
    "inputs": [],
    "notebook": {"file": "x.ipynb", "sha256": "0"},
    "code": {"sha256": "0"},
    "python": "3",
    "packages": {"trialtools": "0"},
}
"""What a manifest says, as far as a page needs it."""


def code(source, *tags):
    return new_code_cell(source.strip(), metadata={"tags": list(tags)})


def write(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder as a user has it: notebooks, data, and reports yet to come."""
    folder = tmp_path_factory.mktemp("pro {ject}")
    (folder / "data").mkdir()
    (folder / "data" / "patients.csv").write_text("patient_id,age\n1,70\n")
    (folder / "mine.csv").write_text("patient_id,age\n1,71\n")
    cells = [
        new_markdown_cell("# What of *three* bars?\n\nA page."),
        code("from pathlib import Path\nfrom typing import Literal\n" + PARAMETERS, "parameters"),
        code("import sys\nhidden = 'not to be shown'\nprint(hidden)", "setup"),
        code("doubled = n * 2"),
        code("print(sys.executable, doubled, open(patients).read().split()[1])"),
        code(FIGURE),
        code("1 / 0 if n == 0 else None"),
        code("import pandas as pd\npd.DataFrame({'a': ['<script>alert(1)</script>']})"),
    ]
    write(folder / "notebooks" / "07_bars.ipynb", *cells)
    return folder


def earlier(out, *suffixes):
    """What an earlier report of the name x left."""
    files = [f"x.{suffix}" for suffix in suffixes]
    for name in files:
        (out / name).write_text("old")
    (out / "x.manifest.json").write_text(json.dumps({"outputs": dict.fromkeys(files)}))


@pytest.fixture(scope="module")
def made(project):
    here = Path.cwd()
    os.chdir(project)
    try:
        yield report("bars", {"patients": "mine.csv"}, out=project / "reports")
    finally:
        os.chdir(here)


# What is refused before anything runs


def parameters(text=PARAMETERS):
    return declared_parameters(new_notebook(cells=[code(text, "parameters")]))


def given(*texts):
    return validate(parse_parameters(texts), parameters(), "bars.ipynb")


def test_the_parameters_cell_is_read_whole():
    declared = parameters()
    assert {name: each.type for name, each in declared.items()} == {
        "patients": "Path",
        "n": "int",
        "share": "float",
        "cut": "str",
        "arms": "list[str]",
        "mode": "Literal['open', 'closed']",
        "limit": "int | None",
        "note": "str",
    }
    assert (
        declared["n"].help == "how many bars"
        and declared["share"].help == "of them"
        and declared["note"].default == "a = b = c"
    )
    assert declared_parameters(new_notebook(cells=[code("n = 3")])) == {}


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("n=40", "n", 40),
        ("share=1", "share", 1.0),
        ("share=1e-3", "share", 0.001),
        ("cut=2023-04-30", "cut", "2023-04-30"),  # no date object, which a notebook could not be given
        ("cut=007", "cut", "007"),
        ("cut=no", "cut", "no"),
        ("cut=", "cut", ""),
        ("patients=", "patients", ""),
        ("note=x=y", "note", "x=y"),
        ("arms=[A, no, 2023-01-01]", "arms", ["A", "no", "2023-01-01"]),
        ("mode=closed", "mode", "closed"),
        ("limit=5", "limit", 5),
        ("limit=null", "limit", None),
    ],
)
def test_a_value_is_read_as_its_parameter_declares_it(text, name, value):
    read = given(text)
    assert read == {name: value} and type(read[name]) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "n=abc",
        "n=3.5",
        "n=true",
        "n=0o7",
        "share=nan",
        "share=.inf",
        "share=1:30",
        "mode=half",
        "arms=A",
        "limit=x",
        "n=",
    ],
)
def test_a_value_of_the_wrong_type_is_refused(text):
    with pytest.raises(ReportError, match=rf"the parameter {text.split('=')[0]} is .*; expected "):
        given(text)


def test_values_from_python_are_held_to_the_same_types():
    assert validate({"n": 4, "patients": Path("x.csv")}, parameters(), "") == {"n": 4, "patients": "x.csv"}
    for wrong in ({"n": "4"}, {"n": True}, {"share": float("nan")}, {"cut": 3}, {"arms": [1]}, {"note": object()}):
        with pytest.raises(ReportError, match="expected"):
            validate(wrong, parameters(), "")


def test_an_unknown_parameter_names_the_nearest_and_all_there_are():
    with pytest.raises(ReportError) as error:
        given("pateints=x.csv")
    assert "bars.ipynb has no parameter 'pateints'; did you mean 'patients'?" in str(error.value)
    assert "n: int = 3   # how many bars" in str(error.value)
    with pytest.raises(ReportError, match="takes no parameters"):
        validate({"n": 1}, {}, "bars.ipynb")


@pytest.mark.parametrize("texts", [["n"], ["=3"], ["n=1", "n=2"]])
def test_what_is_no_parameter_is_refused(texts):
    with pytest.raises(ReportError):
        parse_parameters(texts)


def test_paths_are_seen_from_where_the_caller_stands(project, monkeypatch):
    folder = project / "notebooks"
    monkeypatch.chdir(project)
    place = resolve_paths({"patients": "mine.csv", "cut": "mine"}, parameters(), folder)
    assert place == {"patients": str((project / "mine.csv").resolve()), "cut": "mine"}
    with pytest.raises(ReportError, match=r"there is no file .*other\.csv"):
        resolve_paths({"patients": "other.csv"}, parameters(), folder)


def test_a_notebook_is_found_by_its_name(project, monkeypatch):
    monkeypatch.chdir(project)
    assert find_notebook("bars").name == find_notebook("07_bars.ipynb").name == "07_bars.ipynb"
    with pytest.raises(ReportError, match="no notebook 'barz'; did you mean 'bars'"):
        find_notebook("barz")


def test_what_is_no_notebook_is_refused(tmp_path):
    for name, text in {"a.ipynb": "{", "b.ipynb": "[]", "c.ipynb": "\0"}.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(ReportError, match="is not a notebook"):
            report(tmp_path / name, out=tmp_path)


def test_a_cell_of_parameters_that_is_no_python_is_refused(tmp_path):
    with pytest.raises(ReportError, match="parameters cell of the notebook cannot be run: invalid syntax"):
        report(write(tmp_path / "a.ipynb", code("%magic", "parameters")), out=tmp_path)


def test_a_folder_that_cannot_be_written_is_refused_before_the_run(tmp_path):
    ran = tmp_path / "ran"
    notebook = write(tmp_path / "a.ipynb", code(f"open({str(ran)!r}, 'w')"))
    (tmp_path / "file").write_text("")
    # /proc takes no new folder even from root, to whom permissions mean nothing
    for folder in [tmp_path / "file", *([Path("/proc/reports")] if Path("/proc/self").exists() else [])]:
        with pytest.raises(ReportError, match="the report could not be written to"):
            report(notebook, out=folder)
    assert not ran.exists()


def test_pdf_without_a_browser_is_refused_before_the_run(tmp_path, monkeypatch, capsys):
    ran = tmp_path / "ran"
    notebook = write(tmp_path / "a.ipynb", code(f"open({str(ran)!r}, 'w')"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    monkeypatch.setattr("trialtools.report.browser._MAC", "/nowhere")
    assert main(["report", str(notebook), "--pdf", "--out", str(tmp_path / "reports")]) == 2
    assert "apt-get install chromium" in capsys.readouterr().err and not ran.exists()
    monkeypatch.setenv("BROWSER_PATH", "no-such-browser")
    with pytest.raises(ReportError, match="BROWSER_PATH names no program"):
        find_browser()


def test_the_command_line_says_bad_input(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    assert main(["report", "bars", "-p", "m=3"]) == 2
    assert "has no parameter 'm'" in capsys.readouterr().err
    (project / "notebooks" / "08_p.ipynb").unlink(missing_ok=True)
    (project / "bad.yaml").write_text("id: X\n")
    write(project / "notebooks" / "08_p.ipynb", code('protocol: Path = "x.yaml"  # file', "parameters"))
    assert main(["report", "p", "-p", "protocol=bad.yaml"]) == 2
    assert "no valid protocol" in capsys.readouterr().err


# A run that comes to its end


def test_a_report_stands_alone(made, project):
    text = made.html.read_text("utf-8")
    assert made.html.name == "bars.html" and made.pdf is None
    assert made.html.stat().st_size < 3_000_000
    assert "<title>What of three bars?</title>" in text
    assert sys.executable in text, "the kernel must be the Python that runs this"
    assert " 6 1,71" in text, "the given patients are those of the caller's folder"
    assert "not to be shown" not in text.split('id="plotly-packed"')[0]
    assert "doubled = n * 2" in text, "a call that shows nothing is told with the next one"
    assert "<script>alert(1)</script>" not in text
    assert not list((project / "reports").glob(".~*")) and not list((project / "reports").glob("*.failed.ipynb"))


def test_the_manifest_says_what_the_report_was_made_from(made, project):
    content = json.loads(made.manifest.read_text())
    assert content["parameters"]["given"] == {"patients": "mine.csv"}
    assert content["parameters"]["run"]["n"] == 3 and content["seconds"] > 0
    assert content["inputs"] == [
        {"parameter": "patients", "path": "mine.csv", "sha256": file_sha256(project / "mine.csv"), "bytes": 20}
    ]
    assert content["notebook"]["sha256"] == file_sha256(project / "notebooks" / "07_bars.ipynb")
    assert content["code"]["sha256"] == code_sha256() and content["packages"]["plotly"]
    assert content["outputs"]["bars.html"]["sha256"] == file_sha256(made.html)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", content["made"])
    assert made.notebook.stat().st_size < 100_000 and "output_path" not in made.notebook.read_text()


def test_a_figure_is_live_and_the_page_asks_for_nothing(made, browse):
    with browse(made.html) as (opened, requests):
        drawn = opened.evaluate("Array.from(document.querySelectorAll('.js-plotly-plot .bars path')).length")
        assert drawn == 3
        opened.mouse.move(0, 0)
        opened.locator(".js-plotly-plot .bars path").first.hover(force=True)
        opened.wait_for_selector(".hoverlayer .hovertext", timeout=5000)
        assert opened.locator(".plot > div").get_attribute("aria-label") == "Three bars"
        assert opened.locator("details").first.get_attribute("open") is None
        assert requests == [made.html.as_uri()]
        opened.set_viewport_size({"width": 360, "height": 900})
        opened.reload()
        opened.wait_for_selector("html[data-figures=drawn]", state="attached", timeout=60_000)
        assert opened.evaluate("document.documentElement.scrollWidth") == 360


def test_a_page_cannot_ask_for_anything(tmp_path, browse):
    hits = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    hostile = (
        f'<img src="{url}/img"><script src="{url}/js"></script><link rel="stylesheet" href="{url}/css">'
        f'<style>@import "{url}/import"; body {{background: url({url}/bg)}}</style><iframe src="{url}/frame"></iframe>'
        f'<script>fetch("{url}/fetch").catch(() => 0); navigator.sendBeacon("{url}/beacon"); new Image().src="{url}/i"'
        f'</script><object data="{url}/object"></object><video src="{url}/video" autoplay></video>'
        f'<form action="{url}/form" method="post" id="f"></form><script>document.getElementById("f").submit()</script>'
    )
    cell = new_code_cell("x", outputs=[new_output("display_data", {"text/html": hostile})])
    file = tmp_path / "hostile.html"
    file.write_text(page(new_notebook(cells=[cell]), MANIFEST))
    with browse(file, drawn=False) as (opened, _):
        opened.wait_for_timeout(800)
    server.shutdown()
    assert hits == []


def test_what_a_page_shows_and_what_it_folds():
    mime = "application/vnd.plotly.v1+json"
    figure = {"data": [], "layout": {"title": "</script><b>x"}}
    banner = '<div class="tt-banner"><strong>SYNTHETIC</strong></div>'
    cells = [
        new_markdown_cell("Words only"),
        new_code_cell("a", outputs=[new_output("display_data", {mime: figure, "text/html": "lost"})]),
        new_code_cell("b", outputs=[new_output("stream", name="stderr", text="a warning")]),
        new_code_cell("c", outputs=[new_output("display_data", {"text/html": banner})]),
    ]
    text = page(new_notebook(cells=cells), MANIFEST)
    assert "<title>x</title>" in text and "</script><b>" not in text
    assert text.count('id="plotly-packed"') == 1 and "lost" not in text
    assert re.search(r"<details><summary>Messages of the run</summary><pre>a warning", text)
    assert '@top-center { content: "SYNTHETIC"' in text
    assert "plotly-packed" not in page(new_notebook(cells=cells[:1]), MANIFEST), "a page without figures stays small"


def table_cell(frame, **how):
    shown = {"text/html": figures.table(frame, **how).as_raw_html()}
    return new_code_cell("t", outputs=[new_output("display_data", shown)])


def test_on_paper_no_table_is_cut_apart_and_no_heading_is_lonely(tmp_path, chromium, require):
    """Tables of 2 to 12 rows wherever they fall, one of 40 rows, one of groups: a row is `r-TABLE-ROW`."""
    require("pdftotext")
    lengths = [4, 9, 12, 2, 7, 11, 3, 12, 5, 40, 8, 10, 1, 12, 6, 2, 9]
    cells = []
    for at, rows in enumerate(lengths):
        frame = pd.DataFrame({"row": [f"r-{at}-{row}" for row in range(rows)], "day": "2023-08-17"})
        cells.append(new_markdown_cell(f"## head-{at}\n\nWhat stands below."))
        cells.append(table_cell(frame, title=f"Table {at}", subtitle="N = 3"))
    rows = [(f"group {i // 3}", f"g-{i // 3}-{i}") for i in range(60)]
    grouped = pd.DataFrame(rows, columns=["group", "row"])
    cells.append(table_cell(grouped, title="Groups", group="group"))
    made = tmp_path / "tables.html"
    made.write_text(page(new_notebook(cells=cells), MANIFEST), "utf-8")
    print_pdf(chromium, made, tmp_path / "tables.pdf")
    paper = subprocess.run(["pdftotext", "-layout", str(tmp_path / "tables.pdf"), "-"], capture_output=True, text=True)
    sheets = paper.stdout.split("\f")
    for at, rows in enumerate(lengths):
        counts = [len(re.findall(rf"\br-{at}-\d+\b", sheet)) for sheet in sheets]
        cut = [n for n in counts if n]
        assert sum(cut) == rows and (cut == [rows] if rows <= 12 else min(cut) >= 3), f"table of {rows} rows: {cut}"
        first = next(sheet for sheet in sheets if re.search(rf"\br-{at}-0\b", sheet))
        assert re.search(rf"\bhead-{at}\b", first), "a heading stands above what it heads"
    for group in range(20):
        cut = [n for sheet in sheets if (n := len(re.findall(rf"\bg-{group}-\d+\b", sheet)))]
        assert cut == [3], f"group {group}: {cut}"
    assert paper.stdout.count("2023-08-17") == sum(lengths), "a date does not break"


def test_a_report_is_printed(made, tmp_path, chromium, require):
    print_pdf(chromium, made.html, tmp_path / "bars.pdf")
    assert (tmp_path / "bars.pdf").read_bytes().startswith(b"%PDF")
    require("pdftotext")
    paper = subprocess.run(["pdftotext", "-layout", str(tmp_path / "bars.pdf"), "-"], capture_output=True, text=True)
    assert "What of three bars?" in paper.stdout and "Three bars" in paper.stdout.replace("  ", " ")
    assert "Show the call" not in paper.stdout and re.search(r"1 ?/ ?\d", paper.stdout), "sheets are numbered"


def test_two_runs_differ_by_their_time_alone(made, project, monkeypatch):
    monkeypatch.chdir(project)
    before = made.html.read_text()
    for name in ("bars.pdf", "bars.failed.ipynb"):
        (project / "reports" / name).write_text("of an earlier run")
    facts = json.loads(made.manifest.read_text("utf-8"))
    facts["outputs"]["bars.pdf"] = {}
    made.manifest.write_text(json.dumps(facts))
    again = report("bars", {"patients": "mine.csv"}, out="reports")
    stamp = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
    assert stamp.sub("", before) == stamp.sub("", again.html.read_text())
    left = {file.name for file in (project / "reports").iterdir()}
    assert left == {"bars.html", "bars.ipynb", "bars.manifest.json"}, "nothing of the earlier run may stay beside it"


# A run that fails


FAILURES = {
    "raises": (
        "from trialtools.criteria.language import ProtocolError\nraise ProtocolError('no field agee')",
        "no field agee",
    ),
    "ends": ("import sys\nsys.exit()", "ended the notebook early"),
    "dies": ("import os\nos._exit(1)", "died"),
}


@pytest.mark.parametrize("how", FAILURES)
def test_a_failed_run_leaves_no_page(how, tmp_path, capfd, monkeypatch):
    source, message = FAILURES[how]
    notebook = write(
        tmp_path / "01_x.ipynb", new_markdown_cell("# X"), code("n = 1", "parameters"), code(source), code("n")
    )
    out = tmp_path / "reports"
    out.mkdir()
    earlier(out, "html", "pdf")
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(notebook), "-p", "n=2", "--out", "reports"]) == 3
    error = capfd.readouterr().err
    assert message in error and "\x1b" not in error and "Traceback" not in error
    assert "x.failed.ipynb" in error and (out / "x.failed.ipynb").exists()
    assert {file.name for file in out.iterdir()} == {
        "x.failed.ipynb",
        "x.previous.html",
        "x.previous.pdf",
        "x.previous.manifest.json",
    }


def test_an_error_that_a_cell_expects_fails_the_report_too(tmp_path):
    notebook = write(tmp_path / "x.ipynb", code("1"), code("1 / 0", "raises-exception"), code("2"))
    with pytest.raises(
        NotebookError, match=r"x.ipynb failed in cell 2 \(1 / 0\): ZeroDivisionError: division"
    ) as error:
        report(notebook, out=tmp_path / "out")
    assert error.value.cell == 2 and error.value.failed == tmp_path / "out" / "x.failed.ipynb"


def test_a_library_that_cannot_be_loaded_fails_the_cell_that_needs_it(tmp_path, monkeypatch):
    """Not the Python that runs the notebook, which loads it beforehand."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "great_tables.py").write_text("raise RuntimeError('made for another numpy')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    notebook = write(tmp_path / "x.ipynb", code("1"), code("import great_tables"))
    with pytest.raises(NotebookError, match=r"failed in cell 2 .*made for another numpy"):
        report(notebook, out=tmp_path / "out")


def test_a_killed_run_leaves_the_earlier_report_as_it_was(tmp_path):
    notebook = write(tmp_path / "x.ipynb", code("import time\ntime.sleep(60)"))
    out = tmp_path / "out"
    out.mkdir()
    earlier(out, "html")
    command = [sys.executable, "-m", "trialtools", "report", str(notebook), "--out", str(out)]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while running.poll() is None and not list(out.glob(".~x-*/run.ipynb")):
        time.sleep(0.1)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert {file.name for file in out.iterdir() if not file.name.startswith(".~")} == {"x.html", "x.manifest.json"}
    assert (out / "x.html").read_text() == "old"


def test_a_file_that_the_notebook_left_open_is_written_at_its_end(tmp_path):
    """Also where what holds it holds itself, so that only a search for circles finds it."""
    source = "class Log:\n    pass\n\nlog = Log()\nlog.own, log.file = log, open({!r}, 'w')\nlog.file.write('counted')"
    report(write(tmp_path / "x.ipynb", code(source.format(str(tmp_path / "log.txt")))), out=tmp_path / "out")
    assert (tmp_path / "log.txt").read_text() == "counted"


def test_a_full_disk_says_nothing_of_the_earlier_report(tmp_path, capfd):
    """Whether the notebook or whoever writes it down meets it, the report that stands there stays."""
    notebook = write(tmp_path / "x.ipynb", code("raise OSError(28, 'No space left on device')"))
    out = tmp_path / "out"
    out.mkdir()
    earlier(out, "html")
    assert main(["report", str(notebook), "--out", str(out)]) == 2
    assert "could not be written to" in capfd.readouterr().err
    assert {file.name for file in out.iterdir()} == {"x.html", "x.manifest.json"}
    small = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    small += "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
    small += "from trialtools.__main__ import main; sys.exit(main(sys.argv[1:]))"
    write(tmp_path / "x.ipynb", code("print('x' * 3000)"))
    done = subprocess.run([sys.executable, "-c", small, "report", str(notebook), "--out", str(out)], check=False)
    assert done.returncode == 2 and (out / "x.html").read_text() == "old" and not list(out.glob("x.failed*"))


@pytest.mark.usefixtures("in_process")
def test_drafts_of_killed_runs_are_swept_after_a_day(tmp_path):
    notebook, out = write(tmp_path / "x.ipynb", new_markdown_cell("# X")), tmp_path / "out"
    drafts = [out / ".~x-abcdefgh", out / ".~y-abcdefgh", out / "cuts/.~cut-abcdefgh", out / ".~x-newdraft"]
    for draft in drafts:
        draft.mkdir(parents=True)
        (draft / "run.ipynb").write_text("half")
    others = [out / ".~lock.x.html#", out / ".~77-lock.json"]
    for file in others:
        file.write_text("half")
    for old in (*drafts[:3], *others):
        os.utime(old, (1_600_000_000, 1_600_000_000))
    report(notebook, out=out)
    assert {path for path in (*drafts, *others) if path.exists()} == {drafts[3], others[0]}, (
        "new, or of an office suite"
    )


@pytest.mark.usefixtures("in_process")
def test_what_is_found_in_the_finished_files_ends_the_run(tmp_path):
    notebook = write(tmp_path / "x.ipynb", new_markdown_cell("# X"), code("print('secret')"))
    (tmp_path / "out").mkdir()
    earlier(tmp_path / "out", "html")

    def check(folder):
        assert {file.name for file in folder.iterdir()} >= {"x.html", "x.ipynb", "x.manifest.json"}
        raise ReportError("the page tells a secret")

    with pytest.raises(ReportError, match="tells a secret"):
        report(notebook, out=tmp_path / "out", check=check)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "x.previous.html",
        "x.previous.manifest.json",
    }


def test_several_reports_each_stand_alone_and_one_page_links_them(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "from IPython.display import display\n"
    source += "display({'application/vnd.trialtools.facts+json': {'answer': 'Yes & no.', 'n': 3}}, raw=True)"
    write(tmp_path / "notebooks" / "01_good_one.ipynb", new_markdown_cell("# Good <one>"), code(source))
    write(tmp_path / "notebooks" / "02_bad.ipynb", code("1 / 0"))
    assert main(["report", "good", "bad", "--jobs", "2"]) == 3
    output = capfd.readouterr()
    assert "02_bad.ipynb failed in cell 1" in output.err and "wrote reports/good_one.html" in output.out.replace(
        os.sep, "/"
    )
    index = Path("reports/index.html").read_text()
    assert 'href="good_one.html">Good &lt;one&gt;<' in index and "Yes &amp; no." in index and "bad" not in index
    assert json.loads(Path("reports/good_one.manifest.json").read_text())["facts"]["n"] == 3
    assert "Yes & no" not in Path("reports/good_one.html").read_text(), "what is told to the manifest is not shown"


@pytest.fixture
def browse(chromium):
    """Open a page offline: the page, and every address it asks for."""
    from contextlib import contextmanager

    from playwright.sync_api import sync_playwright

    @contextmanager
    def opened(file, drawn=True):
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
            try:
                tab = browser.new_page(viewport={"width": 1000, "height": 900})
                requests: list[str] = []
                tab.on("request", lambda request: requests.append(request.url))
                tab.goto(Path(file).resolve().as_uri(), wait_until="commit")
                if drawn:
                    tab.wait_for_selector("html[data-figures=drawn]", state="attached", timeout=60_000)
                yield tab, requests
            finally:
                browser.close()

    return opened


def test_what_a_report_did_not_write_is_never_replaced(project, tmp_path):
    mine = write(tmp_path / "bars.ipynb", code("1 + 1"))
    before = mine.read_bytes()
    with pytest.raises(ReportError, match=r"bars\.ipynb was not written by a report of this name, so it stays"):
        report(mine, out=tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "bars.html").write_text("a page of mine")
    with pytest.raises(ReportError, match=r"bars\.html was not written by a report"):
        report(mine, out=tmp_path / "out")
    (tmp_path / "out" / "index.html").write_text("my index")
    with pytest.raises(ReportError, match="is not an index of reports"):
        write_index(tmp_path / "out")
    assert mine.read_bytes() == before and (tmp_path / "out" / "bars.html").read_text() == "a page of mine"


def test_a_text_that_names_a_folder_stays_text(project, monkeypatch):
    monkeypatch.chdir(project)
    assert resolve_paths({"cut": "data"}, parameters(), project / "notebooks") == {"cut": "data"}


def test_a_report_names_no_folder_of_the_machine(made, project):
    for file in (made.html, made.notebook, made.manifest):
        assert str(project) not in file.read_text("utf-8")


def test_a_foreign_manifest_is_left_out_of_the_index_and_told(tmp_path):
    for name, text in (("a", "nonsense"), ("b", "[1]"), ("c", '{"parameters": {"run": 3}, "made": ""}')):
        (tmp_path / f"{name}.manifest.json").write_text(text)
        (tmp_path / f"{name}.html").write_text("x")
    with pytest.warns(UserWarning, match=r"[abc]\.manifest\.json is not the manifest of a report") as warnings_seen:
        page = write_index(tmp_path).read_text()
    assert len(warnings_seen) == 3 and "a.html" not in page


def test_who_puts_files_in_one_folder_is_alone_there(tmp_path):
    seen = []

    def put(number):
        with alone_in(tmp_path):
            seen.append(number)
            time.sleep(0.01)
            seen.append(number)

    with ThreadPoolExecutor(4) as crowd:
        list(crowd.map(put, range(8)))
    assert seen[::2] == seen[1::2] and sorted(seen[::2]) == list(range(8)) and not list(tmp_path.iterdir())
