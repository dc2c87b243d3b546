"""A workbook may count its days from 1904: its dates are then off by four years and a day."""

from datetime import date, datetime

import xlsxwriter
from cases.common import read, values


def case():
    with xlsxwriter.Workbook("1904.xlsx", {"date_1904": True}) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "dd.mm.yy"})
        sheet.write_row(0, 0, ["patient_id", "screened_on"])
        sheet.write(1, 0, "a")
        sheet.write_datetime(1, 1, datetime(2023, 5, 1), day)
    patients, _ = read("1904.xlsx")
    return values(patients, "screened_on"), [date(2023, 5, 1)]
