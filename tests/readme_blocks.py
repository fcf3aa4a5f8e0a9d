"""The output blocks of the README and the manual: what each command prints, and how pages are brought up to date.

A block stands under a comment `<!-- output of: COMMAND -->`. `python tests/readme_blocks.py` runs every command from
the root of the repository, in the order in which they stand (the README first, then the pages in the order of the
manual), and writes what they print; `test_readme` compares.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"<!-- output of: (?P<command>.+?) -->\n(?:```text\n(?P<output>.*?)```\n)?", re.DOTALL)
COLUMNS = "100"
"""Width of the screens that the pages show."""
_SECONDS = re.compile(r"\d+\.\d(?=\ss\b)")
_VERSION = re.compile(r"HiGHS \d+\.\d+\.\d+")


def pages() -> list[Path]:
    """The README, then the pages of the manual in their order."""
    from planner.manual.pages import FOLDER, PAGES

    return [README, *(FOLDER / f"{name}.md" for name in PAGES)]


def blocks(text: str) -> list[tuple[str, str]]:
    """Commands of a page with the output that stands under them."""
    return [(match["command"], match["output"] or "") for match in BLOCK.finditer(text)]


def every_block() -> list[tuple[Path, str, str]]:
    """Page, command and output of every block, in the order in which the commands are run."""
    return [(page, command, output) for page in pages() for command, output in blocks(page.read_text(encoding="utf-8"))]


def printed(command: str) -> str:
    """What a command of a page prints, with trailing blanks removed."""
    words = shlex.split(command)
    assert words[0] == "planner", f"a page shows the output of {command!r}, which is not a planner command"
    from planner.cli.main import main as planner

    said, complained, ended = io.StringIO(), io.StringIO(), 0
    with (
        chdir(ROOT), redirect_stdout(said), redirect_stderr(complained), patch.dict(os.environ, COLUMNS=COLUMNS),
        patch.object(sys, "argv", words),
    ):
        try:
            planner()
        except SystemExit as end:
            ended = end.code or 0
    # 3: the manual also shows what is said when there is no plan.
    assert ended in (0, 3), f"{command} ended with {ended}: {complained.getvalue()}"
    return "\n".join(line.rstrip() for line in said.getvalue().splitlines()) + "\n"


def without_seconds(text: str) -> str:
    """The text without durations and the version of the solver: those differ from run to run, or with each release."""
    return _VERSION.sub("HiGHS N", _SECONDS.sub("N", text))


def main() -> None:
    """Run every command and write its output into its page."""
    outputs = {command: printed(command) for _, command, _ in every_block()}

    def shown(match: re.Match[str]) -> str:
        return f"<!-- output of: {match['command']} -->\n```text\n{outputs[match['command']]}```\n"

    for page in pages():
        text = page.read_text(encoding="utf-8")
        renewed = BLOCK.sub(shown, text)
        if renewed != text:
            page.write_text(renewed, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
