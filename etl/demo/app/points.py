"""积分 of the mini-program: a ledger that is only ever added to, orders and goods, month by month with the balances
carried over.

Every entry carries the balance after it; it is never below zero. Planted (D19), one kind a month in turn: a credit
booked twice with the same (type, biz_no), an entry that never left the database, an order cancelled without its CANCEL
entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd

from etl.demo.app.users import active_on, user_texts, users
from etl.demo.app.volunteers import month_records
from etl.demo.world import clock
from etl.demo.world.books import versions
from etl.demo.world.clock import DAY
from etl.demo.world.world import World

GOODS = (
    ("饮用水一箱", 40),
    ("毛巾礼盒", 30),
    ("保温杯", 80),
    ("洗车券", 60),
    ("免费洗衣券", 20),
    ("热餐券", 25),
    ("车载充电器", 70),
    ("急救包", 90),
    ("反光背心", 35),
    ("颈枕", 65),
    ("理发券", 30),
    ("亲子图书", 55),
)
SIGN_SHARE, QUIZ_SHARE, REDEEM_CHANCE, CANCEL_SHARE = 0.74, 0.13, 0.24, 0.045
CHANNELS = {
    "SIGN": "小程序",
    "VOLUNTEER": "志愿服务",
    "ACTIVITY": "线上活动",
    "REDEEM": "阵地",
    "CANCEL": "阵地",
    "EXPIRE": "系统",
    "ADJUST": "系统",
}
EXPIRE_MONTHS, EXPIRE_SHARE = (6, 12), 0.2
ENTRIES_A_MONTH = 1_000_000  # numbers kept free for a month


@dataclass
class State:
    """What one month leaves to the next: balance per user and cancellations to come (second, user, points, order)."""

    balance: dict[int, int] = field(default_factory=dict)
    pending: list[tuple[int, int, int, str]] = field(default_factory=list)


@dataclass
class Month:
    """Entries (entry_id, user, delta, type, biz_no, balance_after, second), orders (order_no, user, goods, points,
    second, second of the change or -1, final status), entries planted wrong (type|biz_no), and the state afterwards."""

    entries: list[tuple[int, int, int, str, str, int, int]]
    orders: list[tuple[str, int, int, int, int, int, str]]
    planted: list[str]
    after: State


def _wishes(world: World, month: int) -> list[tuple[int, int, str, int, str]]:
    """What may happen in a month, in order of time: (second, user, type, points, biz_no); a REDEEM says 0 points."""
    found: list[tuple[int, int, str, int, str]] = []
    first, after = clock.month_first_day(month), clock.month_first_day(month + 1)
    for day in range(max(first, world.first_day), after):
        who = active_on(world, day)
        u = [world.chance(1111 + j, who, day) for j in range(4)]
        at = (day * DAY + 21600 + u[0] * 57000).astype(np.int64).tolist()
        stamp = clock.day_text(day)
        for user, second, s, q, r in zip(who.tolist(), at, u[1].tolist(), u[2].tolist(), u[3].tolist(), strict=True):
            if s < SIGN_SHARE:
                found.append((second, user, "SIGN", 2, f"QD{stamp}{user:06d}"))
            if q < QUIZ_SHARE:
                found.append((second + 300, user, "ACTIVITY", 5, f"DT{stamp}{user:06d}"))
            if r < REDEEM_CHANCE:
                found.append((second + 600, user, "REDEEM", 0, f"DD{stamp}{user:06d}"))
    for month_back in (month - 1, month):
        for k, r in enumerate(month_records(world, month_back).itertuples()):
            if first * DAY <= r.verified_s < after * DAY:
                found.append(
                    (
                        int(r.verified_s) + 5,
                        int(r.user),
                        "VOLUNTEER",
                        max(0, round((r.end_s - r.start_s) / 360)),
                        f"ZR{clock.month_text(month_back).replace('-', '')}{k:05d}",
                    )
                )
    return sorted(w for w in found if w[2] != "VOLUNTEER" or w[3])


def _opening(world: World, book: _Book) -> None:
    """The points that users brought along when the ledger was opened, on the first morning of the history."""
    table = users(world)
    for user in np.flatnonzero((table["created_day"] < world.first_day).to_numpy()).tolist():
        book.add(world.first_day * DAY + 60, user, 10 + user * 7 % 60, "ADJUST", f"QC{user:06d}")


class _Book:
    """The month being written."""

    def __init__(self, month: int, state: State) -> None:
        self.balance = dict(state.balance)
        self.number = month * ENTRIES_A_MONTH
        self.entries: list[tuple[int, int, int, str, str, int, int]] = []

    def add(self, second: int, user: int, delta: int, kind: str, biz_no: str, is_lost: bool = False) -> None:
        self.number += 1
        self.balance[user] = self.balance.get(user, 0) + delta
        if not is_lost:
            self.entries.append((self.number, user, delta, kind, biz_no, self.balance[user], second))


@lru_cache(maxsize=40)
def month_ledger(world: World, month: int) -> Month:
    """The ledger of a month; asks for the month before, back to the first of the history."""
    state = month_ledger(world, month - 1).after if month > clock.month_of(world.first_day) else State()
    book, orders, planted = _Book(month, state), list[tuple[str, int, int, int, int, int, str]](), list[str]()
    rates, kind = world.rates, month % 4
    double, lost, silent = (
        (rates.d19_double_credit if kind == 1 else 0),
        (rates.d19_missing_row if kind == 2 else 0),
        (rates.d19_no_cancel_row if kind in (0, 3) else 0),
    )
    if month == clock.month_of(world.first_day):
        _opening(world, book)
    end = clock.month_first_day(month + 1) * DAY
    wishes, pending = _wishes(world, month), sorted(state.pending)
    later: list[tuple[int, int, int, str]] = []
    for count, (second, user, what, points, biz_no) in enumerate(wishes):
        while pending and pending[0][0] <= second:
            at, who, back, order = pending.pop(0)
            book.add(at, who, back, "CANCEL", order)
        if what != "REDEEM":
            is_lost = bool(lost) and what == "SIGN" and count % 37 == 5
            book.add(second, user, points, what, biz_no, is_lost)
            if is_lost:
                lost -= 1
                planted.append(f"{what}|{biz_no}")
            elif double and count % 29 == 3:
                double -= 1
                book.add(second + 4, user, points, what, biz_no)
                planted.append(f"{what}|{biz_no}")
            continue
        goods = (user * 7 + second) % len(GOODS)
        price = GOODS[goods][1]
        if book.balance.get(user, 0) < price:
            continue
        book.add(second, user, -price, "REDEEM", biz_no)
        u, v = (float(world.chance(s, user, second)) for s in (1116, 1117))
        changed = second + DAY // 2 + int(v * 4 * DAY)
        is_cancelled = u < CANCEL_SHARE or (bool(silent) and len(orders) % 11 == 7)
        orders.append((biz_no, user, goods, price, second, changed, "取消" if is_cancelled else "核销"))
        if is_cancelled and silent:
            silent -= 1
            planted.append(f"CANCEL|{biz_no}")
        elif is_cancelled:
            (pending if changed < end else later).append((changed, user, price, biz_no))
            pending.sort()
    for at, who, back, order in pending:
        book.add(at, who, back, "CANCEL", order)
    _close(world, book, month, end)
    # entries are numbered as written, not as stamped: a cancellation that waited for the next entry keeps its own time
    return Month(book.entries, orders, planted, State(book.balance, later))


def _close(world: World, book: _Book, month: int, end: int) -> None:
    """Last minutes of a month: an adjustment by hand, and twice a year the old points expire."""
    known = sorted(book.balance)
    for k, user in enumerate(known[month % 5 :: max(1, len(known) // 2)][:2]):
        book.add(end - 900 + k, user, 10, "ADJUST", f"TZ{clock.month_text(month).replace('-', '')}{k}")
    if month % 12 + 1 in EXPIRE_MONTHS:
        for user in known:
            old = int(book.balance[user] * EXPIRE_SHARE)
            if old >= 5:
                book.add(end - 600, user, -old, "EXPIRE", f"GQ{clock.month_text(month).replace('-', '')}{user:06d}")


def month_points(world: World, month: int) -> pd.DataFrame:
    """Entries of a month as rows; `updated_s` is when they were booked."""
    entries = month_ledger(world, month).entries if month >= clock.month_of(world.first_day) else []
    number, user, delta, kind, biz_no, balance, second = (
        (list(c) for c in zip(*entries, strict=True)) if entries else ([], [], [], [], [], [], [])
    )
    return pd.DataFrame(
        {
            "entry_id": np.array(number, dtype=np.int64),
            "user_id": user_texts(np.array(user, dtype=int)),
            "delta": np.array(delta, dtype=int),
            "type": np.array(kind, dtype=object),
            "biz_no": np.array(biz_no, dtype=object),
            "balance_after": np.array(balance, dtype=int),
            "channel": np.array([CHANNELS[k] for k in kind], dtype=object),
            "updated_s": np.array(second, dtype=np.int64),
        }
    )


def month_orders(world: World, month: int) -> pd.DataFrame:
    """Versions of the orders of a month: placed, then fetched or cancelled."""
    orders = month_ledger(world, month).orders if month >= clock.month_of(world.first_day) else []
    number, user, goods, points, second, changed, status = (
        (list(c) for c in zip(*orders, strict=True)) if orders else ([], [], [], [], [], [], [])
    )
    placed = np.array(second, dtype=np.int64)
    frame = pd.DataFrame(
        {
            "order_no": np.array(number, dtype=object),
            "user_id": user_texts(np.array(user, dtype=int)),
            "goods_id": np.array([f"SP{g + 1:03d}" for g in goods], dtype=object),
            "points": np.array(points, dtype=int),
            "status": np.array(status, dtype=object),
            "at": clock.second_texts(placed),
        }
    )
    return versions(frame, placed, np.array(changed, dtype=np.int64), {"status": "下单"})


def month_goods(world: World, month: int) -> pd.DataFrame:
    """The goods as counted on the first morning of a month."""
    number = np.arange(len(GOODS))
    stock = 40 + (world.chance(1121, number, month) * 160).astype(int)
    return pd.DataFrame(
        {
            "goods_id": [f"SP{k + 1:03d}" for k in number],
            "name": [g[0] for g in GOODS],
            "points": [g[1] for g in GOODS],
            "stock": stock,
            "updated_s": np.full(len(number), clock.month_first_day(month) * DAY + 30000),
        }
    )
