"""The shape of every description of the catalogue: landing contracts, models, indicators, announcement.

A structure named …Description is a TOML file as it is written; its child without that word is the same with what the
file's name and place add. The structures are the rule: keys, types and closed lists stand here and nowhere else. Knows
no file and no database."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, field

GROUPS = {
    "fleet": "车队运行",
    "safety": "安全监管",
    "driver": "司机与远程管理",
    "membership": "组织与会员",
    "programme": "六大工程",
    "site": "服务阵地",
    "health": "数据健康",
}
"""The folders of warehouse/metrics."""
PROGRAMMES = {
    1: ("领航护航", "引领力"),
    2: ("提质示范", "组织力"),
    3: ("红能聚力", "服务力"),
    4: ("暖心礼遇", "获得力"),
    5: ("数字赋能", "科技力"),
    6: ("典型培育", "成长力"),
}
"""The six programmes of the founding announcement and the force each of them lifts, in its order."""
GRAIN_COLUMN = {"town": "town_code", "company": "company_key", "vehicle": "vehicle_key"}
"""Grain into which an indicator is drilled → the column of its mart that says so."""

Text: TypeAlias = Annotated[str, Meta(min_length=1)]
Name: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$", description="小写字母、数字与下划线组成的名字")]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Number: TypeAlias = Annotated[int, Meta(ge=0)] | Annotated[float, Meta(ge=0)]
Level: TypeAlias = Literal["L1", "L2", "L3", "L4"]
"""Privacy class: L1 open, L2 of a company, L3 personal, L4 sensitive and never kept."""
Pseudonymization: TypeAlias = Literal["", "person", "phone", "mask_name", "holder", "birth_year", "text", "drop"]
DataRule: TypeAlias = Literal["", "plate", "plate_color", "month"]
ColumnType: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(VARCHAR|BOOLEAN|SMALLINT|INTEGER|BIGINT|UINTEGER|DOUBLE|DATE|TIMESTAMP|DECIMAL\(\d+,\d+\))$",
        description="VARCHAR、BOOLEAN、SMALLINT、INTEGER、BIGINT、UINTEGER、DOUBLE、DATE、TIMESTAMP 或 DECIMAL(9,2)",
        examples=["VARCHAR", "BOOLEAN", "SMALLINT", "INTEGER", "BIGINT", "UINTEGER", "DOUBLE", "DATE", "TIMESTAMP"],
    ),
]
Load: TypeAlias = Literal["upsert", "lake", "own"]
Build: TypeAlias = Literal["table", "view", "days", "scratch"]
Publish: TypeAlias = Literal["open", "restricted", "no"]
Severity: TypeAlias = Literal["fail", "warn"]
Kind: TypeAlias = Literal["flow", "stock", "state", "window", "now"]
Window: TypeAlias = Literal["now", "day", "week", "month", "quarter", "year"]
Better: TypeAlias = Literal["up", "down", "context"]
Grain: TypeAlias = Literal["town", "company", "vehicle"]
Surface: TypeAlias = Literal["wall", "weekly"]
Unit: TypeAlias = Literal[
    "ratio",
    "分",
    "分（5分制）",
    "个",
    "家",
    "户",
    "辆",
    "人",
    "人次",
    "项",
    "场",
    "公里/辆·日",
    "次/辆",
    "次/千公里",
    "件/百辆",
    "秒/辆",
    "小时/人",
]
"""ratio is stored 0–1; a new unit is written here once."""
Owner: TypeAlias = Literal["运输管理科", "安全监督科", "行业党委办公室", "信息中心"]
Origin: TypeAlias = Annotated[str, Meta(pattern=r"^(A|G|P[1-6][a-e]?)$", description="公告的句号，如 A、G、P1a")]


class ColumnDescription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A landed column. source: the name in the payload (same as ours unless said). fallback: the column of the
    payload to take where this one is empty. treatment: what happens to the value before it may enter the warehouse (person →
    HMAC key, phone → hash, mask_name, holder, birth_year, text → numbers that look personal are blotted out, drop).
    rule: the data rule its values keep."""

    type: ColumnType
    level: Level
    label: Text
    source: str = ""
    fallback: str = ""
    treatment: Pseudonymization = ""
    rule: DataRule = ""
    required: bool = False
    unit: str = ""
    allowed: tuple[Text, ...] = ()
    """The codes or words that it may hold, () = any. Another one is unknown, and listed with the value to be mapped."""


class Column(ColumnDescription, frozen=True, kw_only=True):
    """The same with our own name of it."""

    name: str


class _Contract(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one entity of one source lands. load: upsert (newest version of a key wins) · lake (Parquet by day) ·
    own (a table of the bureau's own, replaced as a whole). version: column that orders versions of a key.
    touches: TIMESTAMP or DATE column whose day is re-opened by a new row;
    happens: DATE or TIMESTAMP column that says when what a row tells of happened, which cannot be later than its arrival;
    reaches_back: the column from whose day on a key never seen before counts. history: superseded versions are kept."""

    source: Name
    entity: Name
    label: Text
    load: Load
    key: Annotated[tuple[str, ...], Meta(min_length=1)]
    stale_after_s: Annotated[int, Meta(gt=0)]
    version: str = ""
    touches: str = ""
    happens: str = ""
    reaches_back: str = ""
    history: bool = False
    max_bad_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.01
    freeze_h: Count = 0
    """Hours after a day's end (or its first row's arrival) after which its rows come too late; 0 = never."""
    feeds: str = ""
    """The table whose rows these rows sum up or continue: with either of them what it tells has been delivered. "" =
    none."""

    @property
    def table(self) -> str:
        return f"{self.source}_{self.entity}"


class ContractDescription(_Contract, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """warehouse/raw/<source>_<entity>.toml."""

    columns: Annotated[dict[Name, ColumnDescription], Meta(min_length=1)]


class Contract(_Contract, frozen=True, kw_only=True):
    __doc__ = _Contract.__doc__

    columns: tuple[Column, ...]

    @property
    def key_sources(self) -> dict[str, tuple[str, ...]]:
        """Key column → the payload's columns that can hold it, first choice first."""
        found = {column.name: column for column in self.columns}
        return {name: tuple(filter(None, (found[name].source, found[name].fallback))) for name in self.key}

    @property
    def stored(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.treatment != "drop")

    @property
    def open(self) -> dict[str, str]:
        """The columns that may be seen and corrected on a page, name → label: nothing personal (levels L1 and L2, no
        treatment)."""
        return {
            column.name: column.label
            for column in self.stored
            if column.level in ("L1", "L2") and column.treatment in ("", "text")
        }

    @property
    def sealed(self) -> bool:
        """True when a payload must be encrypted at rest: it is a source's, and what a source puts into a free text or
        into the wrong column nobody knows beforehand. The bureau's own tables are rules and lie open."""
        return self.load != "own"


class Check(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question that must return 0 rows. severity fail holds the model back, warn is shown."""

    name: Text
    sql: Text
    message: Text
    severity: Severity = "fail"


class Review(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question whose rows (subject, detail) somebody at the bureau must look at. is_personal (`personal`): a subject is a person's
    pseudonym, so the list belongs into the restricted file."""

    sql: Text
    is_personal: bool = field(name="personal", default=False)


class Dimension(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column by which a mart's rows fall into groups. members: value (as text) → what it is called; others are called
    what they are. registered: an attribute that the register tells of every vehicle, so that everybody knows whose it
    is."""

    label: Text
    members: dict[str, str] = {}
    registered: bool = False


class Entity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a mart's numbers are made of, one by one. label: what such a thing is called; key: the column (or
    expression) that identifies it; name: the column of `columns` by which people know it, "" = its key; columns: what
    is told of it, column → label."""

    label: Text
    key: Text
    name: str = ""
    columns: dict[str, Text] = {}


class ModelDescription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is true about one SELECT, in the file beside it. build: table (made anew) · view · days (only the days
    touched) · scratch (made for the touched days, dropped after publishing). publish: open | restricted | no.
    touched_by: landed table → "day" (its days) or "since" (from its earliest day on). by_window: a row's day is the
    first of a week or month, and whole windows are made anew. columns: column → level, where it is not L1. defects:
    data rule → SQL that counts its rows."""

    label: Text
    grain: tuple[str, ...] = ()
    build: Build = "table"
    publish: Publish = "no"
    touched_by: dict[str, Literal["day", "since"]] = {}
    spill_days: Count = 0
    by_window: bool = False
    columns: dict[str, Level] = {}
    defects: dict[str, Text] = {}
    review: dict[str, Review] = {}
    checks: tuple[Check, ...] = ()
    dimensions: dict[str, Dimension] = {}
    entity: Entity | None = None


class Model(ModelDescription, frozen=True, kw_only=True):
    """The same with its name, its layer (staging | marts) and its SELECT."""

    name: str
    layer: str
    sql: str


class DefinitionChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of an indicator's definition: the day from which it holds, and what it was."""

    on: dt.date
    what: Text


class MetricDescription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One KPI as its file says. kind: flow (rows of the window's days) · stock (rows of its last day that counts) ·
    state (rows whose from_day..to_day hold that day) · window (the mart is by window already) · now (newest moment).
    Expressions may use win_start, win_first and win_last, the days read. value = scale × numerator ÷ denominator.
    lookback_days: a flow over so many days up to the last. min_den: a smaller denominator says nothing (数据不足).
    programme: 1–6, the programme it measures, 0 = none. decimals are of the displayed value (of the % figure for a
    ratio). where: rows that belong to the population. present: aggregate that is 0 when nothing reached us for the
    window. cumulative: grows through its window, so only a complete one is shown first and judged. through: newest day
    that counts, yesterday (the last complete one) or today."""

    number: Annotated[int, Meta(ge=1)]
    label: Text
    describe: Text
    mart: Text
    numerator: Text
    kind: Kind
    unit: Unit
    better: Better
    windows: Annotated[tuple[Window, ...], Meta(min_length=1)]
    drill: tuple[Grain, ...]
    owner: Owner
    basis: str = ""
    denominator: str = ""
    where: str = ""
    present: Text = "count(*)"
    cumulative: bool = False
    newest: bool = False
    """Known as of the generation only: a page or report of an earlier period shows it as it is, and says of when."""
    through: Literal["yesterday", "today"] = "yesterday"
    decimals: Annotated[int, Meta(ge=0, le=6)] = 1
    slices: tuple[str, ...] = ()
    freeze_h: Count = 0
    level: Level = "L1"
    person: bool = False
    population: Literal["denominator", "drivers"] | None = None
    """Of a metric about persons: who it could tell of. denominator: those whom it counts below, and who they are is no
    secret; drivers: all drivers of the place, and the denominator is a group that nobody may be told to belong to."""
    persons: str = ""
    """How many persons a numerator stands for that counts something else (honours, hours); "" = it counts persons."""
    weighs: str = ""
    """The column of the mart that names the person whose share of a sum is looked at; "" = nothing is summed up."""
    family: str = ""
    """Metrics of one family count the same group, and are published for the same places or not at all."""
    scale: Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0)] = 1
    min_den: Number = 0
    lookback_days: Count = 0
    programme: Annotated[int, Meta(ge=0, le=6)] = 0
    events: bool = False
    """Rows are events: none of them, with the sources delivering, is a true 0."""
    origin: tuple[Origin, ...] = ()
    """Sentences of the founding announcement it answers (A, G, P1a …)."""
    formula: str = ""
    show: tuple[Surface, ...] = ()
    weight: Literal[1, 2, 3] = 2
    """How much a leader answers for it: among findings that are equally bad the heavier stand first, and the first page
    opens with those of 3."""
    sources: tuple[str, ...] = ()
    """Landed tables that the number is made of; while one of them has never delivered a row, the number is not known,
    whatever the others say."""
    optional: tuple[str, ...] = ()
    """Those of `sources` without which it is whole all the same."""
    doubt_above: Number = 0
    """A greater value is not believed without a look at the data (D18); 0 = no such bound."""
    parts: dict[str, Text] = {}
    """Further figures beside the number: label → expression."""
    changed: tuple[DefinitionChange, ...] = ()


class Metric(MetricDescription, frozen=True, kw_only=True):
    """The same with its id (the file's name) and its group (the folder)."""

    id: str
    group: str


class FactDescription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence of the announcement. origin: its mark, or "programme"; tables: landed tables behind it; open: what
    only the bureau can say; archive: why it has no indicator of its own today."""

    says: Text
    origin: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    open: str = ""
    archive: str = ""


class AnnouncementDescription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """warehouse/catalog/announcement.toml."""

    fact: Annotated[tuple[FactDescription, ...], Meta(min_length=1)]


def beside(description: Struct) -> dict[str, Any]:
    """The description's fields, for the structure that adds to it."""
    return {name: getattr(description, name) for name in description.__struct_fields__}
