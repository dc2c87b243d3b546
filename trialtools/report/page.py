"""An executed notebook and its manifest go in, one self-contained page comes out that makes no request.

Figures stay live: nbconvert drops plotly's output, so each is put in as data, and plotly.js once, packed. A content
security policy forbids the page to load or send anything, whatever a notebook may have put into its outputs.
"""

from __future__ import annotations

import base64
import copy
import gzip
import html
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ..figures.arm_tables import FACTS

PLOTLY = "application/vnd.plotly.v1+json"
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_HIDDEN = {"remove", "setup", "parameters", "injected-parameters"}
HERE = Path(__file__).parent


def page(notebook: Any, facts: Mapping[str, Any]) -> str:
    """The report as HTML.

    Args:
        notebook: executed. Cells tagged `remove` or `setup` are left out, and the parameters stand in the footer; the
            code of the others is folded under what it shows.
        facts: the manifest: protocol, hashes, versions, parameters, time.
    """
    from jinja2 import DictLoader
    from nbconvert.exporters.html import HTMLExporter

    shown, plots = _visible_part(notebook)
    exporter = HTMLExporter(
        extra_loaders=[DictLoader({"report.html.j2": (HERE / "page.html.j2").read_text("utf-8")})],
        template_file="report.html.j2",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    strip, first = _strip(facts), _first_page(shown)
    resources = {
        "policy": POLICY,
        "css": (HERE / "page.css").read_text("utf-8"),
        "js": (HERE / "page.js").read_text("utf-8"),
        "plotly": packed_plotly() if plots else "",
        "title": first.get("title") or title(notebook) or str(facts["report"]),
        "first": first,
        "facts": dict(facts),
        "strip": strip,
        "running": _css_text(first.get("running") or " · ".join(strip[:3])),
        "corner": _css_text(first["corner"]) if first else "",
        "banner": banner(shown),
        "made": _colophon(facts),
    }
    return exporter.from_notebook_node(shown, resources=resources)[0]


def key_facts(notebook: Any) -> dict[str, Any]:
    """The key numbers that an executed notebook tells its manifest, and the answer of its headline."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    facts = [output.data[FACTS] for output in outputs if FACTS in output.get("data", {})]
    answers = (
        re.search(r'class="tt-(?:headline|page)".*? data-answer="(.*?)"', text)
        for text in _html_outputs(notebook.cells)
    )
    headlines = [{"answer": html.unescape(answer[1])} for answer in answers if answer]
    return {key: value for each in [*headlines, *facts] for key, value in each.items()}


def _first_page(notebook: Any) -> dict[str, str]:
    """What page 1 of an interim report says of itself: title, and corner and running, which stand on every sheet."""
    for text in _html_outputs(notebook.cells):
        if match := re.search(r'<article class="tt-page"(.*?)>', text, re.DOTALL):
            return {name: html.unescape(value) for name, value in re.findall(r'data-(\w+)="(.*?)"', match[1])}
    return {}


def prepare() -> None:
    """Import what a page needs, and pack plotly; done while the notebook runs, it costs no time."""
    import_module("nbconvert.exporters.html")
    packed_plotly()


def title(notebook: Any) -> str:
    """The first heading of a notebook, without marks."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (match := re.search(r"^#{1,3}\s+(.+?)\s*#*$", cell.source, re.MULTILINE)):
            return re.sub(r"[*_`]", "", match[1])
    return ""


@cache
def packed_plotly() -> str:
    """plotly.js as the installed plotly brings it, as gzip in base64: 2 MB instead of 5."""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def _visible_part(notebook: Any) -> tuple[Any, int]:
    """The notebook as it is shown, and how many figures it has; a call that shows nothing is told with the next."""
    shown = copy.deepcopy(notebook)
    shown.cells = [cell for cell in shown.cells if not _HIDDEN & set(cell.metadata.get("tags", []))]
    calls: list[str] = []
    plots = 0
    for cell in shown.cells:
        if cell.cell_type != "code":
            cell.source = re.sub(r"^## (\d+)\. ", r'## <a id="section-\1"></a>\1. ', cell.source, flags=re.MULTILINE)
            continue
        calls.append(cell.source.strip())
        cell.outputs = [output for output in cell.outputs if FACTS not in output.get("data", {})]
        for output in cell.outputs:
            if PLOTLY in output.get("data", {}):
                plots += 1
                output.data = type(output.data)({"text/html": figure_html(output.data[PLOTLY], plots)})
        # nbconvert reads a file name here, and a page that stands alone has no files
        cell.metadata.pop("filenames", None)
        if "first-page" in cell.metadata.get("tags", []):
            calls = []
        elif cell.outputs:
            cell.metadata["call"] = "\n\n".join(call for call in calls if call)
            calls = []
    return shown, plots


def _without_title(layout: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """A layout whose title a narrow screen would cut, and the title for the page; only figures of ours say both."""
    meta = layout.get("meta") or {}
    if "heading" not in meta:
        return layout, ""
    caption = "".join(f"<span>{html.escape(words)}</span>" for words in (meta["finding"], meta["population"]) if words)
    margin = {**layout["margin"], "t": layout["margin"]["t"] - meta["heading"]}
    bare = {**layout, "title": None, "margin": margin, "height": layout["height"] - meta["heading"]}
    return bare, f"<figcaption>{caption}</figcaption>"


def figure_html(figure: Mapping[str, Any], number: int) -> str:
    """A place for a figure below its title, and the figure as data; a reader of the screen is told it in words."""
    layout, caption = _without_title(figure.get("layout") or {})
    heading = layout.get("title") or {}
    label = heading if isinstance(heading, str) else heading.get("text") or f"Figure {number}"
    label = (layout.get("meta") or {}).get("alt") or label
    label = html.escape(" ".join(re.sub(r"<[^>]*>", " ", html.unescape(label)).split()), quote=True)
    data = json.dumps({"data": figure.get("data"), "layout": layout, "frames": figure.get("frames")}).replace(
        "<", "\\u003c"
    )
    width, height = layout.get("width") or 0, layout.get("height") or 450
    wide = " data-wide" if width > 660 else ""
    place = f'<div id="plot-{number}" role="img" aria-label="{label}"{wide} style="min-height:{height}px">'
    return (
        f'<figure class="plot" tabindex="0">{caption}{place}<span class="undrawn">Drawing the figure …</span></div>'
        f'<script type="application/json">{data}</script></figure>'
    )


def _strip(facts: Mapping[str, Any]) -> list[str]:
    """The line on top of the page: which protocol, which data, when."""
    protocol = facts.get("protocol")
    strip = [protocol["id"], f"protocol {protocol['sha256'][:8]}"] if protocol else [str(facts["report"])]
    path = (protocol or {}).get("path")
    for each in [entry for entry in facts["inputs"] if entry["path"] != path][:2]:
        strip.append(f"{Path(each['path']).name} {each['sha256'][:8]}")
    return [*strip, facts["made"].replace("T", " ").replace("Z", " UTC"), f"trialtools {_own_version(facts)}"]


def _colophon(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What stands at the foot of the page."""
    protocol, rows = facts.get("protocol"), []
    if protocol:
        rows.append(("Protocol", f"{protocol['id']}, sha256 {protocol['sha256']}"))
    rows += [
        (f"Input: {each['parameter']}", f"{each['path']}, sha256 {each['sha256']}") for each in facts["inputs"][:20]
    ]
    if len(facts["inputs"]) > 20:
        rows.append(("Inputs", f"{len(facts['inputs'])} in all; the others stand in the manifest"))
    parameters = facts["parameters"]["given"]
    rows += [
        (f"Parameter: {name}", f"{_text(value)}{'' if name in parameters else ' (default)'}")
        for name, value in facts["parameters"]["run"].items()
    ]
    rows.append(("Notebook", f"{facts['notebook']['file']}, sha256 {facts['notebook']['sha256']}"))
    rows.append(("Code", f"trialtools {_own_version(facts)}, sha256 {facts['code']['sha256']}"))
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items() if name != "trialtools")
    rows.append(("Versions", f"Python {facts['python']}, {packages}"))
    rows.append(("Made", facts["made"].replace("T", " ").replace("Z", " UTC")))
    return rows


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, default=str)


def _own_version(facts: Mapping[str, Any]) -> str:
    return str(facts["packages"].get("trialtools", ""))


def banner(notebook: Any) -> str:
    """What a banner on the page says, to stand on every printed sheet: SYNTHETIC must not be lost with page one."""
    for text in _html_outputs(notebook.cells):
        if match := re.search(r'class="[^"]*tt-banner".*?<strong>(.*?)</strong>', text, re.DOTALL):
            return _css_text(html.unescape(match[1]))
    return ""


def _html_outputs(cells: Sequence[Any]) -> list[str]:
    outputs = (output for cell in cells if cell.cell_type == "code" for output in cell.outputs)
    return ["".join(output.data["text/html"]) for output in outputs if "text/html" in output.get("data", {})]


def _css_text(text: str) -> str:
    """A text as CSS writes it between quotes."""
    plain = re.sub(r"[\x00-\x1f]", " ", text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + plain.replace("<", "\\3c ") + '"'
