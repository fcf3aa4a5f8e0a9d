"""How a figure is taken: seconds and memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def seconds(work: Callable[[], object], *, repeats: int = 1) -> float:
    """Median seconds of some runs; with more than one, a first run that is not counted warms caches up."""
    if repeats > 1:
        work()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def processor_seconds(work: Callable[[], object], *, repeats: int = 5) -> float:
    """Median processor seconds of some runs after one that is not counted; of all threads together."""
    work()
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def peak_mb() -> float:
    """Largest resident memory of this process so far, MB; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
