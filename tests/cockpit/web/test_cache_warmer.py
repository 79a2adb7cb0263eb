"""The answers of the overview and of what people keep are there before the first reader asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpit.casework import favourites
from cockpit.identity.sessions import Viewer
from cockpit.pages import routes
from cockpit.pages.page_context import PageContext
from cockpit.presentation.address import Address
from cockpit.web import cache_warmer
from warehouse.core import units
from warehouse.core.errors import DataMissing
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore


def test_what_the_overview_and_my_page_ask_is_answered_once_a_generation(
    data_with_picture: Path, tmp_path: Path
) -> None:
    library, file = SnapshotStore(data_with_picture), tmp_path / "state.sqlite"
    for place in (
        "/metric/fleet_vehicle_cnt?window=day&only=energy:%E6%9F%B4%E6%B2%B9",
        "/metric/abolished_rate",
        "/site/x",
    ):
        favourites.keep(file, Viewer("person", "wang", "leader", scope=Scope.ALL), place)
    done = cache_warmer.once(library, "", file)
    book = library.current(Scope.ALL)
    assert done == book.generation.id
    requested = dict(book._answers)
    assert any(key[0] == "read" and key[1] == "fleet_online_rate" for key in requested)
    assert any(
        key[0] == "read" and key[1] == "fleet_vehicle_cnt" and key[-1] == (("energy", "柴油"),) for key in requested
    )
    assert all(
        any(key[:2] == ("read", metric.id) and key[4] == "town" for key in requested)
        for metric in book.metrics.values()
        if "town" in metric.drill
    ), "one click further"
    assert cache_warmer.once(library, done, file) == done and book._answers == requested, "nothing is asked twice"
    for path, search in (
        ("/", ""),
        ("/", "?window=month"),
        ("/all", ""),
        ("/group/fleet", "?window=day"),
        ("/group/programme", ""),
        ("/lineage", ""),
    ):
        routes.render(
            PageContext(book, Address.parse(path, search), Viewer("person", "", "", scope=Scope.ALL), units.now())
        )
        assert set(book._answers) == set(requested), f"{path}{search} asks nothing more"


def test_before_the_first_publication_it_waits(data: Path) -> None:
    with pytest.raises(DataMissing):
        cache_warmer.once(SnapshotStore(data), "", data / "state.sqlite")
