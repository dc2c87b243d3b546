"""A folder of reports goes in, one page comes out that links them: what each answers, what it was made from, when."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..criteria.files import whole
from .errors import ReportError
from .page import HERE, POLICY

_PARTS = ("Protocol", "Cohort", "Randomization", "Trial", "Other reports", "Closed")
_MARK = '<meta name="generator" content="trialtools">'


def write_index(folder: str | os.PathLike[str]) -> Path:
    """Write `index.html` in a folder, which links every report there and in its subfolders, as told by their manifests.

    A closed report stands under a heading of its own; nothing but its name and its time is repeated from it.
    """
    from jinja2 import Environment, FileSystemLoader

    place = Path(folder)
    reports = sorted(_reports(place), key=lambda each: each["made"])
    template = Environment(loader=FileSystemLoader(HERE), autoescape=True).get_template("index.html.j2")
    css = (HERE / "page.css").read_text("utf-8")
    protocols = {each["protocol"]["id"]: None for each in reports if each["protocol"]}
    text = template.render(
        mark=_MARK,
        parts=[(part, [each for each in reports if each["part"] == part]) for part in _PARTS],
        synthetic=[each for each in reports if each["synthetic"]],
        all_synthetic=all(each["synthetic"] for each in reports),
        about=" · ".join([*protocols, f"last made {reports[-1]['made']}"]) if reports else "",
        css=css,
        policy=POLICY.replace("script-src 'unsafe-inline'; ", ""),
    )
    written = place / "index.html"
    if written.exists() and _MARK not in written.read_text("utf-8", errors="replace"):
        raise ReportError(f"{written} is not an index of reports, so it stays; choose another folder with --out")
    with whole(written) as part:
        part.write_text(text, "utf-8")
    return written


def _reports(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted([*folder.glob("*.manifest.json"), *folder.glob("*/*.manifest.json")]):
        name = file.name.removesuffix(".manifest.json")
        page = file.with_name(f"{name}.html")
        if name.endswith(".previous") or not page.exists():
            continue
        try:
            facts = json.loads(file.read_text("utf-8"))
            run, made = facts["parameters"]["run"], facts["made"].replace("T", " ").replace("Z", " UTC")
            closed = run.get("audience") == "closed"
        except (ValueError, KeyError, TypeError, AttributeError):
            warnings.warn(f"{file} is not the manifest of a report; the index leaves it out", stacklevel=3)
            continue
        yield {
            "title": facts.get("title") or name,
            "part": "Closed" if closed else _part(run),
            "closed": closed,
            "synthetic": facts.get("synthetic", False),
            "name": name.replace("_", " "),
            "answer": "" if closed else facts.get("facts", {}).get("answer", ""),
            "protocol": facts.get("protocol"),
            "made": made,
            "page": page.relative_to(folder).as_posix(),
            "others": [
                (words, other.relative_to(folder).as_posix())
                for suffix, words in ((".pdf", "PDF"), (".ipynb", "notebook"), (".manifest.json", "manifest"))
                if (other := file.with_name(f"{name}{suffix}")).exists()
            ],
        }


def _part(run: Mapping[str, Any]) -> str:
    """What a report is about, by what it takes."""
    takes = (("audience", "Trial"), ("procedure", "Randomization"), ("amendment", "Protocol"), ("patients", "Cohort"))
    return next((part for name, part in takes if name in run), "Other reports")
