"""What people ask for at once: run a job, open days again, replay, put corrected rows back. One way to do each, whether a
command has the data folder to itself or the running loader does it on request."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etl.jobs import backfill, refresh, registry
from etl.pipeline import correct, intake
from etl.runtime.context import Context
from warehouse.core.errors import ConfigError, ContractBroken
from warehouse.ingest import filed_lists

CORRECTIONS = "corrections"
"""Under what name a sealed file of corrections travels."""


@dataclass(frozen=True)
class Outcome:
    """text: what was done, in Chinese; problems: what is not right all the same; code: the exit code of a command."""

    text: str
    problems: list[str] = field(default_factory=list)
    code: int = 0


def _run(context: Context, details: dict[str, Any], _who: str, _body: bytes | None) -> Outcome:
    name = str(details["job"])
    label = RECONCILE if name == "reconcile" else registry.job(name).label
    with context.heavy:
        if name == "reconcile":
            wanted = intake.usable(context)[0]
            problems = intake.reconcile(context, wanted, confirmed=bool(details.get("confirmed")))
        elif name == "refresh" and details.get("full"):
            problems = refresh.run(context, full=True)
        else:
            problems = registry.run_once(context, registry.job(name))
        faults = intake.usable(context)[1]
    code = 0 if not problems else ConfigError.exit_code if faults else ContractBroken.exit_code
    return Outcome(f"{label}已运行", problems, code)


RECONCILE = "核对删除"


def _backfill(context: Context, details: dict[str, Any], who: str, _body: bytes | None) -> Outcome:
    first, last = (dt.date.fromisoformat(str(details[name])) for name in ("first", "last"))
    days, late, problems = backfill.run(
        context, first, last, who=who, why=str(details["why"]), sources=set(details.get("sources") or ())
    )
    return Outcome(f"已重算 {days} 天" + (f"，装入冻结后才到的 {late} 行" if late else ""), problems)


def _replay(context: Context, details: dict[str, Any], _who: str, _body: bytes | None) -> Outcome:
    with context.heavy:
        count, problems = intake.replay(context, details.get("seq"), confirmed=bool(details.get("confirmed")))
        refresh.publish(context)
    return Outcome(f"重放 {count} 份原始数据", problems, ContractBroken.exit_code if problems else 0)


def _fix(context: Context, details: dict[str, Any], who: str, body: bytes | None) -> Outcome:
    with context.heavy, tempfile.TemporaryDirectory(prefix="zhengbei-fix-") as folder:
        file = Path(folder) / "corrections.csv"
        file.write_bytes(filed_lists.unseal(context.settings, CORRECTIONS, body or b""))
        done, bad = correct.fix(context, file, who=who, why=str(details["why"]))
        refresh.publish(context)
    left = f"，其中 {len(bad)} 行仍不合约定，留在隔离" if bad else "，全部装入"
    return Outcome(f"更正 {done} 行{left}", bad, ContractBroken.exit_code if bad else 0)


def _acknowledge(context: Context, details: dict[str, Any], who: str, _body: bytes | None) -> Outcome:
    with context.heavy:
        count = intake.acknowledge(context, [int(seq) for seq in details["seqs"]], who=who, why=str(details["why"]))
        refresh.publish(context)
    return Outcome(f"已记下 {count} 份整份未装载的原始数据：知道了，不再计为待处理")


ACTS: dict[str, Callable[[Context, dict[str, Any], str, bytes | None], Outcome]] = {
    "run": _run,
    "backfill": _backfill,
    "replay": _replay,
    "fix": _fix,
    "acknowledge": _acknowledge,
}
"""Kind of a request → what does it."""
