"""When pricing has to end."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """The moment after which no further question is begun; `ends` on the clock of `time.perf_counter`, None for
    never."""

    ends: float | None = None

    @staticmethod
    def after(seconds: float | None) -> Deadline:
        """So many seconds from now; None for never."""
        return Deadline(None if seconds is None else time.perf_counter() + max(seconds, 0.0))

    @property
    def left(self) -> float | None:
        """Seconds that are left, never below 0; None without an end."""
        return None if self.ends is None else max(self.ends - time.perf_counter(), 0.0)

    @property
    def passed(self) -> bool:
        """Whether the moment has come."""
        return self.left == 0.0
