"""The program that speaks to a Spark cluster, in a process of its own: the loader can end it, and with it a driver that
waits for a master for ever. It is given SQL and files and writes Parquet; it knows no rule and no model.

One JSON request a line on stdin, one JSON answer a line on stdout; when stdin ends, so does it."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import sys
import threading
import traceback
from typing import Any

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # moments are without a zone, as in the warehouse; where Spark needs one it is UTC, which moves nothing
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    # what lies together by vehicle stays so: windows and joins by vehicle and something more need no new shuffle
    "spark.sql.requireAllClusterKeysForCoPartition": "false",
    "spark.sql.sources.bucketing.autoBucketedScan.enabled": "false",
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever Spark prints is no answer
    requests: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    session: Any = None
    while True:
        request = json.loads(requests.get())
        answer: dict[str, Any]
        try:
            if session is None:
                session = _session(request["master"], request["options"])
                _settle(session, request["to"])
            answer = {"rows": work(session, request)}
        except Exception as error:  # whatever it is, the loader says it in one sentence and goes on
            traceback.print_exc()
            answer = {"error": next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]}
        answers.write(json.dumps(answer, ensure_ascii=False) + "\n")
        answers.flush()


def work(session: Any, request: dict[str, Any]) -> int:
    """Works one model out and writes it to the folder `to`. tables: view → Parquet files; views: (name, SELECT);
    once: the same, each laid down in `steps` before the next one reads it, so that no step is worked out twice and a
    worker that dies takes only its own tasks with it; sql: the model itself, `name`; by, parts: the column by which
    rows lie together, in so many parts; days: whether the result is laid down by day, else it lies by `by` and later
    models read it as `name`. Returns the rows that were written."""
    from pyspark.sql import Observation
    from pyspark.sql.functions import count, lit

    session.conf.set("spark.sql.shuffle.partitions", str(request["parts"]))
    for name, paths in request["tables"].items():
        session.read.option("recursiveFileLookup", "true").parquet(*paths).createOrReplaceTempView(name)
    for name, sql in request["views"]:
        session.sql(sql).createOrReplaceTempView(name)
    for number, (name, sql) in enumerate(request["once"]):
        made = session.sql(sql)
        _lay(
            session,
            made if number else made.repartition(request["parts"], request["by"]),
            name,
            request["steps"],
            request,
        )
    seen = Observation("written")
    result = session.sql(request["sql"]).observe(seen, count(lit(1)).alias("rows"))
    if request["days"]:
        result.write.mode("overwrite").partitionBy("day").parquet(f"{request['to']}/{request['name']}")
    else:
        _lay(session, result, request["name"], request["to"], request)
    for name, _ in request["once"]:
        session.sql(f"DROP TABLE {name}")
    return int(seen.get["rows"])


def _lay(session: Any, frame: Any, name: str, folder: str, request: dict[str, Any]) -> None:
    """Writes a table whose rows lie by `by`: what reads it by that column needs no shuffle."""
    session.sql(f"DROP TABLE IF EXISTS {name}")
    laid = frame.write.mode("overwrite").format("parquet").option("path", f"{folder}/{name}")
    laid.bucketBy(request["parts"], request["by"]).saveAsTable(name)


def _session(master: str, options: dict[str, str]) -> Any:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("zhengbei")
    is_far = master.startswith("sc://")
    builder = builder.remote(master) if is_far else builder.master(master)
    for key, value in {**options, **SETTINGS}.items():
        if not is_far:
            builder = builder.config(key, value)
    session = builder.getOrCreate()
    if is_far:  # the server's own settings stand; those of the session are ours
        for key, value in {**options, **SETTINGS}.items():
            if key.startswith("spark.sql."):
                session.conf.set(key, value)
    return session


def _settle(session: Any, folder: str) -> None:
    """A database of this folder's own: a server of Spark Connect may have others beside us, and what a loader left there
    that was killed."""
    name = f"zhengbei_{hashlib.sha256(folder.encode()).hexdigest()[:12]}"
    session.sql(f"DROP DATABASE IF EXISTS {name} CASCADE")
    session.sql(f"CREATE DATABASE {name} LOCATION '{folder}/database'")
    session.sql(f"USE {name}")


def _listen(requests: queue.Queue[str]) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # nobody waits for an answer any more; the driver ends with us


if __name__ == "__main__":
    main()
