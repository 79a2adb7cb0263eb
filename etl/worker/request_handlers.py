"""What people asked for on a page, done here: one request at a time, beside the plan. Owns what each kind does; the
queue is warehouse.core.request_queue.

A request that was cut off is done again from its start. That is safe where the act is its own undoing when repeated (a
run, a re-count, a table put in place); a correction carries the number of its request into the landing zone and is not
landed a second time."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable

from etl.jobs import on_demand, refresh, send
from etl.jobs.on_demand import Outcome
from etl.jobs.report import VERBS, launch, print_sheet, print_signed
from etl.pipeline import correct, trial
from etl.runtime.context import Context
from etl.worker import filing_forms, list_filing
from warehouse.core import log as run_log
from warehouse.core import request_queue, trial_report, units
from warehouse.core.errors import CockpitError, UsageError, WarehouseBroken
from warehouse.core.request_queue import Request
from warehouse.core.timetable import REPORTS

EVERY_S, OFFER_S = 2.0, 300.0
log = logging.getLogger("zhengbei.etl")


def watch(context: Context, ended: threading.Event, broken: Callable[[], None]) -> None:
    """Says what can be filed and does what is asked until `ended`; calls `broken` and returns when the warehouse itself
    failed (the request waits for the next start)."""
    offered = 0.0
    stated: dict[str, float] = {}
    while not ended.wait(EVERY_S):
        try:
            if time.monotonic() - offered > OFFER_S or not offered:
                filing_forms.offer(context)
                offered = time.monotonic()
            while not ended.is_set() and serve(context):
                pass
        except WarehouseBroken as error:
            log.error("请求：%s", error)
            broken()
            return
        except Exception as error:  # a queue that cannot be read now can be read later; the plan goes on meanwhile
            if (
                time.monotonic() - stated.get(repr(error), -OFFER_S) >= OFFER_S
            ):  # one fault is one entry, not one a round
                stated = {repr(error): time.monotonic()}
                log.exception("请求队列暂时不可用")


def serve(context: Context) -> bool:
    """Takes and does the oldest waiting request. Returns False when there was none. Raises WarehouseBroken."""
    path = context.settings.state
    request = request_queue.claim(path, time.time())
    if request is None:
        return False
    own = dataclasses.replace(context, progress=_reporting(context, request))
    with run_log.run(f"request-{request.id}"):
        _do(own, request)
    return True


def _do(own: Context, request: Request) -> None:
    """Does a request and writes down how it ended. Raises WarehouseBroken."""
    path = own.settings.state
    log.info("请求 %s（%s）开始", request.id, request.kind)
    try:
        outcome = _act(own, request)
    except WarehouseBroken:
        raise
    except CockpitError as error:
        request_queue.finish(path, request.id, str(error), time.time(), failed=True, code=error.exit_code)
    except Exception as error:  # one odd request must not stop those behind it
        log.exception("请求 %s 失败", request.id)
        request_queue.finish(
            path, request.id, f"程序出错（{type(error).__name__}），详见日志", time.time(), failed=True, code=1
        )
    else:
        request_queue.finish(path, request.id, outcome.text, time.time(), code=outcome.code, problems=outcome.problems)


def _reporting(context: Context, request: Request) -> Callable[[str, int, int], None]:
    last = [0.0]

    def tell(label: str, done: int, total: int) -> None:
        if time.monotonic() - last[0] > 1:
            last[0] = time.monotonic()
            request_queue.tell(context.settings.state, request.id, f"{label} {done}/{total}" if total else label)

    return tell


def _act(context: Context, request: Request) -> Outcome:
    if request.kind == "try":
        return _try(context, request)
    if request.kind in on_demand.ACTS:
        details = {"why": f"页面补数（请求 {request.id}）", **request.details}
        return on_demand.ACTS[request.kind](context, details, request.who, request.body)
    return Outcome(ACTS[request.kind](context, request))


def _correct(context: Context, request: Request) -> str:
    key, changes = (int(request.details["seq"]), int(request.details["row"])), dict(request.details["changes"])
    with context.heavy:
        reason = correct.one(
            context, key, changes, who=request.who, why=str(request.details.get("why", "")), request=request.id
        )
        generation = refresh.publish(context)
    if reason:
        raise UsageError(f"更正后仍不合约定：{reason}", to_do="这一行留在隔离，请再次更正")
    return f"更正后已装入，离开隔离；已发布快照 {generation}"


def _try(context: Context, request: Request) -> Outcome:
    found = trial.run(context.settings, str(request.details["source"]), context.progress)
    request_queue.keep(context.settings.state, request.id, trial_report.encode(found))
    fine = sum(not table.code for table in found.tables)
    text = found.error or f"{len(found.tables)} 项中 {fine} 项可以装载"
    return Outcome(f"{found.label}：{text}", code=found.code)


def _report(context: Context, request: Request) -> str:
    at = str(request.details["at"])
    if (whom := request.details.get("whom")) is not None:
        if failed := print_sheet(context, str(whom), at, by=request.who):
            raise UsageError(failed[0], to_do="请按提示处理后再试")
        return "单页已打印"
    window = units.window_named(at)
    if window not in VERBS:
        raise UsageError(f"看不懂的期次：{at[:16]}", to_do="写成 2026-W47、2026-10 或 2026-Q3")
    signed = request.details.get("sign")
    if signed:
        failed = print_signed(context, window, at, str(signed), by=request.who)
    else:
        failed = launch(context, window, at, by=request.who)
    if failed:
        raise UsageError(failed[0], to_do="请按提示处理后再试")
    return f"{REPORTS[window]} {at} {'签发版已打印' if signed else '已重印'}"


def _send(context: Context, request: Request) -> str:
    stated = send.run(context)
    return "；".join(stated) or f"{request.details['report']} 已交给收件方"


ACTS: dict[str, Callable[[Context, Request], str]] = {
    "correct": _correct,
    "file": list_filing.act,
    "report": _report,
    "send": _send,
}
