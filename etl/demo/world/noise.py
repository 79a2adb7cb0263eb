"""Randomness without state: a hash of whole numbers, so that one message can be asked for alone and stay the same.

numpy generators serve where a whole table is drawn at once; this serves where one row in ten million is wanted.
"""

from __future__ import annotations

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


def _mix(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint64(30))) * _MIX1
    x = (x ^ (x >> np.uint64(27))) * _MIX2
    return x ^ (x >> np.uint64(31))


def uniform(seed: int, salt: int, *keys: np.ndarray | int) -> np.ndarray:
    """Hash of (seed, salt, keys…) as float64 in [0, 1); keys are whole numbers and broadcast (splitmix64)."""
    with np.errstate(over="ignore"):
        h = _mix(np.asarray((seed * 1_000_003 + salt) & 0x7FFFFFFFFFFFFFFF, dtype=np.uint64) + _GOLDEN)
        for key in keys:
            h = _mix(h + np.asarray(key).astype(np.int64).astype(np.uint64) * _GOLDEN + np.uint64(1))
    return (h >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def normal(seed: int, salt: int, *keys: np.ndarray | int) -> np.ndarray:
    """Standard normal from two hashes (Box–Muller)."""
    u = np.maximum(uniform(seed, salt, *keys), 1e-12)
    v = uniform(seed, salt + 500_009, *keys)
    return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)
