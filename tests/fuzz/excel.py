"""The door of workbooks: every cell that was written is read, counted or refused."""

from __future__ import annotations

import tempfile
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

import xlsxwriter

from .tables import FIELDS, ODD, PLAIN, ids, screened

WRONG = ("#DIV/0!", "#N/A", "#NAME?", "#REF!", "#VALUE!", "#NUM!", "#NULL!")
SHOWN = ("yyyy-mm-dd", "dd.mm.yy", "m/d/yyyy h:mm", "0.00", "@", "General", "[h]:mm", "0%")


def attempt(chance: Random) -> None:
    """One workbook with a sheet of odd cells; or one of which some bytes are others."""
    n = chance.randrange(5)
    names = chance.sample(FIELDS, chance.randrange(1, len(FIELDS) + 1))
    rows: list[list[Any]] = [["patient_id", *names]]
    for id in ids(chance, n):
        cells = [chance.choice(PLAIN[name] if chance.random() < 0.6 else (*ODD, *WRONG)) for name in names]
        rows.append([id, *cells])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "t.xlsx"
        _write(chance, file, rows)
        if chance.random() < 0.2:
            made = bytearray(file.read_bytes())
            for _ in range(chance.randrange(1, 9)):
                made[chance.randrange(len(made))] = chance.randrange(256)
            file.write_bytes(made[: chance.randrange(len(made)) + 1] if chance.random() < 0.3 else made)
            screened(file, n, lost=False)
            return
        some = [row for row in rows[1:] if any(_says(cell) for cell in row)]
        screened(file, len(some))


def _write(chance: Random, file: Path, rows: list[list[Any]]) -> None:
    options = {"date_1904": chance.random() < 0.2, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet()
        styles = [book.add_format({"num_format": shown}) for shown in SHOWN]
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                if isinstance(cell, date):
                    day = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)
                    if 1904 < day.year < 9999:
                        sheet.write_datetime(i, j, day, chance.choice(styles[:3]))
                elif isinstance(cell, str) and cell in WRONG:
                    sheet.write_formula(i, j, "=NA()", None, cell)
                elif isinstance(cell, str):
                    sheet.write_string(i, j, cell)
                elif cell is not None:
                    sheet.write(i, j, cell, chance.choice([None, *styles[3:]]) if i else None)


def _says(cell: Any) -> bool:
    if isinstance(cell, date):
        return 1904 < cell.year < 9999
    if isinstance(cell, str):
        return bool(cell.strip("\0 \u200b")) and cell not in WRONG
    return cell is not None and cell == cell and cell not in (float("inf"), float("-inf"))
