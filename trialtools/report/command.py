"""`trialtools report`: notebooks and their parameters go in, reports that stand alone come out."""

from __future__ import annotations

from pathlib import Path

from ..criteria.doors import DONE, report_error
from .batch import Run, leave_out_grammar, reports
from .committee import is_interim, runs
from .index import write_index
from .parameters import parse_parameters
from .run import find_notebook
from .write import Report, report


def _report(
    notebooks: tuple[str, ...],
    *,
    p: tuple[str, ...] = (),
    site: tuple[str, ...] = (),
    both: bool = False,
    ledger: str | None = None,
    key: str | None = None,
    jobs: int = 1,
    out: str = "reports",
    pdf: bool = False,
) -> int:
    """Run notebooks into reports that stand alone.

    Args:
        notebooks (NOTEBOOK|NAME): a path, or a name such as screening
        p (key=value): a parameter of the notebook
        site: interim: this site; all: each, and all together
        both: interim: the open report and the closed one
        ledger (FILE): interim: the allocation ledger
        key (FILE): interim, closed: the key that opens the ledger
        jobs (N): so many reports at once
        out (DIR): where they are written
        pdf: print it as well, with the installed Chromium or Chrome
    """
    leave_out_grammar()
    values, batch = parse_parameters(p), []
    for notebook in map(find_notebook, notebooks):
        if is_interim(notebook):
            batch += runs(notebook, values, out, site, ledger, key, pdf, both)
        else:
            batch.append(Run(notebook.stem, report, (notebook, values, out, pdf)))
    worst, wrote = DONE, (Path(out) / "index.html").exists()
    for _, made in reports(batch, jobs):
        if not isinstance(made, Report):
            worst = max(worst, report_error(made))
            continue
        wrote = True
        for path in (made.html, made.pdf, made.notebook, made.manifest):
            if path:
                print(f"wrote {path}")
        if made.names_alone:
            print(f"  searched for names of arms alone: {made.names_alone}")
    if wrote:
        print(f"wrote {write_index(out)}")
    return worst


__commands__ = {"report": _report}
