"""aria-* and data-* attributes of a component: Dash takes them only as keywords that are no Python names."""

from __future__ import annotations

from typing import Any


def aria(**names: str) -> dict[str, Any]:
    """`**aria(label="主导航")` → aria-label="主导航"."""
    return {f"aria-{name}": value for name, value in names.items()}


def data(**names: str) -> dict[str, Any]:
    """`**data(stale_after="900")` → data-stale-after="900"."""
    return {f"data-{name.replace('_', '-')}": value for name, value in names.items()}
