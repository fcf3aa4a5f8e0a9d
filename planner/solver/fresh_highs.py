"""New HiGHS objects, the only place that makes them: quiet, whatever HiGHS prints in C when a process makes its first.

HiGHS 1.16 prints two lines to standard output from the first constructor of a process, before any option can be set.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from typing import Any

import highspy

_STDOUT = 1
_BANNER = ("Running HiGHS", "Copyright", "Includes third-party", "Using BLAS")
"""How the lines begin that HiGHS prints before an option can be set: since 1.16, once a process."""
_ALIKE: dict[str, bool | int | str] = {
    "output_flag": False,
    "log_to_console": False,
    # by itself HiGHS takes half of the cores, and a search by several threads (1.16 on) finds other answers
    "threads": 1,
    "parallel": "off",
    "mip_ipm_solver": "ipx",  # by itself the method would follow whether highspy-extras is installed
}
"""What makes a solve the same on every machine and with every version."""
_first = threading.Lock()
_said: list[str] | None = None


def fresh_highs() -> Any:
    """A `highspy.Highs` without a model, on one thread, which prints nothing; safe in several threads at once.

    What the first of a process prints is kept for `said_at_start`. Only while that first one is made does file
    descriptor 1 lead elsewhere, well under a millisecond; what another thread prints just then follows at once.
    """
    global _said
    if _said is None:
        with _first:
            if _said is None:
                _said = _printed_by(highspy.Highs)
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, choice in _ALIKE.items():
        highs.setOptionValue(name, choice)
    return highs


def said_at_start() -> tuple[str, ...]:
    """Lines that HiGHS printed when the first object of this process was made, each with its end of line; none before
    1.16."""
    return tuple(_said or ())


def _printed_by(make: Callable[[], Any]) -> list[str]:
    """Call `make`; the lines that it printed to file descriptor 1, which lead nowhere else."""
    try:
        kept = os.dup(_STDOUT)
    except OSError:  # closed: what is printed there is lost as it is
        make()
        return []
    alone = threading.active_count() == 1
    with tempfile.TemporaryFile() as file:
        try:
            os.dup2(file.fileno(), _STDOUT)
            make()
        finally:
            os.dup2(kept, _STDOUT)
            os.close(kept)
        file.seek(0)
        lines = file.read().splitlines(keepends=True)
    ours = [alone or line.decode(errors="replace").startswith(_BANNER) for line in lines]
    _print_again(b"".join(line for line, own in zip(lines, ours, strict=True) if not own))
    return [line.decode(errors="replace") for line, own in zip(lines, ours, strict=True) if own]


def _print_again(text: bytes) -> None:
    """What other threads printed meanwhile."""
    while text:
        text = text[os.write(_STDOUT, text) :]
