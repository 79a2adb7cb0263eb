"""What is read while a page is made, so that the page can be given to whoever would read the same.

Owns the record. A reader of the visit notes what it reads of it; the state file notes which of its tables are read; who
asks for the person behind the request says so. Outside of a making nothing is noted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Witness:
    """read: facts of the visit by their path ("viewer.role") with the value that was read. tables: of the state file.
    is_single: true when what is made is for this one request."""

    read: dict[str, object] = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)
    is_single: bool = False


_current: ContextVar[Witness | None] = ContextVar("witness", default=None)


def current() -> Witness | None:
    """The record of what is being made, None outside of a making."""
    return _current.get()


def single() -> None:
    """Says that what is being made is for this one request."""
    if (witness := _current.get()) is not None:
        witness.is_single = True


@contextmanager
def making() -> Iterator[Witness]:
    """Notes what is read inside."""
    witness = Witness()
    token = _current.set(witness)
    try:
        yield witness
    finally:
        _current.reset(token)
