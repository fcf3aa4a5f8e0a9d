"""Settings understood as they are declared: `case.toml`, or the sheet `case` of a workbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planner.case.reading.cells import TYPE_NAMES, CellRefused, Parsed, parse_value
from planner.case.reading.raw import RawCase, RawSetting
from planner.case.reading.sizes import MOST_FAULTS, more_faults
from planner.case.schema import Column, ColumnType
from planner.case.settings import ASSET_CLASSES, DEFAULT_DEPRECIATION, DEPRECIATION, SETTINGS, Depreciation, Settings
from planner.did_you_mean import remedy_for
from planner.errors import Fault

_PREFIX = "depreciation."


def setting_columns() -> dict[str, Column]:
    """Every setting by its dotted key, `depreciation.gpu.method` and its like included."""
    columns = {column.name: column for column in SETTINGS}
    columns |= {f"{_PREFIX}{asset}.{column.name}": column for asset in ASSET_CLASSES for column in DEPRECIATION}
    return columns


def flat_settings(settings: Settings) -> dict[str, Any]:
    """The settings by dotted key, in declared order."""
    values: dict[str, Any] = {column.name: getattr(settings, column.name) for column in SETTINGS}
    for asset in ASSET_CLASSES:
        for column in DEPRECIATION:
            values[f"{_PREFIX}{asset}.{column.name}"] = getattr(settings.depreciation[asset], column.name)
    return values


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings from values by dotted key; keys not given take their defaults, a depreciation key that of its asset
    class."""
    plain = {column.name: values[column.name] for column in SETTINGS if column.name in values}
    depreciation = {
        asset: Depreciation(
            **{
                column.name: values.get(
                    f"{_PREFIX}{asset}.{column.name}", getattr(DEFAULT_DEPRECIATION[asset], column.name)
                )
                for column in DEPRECIATION
            }
        )
        for asset in ASSET_CLASSES
    }
    return Settings(**plain, depreciation=depreciation)


def read_settings(raw: RawCase) -> tuple[Settings | None, list[Fault]]:
    """The settings, and what is wrong with them; None when they cannot be formed."""
    columns = setting_columns()
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    seen: set[str] = set()
    for entry in raw.settings:
        column = columns.get(entry.key)
        if len(faults) >= MOST_FAULTS:
            return None, [*faults, more_faults(raw.settings_file)]
        if column is None:
            faults.append(
                Fault(raw.settings_file, entry.row, entry.key, "", "there is no such setting", _remedy(entry, columns))
            )
        elif entry.key in seen:
            faults.append(
                Fault(
                    raw.settings_file, entry.row, entry.key, str(entry.value), "this setting stands twice",
                    "remove one of the two",
                )
            )
        else:
            seen.add(entry.key)
            try:
                value = _value(column, entry.value)
                if value is not None:
                    values[entry.key] = value
            except CellRefused as refusal:
                faults.append(
                    Fault(raw.settings_file, entry.row, entry.key, str(entry.value), refusal.why, refusal.remedy)
                )
    if not raw.settings_read:
        return None, faults
    blamed = {fault.column for fault in faults}
    for key, column in columns.items():
        if column.required and key not in values and key not in blamed and not key.startswith(_PREFIX):
            faults.append(
                Fault(
                    raw.settings_file, None, key, "", "a required setting is missing",
                    f"give {column.meaning} as {TYPE_NAMES[column.type]}",
                )
            )
    rows = {entry.key: entry.row for entry in raw.settings}
    faults += [
        Fault(raw.settings_file, rows.get(key), key, shown, why, remedy)
        for key, shown, why, remedy in out_of_range(values)
    ]
    complete = all(column.name in values for column in SETTINGS if column.required)
    return (settings_from(values) if complete else None), faults


def out_of_range(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """(key, value, why, remedy) of each setting outside its declared range or choices."""
    columns = setting_columns()
    for key, value in values.items():
        column = columns[key]
        if column.choices and value not in column.choices:
            yield key, str(value), "not one of the choices", remedy_for(str(value), column.choices)
        if column.type in (ColumnType.NUMBER, ColumnType.WHOLE):
            yield from ((key, f"{value!r}", why, remedy) for why, remedy in range_faults(column, float(value)))


def range_faults(column: Column, value: float) -> Iterator[tuple[str, str]]:
    """(why, remedy) when a number lies outside the declared range of its column."""
    remedy = f"give {column.name} in {column.unit}" if column.unit else f"check {column.name}"
    if column.above is not None and value <= column.above:
        yield f"must be above {column.above:g}", remedy
    elif column.minimum is not None and value < column.minimum:
        yield ("negative" if column.minimum == 0 else f"less than {column.minimum:g}"), remedy
    if column.maximum is not None and value > column.maximum:
        hint = (
            f"; for {value:g} % write {value / 100:g}" if column.unit.startswith("share") and 1.0 < value <= 100.0
            else ""
        )
        yield f"more than {column.maximum:g}", remedy + hint


def _value(column: Column, written: object) -> Parsed:
    """The value of a setting."""
    if isinstance(written, (list, dict)):
        raise CellRefused(f"several values where {TYPE_NAMES[column.type]} belongs", f"write {TYPE_NAMES[column.type]}")
    if column.type is ColumnType.TEXT and not isinstance(written, str):
        raise CellRefused("not text", 'write it in "quotes"')
    return parse_value(column, written)


def _remedy(entry: RawSetting, columns: Mapping[str, Column]) -> str:
    if entry.key.startswith(_PREFIX) and entry.key.count(".") == 2 and entry.key.split(".")[1] not in ASSET_CLASSES:
        return remedy_for(entry.key.split(".")[1], ASSET_CLASSES)
    return remedy_for(entry.key, columns)
