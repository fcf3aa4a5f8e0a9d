"""The device to compute on, chosen once at the edge; where it cannot be used, the reason in a planner's words."""

from __future__ import annotations

from kernels.backend import Device, DeviceError, choose_device
from planner.errors import PlannerError


def device_named(choice: str) -> Device:
    """The device for auto, cpu or gpu (see `kernels.backend.choose_device`); raises PlannerError where it cannot be
    used."""
    try:
        return choose_device(choice)
    except (DeviceError, ValueError) as error:
        raise PlannerError(str(error)) from error
