"""The overview's answers are there before the first reader asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpit import ahead
from warehouse.errors import DataMissing
from warehouse.readings import Library


def test_what_the_overview_asks_is_answered_once_a_generation(data_with_picture: Path) -> None:
    library = Library(data_with_picture)
    done = ahead.once(library, "")
    book = library.current()
    assert done == book.generation.id
    asked = dict(book._answers)
    assert any(key[0] == "read" and key[1] == "fleet_online_rate" for key in asked)
    assert ahead.once(library, done) == done and book._answers == asked, "nothing is asked twice"


def test_before_the_first_publication_it_waits(data: Path) -> None:
    with pytest.raises(DataMissing):
        ahead.once(Library(data), "")
