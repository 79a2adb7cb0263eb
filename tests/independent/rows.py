"""The raw rows of one warehouse file and its lake as DataFrames. Only `SELECT *`: no rule of the product is used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd

from tests.independent.text import Towns


class Rows:
    """Landed rows. `fetch`: SELECT text → DataFrame; `lake`: the folder of positions, None when there are none;
    `built`: the moment the compared generation was built (naive, Asia/Shanghai)."""

    def __init__(self, fetch: Callable[[str], pd.DataFrame], lake: Path | None, built: dt.datetime) -> None:
        self._fetch, self._lake, self.built = fetch, lake, built
        self._kept: dict[str, pd.DataFrame] = {}
        self.names = set(
            self._book("SELECT * FROM information_schema.tables").query("table_schema == 'raw'")["table_name"]
        )
        self.towns = Towns(self.current("own_town"))
        own = self.current("own_parameter")
        self.parameters = {str(name): float(value) for name, value in zip(own["name"], own["value"], strict=True)}

    @property
    def today(self) -> pd.Timestamp:
        """The day the generation was built on."""
        return pd.Timestamp(self.built.date())

    @property
    def now(self) -> pd.Timestamp:
        """The moment it was built at."""
        return pd.Timestamp(self.built)

    def _book(self, sql: str) -> pd.DataFrame:
        if sql not in self._kept:
            self._kept[sql] = _plain(self._fetch(sql))
        return self._kept[sql]

    def has(self, name: str) -> bool:
        """True when that raw table exists and holds a row."""
        return name in self.names and len(self._book(f"SELECT * FROM raw.{name}")) > 0

    def all(self, name: str) -> pd.DataFrame:
        """The newest version of every key, those that the source deleted included."""
        return self._book(f"SELECT * FROM raw.{name}").copy()

    def current(self, name: str) -> pd.DataFrame:
        """The newest version of every key that the source still has."""
        frame = self.all(name)
        return frame[frame["_deleted_at"].isna()].reset_index(drop=True)

    def versions(self, name: str) -> pd.DataFrame:
        """All versions kept, oldest first."""
        parts = [self.all(name)]
        if f"{name}_history" in self.names:
            parts.insert(0, self._book(f"SELECT * FROM raw.{name}_history"))
        parts = [part for part in parts if len(part)] or parts[-1:]
        return (
            pd.concat(parts, ignore_index=True)
            .sort_values(["_version", "_seq", "_row"], kind="stable")
            .reset_index(drop=True)
        )

    def run(self, name: str) -> pd.DataFrame:
        """A book of the run schema."""
        return self._book(f"SELECT * FROM run.{name}").copy()

    def positions(self) -> pd.DataFrame:
        """All positions of the booked lake files; `day` is the business day the file belongs to."""
        if "lake" not in self._kept:
            parts = []
            for row in self.run("lake_file").itertuples():
                assert self._lake is not None
                part = pd.read_parquet(self._lake / row.path, partitioning=None)
                part["day"] = pd.Timestamp(row.day)
                parts.append(part)
            self._kept["lake"] = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        return self._kept["lake"]


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Times as naive datetime64, texts as objects with None."""
    for name in frame.columns:
        if frame[name].dtype == object or str(frame[name].dtype) in ("string", "str"):
            frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return frame


def of_folder(data: Path, built: dt.datetime) -> Rows:
    """The rows of a data folder that no process is writing."""
    connection = duckdb.connect(str(data / "warehouse.duckdb"), read_only=True)
    return Rows(lambda sql: connection.execute(sql).df(), data / "lake", built)
