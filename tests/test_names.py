"""Names are the field's terms: a word that says nothing of what it stands for names nothing."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EMPTY = {"told", "asked", "kept", "door", "happenings", "together", "fluid"}
"""As a whole name, or as a part of one."""


@pytest.mark.parametrize("package", ["cockpit", "etl", "warehouse"])
def test_no_name_is_one_of_the_words_that_say_nothing(package: str) -> None:
    read, found = 0, []
    for file in (ROOT / package).rglob("*.py"):
        for token in tokenize.generate_tokens(io.StringIO(file.read_text("utf-8")).readline):
            if token.type == tokenize.NAME:
                read += 1
                if EMPTY & set(re.split("_+", token.string.lower())):
                    found.append(f"{file.relative_to(ROOT)}:{token.start[0]} {token.string}")
    assert read > 10_000 and found == []
