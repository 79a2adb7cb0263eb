"""How deep a test goes: as deep as every change can afford, or as deep as a night can (`./zhengbei test --nightly`)."""

from __future__ import annotations

import os
from typing import TypeVar

NIGHTLY = os.environ.get("ZHENGBEI_NIGHTLY", "") == "1"
T = TypeVar("T")


def depth(usual: T, nightly: T) -> T:
    """`usual` at every change, `nightly` in a run of the night."""
    return nightly if NIGHTLY else usual
