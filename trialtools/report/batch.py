"""Several reports go in, as many processes as asked for make them; each stands or fails alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

from .errors import NotebookError
from .write import Report


@dataclass(frozen=True)
class Run:
    """A report to be made: what it is called, and the call that makes it, which another process can be sent."""

    name: str
    make: Callable[..., Report]
    arguments: tuple[Any, ...] = ()


def reports(runs: Sequence[Run], jobs: int = 2) -> Iterator[tuple[Run, Report | Exception]]:
    """The reports in the order in which they are done, each with what came of it: the report, or its error.

    A line on stderr counts them, where that is a terminal.

    Args:
        runs: what is to be made; one that fails hinders no other.
        jobs: how many at once; each has a kernel of its own, so more than there are cores gains nothing.
    """
    if jobs == 1 or len(runs) == 1:
        for done, run in enumerate(runs):
            _tell(f"{done} of {len(runs)} reports done; making {run.name} …")
            yield run, _result(run, partial(run.make, *run.arguments))
        return
    # A fresh process imports everything anew; a forked one would share threads that it does not have.
    with ProcessPoolExecutor(jobs, get_context("spawn"), leave_out_grammar) as pool:
        waiting: dict[Future[Report], Run] = {pool.submit(run.make, *run.arguments): run for run in runs}
        _tell(f"0 of {len(runs)} reports done …")
        for done, future in enumerate(as_completed(waiting), start=1):
            run = waiting[future]
            _tell(f"{done} of {len(runs)} reports done: {run.name}" + " …" * (done < len(runs)))
            yield run, _result(run, future.result)


def leave_out_grammar() -> None:
    """Keep jsonschema from compiling a grammar of web addresses, for a second: no notebook is held against one."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def _result(run: Run, make: Callable[[], Report]) -> Report | Exception:
    try:
        return make()
    except BrokenProcessPool:
        return NotebookError(f"{run.name}: the process that made it ended; it may have run out of memory", None)
    except Exception as error:
        return error


def _tell(words: str) -> None:
    if sys.stderr.isatty():
        print(words, file=sys.stderr, flush=True)
