"""Units in which a lease is sized: MW of a hall, GPUs, or a mix of SKUs that count by what they do."""

from __future__ import annotations

from planner.auditing.published import Holding, Published


def units_of(run: Published, holding: Holding) -> float:
    """Units of size that a holding serves: MW of a hall, or GPUs by how many make one unit."""
    return holding.level / gpus_per_unit(run, holding) if holding.gpu else holding.level


def gpus_per_unit(run: Published, holding: Holding) -> float:
    """GPUs that make one unit of a lease: as its rate says, by MW, or one of the strongest SKU that it accepts."""
    row = run.row("lease_rates", lease_id=holding.lease, gpu_id=holding.gpu, tier=holding.tier)
    if row["gpus_per_unit"] is not None:
        return float(row["gpus_per_unit"])
    gpu = run.row("gpus", gpu_id=holding.gpu)
    if run.row("leases", lease_id=holding.lease)["size_unit"] == "it_mw":
        return 1000.0 / float(gpu["it_kw"])
    accepted = [
        run.row("gpus", gpu_id=each["gpu_id"]) for each in run.case["lease_rates"] if each["lease_id"] == holding.lease
    ]
    return float(max(float(each["performance"]) for each in accepted) / float(gpu["performance"]))
