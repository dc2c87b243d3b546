"""A column goes in; how often each of its texts stands there comes out, and which of them may be shown to anybody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals as nw
import polars as pl

from ...criteria.engine import lazy_polars
from ...criteria.protocol import Field
from ..sources.cells import BLANKS
from ..sources.columns import text_of
from ..sources.mapping import MappedColumn
from .words import vocabulary, word, word_list

_SHORT, _CODES, _TIMES = 2, 12, 3
"""Letters of a code; different codes that a coded column has at most; how often each stands there, on average."""


@dataclass(frozen=True)
class ColumnContent:
    """One column: its different texts with their numbers, the commonest first, in a frame of `text` and `n`."""

    name: str
    dtype: Any
    rows: int
    counts: pl.DataFrame

    @cached_property
    def n_filled(self) -> int:
        return int(self.counts["n"].sum())

    @property
    def empty_text(self) -> str:
        """How many of its cells are empty, where some are."""
        return f"; empty {self.rows - self.n_filled:,}" if self.rows > self.n_filled else ""

    @cached_property
    def known_counts(self) -> pl.DataFrame:
        """Without the words that stand for unknown."""
        return self.counts.filter(~self.counts["text"].is_in([*self.blanks]))

    @cached_property
    def blanks(self) -> dict[str, int]:
        """The words for unknown that stand here."""
        short = self.counts.filter(pl.col("text").str.len_chars() < _LONGEST_BLANK).iter_rows()
        return {text: n for text, n in short if word(text) in word_list("blank")}

    @cached_property
    def few(self) -> dict[str, int]:
        """Its texts if they can be codes; nothing where there are too many."""
        return dict(self.counts.iter_rows()) if 0 < len(self.counts) <= _CODES else {}

    def shows(self, text: str, field: Field) -> bool:
        """Whether a text may be told: a word that everybody uses, or a short code that many patients share.

        Names, telephone numbers and notes are none of both, whatever column they stand in.
        """
        plain, everyday = word(text), _everyday_words()
        if plain in everyday or plain in {word(value) for value in field.values}:
            return True
        if plain and (word_list("results") | everyday).issuperset(re.split(r"[\s/_-]+", plain)):
            return True
        shared = len(self.counts) <= _CODES and self.n_filled >= _TIMES * len(self.counts)
        return shared and len(plain) <= _SHORT and plain.isalnum() and (plain.isdigit() or len(plain) == 1)

    @property
    def shown_name(self) -> str:
        """Its name, if that can be one: without a header the first patient would stand in its place."""
        odd = len(self.name) > _LONGEST_NAME or re.search(r"\d{5}|@", self.name)
        return "(a name that is not shown)" if odd else self.name


_LONGEST_BLANK, _LONGEST_NAME = 20, 60


def _everyday_words() -> frozenset[str]:
    """The words for yes, no and unknown."""
    bare = vocabulary()["bare"]
    signs = {sign.strip() for words in bare.values() for sign in words.split(",")}
    return word_list("yes") | word_list("no") | word_list("blank") | signs


def see_column(frame: Any, name: str, dtype: Any, rows: int) -> ColumnContent:
    """Count the texts of one column of a Narwhals frame, in the engine that holds it."""
    if dtype.is_nested() or dtype in (nw.Binary, nw.Object, nw.Unknown):  # no field can be read from it
        return ColumnContent(name, dtype, rows, pl.DataFrame(schema={"text": pl.String, "n": pl.Int64}))
    counted = frame.select(text_of(name, dtype).alias("text")).group_by("text").agg(nw.len().alias("n"))
    text = pl.col("text").cast(pl.String).str.strip_chars(BLANKS)
    alike = lazy_polars(counted).with_columns(text).filter(pl.col("text") != "").group_by("text")
    texts = alike.agg(pl.col("n").sum().cast(pl.Int64)).sort("n", "text", descending=[True, False])
    return ColumnContent(name, dtype, rows, texts.collect())


@dataclass(frozen=True)
class Fit:
    """The line of a mapping, what the column holds in words, and what is open.

    `sure` means that its values need no interpretation. `settled` is false where nobody can read it before somebody
    answers what is asked.
    """

    mapped: MappedColumn
    holds: str
    sure: bool = True
    settled: bool = True
    asks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
