"""Marks say what a test needs, and a quick run goes by them: one that is forgotten makes the quick run slow and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize(
    ("mark", "places"),
    [
        ("browser", ("browser",)),
        ("independent", ("independent",)),
        ("crash", ("etl/pipeline/test_crash.py",)),
    ],
)
def test_every_test_of_a_kind_carries_its_mark(
    request: pytest.FixtureRequest, mark: str, places: tuple[str, ...]
) -> None:
    """Of all that this run has read, whether it runs it or not."""
    of_kind = [
        item for item in request.session.items if any(item.path.is_relative_to(HERE / place) for place in places)
    ]
    assert [item.nodeid for item in of_kind if not item.get_closest_marker(mark)] == []
    assert all((HERE / place).exists() for place in places)
