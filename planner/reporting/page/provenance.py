"""Where the figures come from: case, versions, solver, seed, assumptions with their sources, warnings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pandas as pd

from planner.case.reading.settings_file import flat_settings
from planner.case.tables import TABLES
from planner.explaining.unusual import unusual
from planner.reporting.amounts import count, words
from planner.reporting.findings import Findings
from planner.reporting.page import blocks
from planner.reporting.page.blocks import Section, Shown, present, table_of

_NAMED = 6


def provenance_section(found: Findings, made: dt.datetime) -> Section:
    """What one needs to make the same run again, and what its figures rest on."""
    facts = pd.DataFrame(list(run_facts(found, made)), columns=["what", "is"])
    settings = pd.DataFrame(
        [(key, str(value)) for key, value in flat_settings(found.case.settings).items()], columns=["setting", "value"]
    )
    odd = pd.DataFrame(
        [
            (oddity.file, "" if oddity.row is None else str(oddity.row), oddity.what, oddity.why, oddity.to_do)
            for oddity in unusual(found.case)
        ],
        columns=["file", "row", "what", "why", "to do"],
    )
    return Section(
        "provenance", "Where this comes from",
        present([
            table_of("run", "The run", facts, [Shown("what", "what"), Shown("is", "is")]),
            table_of(
                "warnings", "Unusual in the case, though not wrong", odd, [Shown(name, name) for name in odd.columns]
            ),
            table_of(
                "settings", "Settings of the case", settings, [Shown("setting", "setting"), Shown("value", "value")]
            ),
            table_of(
                "sources", "Assumptions and their sources", _sources(found),
                [Shown("source", "source"), blocks.number("rows", "rows", count), Shown("behind", "stands behind")],
                most=400,
            ),
        ]),
    )


def run_facts(found: Findings, made: dt.datetime) -> Iterator[tuple[str, str]]:
    """What the run was and what it was made with, as pairs of what and is."""
    record = found.record
    yield "case", f"{record['case']}, SHA-256 {record['case_hash']}"
    if found.written is not None:
        yield "run written", found.written.isoformat(timespec="minutes")
    yield "this page made", made.isoformat(timespec="minutes")
    yield "solver", f"{record['solver']}; proven {record['proven']}"
    yield "largest excess over any limit", f"{record['worst_row']:.1e} of the limit's scale" if isinstance(
        record.get("worst_row"), float
    ) else "none"
    yield "seed", str(record["seed"])
    yield "device", str(record["device"])
    yield "model", ", ".join(f"{size:,} {name}" for name, size in record["size"].items())
    yield "seconds", ", ".join(f"{name} {seconds:.1f}" for name, seconds in record["seconds"].items())
    yield "versions", ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    for name, value in record["options"].items():
        if value not in (None, [], False):
            yield f"option {words(name)}", "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    yield "discounting", str(found.summary["discounting"])


def _sources(found: Findings) -> pd.DataFrame:
    """Every source named in the case with the rows that it stands behind, in the order of the tables."""
    behind: dict[str, list[str]] = {}
    for name, declared in TABLES.items():
        table = found.case.tables[name]
        for values in table[[*declared.key, "source"]].itertuples(index=False):
            *key, source = map(str, values)
            behind.setdefault(source or "(no source given)", []).append(
                f"{name} {':'.join(part for part in key if part)}"
            )
    rows = [
        (
            source, len(places),
            ", ".join(places[:_NAMED]) + (f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""),
        )
        for source, places in behind.items()
    ]
    return pd.DataFrame(rows, columns=["source", "rows", "behind"])
