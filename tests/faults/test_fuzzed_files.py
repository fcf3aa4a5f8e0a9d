"""Spoilt files of every kind: read right or refused with a message, in a process that is watched from outside."""

from __future__ import annotations

from typing import Any

import pytest
from at_length import many
from faults.fuzz import BAD, fuzz, table
from faults.readers import READERS

SOME = 3 * len(READERS)


def ended_badly(found: list[dict[str, Any]]) -> list[str]:
    return [
        f"file {record['number']}, {record['reader']}, {record['way']}: {record['outcome']}\n{record['said']}"
        for record in found if record["outcome"] in BAD
    ]


def test_some_spoilt_files_of_every_kind() -> None:
    found = list(fuzz(SOME, 240.0, 1))
    assert len(found) == SOME, "the time did not suffice"
    assert ended_badly(found) == []
    assert {"read right", "refused"} == {record["outcome"] for record in found}
    assert table(found).splitlines()[-2].split()[:2] == ["all", str(SOME)]


@pytest.mark.slow
def test_many_spoilt_files() -> None:
    """Two hundred, or a thousand at length; the command of this room tries any number."""
    files = many(200, 1000)
    found = list(fuzz(files, 300.0, 1_000_000))
    assert len(found) > files // 2
    assert ended_badly(found) == []
