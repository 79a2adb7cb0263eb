"""A real Spark cluster on loopback for tests: a master and its workers, each a process group of its own, ended by the id
that we started."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from tests import needs
from tests.etl.sources.servers import free_port
from warehouse.build import spark
from warehouse.core.settings import Lake

LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


@dataclass
class Standalone:
    """address: as zhengbei.toml names it. state(): what the master tells of itself."""

    address: str
    board: int
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def lake(self, **options: str) -> Lake:
        return Lake(engine="spark", spark_master=self.address, spark_options={**LOOPBACK, **options})

    def state(self) -> dict[str, list[dict[str, object]]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.board}/json/", timeout=5) as answer:
            return dict(orjson.loads(answer.read()))

    def start(self, program: str, *words: str) -> None:
        """One of Spark's own programs."""
        import pyspark

        home = Path(pyspark.__file__).parent
        environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
        with open(self.folder / f"program-{len(self.processes)}.log", "wb") as log:
            command = [home / "bin" / program, *words]
            self.processes.append(
                subprocess.Popen(
                    command, env=environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
                )
            )

    def add_worker(self, memory: str = "1g", cores: int = 1) -> None:
        work = str(self.folder / f"work-{len(self.processes)}")
        words = ["--host", "127.0.0.1", "--cores", str(cores), "--memory", memory, "--work-dir", work, self.address]
        self.start("spark-class", "org.apache.spark.deploy.worker.Worker", *words)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As when the machine dies: the worker and all that works on it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def until(self, what: str, number: int, seconds: float = 60) -> None:
        """Waits until the master tells of so many workers or applications."""
        for _ in range(round(seconds * 5)):
            with contextlib.suppress(OSError, ValueError):  # not up yet
                states = self.state()
                if sum(one.get("state") in ("ALIVE", "RUNNING") for one in states[what]) >= number:
                    return
            time.sleep(0.2)
        pytest.fail(f"{what}: fewer than {number} after {seconds:g} s")


@contextlib.contextmanager
def standalone(folder: Path, workers: int = 2, memory: str = "1g") -> Iterator[Standalone]:
    """A master with so many workers of one core each."""
    port, board = free_port(), free_port()
    made = _made(f"spark://127.0.0.1:{port}", board, folder)
    try:
        words = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", str(board)]
        made.start("spark-class", "org.apache.spark.deploy.master.Master", *words)
        for _ in range(workers):
            made.add_worker(memory)
        made.until("workers", workers)
        yield made
    finally:
        for process in made.processes:
            made.kill(process)


@contextlib.contextmanager
def connect_server(folder: Path) -> Iterator[Standalone]:
    """A server of Spark Connect that works by itself."""
    port = free_port()
    made = _made(f"sc://127.0.0.1:{port}", 0, folder)
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        **LOOPBACK,
    }
    words = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
    try:
        made.start(
            "spark-submit", "--master", "local[2]", *words,
            "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
        )  # fmt: skip
        for _ in range(300):
            if not spark.silent(made.address):
                break
            time.sleep(0.2)
        yield made
    finally:
        for process in made.processes:
            made.kill(process)


def _made(address: str, board: int, folder: Path) -> Standalone:
    if importlib.util.find_spec("pyspark") is None:
        needs.missing("pyspark", "openjdk-17-jre-headless，另 pip install '.[spark]'")
    if shutil.which("java") is None:
        needs.missing("Java", "openjdk-17-jre-headless")
    folder.mkdir(parents=True, exist_ok=True)
    return Standalone(address, board, folder)
