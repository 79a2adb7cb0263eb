"""JSON Schema of <source>.toml and of the mapping file beside a file.

Made by `python -m etl.config.schemas`; a test holds them to the structures."""

from __future__ import annotations

from pathlib import Path

from etl.config.schema import FileMapping, SourceDescription

FOLDER = Path(__file__).resolve().parent
KINDS = {
    "source": SourceDescription,
    "mapping": FileMapping,
}
