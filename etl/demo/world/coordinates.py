"""WGS-84 → GCJ-02 by the public formula, only to plant a source that speaks GCJ-02."""

from __future__ import annotations

import numpy as np

SEMI_MAJOR_M, ECCENTRICITY2 = 6378245.0, 0.00669342162296594323


def to_gcj02(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(lon, lat) in GCJ-02 degrees of WGS-84 degrees; inside Yuhang 525–545 m to the east-south-east."""
    x, y = lon - 105.0, lat - 35.0
    wave = 20.0 * np.sin(6 * x * np.pi) + 20.0 * np.sin(2 * x * np.pi)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    north += (
        (
            wave
            + 20 * np.sin(y * np.pi)
            + 40 * np.sin(y / 3 * np.pi)
            + 160 * np.sin(y / 12 * np.pi)
            + 320 * np.sin(y * np.pi / 30)
        )
        * 2
        / 3
    )
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    east += (
        (
            wave
            + 20 * np.sin(x * np.pi)
            + 40 * np.sin(x / 3 * np.pi)
            + 150 * np.sin(x / 12 * np.pi)
            + 300 * np.sin(x / 30 * np.pi)
        )
        * 2
        / 3
    )
    radians = np.radians(lat)
    magic = 1 - ECCENTRICITY2 * np.sin(radians) ** 2
    d_lat = north * 180 / (SEMI_MAJOR_M * (1 - ECCENTRICITY2) / (magic * np.sqrt(magic)) * np.pi)
    d_lon = east * 180 / (SEMI_MAJOR_M / np.sqrt(magic) * np.cos(radians) * np.pi)
    return lon + d_lon, lat + d_lat
