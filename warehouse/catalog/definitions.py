"""What is declared: landing contracts, models and metrics, read from the TOML and SQL files beside this one.

Owns their shape and refuses unknown words by name. Knows no database; a broken file stops the start, not a screen."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from warehouse.core.errors import ConfigError, UsageError
from warehouse.core.settings import ROOT

LEVELS = ("L1", "L2", "L3", "L4")
DOORS = ("", "person", "phone", "mask_name", "holder", "birth_year", "text", "drop")
RULES = ("", "plate", "plate_color", "month")
GROUPS = {
    "fleet": "车队运行",
    "safety": "安全监管",
    "driver": "司机与远程管理",
    "membership": "组织与会员",
    "programme": "六大工程",
    "site": "服务阵地",
    "health": "数据健康",
}
PROGRAMMES = {
    1: ("领航护航", "引领力"),
    2: ("提质示范", "组织力"),
    3: ("红能聚力", "服务力"),
    4: ("暖心礼遇", "获得力"),
    5: ("数字赋能", "科技力"),
    6: ("典型培育", "成长力"),
}
"""The six programmes of the founding announcement and the force each of them lifts, in its order."""
KINDS = ("flow", "stock", "state", "window", "now")
WINDOWS = ("now", "day", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class Column:
    """A landed column. source: the name in the payload (same as ours unless said). fallback: the column of the
    payload to take where this one is empty. door: what happens to the value before it may enter the warehouse (person →
    HMAC key, phone → hash, mask_name, holder, birth_year, text → numbers that look personal are blotted out, drop)."""

    name: str
    type: str
    level: str
    label: str
    source: str = ""
    fallback: str = ""
    door: str = ""
    rule: str = ""
    required: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Contract:
    """How one entity of one source lands. load: upsert (newest version of a key wins) · lake (Parquet by day) ·
    own (a table of the bureau's own, replaced as a whole). version: column that orders versions of a key.
    touches: TIMESTAMP or DATE column whose day is re-opened by a new row;
    reaches_back: the column from whose day on a key never seen before counts. history: superseded versions are kept."""

    source: str
    entity: str
    label: str
    load: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    stale_after_s: int
    version: str = ""
    touches: str = ""
    reaches_back: str = ""
    history: bool = False
    max_bad_ratio: float = 0.01
    freeze_h: int = 0
    """Hours after a day's end (or its first row's arrival) after which its rows come too late; 0 = never."""
    feeds: str = ""
    """The table whose rows these rows sum up or continue: with either of them what it tells has been delivered. "" =
    none."""

    @property
    def table(self) -> str:
        return f"{self.source}_{self.entity}"

    @property
    def key_sources(self) -> dict[str, tuple[str, ...]]:
        """Key column → the payload's columns that can hold it, first choice first."""
        found = {column.name: column for column in self.columns}
        return {name: tuple(filter(None, (found[name].source, found[name].fallback))) for name in self.key}

    @property
    def stored(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.door != "drop")

    @property
    def open(self) -> dict[str, str]:
        """The columns that may be seen and corrected on a page, name → label: nothing personal (levels L1 and L2, no
        door)."""
        return {
            column.name: column.label
            for column in self.stored
            if column.level in ("L1", "L2") and column.door in ("", "text")
        }

    @property
    def sealed(self) -> bool:
        """True when a payload must be encrypted at rest: it is a source's, and what a source puts into a free text or
        into the wrong column nobody knows beforehand. The bureau's own tables are rules and lie open."""
        return self.load != "own"


@dataclass(frozen=True)
class Check:
    """A question that must return 0 rows. severity fail holds the model back, warn is shown."""

    name: str
    sql: str
    severity: str
    message: str


@dataclass(frozen=True)
class Review:
    """A question whose rows (subject, detail) somebody at the bureau must look at. is_personal: a subject is a person's
    pseudonym, so the list belongs into the restricted file."""

    sql: str
    is_personal: bool


@dataclass(frozen=True)
class Dimension:
    """A column by which a mart's rows fall into groups. members: value (as text) → what it is called; others are called
    what they are."""

    label: str
    members: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entity:
    """What a mart's numbers are made of, one by one. label: what such a thing is called; key: the column (or
    expression) that identifies it; name: the column of `columns` by which people know it, "" = its key; columns: what
    is told of it, column → label."""

    label: str
    key: str
    name: str = ""
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """One SELECT and what is true about it. build: table (made anew) · view · days (only the days touched) · scratch
    (made for the touched days, dropped after publishing). publish: open | restricted | no. touched_by: landed table →
    "day" (its days) or "since" (from its earliest day on). by_window: a row's day is the first of a week or month, and
    whole windows are made anew."""

    name: str
    layer: str
    sql: str
    label: str
    grain: tuple[str, ...]
    build: str
    publish: str
    touched_by: dict[str, str]
    spill_days: int
    by_window: bool
    columns: dict[str, str]
    defects: dict[str, str]
    review: dict[str, Review]
    checks: tuple[Check, ...]
    dimensions: dict[str, Dimension]
    entity: Entity | None


@dataclass(frozen=True)
class Metric:
    """One KPI as its file says. kind: flow (rows of the window's days) · stock (rows of its last day that counts) ·
    state (rows whose from_day..to_day hold that day) · window (the mart is by window already) · now (newest moment).
    Expressions may use win_start, win_first and win_last, the days read. value = scale × numerator ÷ denominator.
    lookback_days: a flow over so many days up to the last. min_den: a smaller denominator says nothing (数据不足).
    programme: 1–6, the programme it measures, 0 = none. decimals are of the displayed value (of the % figure for a
    ratio). where: rows that belong to the population. present: aggregate that is 0 when nothing reached us for the
    window. cumulative: grows through its window, so only a complete one is shown first and judged. through: newest day
    that counts, yesterday (the last complete one) or today."""

    id: str
    group: str
    number: int
    label: str
    describe: str
    mart: str
    numerator: str
    kind: str
    unit: str
    better: str
    windows: tuple[str, ...]
    drill: tuple[str, ...]
    owner: str
    basis: str = ""
    denominator: str = ""
    where: str = ""
    present: str = "count(*)"
    cumulative: bool = False
    newest: bool = False
    """Known as of the generation only: a page or report of an earlier period shows it as it is, and says of when."""
    through: str = "yesterday"
    decimals: int = 1
    slices: tuple[str, ...] = ()
    freeze_h: int = 0
    level: str = "L1"
    person: bool = False
    min_cell: int = 0
    hide_num: bool = False
    """A small numerator is hidden too: it counts a group that nobody may be told to belong to."""
    scale: float = 1
    min_den: float = 0
    lookback_days: int = 0
    programme: int = 0
    events: bool = False
    """Rows are events: none of them, with the sources delivering, is a true 0."""
    origin: tuple[str, ...] = ()
    """Sentences of the founding announcement it answers (A, G, P1a …)."""
    formula: str = ""
    show: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Landed tables that the number is made of; while one of them has never delivered a row, the number is not known,
    whatever the others say."""
    optional: tuple[str, ...] = ()
    """Those of `sources` without which it is whole all the same."""
    doubt_above: float = 0
    """A greater value is not believed without a look at the data (D18); 0 = no such bound."""
    parts: dict[str, str] = field(default_factory=dict)
    changed: tuple[dict[str, Any], ...] = ()


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"无法解析:{error}", where=file.name) from error


def _known(kind: type, given: dict[str, Any], file: Path) -> None:
    unknown = set(given) - {item.name for item in fields(kind)}
    if unknown:
        raise ConfigError(f"未知的键:{'、'.join(sorted(unknown))}", where=file.name)


@cache
def contracts() -> dict[str, Contract]:
    """All landing contracts by table name (`yz_vehicle`)."""
    return {contract.table: contract for contract in map(_contract, sorted((ROOT / "raw").glob("*.toml")))}


def _contract(file: Path) -> Contract:
    given = _read(file)
    columns = []
    for name, rule in given.pop("columns", {}).items():
        _known(Column, rule, file)
        column = Column(name=name, **{"source": name, **rule})
        if column.level not in LEVELS or column.door not in DOORS or column.rule not in RULES:
            raise ConfigError(f"列 {name} 的 level、door 或 rule 不在允许范围", where=file.name)
        columns.append(column)
    given["columns"], given["key"] = tuple(columns), tuple(given.get("key", ()))
    _known(Contract, given, file)
    contract = Contract(**given)
    names = {column.name for column in columns}
    missing = [name for name in (*contract.key, contract.version, contract.touches) if name and name not in names]
    if missing or file.stem != contract.table:
        raise ConfigError(f"键或文件名与列不符:{'、'.join(missing) or file.stem}", where=file.name)
    return contract


@cache
def models() -> dict[str, Model]:
    """All models by name, staging and marts, in no order (the build graph finds it)."""
    found: dict[str, Model] = {}
    for layer in ("staging", "marts"):
        for file in sorted((ROOT / layer).glob("*.sql")):
            found[file.stem] = _model(layer, file)
    return found


def _model(layer: str, file: Path) -> Model:
    beside = file.with_suffix(".toml")
    given = _read(beside)
    allowed = {
        "label",
        "grain",
        "build",
        "publish",
        "touched_by",
        "spill_days",
        "by_window",
        "columns",
        "defects",
        "review",
        "checks",
        "dimensions",
        "entity",
    }
    if set(given) - allowed:
        raise ConfigError(f"未知的键:{'、'.join(sorted(set(given) - allowed))}", where=beside.name)
    checks = tuple(
        Check(item["name"], item["sql"], item.get("severity", "fail"), item["message"])
        for item in given.get("checks", [])
    )
    return Model(
        file.stem,
        layer,
        file.read_text("utf-8"),
        given["label"],
        tuple(given.get("grain", ())),
        given.get("build", "table"),
        given.get("publish", "no"),
        given.get("touched_by", {}),
        given.get("spill_days", 0),
        given.get("by_window", False),
        given.get("columns", {}),
        given.get("defects", {}),
        {rule: Review(item["sql"], item.get("personal", False)) for rule, item in given.get("review", {}).items()},
        checks,
        {name: Dimension(**item) for name, item in given.get("dimensions", {}).items()},
        Entity(**given["entity"]) if "entity" in given else None,
    )


@cache
def shape() -> str:
    """A digest of what published files look like: models with their columns' levels. Another shape needs fresh
    files."""
    told = [
        (model.name, model.publish, model.sql, sorted(model.columns.items()))
        for _, model in sorted(models().items())
        if model.publish != "no"
    ]
    return hashlib.sha256(repr(told).encode()).hexdigest()


@cache
def metrics() -> dict[str, Metric]:
    """All metrics by id, ordered by their number in the catalogue."""
    found = [_metric(file) for file in (ROOT / "metrics").glob("*/*.toml")]
    return {metric.id: metric for metric in sorted(found, key=lambda metric: metric.number)}


def _metric(file: Path) -> Metric:
    given = {**_read(file), "id": file.stem, "group": file.parent.name}
    for name in ("windows", "drill", "slices", "show", "changed", "sources", "origin", "optional"):
        if name in given:
            given[name] = tuple(given[name])
    _known(Metric, given, file)
    try:
        metric = Metric(**given)
    except TypeError as error:
        raise ConfigError(f"缺少必填项:{error}", where=file.name) from error
    if (
        metric.group not in GROUPS
        or metric.better not in ("up", "down", "context")
        or metric.kind not in KINDS
        or set(metric.windows) - set(WINDOWS)
    ):
        raise ConfigError("group、better、kind 或 windows 不在允许范围", where=file.name)
    if unknown := set(metric.sources) - set(contracts()) | set(metric.optional) - set(metric.sources):
        raise ConfigError(f"sources 或 optional 里没有这样的落地表:{'、'.join(sorted(unknown))}", where=file.name)
    return metric


def metric(identifier: str) -> Metric:
    """The metric of that id. Raises UsageError with close names when there is none."""
    if identifier not in metrics():
        near = [name for name in metrics() if identifier.split("_", maxsplit=1)[0] in name][:5]
        raise UsageError(
            f"没有这个指标:{identifier}", to_do=f"可用:{'、'.join(near or list(metrics())[:5])} …,全部见 metric list"
        )
    return metrics()[identifier]
