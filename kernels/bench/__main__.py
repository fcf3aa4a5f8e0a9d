"""`python -m kernels.bench`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from kernels.backend import choose_device
from kernels.bench.contest import Figure, table
from kernels.bench.run import cpu_figures, gpu_figures, sizes_for, where


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; write JSON where asked to."""
    parser = argparse.ArgumentParser(prog="python -m kernels.bench", description=__doc__)
    parser.add_argument(
        "--smoke", action="store_true",
        help="small sizes, each timed once: tries the bench, measures nothing worth keeping",
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "gpu"), default="auto", help="also measure the GPU (default: if one works)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    chosen = parser.parse_args(arguments)
    sizes, repeats = sizes_for(smoke=chosen.smoke)
    device, place = choose_device(chosen.device), where()
    print(f"{date.today().isoformat()}; " + "; ".join(f"{name} {value}" for name, value in place.items()))
    print(device.why)
    print(
        "small sizes, timed once: not figures to quote" if chosen.smoke
        else f"medians of {repeats} interleaved runs; equal outputs asserted"
    )
    figures: list[Figure] = list(cpu_figures(sizes, repeats=repeats))
    figures += gpu_figures(device, sizes, repeats=repeats, host=figures)
    print("\n" + table(figures))
    if chosen.json is not None:
        told = {
            "date": date.today().isoformat(), "where": place, "device": device.why, "smoke": chosen.smoke,
            "figures": [asdict(figure) | {"beside": figure.beside} for figure in figures],
        }
        chosen.json.write_text(json.dumps(told, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
