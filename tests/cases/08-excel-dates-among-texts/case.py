"""One text in a column of Excel dates must not make the good dates unreadable.

"2020-UN-UN" is some day of 2020: all of them lie before the six months, so the exclusion surely does not apply.
"""

from datetime import datetime

import xlsxwriter
from cases.common import decisions


def case():
    rows = {"a": datetime(2023, 4, 1), "b": "2020-UN-UN", "c": datetime(2010, 4, 1)}
    with xlsxwriter.Workbook("mixed.xlsx") as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["patient_id", "screened_on", "mi_on", "age", "platelets", "crp"])
        for row, (patient, infarction) in enumerate(rows.items(), 1):
            sheet.write_row(row, 0, [patient, "", "", 40, 200, 5])
            sheet.write_datetime(row, 1, datetime(2023, 5, 1), day)
            sheet.write(row, 2, infarction, None if isinstance(infarction, str) else day)
    right = {"a": "ineligible", "b": "eligible", "c": "eligible"}
    return decisions("mixed.xlsx", "mapping.yaml"), right
