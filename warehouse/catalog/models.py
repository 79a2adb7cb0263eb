"""Models: one SELECT each and what is true about it. Owns reading warehouse/staging and warehouse/marts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Model, ModelDescription, beside
from warehouse.core import toml
from warehouse.core.settings import ROOT

WORD = re.compile(r"\w+")


@cache
def models() -> dict[str, Model]:
    """All models by name, staging and marts, in no order (the build graph finds it). Raises ConfigError naming file,
    key and value."""
    return {
        file.stem: _model(layer, file)
        for layer in ("staging", "marts")
        for file in sorted((ROOT / layer).glob("*.sql"))
    }


@cache
def words(sql: str) -> frozenset[str]:
    """The words in a model's SELECT: a column that is none of them it cannot give. Whether it does give the others is
    seen only when it is built, which a test does; to parse the SQL here would cost more than all the rest."""
    return frozenset(WORD.findall(sql))


@cache
def shape() -> str:
    """A digest of what published files look like: models with their columns' levels. Another shape needs fresh
    files."""
    stated = [
        (model.name, model.publish, model.sql, sorted(model.columns.items()))
        for _, model in sorted(models().items())
        if model.publish != "no"
    ]
    return hashlib.sha256(repr(stated).encode()).hexdigest()


def _model(layer: str, file: Path) -> Model:
    where = f"{file.stem}.toml"
    model = Model(
        **beside(toml.read(file.with_suffix(".toml"), ModelDescription)),
        name=file.stem,
        layer=layer,
        sql=file.read_text("utf-8"),
    )
    for table in model.touched_by:
        toml.one_of(table, contracts(), "touched_by", where)
    known = words(model.sql)
    listed: dict[str, Iterable[str]] = {"grain": model.grain, "columns": model.columns, "dimensions": model.dimensions}
    if model.entity:
        listed["entity.columns"] = model.entity.columns
        if model.entity.name:
            toml.one_of(model.entity.name, model.entity.columns, "entity.name", where)
    for key, names in listed.items():
        for name in names:
            toml.one_of(name, known, key, where, what=f"{file.name} 里的列")
    return model
