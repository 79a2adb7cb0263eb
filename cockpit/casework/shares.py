"""A number shown to somebody without an account: a link to one view of one metric, aggregates only, for seven days at
most, withdrawn at any time. Owns the table `share` of state.sqlite and what may be shared.

The link carries a random number that is signed; the file has only its hash. A share lives no longer than its maker's
right to make it."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from pathlib import Path

from itsdangerous import BadSignature, URLSafeTimedSerializer

from cockpit.identity import accounts, rights
from cockpit.identity.sessions import Viewer
from cockpit.presentation.address import Address
from cockpit.store import app_db, audit
from warehouse.compile.reading import DISTRICT
from warehouse.core.errors import UsageError
from warehouse.query.scope import Scope, one_place
from warehouse.query.snapshot import Snapshot

MOST_DAYS = 7
DAY_S = 86_400
MOST_LIVING = 50
METRIC = "/metric/"
SHOWN = ("window", "at", "place", "only", "as_of")
"""What of an address makes the view; a list behind the number is never part of it."""


@dataclass(frozen=True)
class Share:
    """href: the metric's page as it was shared. label: metric and place in words. Times are UTC seconds. scope: what its
    maker sees now; a link never shows more."""

    id: int
    href: str
    label: str
    made_by: str
    made_at: float
    expires_at: float
    revoked_at: float | None
    opened: int
    scope: Scope = Scope.ALL

    def is_over(self, now: float) -> bool:
        return self.revoked_at is not None or self.expires_at <= now


def view_of(book: Snapshot, given: str) -> tuple[str, str]:
    """Address and label of the view that may be shared of a page. Raises UsageError for anything but a metric of the
    district or a town: a company's number may be a person's."""
    path, _, search = given[:600].partition("?")
    address = Address.parse(path, search)
    metric = book.metrics.get(address.path.removeprefix(METRIC)) if address.path.startswith(METRIC) else None
    if metric is None:
        raise UsageError("这一页不能分享", to_do="可分享全区或镇街的指标页")
    place = book.place(address.get("place") or DISTRICT)
    if place.grain == "company":
        raise UsageError("企业的指标不能分享", where=place.label, to_do="请到全区或镇街的指标页分享")
    one_place(place, "分享")
    query = {name: address.get(name) for name in SHOWN} | {"place": None if place.code == DISTRICT else place.code}
    label = metric.label if place.code == DISTRICT else f"{metric.label} · {place.label}"
    return Address(address.path, {}).here(**query), label


def make(path: Path, viewer: Viewer, key: str, href: str, label: str, days: int, *, ip: str = "") -> str:
    """What stands in the link, shown this once. key: what it is signed with. Raises UsageError for more than MOST_DAYS
    days and beyond MOST_LIVING links of one person."""
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"有效期须为 1–{MOST_DAYS} 天", where=str(days), to_do="请改正后重试")
    number, now = secrets.token_urlsafe(16), time.time()
    with app_db.writing(path) as connection:
        living = connection.execute(
            "SELECT count(*) FROM share WHERE made_by=? AND revoked_at IS NULL AND expires_at>?", (viewer.user, now)
        ).fetchone()[0]
        if living >= MOST_LIVING:
            raise UsageError(f"已有 {living} 个有效的分享链接", to_do="请先撤销不再需要的")
        made = connection.execute(
            "INSERT INTO share (token_hash, href, label, made_by, made_at, expires_at) VALUES (?,?,?,?,?,?)",
            (app_db.digest(number), href, label, viewer.user, now, now + days * DAY_S),
        )
        audit.append(
            connection,
            "share_made",
            who=viewer.user,
            ip=ip,
            subject=f"分享 {made.lastrowid}",
            detail=f"{days} 天 {href}"[:300],
        )
    return str(_signer(key).dumps(number))


def open_(path: Path, key: str, given: str, *, ip: str = "", now: float | None = None) -> Share | None:
    """The share behind a link, counted and written down; None when it is altered, unknown, over, withdrawn, or its maker
    may not share any more."""
    moment = time.time() if now is None else now
    try:
        number = str(_signer(key).loads(given[:200], max_age=MOST_DAYS * DAY_S))
    except BadSignature:
        number = ""
    with app_db.writing(path) as connection:
        row = connection.execute("SELECT * FROM share WHERE token_hash=?", (app_db.digest(number),)).fetchone()
        found = _share(row) if row else None
    maker = accounts.find(path, found.made_by) if found else None
    scope = maker.scope if maker else Scope.ALL
    may = maker is None or (maker.state(moment) in ("active", "locked") and rights.has(maker.role, "shares"))
    # a link to the district names no place; it was made by somebody who saw all of it, and ends when its maker does not
    may = may and (scope.is_all or (found is not None and "place=" in found.href))
    if found is None or found.is_over(moment) or not may:
        subject = f"分享 {found.id}" if found else ""
        audit.record(path, "share_refused", who="", ip=ip, subject=subject, result=audit.REFUSED)
        return None
    with app_db.writing(path) as connection:
        connection.execute("UPDATE share SET opened=opened+1 WHERE id=?", (found.id,))
        audit.append(
            connection,
            "share_opened",
            who=f"share:{found.id}",
            ip=ip,
            subject=f"分享 {found.id}",
            detail=found.href[:300],
        )
    return replace(found, scope=scope)


def revoke(path: Path, viewer: Viewer, number: int, *, ip: str = "") -> bool:
    """Withdraws one's own share; False when there is none that stands."""
    with app_db.writing(path) as connection:
        done = connection.execute(
            "UPDATE share SET revoked_at=? WHERE id=? AND made_by=? AND revoked_at IS NULL",
            (time.time(), number, viewer.user),
        )
        if done.rowcount:
            audit.append(connection, "share_revoked", who=viewer.user, ip=ip, subject=f"分享 {number}")
    return done.rowcount == 1


def of(path: Path, viewer: Viewer) -> list[Share]:
    """A person's shares, newest first."""
    with app_db.reading(path) as connection:
        rows = connection.execute("SELECT * FROM share WHERE made_by=? ORDER BY id DESC LIMIT 200", (viewer.user,))
        return [_share(row) for row in rows]


def _share(row: object) -> Share:
    return Share(**{name: row[name] for name in Share.__dataclass_fields__ if name != "scope"})  # type: ignore[index]


def _signer(key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt="share")
