"""The commands of the README and of the manual work, and print what the pages say; the README is short and leads on."""

from __future__ import annotations

import pytest
from readme_blocks import README, every_block, printed, without_seconds

LONGEST = 12_288


@pytest.mark.slow
def test_commands_print_what_the_pages_show() -> None:
    """In order: some commands read what those before them wrote."""
    shown = every_block()
    assert shown
    for page, command, output in shown:
        assert without_seconds(printed(command)) == without_seconds(output), f"{page.name}: {command}"


def test_no_command_is_shown_twice() -> None:
    commands = [command for _, command, _ in every_block()]
    assert len(commands) == len(set(commands))


def test_the_two_commands_of_the_start_are_single_lines() -> None:
    text = README.read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if line.startswith("    python3 -m venv .venv && ")]
    assert len(lines) == 2
    assert any("planner plan fixtures/neocloud" in line for line in lines)
    assert any("-m pytest" in line for line in lines)


def test_the_readme_is_short() -> None:
    assert len(README.read_bytes()) <= LONGEST
