"""/api/v1: the numbers for other systems, to read and nothing else. The same readings as on the pages, of one
generation, with the same rules for small groups.

What there is, is declared once, in OPERATIONS: the routes and the description (OpenAPI 3.1) are made from it. An answer
stays the same as long as its generation does, and says so by its ETag."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Flask, Response, jsonify, request

from cockpit.identity import gate
from cockpit.presentation import texts
from cockpit.presentation.address import Address
from cockpit.web.api import plain
from warehouse.compile.reading import DISTRICT, Point, Reading
from warehouse.core.errors import PageMissing, UsageError
from warehouse.core.settings import RELEASE, Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

if TYPE_CHECKING:
    from warehouse.catalog.schema import Metric

ROOT = "/api/v1"
MOST_POINTS = 60
GRAINS = ("town", "company")
PARAMETERS: dict[str, dict[str, Any]] = {
    "window": {
        "description": "统计期；不写为该指标的第一个",
        "schema": {"type": "string", "enum": ["now", "day", "week", "month", "quarter", "year"]},
    },
    "at": {
        "description": "期次，如 2026-11-23、2026-W47、2026-11、2026-Q4、2026；不写为最近一期",
        "schema": {"type": "string"},
    },
    "place": {"description": "镇街或企业代码；不写为全区", "schema": {"type": "string"}},
    "only": {"description": "筛选，如 energy:EV，多个用 ~ 连接", "schema": {"type": "string"}},
    "as_of": {"description": "快照号；不写为最新", "schema": {"type": "string"}},
    "count": {
        "description": "期数，到 at 为止",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST_POINTS, "default": 12},
    },
    "grain": {"description": "分到哪一级", "schema": {"type": "string", "enum": list(GRAINS), "default": "town"}},
}


@dataclass(frozen=True)
class Listed:
    """A metric as the list has it. unit: of the stored value, ratio = 0–1. better: up | down | context."""

    id: str
    number: int
    label: str
    group: str
    unit: str
    better: str
    windows: list[str]
    drill: list[str]
    describe: str
    formula: str
    basis: str
    owner: str


@dataclass(frozen=True)
class Listing:
    """The metrics of a generation."""

    generation: str
    metrics: list[Listed]


@dataclass(frozen=True)
class Series:
    """A number period by period, oldest first."""

    generation: str
    metric: str
    points: list[Point]


@dataclass(frozen=True)
class Places:
    """A number place by place."""

    generation: str
    metric: str
    readings: list[Reading]


@dataclass(frozen=True)
class Operation:
    """path: below ROOT, as Flask writes it. parameters: keys of PARAMETERS. answer: what is answered with."""

    endpoint: str
    path: str
    summary: str
    parameters: tuple[str, ...]
    answer: type
    act: Callable[[Snapshot, Address, str], Any]


def _listing(book: Snapshot, _address: Address, _metric: str) -> Listing:
    def listed(item: Metric) -> Listed:
        return Listed(
            item.id,
            item.number,
            item.label,
            item.group,
            item.unit,
            item.better,
            list(item.windows),
            list(item.drill),
            item.describe,
            item.formula,
            item.basis,
            item.owner,
        )

    return Listing(book.generation.id, [listed(item) for item in book.metrics.values()])


def _window(book: Snapshot, address: Address, metric: str) -> str:
    return address.get("window") or book.metric(metric).windows[0]


def _place(address: Address) -> str:
    return address.get("place") or DISTRICT


def _reading(book: Snapshot, address: Address, metric: str) -> Reading:
    return book.read(metric, _window(book, address, metric), address.get("at"), _place(address), address.only)


def _series(book: Snapshot, address: Address, metric: str) -> Series:
    given = request.args.get("count", "12")
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:4]) <= MOST_POINTS):
        raise UsageError(f"count 须为 1–{MOST_POINTS} 的整数", to_do="请改正后重试")
    window = _window(book, address, metric)
    points = book.series(metric, window, int(given), address.get("at"), _place(address), address.only)
    return Series(book.generation.id, metric, list(points))


def _places(book: Snapshot, address: Address, metric: str) -> Places:
    grain = request.args.get("grain", GRAINS[0])
    if grain not in GRAINS or grain not in book.metric(metric).drill:
        raise UsageError(f"这个指标不分到 {grain[:20]}", to_do=f"可用：{'、'.join(book.metric(metric).drill) or '无'}")
    found = book.by(metric, _window(book, address, metric), address.get("at"), grain, _place(address), address.only)
    return Places(book.generation.id, metric, list(found))


QUESTION = ("window", "at", "place", "only", "as_of")
OPERATIONS = (
    Operation("api_v1.metrics", "/metrics", "全部指标", ("as_of",), Listing, _listing),
    Operation("api_v1.reading", "/metrics/<metric>", "一个数", QUESTION, Reading, _reading),
    Operation("api_v1.series", "/metrics/<metric>/series", "趋势", (*QUESTION, "count"), Series, _series),
    Operation("api_v1.places", "/metrics/<metric>/places", "分镇街或企业", (*QUESTION, "grain"), Places, _places),
)


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds the operations and their description, /api/v1/openapi.json."""
    for operation in OPERATIONS:
        server.add_url_rule(ROOT + operation.path, operation.endpoint, _answering(operation, library))
    server.add_url_rule(
        f"{ROOT}/openapi.json", "api_v1.description", lambda: _tagged(jsonify(description()), RELEASE, Scope.ALL)
    )


def _answering(operation: Operation, library: SnapshotStore) -> Callable[..., Response]:
    def answer(metric: str = "") -> Response:
        unknown = sorted(set(request.args) - set(operation.parameters))
        if unknown:
            raise UsageError(f"没有这个参数：{unknown[0][:40]}", to_do=f"可用：{'、'.join(operation.parameters)}")
        address = Address.parse(request.path, request.query_string.decode("utf-8", "replace"))
        wanted, scope = address.get("as_of"), gate.viewer().scope
        book = library.open(wanted, scope) if wanted else library.current(scope)
        if metric and metric not in book.metrics:
            raise PageMissing("没有这个指标", where=metric[:60], to_do=f"全部指标见 {ROOT}/metrics")
        return _tagged(jsonify(plain(operation.act(book, address, metric))), book.generation.id, scope)

    return answer


def _tagged(response: Response, generation: str, scope: Scope) -> Response:
    """With an ETag that changes with generation, question, release and whose numbers they are; 304 where the caller has
    it."""
    question = f"{generation} {RELEASE} {scope.code} {request.full_path}"
    response.set_etag(hashlib.sha256(question.encode()).hexdigest()[:24])
    return response.make_conditional(request)  # type: ignore[return-value]


def description() -> dict[str, Any]:
    """OpenAPI 3.1 of all operations."""
    _, schemas = msgspec.json.schema_components(
        [operation.answer for operation in OPERATIONS], ref_template="#/components/schemas/{name}"
    )
    error = {"type": "object", "properties": {"error": {"type": "string"}, "to_do": {"type": "string"}}}
    refusals = {
        "400": "参数不对",
        "401": "没有令牌，或令牌无效、已过期、已撤销",
        "404": "没有这个指标或快照",
        "410": "快照已不再保留",
        "429": "一分钟内问得过多",
        "503": "还没有发布数据",
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": texts.BRAND, "version": RELEASE, "description": "只读；只有汇总数，没有个人信息。"},
        "servers": [{"url": ROOT}],
        "security": [{"token": []}],
        "paths": {_braced(operation.path): {"get": _described(operation, refusals)} for operation in OPERATIONS},
        "components": {
            "schemas": {**schemas, "Error": error},
            "parameters": {name: {"name": name, "in": "query", **rest} for name, rest in PARAMETERS.items()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _braced(path: str) -> str:
    return path.replace("<", "{").replace(">", "}")


def _described(operation: Operation, refusals: dict[str, str]) -> dict[str, Any]:
    named = [{"$ref": f"#/components/parameters/{name}"} for name in operation.parameters]
    if "<metric>" in operation.path:
        schema = {"type": "string", "pattern": "^[a-z0-9_]{2,60}$"}
        named.insert(0, {"name": "metric", "in": "path", "required": True, "schema": schema})  # type: ignore[dict-item]
    body = {"application/json": {"schema": {"$ref": f"#/components/schemas/{operation.answer.__name__}"}}}
    fault = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        "operationId": operation.endpoint.partition(".")[2],
        "summary": operation.summary,
        "parameters": named,
        "responses": {
            "200": {
                "description": "好；ETag 随快照而变",
                "headers": {"ETag": {"schema": {"type": "string"}}},
                "content": body,
            },
            "304": {"description": "与 If-None-Match 所指的相同"},
            **{code: {"description": words, "content": fault} for code, words in refusals.items()},
        },
    }
