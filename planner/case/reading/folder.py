"""The files of a case folder: `case.toml` and a CSV file for each table, strictly UTF-8 and strictly rectangular."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from pathlib import Path

from planner.case.faults import CaseError, Fault
from planner.case.reading.raw import RawCase, RawSetting, RawTable
from planner.case.suggest import remedy_for
from planner.case.tables import TABLES

SETTINGS_FILE = "case.toml"
_NOTES = {".md", ".txt"}
_OTHER_ENCODINGS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"), (b"\x00\x00\xfe\xff", "UTF-32"))
_BOM = b"\xef\xbb\xbf"


class _FileRefused(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


def read_folder(folder: Path) -> RawCase:
    """All files of the folder as raw cells; files that cannot be read become faults, none is passed over but notes."""
    faults: list[Fault] = []
    tables: dict[str, RawTable] = {}
    unread: set[str] = set()
    settings: tuple[RawSetting, ...] = ()
    settings_read = False
    known = [SETTINGS_FILE, *(f"{name}.csv" for name in TABLES)]
    present = {
        entry.name: entry
        for entry in sorted(folder.iterdir())
        if not entry.name.startswith((".", "~$")) and (entry.is_file() or entry.name in known)
    }
    for name, path in present.items():
        if name not in known and path.suffix.lower() not in _NOTES:
            faults.append(Fault(name, None, None, "", "not a file of a case", f"{remedy_for(name, known)} Otherwise move it out of the folder"))
    if SETTINGS_FILE in present:
        try:
            settings, settings_read = _settings(present[SETTINGS_FILE]), True
        except _FileRefused as refusal:
            faults.append(refusal.fault)
    else:
        faults.append(Fault(SETTINGS_FILE, None, None, "", "the folder holds no case.toml", "add one with at least name, start and months; `planner new` writes an example"))
    for name in TABLES:
        path = folder / f"{name}.csv"
        if path.name in present:
            try:
                tables[name] = _table(name, path)
            except _FileRefused as refusal:
                faults.append(refusal.fault)
                unread.add(name)
    return RawCase(str(folder), SETTINGS_FILE, settings, tables, tuple(faults), settings_read, frozenset(unread))


def read_table(name: str, path: Path) -> RawTable:
    """One CSV file as raw cells, as strictly as the files of a case; raises CaseError when it cannot be read."""
    try:
        return _table(name, path)
    except _FileRefused as refusal:
        raise CaseError([refusal.fault]) from None


def _text(path: Path) -> str:
    """The file as text; a plain UTF-8 byte-order mark is dropped, any other encoding refused."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _FileRefused(Fault(path.name, None, None, "", f"cannot be read ({error.strerror})", "check that it is a file and that you may read it")) from None
    for mark, encoding in _OTHER_ENCODINGS:
        if data.startswith(mark):
            raise _FileRefused(Fault(path.name, None, None, "", f"the file is {encoding}", "save it as UTF-8"))
    data = data.removeprefix(_BOM)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        shown = data[error.start : error.start + 1].hex()
        raise _FileRefused(Fault(path.name, row, None, f"byte 0x{shown}", "the file is not UTF-8", "save it as UTF-8 (in Excel: 'CSV UTF-8')")) from None


def _settings(path: Path) -> tuple[RawSetting, ...]:
    written = _text(path)
    try:
        parsed = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        row = int(found[1]) if found else None
        raise _FileRefused(Fault(path.name, row, None, "", f"not valid TOML: {error}", 'write one key = value per line, text and months in "quotes"')) from None
    return tuple(RawSetting(key, value, _line_of(written, key)) for key, value in _flat(parsed, ""))


def _flat(table: dict[str, object], prefix: str) -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{prefix}{key}.") or [(f"{prefix}{key}", value)]
        else:
            pairs.append((f"{prefix}{key}", value))
    return pairs


def _line_of(written: str, key: str) -> int | None:
    """The line on which a key is set, found by its last part under its heading."""
    heading, _, last = key.rpartition(".")
    current = ""
    for number, line in enumerate(written.splitlines(), start=1):
        bare = line.strip()
        if bare.startswith("["):
            current = bare.strip("[] \t").split("#")[0].strip(" ]")
        name = bare.split("=")[0].strip().strip("\"'")
        if "=" in bare and (name == key or (name == last and current == heading)):
            return number
    return None


def _table(name: str, path: Path) -> RawTable:
    lines = _csv_lines(path)
    while lines and not any(cell.strip() for cell in lines[-1]):
        lines.pop()
    if not lines:
        raise _FileRefused(Fault(path.name, None, None, "", "the file is empty", "write the header row, or remove the file"))
    header = tuple(cell.strip() for cell in lines[0])
    _refuse_other_separators(path, header, lines[0])
    for row, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            raise _FileRefused(Fault(path.name, row, None, "", "an empty row between rows", "remove it"))
        if len(cells) != len(header):
            why = f"{len(cells)} cells under {len(header)} columns"
            raise _FileRefused(Fault(path.name, row, None, ",".join(cells)[:60], why, "give every row as many cells as the header; put quotes around text that holds a comma"))
        for column, cell in zip(header, cells, strict=True):
            if cell[:1].isspace() and cell.lstrip().startswith('"'):
                raise _FileRefused(Fault(path.name, row, column, cell, "a space before the opening quote", "put the quote right after the comma"))
    return RawTable(name, path.name, header, tuple(tuple(cells) for cells in lines[1:]))


def _csv_lines(path: Path) -> list[list[str]]:
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise _FileRefused(Fault(path.name, reader.line_num, None, "", f"not valid CSV: {error}", 'check the quotes; a quote within quoted text is written ""')) from None


def _refuse_other_separators(path: Path, header: tuple[str, ...], cells: list[str]) -> None:
    if len(header) == 1:
        for separator, called in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if separator in cells[0]:
                raise _FileRefused(Fault(path.name, 1, None, cells[0][:60], f"columns separated by {called}", "save the file with commas between columns and a point for decimals"))
