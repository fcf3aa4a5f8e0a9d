"""The parts of an .xlsx file looked over before it is opened: what it unpacks to, and what it asks a reader to
build."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any
from xml.parsers import expat

from planner.case.reading.sizes import TABLE_COLUMNS, WORKBOOK_BYTES, WORKBOOK_CELLS, FileRefused
from planner.errors import Fault

_PARTS = 2000
_DEEPEST = 64
_AT_ONCE = 1 << 16
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")
_CHEAP = frozenset({"row", "v", "f", "is", "si", "t", "r", "rPr"})
_OTHERS = 50_000
"""Elements beside cells and their text; a reader makes an object of each."""
_LISTS_RANGES = ("mergeCell", "hyperlink")
"""Elements for which a reader builds every cell of their range."""


def refuse_hostile_parts(path: Path) -> None:
    """Raise FileRefused for a workbook that would take memory or time without end: archives that unpack to far more
    than they are, a cell or a range far beyond any table, entities, elements within elements. Each part is read once as
    a stream.

    Raises also whatever the archive or its XML is broken with; see `unreadable`.
    """
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        unpacked = sum(part.file_size for part in parts)
        if len(parts) > _PARTS or unpacked > WORKBOOK_BYTES:
            raise FileRefused(
                _refused(
                    path.name, f"unpacks to {unpacked:,} bytes in {len(parts):,} parts",
                    "give the case as a folder of CSV files, or leave out what no plan needs",
                )
            )
        scan = _Scan(path.name)
        for part in parts:
            # Any part may be named as a sheet, so all are read; what is no XML and is not called so (a picture) is
            # none.
            try:
                scan.read(archive, part)
            except expat.ExpatError:
                if part.filename.endswith((".xml", ".rels")):
                    raise


def _refused(place: str, why: str, remedy: str) -> Fault:
    return Fault(place, None, None, "", why, remedy)


class _Scan:
    """The parts as streams of elements, counted over all of them."""

    def __init__(self, file: str) -> None:
        self.file, self.place, self.cells, self.others, self.depth = file, file, 0, 0, 0

    def read(self, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
        self.place, self.depth = f"{self.file} {part.filename}", 0
        parser: Any = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        with archive.open(part) as stream:
            # The size that the archive states is a bound: a stream ends there.
            while piece := stream.read(_AT_ONCE):
                parser.Parse(piece, False)
        parser.Parse(b"", True)

    def _doctype(self, *_: object) -> None:
        raise FileRefused(
            _refused(self.place, "declares entities, as no spreadsheet program does", "save the workbook anew as .xlsx")
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise FileRefused(
                _refused(self.place, f"elements more than {_DEEPEST} deep", "save the workbook anew as .xlsx")
            )
        name = tag.rpartition(" ")[2]
        if name == "c":
            self.cells += 1
            if self.cells > WORKBOOK_CELLS:
                raise FileRefused(
                    _refused(
                        self.place, f"too large: the workbook has more than {WORKBOOK_CELLS:,} cells",
                        "give the case as a folder of CSV files",
                    )
                )
            self._within(attributes.get("r", ""))
        elif name not in _CHEAP:
            self.others += 1
            if self.others > _OTHERS:
                raise FileRefused(
                    _refused(
                        self.place, f"more than {_OTHERS:,} styles, links and other things beside cells",
                        "paste the values into a new workbook",
                    )
                )
            if name in _LISTS_RANGES:
                self._few(attributes.get("ref", ""))

    def _end(self, _: str) -> None:
        self.depth -= 1

    def _within(self, reference: str) -> None:
        found = _REFERENCE.fullmatch(reference)
        if found and _column(found[1]) > TABLE_COLUMNS:
            why = f"cell {reference} lies beyond column {TABLE_COLUMNS}"
            raise FileRefused(
                _refused(self.place, why, "delete the cells beyond the table, also those that only have a format")
            )

    def _few(self, reference: str) -> None:
        corners = _REFERENCE.findall(reference)
        if len(corners) < 2:
            return
        (left, top), (right, bottom) = corners[0], corners[1]
        cells = (abs(_column(right) - _column(left)) + 1) * (abs(int(bottom) - int(top)) + 1)
        if cells > WORKBOOK_CELLS // 100:
            raise FileRefused(
                _refused(
                    self.place, f"a merged or linked range {reference} of {cells:,} cells",
                    "unmerge it, or remove the link",
                )
            )


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number
