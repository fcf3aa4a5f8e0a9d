"""Uniform and normal draws by factor, month and scenario: the same numbers on every machine, whatever else is drawn.

The stream of a factor and month is Philox-4x64-10 (Salmon and others, "Parallel random numbers: as easy as 1, 2, 3",
SC11) with the key made of seed and factor and the month in the counter; scenario s takes number s of it. So more
scenarios, more months or another factor leave every earlier number as it was. Draws are made on the host in float64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

Floats = npt.NDArray[np.float64]
_Words = npt.NDArray[np.uint64]

_WORDS_PER_BLOCK = 4
_SOBOL_BITS = 30
_SOBOL_MOST_DIMENSIONS = qmc.Sobol.MAXDIM


def uniforms(seed: int, factor: str, /, *, months: int, scenarios: int, first_scenario: int = 0) -> Floats:
    """Independent uniforms inside (0, 1): (months, scenarios), for scenarios `first_scenario` and on.

    The middles of 2^52 cells, so that neither 0 nor 1 is drawn and 1 - u is exact.
    """
    _require_counts(months, scenarios, first_scenario)
    return _cell_middles(_words(seed, factor, months, scenarios, first_scenario), 52)


def antithetic_uniforms(seed: int, factor: str, /, *, months: int, scenarios: int, first_scenario: int = 0) -> Floats:
    """Uniforms in pairs: scenario 2k + 1 is the mirror 1 - u of scenario 2k: (months, scenarios).

    Errors of odd functions of the draws cancel within a pair. `standard_error` of the measures does not know of the
    pairs and overstates the error then.
    """
    _require_counts(months, scenarios, first_scenario)
    first_pair, last_pair = first_scenario // 2, (first_scenario + scenarios + 1) // 2
    half = uniforms(seed, factor, months=months, scenarios=last_pair - first_pair, first_scenario=first_pair)
    pairs = np.stack((half, 1.0 - half), axis=-1).reshape(months, -1)
    skipped = first_scenario - 2 * first_pair
    return pairs[:, skipped : skipped + scenarios]


def sobol_uniforms(
    seed: int, months_of_factor: Mapping[str, int], /, *, scenarios: int, first_scenario: int = 0
) -> dict[str, Floats]:
    """Sobol points with a digital shift: for each factor (its months, scenarios), each margin uniform in (0, 1).

    Dimensions go to factors in the given order, month by month, so a factor added at the end changes none before it;
    the shift of a dimension comes from the stream of its factor and month. SciPy's direction numbers are those of Joe
    and Kuo. Use a power of two of scenarios for the full gain.

    Raises ValueError where factors x months exceed the dimensions that there are (21,201).
    """
    for months in months_of_factor.values():
        _require_counts(months, scenarios, first_scenario)
    dimensions = sum(months_of_factor.values())
    if not 0 < dimensions <= _SOBOL_MOST_DIMENSIONS:
        raise ValueError(
            f"{dimensions} factors x months; Sobol points have 1 to {_SOBOL_MOST_DIMENSIONS} dimensions: use fewer, or "
            "plain draws"
        )
    if first_scenario + scenarios > 1 << _SOBOL_BITS:
        raise ValueError(f"scenario {first_scenario + scenarios} is beyond the {1 << _SOBOL_BITS} Sobol points")
    engine = qmc.Sobol(dimensions, scramble=False, bits=_SOBOL_BITS)
    if first_scenario:
        engine.fast_forward(first_scenario)
    points = (engine.random(scenarios).T * 2.0**_SOBOL_BITS).astype(np.uint64)
    drawn, first = {}, 0
    for factor, months in months_of_factor.items():
        shift = _words(seed, factor, months, 1, 0) >> np.uint64(64 - _SOBOL_BITS)
        cells = points[first : first + months] ^ shift
        drawn[factor] = (cells + 0.5) * 2.0**-_SOBOL_BITS
        first += months
    return drawn


def normals_of(uniform: Floats, /) -> Floats:
    """Standard normals by the inverse of the normal distribution: the same shape."""
    return np.asarray(ndtri(uniform), dtype=np.float64)


def uniforms_of(normal: Floats, /) -> Floats:
    """Back from standard normals to uniforms, after a copula has joined them: the same shape, kept inside (0, 1)."""
    least = np.finfo(np.float64).tiny
    return np.clip(ndtr(normal), least, 1.0 - np.finfo(np.float64).epsneg)


def _words(seed: int, factor: str, months: int, scenarios: int, first_scenario: int) -> _Words:
    """64 random bits by month and scenario: (months, scenarios)."""
    key = _key(seed, factor)
    words = np.empty((months, scenarios), dtype=np.uint64)
    block, skipped = divmod(first_scenario, _WORDS_PER_BLOCK)
    # One generator whose counter is set anew: a new one for each month takes four times as long.
    stream = np.random.Philox(key=key)
    state = stream.state
    for month in range(months):
        state["state"]["counter"][:] = [block, month, 0, 0]
        stream.state = state
        words[month] = stream.random_raw(skipped + scenarios)[skipped:]
    return words


def _key(seed: int, factor: str) -> _Words:
    """The 128-bit key of a factor: BLAKE2b of seed and name, each ended so that no two pairs run together."""
    digest = hashlib.blake2b(f"{int(seed)}\n{factor}".encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u8").astype(np.uint64)


def _cell_middles(words: _Words, bits: int) -> Floats:
    cells = words >> np.uint64(64 - bits)
    return (cells.astype(np.float64) + 0.5) * 2.0**-bits


def _require_counts(months: int, scenarios: int, first_scenario: int) -> None:
    if months < 1 or scenarios < 1 or first_scenario < 0:
        raise ValueError(
            f"at least one month and one scenario expected, got {months=}, {scenarios=}, {first_scenario=}"
        )
