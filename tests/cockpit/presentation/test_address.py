"""The address of a page: what of it counts, what is refused, what goes along."""

from __future__ import annotations

import pytest

from cockpit.presentation.address import LONGEST_TYPED, MOST_FIELDS, Address
from warehouse.core.errors import UsageError


def test_unknown_and_empty_keys_are_dropped_and_the_path_is_one() -> None:
    address = Address.parse("/metric/x/", "?window=week&evil=1&place=&q=顺 捷")
    assert (address.path, dict(address.query), address.is_cut) == ("/metric/x", {"window": "week", "q": "顺 捷"}, False)
    assert Address.parse(None, None) == Address("/", {})
    assert Address.parse("/%E8%BD%A6", "").here() == "/%E8%BD%A6"


def test_so_many_fields_and_no_more() -> None:
    assert Address.parse("/", "&".join(["a=1"] * MOST_FIELDS)).query == {}
    with pytest.raises(UsageError, match=f"超过 {MOST_FIELDS} 个"):
        Address.parse("/", "&".join(["a=1"] * (MOST_FIELDS + 1)))


@pytest.mark.parametrize(
    ("typed", "sought", "is_cut"),
    [
        ("甲" * LONGEST_TYPED, "甲" * LONGEST_TYPED, False),
        ("甲" * (LONGEST_TYPED + 1), "甲" * LONGEST_TYPED, True),
        ("甲" * (LONGEST_TYPED - 1) + " 乙", "甲" * (LONGEST_TYPED - 1), True),
        (" 顺%0A捷 ", "顺 捷", False),
    ],
)
def test_what_is_typed_is_cut_and_says_so(typed: str, sought: str, is_cut: bool) -> None:
    address = Address.parse("/search", f"?q={typed}")
    assert (address.get("q"), address.is_cut) == (sought, is_cut)


@pytest.mark.parametrize(
    ("key", "good", "odd"),
    [
        ("at", ["2026", "2026-11", "2026-W47", "2026-Q4", "2026-11-22"], ["2026-Q5", "2026-W7", "26"]),
        ("window", ["now", "year"], ["hour", "weekly"]),
        ("place", ["a" * 64], ["a" * 65, "甲"]),
        ("with", [",".join(["a"] * 6)], [",".join(["a"] * 7)]),
        ("page", ["1", "9999"], ["10000", "-1"]),
        ("since", ["2026-01-31"], ["2026-01"]),
        ("only", ["town:330110001", "~".join(["a:b"] * 6)], ["~".join(["a:b"] * 7), "a"]),
    ],
)
def test_a_known_key_is_well_formed_or_refused(key: str, good: list[str], odd: list[str]) -> None:
    for value in good:
        assert Address.parse("/", f"?{key}={value}").get(key) == value
    for value in odd:
        with pytest.raises(UsageError):
            Address.parse("/", f"?{key}={value}")


def test_filters_are_added_changed_and_dropped() -> None:
    address = Address.parse("/", "?only=town:1~kind:a~town:2")
    assert address.only == (("town", "2"), ("kind", "a"))
    assert address.filtered("kind", "b") == "town:2~kind:b"
    assert address.filtered("level", "1") == "town:2~kind:a~level:1"
    assert address.filtered("town", None) == "kind:a"
    assert Address("/", {}).only == () and Address("/", {}).filtered("town", None) is None


def test_here_keeps_all_and_to_keeps_the_snapshot_alone() -> None:
    address = Address.parse("/a", "?as_of=g1&window=day&at=2026-11-22")
    assert address.here(at=None, window="week") == "/a?window=week&as_of=g1"
    assert address.to("/b") == "/b?as_of=g1" and address.to("/b", as_of=None, place="x") == "/b?place=x"
    assert Address("/a", {}).to("/b") == "/b"
