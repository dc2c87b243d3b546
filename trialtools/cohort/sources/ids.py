"""A table and what the mapping says of its patient ids go in; ids that tell every row apart come out, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from ...criteria.engine import lazy_polars
from ...criteria.protocol import DataError
from .cells import BLANKS
from .checks import ID, ROW, DataFinding, finding, number_of, one_row
from .columns import EXACT, Check, plain_type, text_of
from .mapping import PatientId
from .names import similar

OWN, _LOST, _TWICE = "__id__", "__no_id__", "__twice__"
MARKS = (ROW, OWN, _LOST, _TWICE)
_NEEDED = (
    "one row is one patient; where several rows belong to one, the mapping says which counts: rows: {take: last, by: "
    "day}, with the column of the day, or rows: {take: only}; on_fault: number under patient_id: makes each row a "
    "patient of its own, told apart by its number"
)
_TOTALS = (
    "total totals subtotal grandtotal sum sums summe summen gesamt gesamtsumme zwischensumme insgesamt somme suma "
    "totale totaal mean average mittelwert durchschnitt moyenne promedio median "
    "合计 总计 总数 小计 合計 總計 итого всего"
)
"""What stands for an id in a row that sums up the others."""
_TELLING = 4
"""From so many columns on, a row of a sheet that has nothing in any of them is no patient."""

_ODD = r"^[^0-9]*$|[^!-~]"
"""An id without a digit may be a word for a total; letters beyond those of ASCII may be written in several ways."""
_ALIKE = dict(zip("авекмнорстухіјѕԁѵαβεζηικμνορτυχγ", "abekmhopctyxijsdvabezhikmnoptuxy", strict=True))
"""Cyrillic and Greek letters that look like Latin ones, as small letters or as capitals."""
_TWO_SCRIPTS = "[A-Za-z].*[\u0370-\u04ff]|[\u0370-\u04ff].*[A-Za-z]"
"""Latin letters beside Greek or Cyrillic ones: what somebody took for another letter."""
_BROKEN = {
    r"[\p{Cc}\x{2028}\x{2029}]": "an id with a line break or another control letter",
    r"^\d(?:[.,]\d+)?E\+\d+$": "an id that a spreadsheet has turned into a number; format its column as text",
}
_PADDED = r"^([^0-9]*)0+([0-9])"
"""Zeros before a number; where no id is shorter than those with zeros, no two are the same but for these."""


def with_ids(frame: Any, id: PatientId, schema: dict[str, Any], whole: bool) -> tuple[Any, bool]:
    """The table with its ids as a column of their own, and whether they are plain: in other letters none is another.

    Args:
        frame: Narwhals frame.
        id: of the mapping.
        schema: of the frame.
        whole: whether every row is kept but those whose ids sum up others.

    Row numbers stand beside them where rows are named by them, or may be left out.

    Raises:
        DataError: no such column, or one that cannot name anybody.
    """
    polars = frame.implementation.is_polars()
    if not polars and (id.column is None or id.on_fault == "number"):
        raise DataError("rows can be numbered only in files and Polars or pandas tables; name a patient_id column")
    if id.column is None:
        return nw.from_native(frame.to_native().with_row_index(ROW, offset=1)), False
    if id.column not in schema:
        hint = similar(id.column, schema)
        raise DataError(
            f"no column '{id.column}' to tell patients apart{hint}. Name it under patient_id: in a mapping, "
            "which trialtools map writes; patient_id: {} numbers the rows"
        )
    dtype, column = schema[id.column], nw.col(id.column)
    if polars and whole and dtype == nw.String and id.on_fault == "error" and _are_plain(frame, column):
        return frame.with_columns(column.alias(OWN)), True
    if polars:
        frame = nw.from_native(frame.to_native().with_row_index(ROW, offset=1))
    return _own(frame, id.column, dtype), False


def _are_plain(frame: Any, id: nw.Expr) -> bool:
    """Whether nothing but small and capital letters can tell two of the ids apart that a person reads as one."""
    length = id.str.len_chars()
    padded = nw.when(id.str.contains(_PADDED)).then(length).max()
    facts = one_row(frame.select(odd=(id.is_null() | id.str.contains(_ODD)).any(), least=length.min(), padded=padded))
    return not facts["odd"] and (facts["padded"] or 0) <= (facts["least"] or 0)


def _own(frame: Any, column: str, dtype: Any) -> Any:
    """Ids in the type they came in; texts without blanks around them, and each letter written in one way."""
    if (dtype.is_integer() and dtype not in (nw.Int128, nw.UInt128)) or dtype == nw.Date:
        return frame.with_columns(nw.col(column).alias(OWN))
    if dtype.is_float():
        if not _are_whole(frame, column):
            problem = f"patient_id: the column {column} holds numbers with fractions, or beyond what they tell apart"
            raise DataError(f"{problem}; read it as text")
        return frame.with_columns(nw.when(~nw.col(column).is_nan()).then(nw.col(column)).cast(nw.Int64()).alias(OWN))
    if not dtype.is_numeric() and dtype not in (nw.String, nw.Categorical, nw.Enum):
        raise DataError(f"patient_id: the column {column} holds {plain_type(dtype)}; expected text or whole numbers")
    # other engines than Polars know no normal form, and Ibis trims what it holds for blanks
    if not frame.implementation.is_polars():
        blanks = None if frame.implementation.is_ibis() else BLANKS
        return frame.with_columns(text_of(column, dtype).str.strip_chars(blanks).alias(OWN))
    native = frame.with_columns(text_of(column, dtype).alias(OWN)).to_native()
    return nw.from_native(native.with_columns(pl.col(OWN).str.strip_chars(BLANKS).str.normalize("NFC")))


def _are_whole(frame: Any, column: str) -> bool:
    """Whether numbers that a library made floating, for some are missing, are whole all the same."""
    value = nw.col(column)
    other = ~value.is_nan() & ((value != value.round(0)) | (value.abs() >= EXACT))
    return not one_row(frame.select(other=number_of(other)))["other"]


def no_patients(id: str, schema: dict[str, Any], others: Sequence[str]) -> dict[str, nw.Expr]:
    """By problem the rows that are no patients: those whose id says that they sum up others, and those with nothing.

    Args:
        id: the column of ids.
        schema: of the table.
        others: of a sheet, its columns beside the ids. Where such columns are few, a row without any of them may well
            be a patient with these values unknown.
    """
    rows = {}
    if schema.get(id) == nw.String:
        word = nw.col(id).str.to_lowercase().str.replace_all(r"[\s:.=_-]+|\(.*\)$", "")
        rows["a row that sums up others, not a patient"] = word.is_in(_TOTALS.split()).fill_null(False)
    if len(others) >= _TELLING:
        rows["a row with nothing in it"] = nw.all_horizontal(nw.col(*others).is_null(), ignore_nulls=False)
    return rows


def patients_only(frame: Any, id: PatientId, schema: dict[str, Any], sheet: bool) -> tuple[Any, list[DataFinding]]:
    """The table without the rows that are no patients, each kind of them counted; ids that name nobody are marked.

    Args:
        frame: from `with_ids`, with ids that are not plain.
        id: of the mapping.
        schema: of the table as it was opened.
        sheet: whether people filled it by hand, and may have left rows empty.
    """
    others = [name for name in schema if sheet and name not in (id.column, "synthetic")]
    marks = no_patients(OWN, dict(frame.collect_schema()), others)
    who, counts = nw.col(OWN if id.column else ROW).cast(nw.String()), [nw.len().alias("n")]
    for position, rows in enumerate(marks.values()):
        counts += [number_of(rows).alias(f"n{position}"), nw.when(rows).then(who).min().alias(f"first{position}")]
    row, findings = one_row(frame.select(*counts)) if marks else {}, []
    for position, (problem, rows) in enumerate(marks.items()):
        if 0 < (n := row[f"n{position}"]) < row["n"]:
            example = row[f"first{position}"] or ""
            findings.append(finding(ID, id.column or "", problem, n, row["n"], example, "left out"))
            frame = frame.filter(~rows)
    return _number_rows(frame, id), findings


def _number_rows(frame: Any, id: PatientId) -> Any:
    """The table with marks at the ids that fail to name a row, where the mapping wants them numbered."""
    if id.column is None or id.on_fault == "error":
        return frame
    lost = (pl.col(OWN).is_null() | (pl.col(OWN).cast(pl.String) == "")).alias(_LOST)
    native = frame.to_native().with_columns(lost)
    return nw.from_native(native.with_columns((pl.col(OWN).is_duplicated() & ~pl.col(_LOST)).alias(_TWICE)))


def id_column(id: PatientId) -> nw.Expr:
    """The ids of the patient table."""
    row = nw.concat_str(nw.lit("row "), nw.col(ROW).cast(nw.String()))
    if id.column is None:
        return row.alias(ID)
    if id.on_fault == "error":
        return nw.col(OWN).alias(ID)
    own = nw.col(OWN).cast(nw.String())
    apart = nw.concat_str(own, nw.lit(" ("), row, nw.lit(")"))
    return nw.when(nw.col(_LOST)).then(row).otherwise(nw.when(nw.col(_TWICE)).then(apart).otherwise(own)).alias(ID)


def id_checks(id: PatientId, schema: dict[str, Any]) -> list[Check]:
    """What may be wrong with single ids; that two are alike is asked of all of them at once."""
    if id.column is None:
        return []
    own, written = nw.col(OWN), schema[OWN] == nw.String
    mixed = "an id of Latin letters and of Greek or Cyrillic ones"
    checks = [Check(ID, id.column, mixed, own.str.contains(_TWO_SCRIPTS), own, "kept as written")] if written else []
    if id.on_fault == "number":
        row, action = nw.col(ROW), "named by its row number"
        return [
            *checks,
            Check(ID, id.column, "no patient id", nw.col(_LOST), row, action),
            Check(ID, id.column, "patient id stands more than once", nw.col(_TWICE), own, action),
        ]
    empty = own.is_null() | (own == "") if written else own.is_null()
    shown = nw.col(id.column) if schema[id.column] == nw.String else own
    return [*checks, Check(ID, id.column, "no patient id", empty, shown, "", _NEEDED, fatal=True)]


# --- ids that are alike -----------------------------------------------------------------------------------------------


def compare_ids(frame: Any, id: PatientId, plain: bool) -> tuple[list[str], tuple[int, str] | None]:
    """What there is to say of ids that stand more than once, and how many are alike but for what nobody sees.

    Args:
        frame: Narwhals frame with ids; those of another engine than Polars come home.
        id: of the mapping.
        plain: from `with_ids`.

    Returns:
        A paragraph for the error, or none; the number of patients whose ids fold to one (case, width, unseen letters,
        blanks inside) with the first of them as an example, or None.
    """
    if id.column is None:
        return [], None
    own = id_column(id) if id.on_fault == "number" else nw.col(OWN).alias(ID)
    polars = frame.implementation.is_polars()
    rows = [nw.col(ROW)] if polars and ROW in frame.collect_schema().names() else []
    ids = lazy_polars(frame.select(*rows, own))
    paragraphs = []
    if not plain:
        ids = ids.filter(pl.col(ID).is_not_null() & (pl.col(ID).cast(pl.String) != ""))
        paragraphs = _ids_nobody_can_type(ids)
    ids = ids.with_columns(_fold(ids.collect_schema()[ID], plain).alias(OWN))
    if (suspects := _suspects(ids if rows or not polars else ids.with_row_index(ROW, offset=1))).is_empty():
        return paragraphs, None
    alike = suspects.filter(pl.col(ID).n_unique().over(OWN) > 1)
    first = alike.filter(pl.col(OWN) == pl.col(OWN).first())[ID].unique(maintain_order=True)[:3]
    again = suspects.filter(pl.col(ID).is_duplicated())
    paragraphs += [_repetitions(again, id)] if len(again) else []
    return paragraphs, (len(alike), ", ".join(map(str, first))) if len(alike) else None


def _ids_nobody_can_type(ids: pl.LazyFrame) -> list[str]:
    """Paragraphs on ids that hold what nobody can type, or that a spreadsheet has turned into a number."""
    if ids.collect_schema()[ID] != pl.String:
        return []
    paragraphs = []
    for pattern, problem in _BROKEN.items():
        broken = ids.filter(pl.col(ID).str.contains(pattern)).select(ID, n=pl.len()).head(3).collect()
        if len(broken):
            examples = ", ".join(repr(id) for id in broken[ID])
            paragraphs.append(f"  patient_id: {broken['n'][0]:,} x {problem}: {examples}")
    return paragraphs


def _suspects(ids: pl.LazyFrame) -> pl.DataFrame:
    """The rows whose id shares its hash with another: sorted hashes need a tenth of the room of a group-by."""
    hashes = ids.select(pl.col(OWN).hash()).collect(engine="streaming").to_series().to_numpy(writable=True)
    hashes.sort()
    twice = pl.Series(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]), dtype=pl.UInt64)
    suspects = ids.filter(pl.col(OWN).hash().is_in(twice.implode())).collect() if len(twice) else ids.head(0).collect()
    return suspects.filter(pl.col(OWN).is_duplicated())


def _fold(dtype: pl.DataType, plain: bool) -> pl.Expr:
    """An id as it sounds when it is read aloud."""
    if dtype != pl.String:
        return pl.col(ID)
    lower = pl.col(ID).str.to_lowercase()
    if plain:
        return lower
    folded = lower.str.normalize("NFKC").str.replace_all(r"[\s\p{Cf}]", "").str.replace_all(r"\p{Pd}", "-")
    return folded.str.replace_many([*_ALIKE], [*_ALIKE.values()]).str.replace(_PADDED, "$1$2")


def _repetitions(again: pl.DataFrame, id: PatientId) -> str:
    """The ids that stand more than once, with the first rows they stand in."""
    by_id = again.group_by(ID, maintain_order=True).all().sort(pl.col(ID).cast(pl.String))

    def repetition(row: dict[str, Any]) -> str:
        if ROW not in row:  # other engines keep no order of rows
            return str(row[ID])
        return f"'{row[ID]}' in rows {', '.join(map(str, row[ROW][:3]))}{' ...' if len(row[ROW]) > 3 else ''}"

    repetitions = map(repetition, by_id.head(3).iter_rows(named=True))
    more = ", ..." if len(by_id) > 3 else ""
    where = f"  patient_id (column {id.column}): {len(by_id):,} x an id that stands more than once"
    advice = "an id looks like the number of a row; rename it" if id.on_fault == "number" else _NEEDED
    return f"{where}: {', '.join(repetitions)}{more}\n    {advice}"
