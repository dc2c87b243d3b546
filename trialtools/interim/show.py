"""A frame of a look goes in, a table or a figure comes out; of an empty one, the sentence that says why it is empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

from .. import figures
from ..figures import arm_tables
from ..figures.format import four_decimals
from .data.tables import Frame
from .frames.effect import comparisons
from .lookdata import POOLED, LookData


@dataclass(frozen=True)
class Show:
    """Tables and figures of one look: arms by their names, and below each of them who is counted.

    An empty frame is shown as the sentence that says why it is empty; with `quiet=True` as nothing. What a frame lacks
    in part, `frame.attrs["lacks"]`, is a note below it.
    """

    look: LookData

    def table(
        self,
        frame: Frame,
        title: str,
        *,
        percent: Sequence[str] = (),
        effects: Sequence[str] = (),
        digits: Mapping[str, int] | None = None,
        quiet: bool = False,
        **how: Any,
    ) -> Any:
        """A table, a row a line; arms have a column of their own where they are told.

        Args:
            frame: of a look.
            title: the finding, in a sentence.
            percent: columns that hold shares, written in percent.
            effects: columns that hold effects on the primary endpoint, written in the unit of their measure.
            digits: columns that are written with so many decimals.
            quiet: show nothing where the frame is empty.
            how: as for `figures.table`: labels, notes, columns, group, rows.
        """
        if frame.empty:
            return self._why(frame, quiet)
        if lacks := frame.attrs.get("lacks"):
            how.setdefault("notes", [lacks])
        formats = dict.fromkeys(percent, figures.percent)
        formats |= dict.fromkeys(effects, self.look.plan.measure.text)
        formats |= {name: partial(figures.number, digits=n) for name, n in (digits or {}).items()}
        formats |= {name: four_decimals for name in ("nominal_p", "alpha_spent") if name in frame}
        if set(frame.get("arm", ())) == {POOLED}:
            frame = frame.drop(columns="arm")
        if "columns" in how:
            how["columns"] = [name for name in how["columns"] if name in frame]
        frame = frame.replace({name: self.look.labels for name in ("arm", "group") if name in frame})
        return figures.table(frame, title, self.look.population, formats=formats, **how)

    def by_arm(self, frame: Frame, title: str, rows: Sequence[str] = ("what",), quiet: bool = False, **how: Any) -> Any:
        """A table with an arm a column: participants with something, and what the arms differ by.

        Args:
            frame: rows by `arm`, with `participants` and `of`.
            title: the finding, in a sentence.
            rows: the columns that name a row; of two, the first one heads groups.
            quiet: show nothing where the frame is empty.
            how: as for `figures.arm_tables.by_arm`.
        """
        if len(rows) > 1:
            frame = frame[frame[rows[-1]] != ""]
            how = {"group": rows[0], **how}
        if frame.empty:
            return self._why(frame, quiet)
        return arm_tables.by_arm(frame, list(rows), self.look.labels, title, self.look.population, **how)

    def across(
        self,
        frame: Frame,
        title: str,
        rows: Sequence[str],
        write: Callable[[Any], str],
        quiet: bool = False,
        **how: Any,
    ) -> Any:
        """A table with an arm a column, each cell as `write` makes it of a row.

        Args:
            frame: rows by `arm`.
            title: the finding, in a sentence.
            rows: the columns that name a row.
            write: such as `figures.arm_tables.quartiles`.
            quiet: show nothing where the frame is empty.
            how: as for `figures.arm_tables.across`.
        """
        if frame.empty:
            return self._why(frame, quiet)
        return arm_tables.across(frame, rows, write, self.look.labels, title, self.look.population, **how)

    def baseline(self, frame: Frame, title: str = "Baseline") -> Any:
        """The baseline table: a column an arm, unknown as a row."""
        if frame.empty:
            return self._why(frame)
        return figures.baseline(frame.replace({"group": self.look.labels}), title, self.look.population)

    def figure(self, draw: Callable[..., Any], frame: Frame, *more: Any, quiet: bool = False, **how: Any) -> Any:
        """What one of `figures` draws of a frame, and of what else it takes."""
        if frame.empty:
            return self._why(frame, quiet)
        arms = {"labels": self.look.labels} if "labels" in signature(draw).parameters else {}
        return draw(frame, *more, source=self.look.population, **arms, **how)

    def each(self, parts: Iterable[Any]) -> Any:
        """A table or figure of each comparison with the control: of several, one below the other, under its arm.

        Args:
            parts: one for each of `look.comparisons`, such as `show.table(one.inference_table(), "…") for one in
                look.comparisons`.
        """
        first, *others = shown = list(parts)
        if not others:
            return first
        from IPython.display import display  # a notebook is where it is needed

        for one, part in zip(comparisons(self.look), shown, strict=True):
            head = arm_tables.arm_heading(self.look.labels[one.plan.arm])
            display(*(each for each in (head, part) if each is not None))
        return None

    def text(self, sentence: str) -> Any:
        """A sentence; nothing where there is none."""
        return arm_tables.sentence(sentence) if sentence else None

    def _why(self, frame: Frame, quiet: bool = False) -> Any:
        return None if quiet else arm_tables.sentence(frame.attrs.get("why") or "Nothing to show.")
