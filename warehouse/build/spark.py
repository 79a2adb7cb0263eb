"""The models of positions on a Spark cluster: the same .sql files, over the same Parquet of the lake. Owns the exchange
folder lake/exchange, what is put into it for the cluster and the proof that what comes back is whole.

A result is used when Spark has closed it (_SUCCESS) and its files hold as many rows as Spark counted while it wrote them;
it goes into the warehouse's tables in one transaction, and nothing in the folder outlives the build."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from warehouse.build.graph import inputs, reads_positions, view
from warehouse.catalog.models import models, words
from warehouse.catalog.schema import Model
from warehouse.core.database import Writer
from warehouse.core.errors import EngineDown
from warehouse.core.settings import Settings

PART_ROWS = 400_000
"""So many positions go into one part of the vehicles, which one task works out at a time."""
LEAST_PARTS = 8
BY = "vehicle_no"
"""The rows of a vehicle lie together."""
LOOK_S, ANSWER_S, GONE_S = 5.0, 5.0, 60.0
"""Looks at the master so often, waits for it so long, gives it up after so long without an answer."""
TO_DO = "请启动或修复集群；恢复后自动补算，其间沿用上期"


class Cluster:
    """The cluster for one build. `make` starts the driver with the first model; `close` ends it and clears up."""

    def __init__(self, writer: Writer, settings: Settings) -> None:
        self._writer, self._settings = writer, settings
        self._lake = settings.options.lake
        self._folder = settings.lake / "exchange"
        self._child: subprocess.Popen[str] | None = None

    def make(self, model: Model, days: list[dt.date], paths: list[str]) -> str:
        """Works out `model` from the positions in `paths`, for the days that build.day holds, and returns the FROM item
        of its rows. Raises EngineDown with the reason why there is none."""
        self._start()
        from warehouse.build.spark_sql import steps  # with sqlglot, which is installed only where there is a cluster

        table = f"{model.layer}.{model.name}"
        views = [steps(f"{models()[name].layer}.{name}", models()[name].sql)[-1] for name in self._views(model)]
        *once, last = steps(table, model.sql)
        positions = self._writer.execute("SELECT count(*) FROM lake.gps_location")[0][0]
        rows = self._ask(
            {
                "name": last.name,
                "tables": self._tables(model, days, paths),
                "views": [(one.name, one.sql) for one in views],
                "once": [(one.name, one.sql) for one in once],
                "sql": last.sql if model.build == "days" else f"SELECT *, 0L AS part FROM ({last.sql})",
                "steps": str(self._folder / "steps"),
                "to": str(self._folder / "made"),
                "by": BY,
                "parts": max(LEAST_PARTS, 1 + positions // PART_ROWS),
                "days": model.build == "days",
            }
        )
        shutil.rmtree(self._folder / "steps", ignore_errors=True)
        return self._proven(self._folder / "made" / last.name, rows, by_day=model.build == "days")

    def close(self) -> None:
        """Ends the driver, and takes away what was exchanged."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
            self._child = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _views(self, model: Model) -> list[str]:
        """Models below that are views, and are so there as well."""
        below = [table.split(".")[1] for table in sorted(inputs(model.name)) if table.split(".")[0] == "staging"]
        return [name for name in below if models()[name].build == "view"]

    def _tables(self, model: Model, days: list[dt.date], paths: list[str]) -> dict[str, list[str]]:
        """View → its files, for every table that the model and the views below it read. What is not there in files yet
        is written for it: of a model by days those of this build and the day before, as of the positions themselves."""
        read = inputs(model.name).union(*(inputs(name) for name in self._views(model)))
        text = " ".join([model.sql, *(models()[name].sql for name in self._views(model))])
        found: dict[str, list[str]] = {}
        for table in sorted(read):
            name = table.split(".")[1]
            if table == "lake.gps_location":
                found[view(table)] = paths
            elif not (name in models() and models()[name].build in ("view", "scratch")):  # those are there already
                found[view(table)] = [self._written(table, text, days)]
        return found

    def _written(self, table: str, text: str, days: list[dt.date]) -> str:
        """A small table as a file: the columns that the models name."""
        name = table.split(".")[1]
        columns = [row[0] for row in self._writer.execute(f"DESCRIBE {table}") if row[0] in words(text)]
        chosen, where = ", ".join(columns), ""
        if name in models() and models()[name].build == "days":
            where = f" WHERE day BETWEEN DATE '{min(days)}' - 1 AND DATE '{max(days)}'"
        file = self._folder / "tables" / f"{view(table)}.parquet"
        file.parent.mkdir(exist_ok=True)
        self._writer.execute(f"COPY (SELECT {chosen} FROM {table}{where}) TO '{file}' (FORMAT parquet)")
        return str(file)

    def _proven(self, folder: Path, rows: int, *, by_day: bool) -> str:
        """A FROM item of the result. Raises EngineDown when the files seen here do not hold what Spark says it wrote."""
        files = sorted(map(str, folder.rglob("*.parquet"))) if (folder / "_SUCCESS").exists() else []
        listed = ", ".join(f"'{file}'" for file in files)
        days = ", hive_partitioning = true, hive_types = {'day': DATE}" if by_day else ""
        source = f"read_parquet([{listed}]{days})" if files else ""
        there = self._writer.execute(f"SELECT count(*) FROM {source}")[0][0] if files else 0
        if there != rows:
            raise EngineDown(
                f"Spark 写了 {rows:,} 行，这里只看到 {there:,} 行",
                where=str(folder),
                to_do="请让各工作节点以同一路径、同一账号读写数据文件夹的 lake/",
            )
        return source

    def _start(self) -> None:
        if self._child is not None:
            return
        missing(self._lake.spark_master)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, mode=0o700)
        self._settings.temp.mkdir(parents=True, exist_ok=True)
        with open(self._settings.temp / "spark.log", "wb") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "warehouse.build.spark_program"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                cwd=self._settings.temp,
            )

    def _ask(self, request: dict[str, Any]) -> int:
        child = self._child
        assert child is not None and child.stdin is not None and child.stdout is not None
        line = json.dumps({**request, "master": self._lake.spark_master, "options": self._lake.spark_options})
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(line + "\n")
            child.stdin.flush()
        self._wait(child.stdout)
        answer = child.stdout.readline()
        if not answer:
            raise EngineDown("Spark 的驱动进程意外结束", where=str(self._settings.temp / "spark.log"))
        found = json.loads(answer)
        if "error" in found:
            raise EngineDown(f"Spark 没有算完：{found['error']}", where=str(self._settings.temp / "spark.log"))
        return int(found["rows"])

    def _wait(self, answers: IO[str]) -> None:
        """Until there is an answer. Raises EngineDown when the master has been silent for GONE_S or the time is up."""
        begun = heard = time.monotonic()
        while not select.select([answers], [], [], LOOK_S)[0]:
            now = time.monotonic()
            if not silent(self._lake.spark_master):
                heard = now
            elif now - heard > GONE_S:
                raise EngineDown("Spark 主节点在计算中不再应答", where=shown(self._lake.spark_master), to_do=TO_DO)
            if now - begun > self._lake.spark_minutes * 60:
                raise EngineDown(
                    f"{self._lake.spark_minutes} 分钟内没有算完",
                    where=shown(self._lake.spark_master),
                    to_do="请检查工作节点是否在线、够不够；确实要更久的，请改大 spark_minutes",
                )


@contextlib.contextmanager
def cluster(writer: Writer, settings: Settings) -> Iterator[Cluster | None]:
    """The cluster that the settings name, None where DuckDB works everything out."""
    if settings.options.lake.engine != "spark":
        yield None
        return
    made = Cluster(writer, settings)
    try:
        yield made
    finally:
        made.close()


def takes(model: Model) -> bool:
    """Whether a cluster works this model out: its rows are made of positions."""
    return model.build in ("days", "scratch") and reads_positions(model.name)


def missing(master: str) -> None:
    """Raises EngineDown naming the first thing that is not there: the Python package, Java, the cluster."""
    if importlib.util.find_spec("pyspark") is None:
        raise EngineDown("没有安装 Python 包 pyspark", to_do="请在程序文件夹运行 .venv/bin/pip install '.[spark]'")
    places = os.pathsep.join([os.environ.get("PATH", ""), str(Path(os.environ.get("JAVA_HOME", "-"), "bin"))])
    if not master.startswith("sc://") and not shutil.which("java", path=places):
        raise EngineDown("没有 Java", to_do="请由管理员运行 apt-get install -y openjdk-17-jre-headless")
    if silent(master):
        raise EngineDown("Spark 主节点没有应答", where=shown(master), to_do=TO_DO)


def silent(master: str) -> bool:
    """Whether nobody answers at the address; one of several is enough. A master in the driver itself always answers."""
    if master.startswith("local"):
        return False
    rest = master.partition("://")[2]
    for one in rest.partition("/")[0].split(","):
        host, _, port = one.partition(":")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port or 15002)), ANSWER_S):
            return False
    return True


def shown(master: str) -> str:
    """The address without what may be a secret in it."""
    return master.partition("/;")[0]
