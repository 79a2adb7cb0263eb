"""What a piece of work takes of the machine, in a process of its own: processor seconds of it and of all that it
started, and the most memory that one of them held."""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver as forkserver
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Spent:
    """cpu_s, wall_s: seconds; peak_mb: resident memory of the process; helper_mb: of the largest it started, 0 = none.
    result: what the work returned."""

    cpu_s: float
    wall_s: float
    peak_mb: int
    helper_mb: int
    result: Any


def of(act: Callable[..., Any], *given: Any) -> Spent:
    """Does the work (a function of a module, its arguments and result as pickle takes them) and says what it took.
    What the work calls `ready` for is not counted. Raises RuntimeError when the process ended without a result."""
    ours, theirs = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=_done, args=(theirs, act, given))
    process.start()
    theirs.close()
    try:
        spent: Spent = ours.recv()
    except EOFError:
        raise RuntimeError(f"{act.__name__} 没有做完") from None
    finally:
        process.join()
    return spent


_BEGUN = {"cpu": 0.0, "wall": 0.0}


def ready() -> None:
    """From here on it is counted: what came before was preparation."""
    _BEGUN.update(cpu=_cpu_s(), wall=time.perf_counter())


def _done(answer: Connection, act: Callable[..., Any], given: tuple[Any, ...]) -> None:
    ready()
    result = act(*given)
    wall_s = time.perf_counter() - _BEGUN["wall"]
    stop = getattr(forkserver._forkserver, "_stop", None)  # type: ignore[attr-defined]
    if stop is not None:
        stop()  # what the parser took is known when it is gone
    helpers = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer.send(Spent(_cpu_s() - _BEGUN["cpu"], wall_s, _peak_mb(), helpers.ru_maxrss >> 10, result))


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _peak_mb() -> int:
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10


def beside(ours: Callable[[], Spent], bare: Callable[[], Spent], times: int) -> tuple[Spent, Spent, float]:
    """The two one after the other, `times` times: the pair whose ratio of processor seconds is the median, and it."""
    pairs = [(ours(), bare()) for _ in range(times)]
    pairs.sort(key=lambda pair: pair[0].cpu_s / pair[1].cpu_s)
    one, other = pairs[len(pairs) // 2]
    return one, other, statistics.median(mine.cpu_s / theirs.cpu_s for mine, theirs in pairs)
