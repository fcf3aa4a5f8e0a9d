"""Records that are sealed: read as they were written, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.errors import PlannerError
from planner.storage.seals import MOST_BYTES, refuse_changed, seal, sealed_record

RECORD = {"command": "plan", "seconds": {"solve": 0.1}, "edits": ["a=1"], "gap": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run.json").write_text(json.dumps(RECORD), encoding="utf-8")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    seal(tmp_path)
    return tmp_path


def test_what_was_written_is_read(folder: Path) -> None:
    record = sealed_record(folder / "run.json", remedy="plan again")
    assert {name: record[name] for name in RECORD} == RECORD
    refuse_changed(folder / "table.csv", record, remedy="plan again")
    assert list(record["files"]) == ["table.csv"]


def test_a_folder_without_a_record_has_no_seal(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("x")
    seal(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_sealing_twice_is_sealing_once(folder: Path) -> None:
    before = (folder / "run.json").read_text()
    seal(folder)
    assert (folder / "run.json").read_text() == before


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda record: record | {"gap": 0.1}, "seal does not fit"),
        (lambda record: record | {"more": 1}, "seal does not fit"),
        (lambda record: record | {"files": {}}, "seal does not fit"),
        (lambda record: record | {"seal": None}, "seal does not fit"),
        (lambda record: {name: value for name, value in record.items() if name != "seal"}, "not a record"),
        (lambda record: [record], "not a record"),
    ],
)
def test_a_record_that_was_changed_is_refused(folder: Path, change: object, why: str) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))  # type: ignore[operator]
    with pytest.raises(PlannerError, match=rf"{why}.*; plan again"):
        sealed_record(path, remedy="plan again")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"seal": NaN}', b"null"])
def test_what_is_no_record_is_refused(folder: Path, content: bytes) -> None:
    (folder / "run.json").write_bytes(content)
    with pytest.raises(PlannerError, match="; plan again"):
        sealed_record(folder / "run.json", remedy="plan again")


def test_a_record_far_too_large_is_not_read(folder: Path) -> None:
    with (folder / "run.json").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(PlannerError, match="not a record"):
        sealed_record(folder / "run.json", remedy="plan again")


def test_a_table_that_was_changed_or_is_gone_is_refused(folder: Path) -> None:
    record = sealed_record(folder / "run.json", remedy="plan again")
    (folder / "table.csv").write_text("a,b\n1,3\n", encoding="utf-8")
    with pytest.raises(PlannerError, match="not as it was written"):
        refuse_changed(folder / "table.csv", record, remedy="plan again")
    (folder / "table.csv").unlink()
    with pytest.raises(PlannerError, match="cannot be read"):
        refuse_changed(folder / "table.csv", record, remedy="plan again")
    with pytest.raises(PlannerError, match="cannot be read"):
        refuse_changed(folder / "other.csv", record, remedy="plan again")
