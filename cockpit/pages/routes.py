"""Which path is which page. A path that matches nothing here is a 404 before any page code runs."""

from __future__ import annotations

import re
from collections.abc import Callable

from cockpit.pages import (
    alarm,
    alerts,
    announcement,
    audit,
    company,
    compare,
    driver,
    glossary,
    goals,
    health,
    home,
    lineage,
    metric,
    mine,
    overview,
    programme,
    quarantine,
    screens,
    search,
    site,
    supervision,
    town,
    track,
    vehicle,
)
from cockpit.pages.page_context import Page, PageContext
from warehouse.core.errors import PageMissing

ROUTES: tuple[tuple[re.Pattern[str], Callable[..., Page]], ...] = (
    (re.compile(r"/"), home.render),
    (re.compile(r"/all"), overview.render),
    (re.compile(r"/group/(?P<group>[a-z]{2,20})"), overview.render_group),
    (re.compile(r"/metric/(?P<metric_id>[a-z0-9_]{2,60})"), metric.render),
    (re.compile(r"/compare/(?P<metric_id>[a-z0-9_]{2,60})"), compare.render),
    (re.compile(r"/town/(?P<code>[0-9]{6,12})"), town.render),
    (re.compile(r"/company/(?P<code>[0-9A-Za-z_.\-]{1,64})"), company.render),
    (re.compile(r"/company/(?P<code>[0-9A-Za-z_.\-]{1,64})/drivers"), driver.render_list),
    (re.compile(r"/company/(?P<code>[0-9A-Za-z_.\-]{1,64})/driver/(?P<reference>[0-9a-f]{18})"), driver.render),
    (re.compile(r"/vehicle/(?P<key>[^/\x00-\x1f]{2,32})"), vehicle.render),
    (re.compile(r"/vehicle/(?P<key>[^/\x00-\x1f]{2,32})/track"), track.render),
    (re.compile(r"/alarm/(?P<uid>[^/\x00-\x1f]{1,64})"), alarm.render),
    (re.compile(r"/site"), site.render_all),
    (re.compile(r"/site/(?P<site_id>[^/\x00-\x1f]{1,64})"), site.render),
    (re.compile(r"/programme/(?P<number>[1-6])"), programme.render),
    (re.compile(r"/unit/(?P<unit_id>[^/\x00-\x1f]{1,64})"), programme.render_unit),
    (re.compile(r"/organisation/(?P<org_id>[^/\x00-\x1f]{1,64})"), programme.render_organisation),
    (re.compile(r"/search"), search.render),
    (re.compile(r"/targets"), goals.render),
    (re.compile(r"/glossary"), glossary.render),
    (re.compile(r"/health"), health.render),
    (re.compile(r"/lineage"), lineage.render),
    (re.compile(r"/quarantine"), quarantine.render),
    (re.compile(r"/alerts"), alerts.render),
    (re.compile(r"/announcement"), announcement.render),
    (re.compile(r"/screens"), screens.render),
    (re.compile(r"/audit"), audit.render),
    (re.compile(r"/supervision"), supervision.render),
    (re.compile(r"/mine"), mine.render),
)


def paths() -> set[str]:
    """The paths of all pages, "*" for a part that names a thing, as identity/rights.py writes them."""
    return {re.sub(r"\(\?P<[^)]*\)", "*", pattern.pattern) for pattern, _ in ROUTES}


def known(path: str) -> bool:
    """True when some page answers this path."""
    return any(pattern.fullmatch("/" + path.strip("/")) for pattern, _ in ROUTES)


def render(visit: PageContext) -> Page:
    """The page of the visit's path. PageMissing when there is no such page, metric or group."""
    for pattern, page in ROUTES:
        found = pattern.fullmatch(visit.address.path)
        if found:
            return page(visit, **found.groupdict())
    raise PageMissing()
