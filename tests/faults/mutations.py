"""Ways to spoil a file: bytes flipped, cells replaced by what breaks readers, archives and tables taken apart and put
together wrong."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

CELLS = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e999", "-1e999", "1e-999", "9" * 400, "-1", "0", "-0", "1,5", "1 000",
    "1_000", "0x10", "１２", "½", "1e5", "1.5",
    "1979-13", "2027-00", "0000-01", "9999-12", "=1+1", "=HYPERLINK(\"http://x\")", "@SUM(A1)", "+1", "-x", "../../x",
    "/etc/passwd", "C:\\x", "a\x00b",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "\u202egnp", "\ufeff", "e\u0301", "x" * 300,
    "x" * 140_000, "\"", "\"\"", "a;b;a", "<script>", "{{7*7}}",
    "__import__('os')", "total", "#REF!", "true", "None", "[]", "[[[[", "{a=1}", "1979-05-27T07:32:00Z", "\r", "\n",
    "\t", "'",
)
BYTES = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\r", b"\n", b"\"", b",", b";", b"=", b"[", b"]",
    b"{", b"'''", b"\\", b"\x1a", b"<!DOCTYPE x>", b"&a;",
)

Mutation = Callable[[random.Random, bytes], bytes]


def flipped(chance: random.Random, data: bytes) -> bytes:
    """Some bits turned."""
    spoilt = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        if spoilt:
            spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def cut(chance: random.Random, data: bytes) -> bytes:
    """A piece taken out, or the end."""
    first, last = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    return data[:first] if chance.random() < 0.5 else data[:first] + data[last:]


def inserted(chance: random.Random, data: bytes) -> bytes:
    """Bytes put in that mean something, once or often."""
    at, piece = chance.randrange(len(data) + 1), chance.choice(BYTES)
    return data[:at] + piece * chance.choice((1, 1, 1, 2, 500, 50_000)) + data[at:]


def repeated(chance: random.Random, data: bytes) -> bytes:
    """A piece of the file over again."""
    first, last = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    return data[:last] + data[first:last] * chance.choice((1, 2, 20)) + data[last:]


def encoded(chance: random.Random, data: bytes) -> bytes:
    """The same text in another encoding, or with other ends of lines."""
    text = data.decode("utf-8", "replace")
    return chance.choice(
        (
            text.encode("utf-16"), text.encode("utf-16-le"), text.encode("utf-32"), text.replace("\n", "\r").encode(),
            text.replace("\n", "\r\n").encode(),
                          b"\xef\xbb\xbf" + data, text.replace(",", ";").encode(), text.encode("utf-7")))


def cell(chance: random.Random, data: bytes) -> bytes:
    """A cell, a header or a value replaced."""
    lines = data.decode("utf-8", "replace").split("\n")
    at = chance.randrange(len(lines))
    mark = "=" if "=" in lines[at] and "," not in lines[at] else ","
    parts = lines[at].split(mark)
    value = chance.choice(CELLS)
    parts[chance.randrange(len(parts))] = f'"{value}"' if chance.random() < 0.3 else value
    lines[at] = mark.join(parts)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def line(chance: random.Random, data: bytes) -> bytes:
    """A line doubled, dropped, moved, or drawn out."""
    lines = data.decode("utf-8", "replace").split("\n")
    at = chance.randrange(len(lines))
    what = chance.randrange(5)
    if what == 0:
        lines.insert(chance.randrange(len(lines) + 1), lines[at])
    elif what == 1:
        lines.pop(at)
    elif what == 2:
        lines[at] += "," * chance.choice((1, 1000, 100_000))
    elif what == 3:
        lines[at] = lines[at] * chance.choice((2, 300))
    else:
        lines.insert(at, chance.choice(CELLS))
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def nested(chance: random.Random, data: bytes) -> bytes:
    """Brackets within brackets, long dotted names, numbers of many digits."""
    depth = chance.choice((10, 200, 5000, 30_000))
    piece = chance.choice(
        (
            b"x = " + b"[" * depth + b"]" * depth, b"x = " + b"{a=" * depth + b"1" + b"}" * depth,
            b"a." * depth + b"b = 1", b"[" + b"a." * depth + b"b]",
                           b"seed = " + b"9" * depth, b"name = '" + b"x" * depth + b"'",
                           b"".join(b"k%d = 1\n" % i for i in range(depth))))
    return piece + b"\n" + data if chance.random() < 0.5 else data + b"\n" + piece


def part(chance: random.Random, data: bytes) -> bytes:
    """A part of a workbook spoilt as text: a value, a reference, a tag, or bytes of it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(parts))
    inside = parts[name].decode("utf-8", "replace")
    what = chance.randrange(5)
    if what == 0:
        spoilt = chance.choice((flipped, cut, inserted, repeated))(chance, parts[name])
    elif what == 1:
        spoilt = _value_replaced(chance, inside, "<v>", "</v>")
    elif what == 2:
        spoilt = _value_replaced(chance, inside, '="', '"')
    elif what == 3:
        spoilt = _value_replaced(chance, inside, "<t>", "</t>")
    else:
        extra = (
            '<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>',
            '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', "<a>" * 100, '<c r="ZZZ9"/>',
        )
        at = inside.find("</sheetData>") if chance.random() < 0.5 else chance.randrange(len(inside) + 1)
        at = max(at, 0) + (len("</sheetData>") if chance.random() < 0.5 else 0)
        spoilt = (inside[:at] + chance.choice(extra) + inside[at:]).encode()
    parts[name] = spoilt
    if chance.random() < 0.05:
        parts.pop(chance.choice(sorted(parts)))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, held in parts.items():
            archive.writestr(each, held)
    return made.getvalue()


def _value_replaced(chance: random.Random, text: str, opening: str, closing: str) -> bytes:
    places = [at + len(opening) for at in _all(text, opening)]
    if not places:
        return text.encode()
    at = chance.choice(places)
    end = text.find(closing, at)
    value = chance.choice(CELLS).replace("<", "&lt;")
    return (text[:at] + value + text[max(end, at):]).encode("utf-8", "surrogatepass")


def _all(text: str, piece: str) -> list[int]:
    found, at = [], text.find(piece)
    while at >= 0:
        found.append(at)
        at = text.find(piece, at + 1)
    return found


def table(chance: random.Random, data: bytes) -> bytes:
    """A Parquet table with a column dropped, doubled, renamed, of another type, or with cells and metadata replaced."""
    held = pq.read_table(io.BytesIO(data))
    at = chance.randrange(held.num_columns)
    name, column = held.column_names[at], held.column(at)
    what = chance.randrange(7)
    if what == 0:
        held = held.remove_column(at)
    elif what == 1:
        held = held.append_column(chance.choice((name, "more", "__index_level_0__", "")), column)
    elif what == 2:
        held = held.rename_columns(
            [chance.choice(CELLS[:40]) if other == name else other for other in held.column_names]
        )
    elif what == 3:
        odd = (pa.array([[1]] * len(held)), pa.array(
            [{"a": 1}] * len(held)
        ), pa.array([b"\xff"] * len(held)), pa.nulls(len(held)), pa.array([True] * len(held)),
               pa.array([0] * len(held), pa.timestamp("ns")), pa.array([2**62] * len(held)),
               pa.array(["x"] * len(held)).dictionary_encode())
        held = held.set_column(at, name, chance.choice(odd))
    elif what == 4:
        numbers = (float("nan"), float("inf"), -1.0, 1e308, 0.5, None)
        values = column.to_pylist()
        if values:
            number, text = pa.types.is_floating(column.type), pa.types.is_string(column.type)
            value = chance.choice(numbers) if number else chance.choice(CELLS) if text else None
            values[chance.randrange(len(values))] = value
        held = held.set_column(at, name, pa.array(values, column.type))
    elif what == 5:
        metadata = dict(held.schema.metadata or {})
        for key in list(metadata):
            if chance.random() < 0.7:
                metadata[key] = chance.choice(
                    (
                        b"", b"{}", b"[]", b"null", b"[" * 100_000, b"{\"fixes\": 3}", b"{\"options\": []}", b"\xff",
                        flipped(chance, metadata[key]),
                    )
                )
        held = held.replace_schema_metadata(metadata)
    else:
        held = held.slice(0, 0) if chance.random() < 0.3 else pa.concat_tables([held] * chance.choice((2, 200)))
    made = io.BytesIO()
    pq.write_table(held, made)
    return made.getvalue()


def leaf(chance: random.Random, data: bytes) -> bytes:
    """A value of a JSON file replaced, taken out, or buried under brackets."""
    found = json.loads(data)
    at: list[tuple[object, object]] = []
    _leaves(found, at)
    holder, key = chance.choice(at)
    what = chance.randrange(4)
    if what == 0:
        holder.pop(key)  # type: ignore[attr-defined]
        return json.dumps(found).encode()
    odd = (None, True, -1, 0, 1e308, [], {}, "", 10**400, [[[]]], {"a": 1}, *CELLS[:40])
    holder[key] = "MARK" if what == 1 else chance.choice(odd)  # type: ignore[index]
    written = json.dumps(found)
    if what == 1:
        depth = chance.choice((100, 2_000, 200_000))
        written = written.replace(
            '"MARK"', chance.choice(("NaN", "Infinity", "1e999", "[" * depth + "]" * depth, "9" * depth)), 1
        )
    return written.encode("utf-8", "surrogatepass")


def _leaves(held: object, at: list[tuple[object, object]]) -> None:
    pairs = list(held.items()) if isinstance(held, dict) else list(enumerate(held)) if isinstance(held, list) else []
    for key, value in pairs:
        at.append((held, key))
        _leaves(value, at)


ANY: tuple[Mutation, ...] = (flipped, cut, inserted, repeated)
TEXT: tuple[Mutation, ...] = (*ANY, encoded, cell, cell, cell, line, line)
BY_KIND: dict[str, tuple[Mutation, ...]] = {
    ".csv": TEXT, ".toml": (*TEXT, nested, nested), ".xlsx": (flipped, cut, *(part,) * 8),
    ".parquet": (*ANY, *(table,) * 6),
    ".json": (*ANY, encoded, leaf, leaf, leaf, leaf), ".npz": ANY,
}


def mutated(seed: int, path: Path) -> tuple[str, bytes]:
    """A way to spoil a file, by its name, and the file so spoilt; the same for the same seed."""
    chance = random.Random(seed)
    way = chance.choice(BY_KIND[path.suffix])
    data = way(chance, path.read_bytes())
    if path.suffix in (".csv", ".toml") and chance.random() < 0.3:
        other = chance.choice(BY_KIND[path.suffix])
        return f"{way.__name__} and more", other(chance, data)
    return way.__name__, data
