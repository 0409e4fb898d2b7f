"""Excel workbooks as small as they can be, for tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
#: Number formats by the place of their style: numbers, moments, days, clocks.
STYLES = f"""<styleSheet xmlns="{MAIN}"><fonts><font/></fonts><fills><fill/></fills>
<borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs><cellXfs>
<xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="14"/><xf numFmtId="21"/></cellXfs></styleSheet>"""
DAY_0 = datetime(1899, 12, 30)


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """A workbook of these sheets, each a list of rows."""
    buffer = io.BytesIO()
    numbers = range(1, len(sheets) + 1)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types"/>')
        archive.writestr("_rels/.rels", _relations({1: "xl/workbook.xml"}, "officeDocument"))
        named = zip(sheets, numbers, strict=True)
        listed = "".join(
            f'<sheet name="{escape(name)}" sheetId="{number}" r:id="r{number}"/>'
            for name, number in named
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        )
        files = {number: f"worksheets/sheet{number}.xml" for number in numbers}
        archive.writestr("xl/_rels/workbook.xml.rels", _relations(files, "worksheet"))
        archive.writestr("xl/styles.xml", STYLES)
        for number, rows in zip(numbers, sheets.values(), strict=True):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(rows))
    return buffer.getvalue()


def _relations(files: Mapping[int, str], kind: str) -> str:
    listed = "".join(
        f'<Relationship Id="r{number}" Type="{OFFICE}/{kind}" Target="{file}"/>'
        for number, file in files.items()
    )
    if kind == "worksheet":
        listed += f'<Relationship Id="s" Type="{OFFICE}/styles" Target="styles.xml"/>'
    return f'<Relationships xmlns="{PACKAGE}/relationships">{listed}</Relationships>'


def _sheet(rows: Sequence[Sequence[object]]) -> str:
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = [_cell(cell, f"{chr(ord('A') + place)}{number}") for place, cell in enumerate(row)]
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _cell(cell: object, place: str) -> str:
    if cell == "":
        return ""
    if isinstance(cell, str):
        return (
            f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
        )
    kind = "b" if isinstance(cell, bool) else "n"
    style, number = _number(cell)
    return f'<c r="{place}" s="{style}" t="{kind}"><v>{number}</v></c>'


def _number(cell: object) -> tuple[int, object]:
    """The place of a cell's style, and the number that Excel keeps."""
    if isinstance(cell, datetime):
        return 1, (cell - DAY_0).total_seconds() / 86400
    if isinstance(cell, date):
        return 2, (cell - DAY_0.date()).days
    if isinstance(cell, time):
        return 3, (cell.hour * 60 + cell.minute) / 1440
    return 0, int(cell) if isinstance(cell, bool) else cell
