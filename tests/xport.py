"""SAS transport files, version 5, for the tests: as plain as SDTM needs them. pandas reads them, and is the judge."""

import struct

STAMP = "01JAN23:00:00:00"


def write_xport(path, name, columns):
    """A file of one data set; a column of numbers is written as such, any other as text, None as missing."""
    rows = list(zip(*columns.values(), strict=True))
    fields, place = [], 0
    for number, (column, values) in enumerate(columns.items(), start=1):
        numeric = any(isinstance(value, int | float) for value in values)
        length = 8 if numeric else max([1, *(len(str(value).encode()) for value in values if value is not None)])
        fields.append((2 - numeric, length, number, column, place))
        place += length
    described = b"".join(_variable(*field) for field in fields)
    data = b"".join(_cell(value, *field[:2]) for row in rows for value, field in zip(row, fields, strict=True))
    own = (
        _text("SAS", 8)
        + _text(name.upper(), 8)
        + _text("SASDATA", 8)
        + _text("9.4", 8)
        + _text("", 32)
        + STAMP.encode()
    )
    parts = [
        _header("LIBRARY"),
        _text("SAS", 8) * 2 + _text("SASLIB", 8) + _text("9.4", 40) + STAMP.encode(),
        _text(STAMP, 80),
    ]
    parts += [_header("MEMBER", "000000000000000001600000000140"), _header("DSCRPTR"), own, _text(STAMP, 80)]
    parts += [_header("NAMESTR", f"000000{len(fields):04}00000000000000000000"), described, _header("OBS"), data]
    path.write_bytes(b"".join(part.ljust(-(-len(part) // 80) * 80) for part in parts))


def _header(kind, end="0" * 30):
    return _text(f"HEADER RECORD*******{kind:<8}HEADER RECORD!!!!!!!{end}", 80)


def _text(text, length):
    return text.encode().ljust(length)


def _variable(kind, length, number, name, place):
    words = _text(name, 48)
    return struct.pack(
        ">4h48s8s3h2s8s2hi52x", kind, 0, length, number, words, b" " * 8, 0, 0, 0, b"", b" " * 8, 0, 0, place
    )


def _cell(value, kind, length):
    if kind == 2:
        return _text("" if value is None else str(value), length)
    if value is None:
        return b"." + bytes(7)
    power, part = 64, abs(float(value))  # IBM's floating point: powers of sixteen
    while part >= 1:
        power, part = power + 1, part / 16
    while 0 < part < 1 / 16:
        power, part = power - 1, part * 16
    return bytes([power | (128 if value < 0 else 0)]) + int(part * 2**56).to_bytes(7, "big") if part else bytes(8)
