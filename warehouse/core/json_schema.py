"""JSON Schema files made from the structures of the descriptions, for editors: what is wrong is seen while it is
written. Owns their text; the structures stay the rule."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec


def files(folder: Path, kinds: Mapping[str, type]) -> dict[Path, str]:
    """What should stand in `folder`: <name>.json → its text, one for each structure."""
    return {folder / f"{name}.json": _text(kind) for name, kind in kinds.items()}


def write(folder: Path, kinds: Mapping[str, type]) -> None:
    """Writes them."""
    for file, text in files(folder, kinds).items():
        file.write_text(text, "utf-8")


def _text(kind: type) -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(kind)}
    return json.dumps(_in_one_line(schema), ensure_ascii=False, indent=1) + "\n"


def _in_one_line(part: Any) -> Any:
    """Descriptions without the line breaks of the docstrings, which Python versions keep differently."""
    if isinstance(part, dict):
        return {
            key: " ".join(value.split()) if key == "description" and isinstance(value, str) else _in_one_line(value)
            for key, value in part.items()
        }
    return [_in_one_line(value) for value in part] if isinstance(part, list) else part
