"""The shape of what is written about sources: <source>.toml, <data>/sources.toml and the mapping file beside a file.

The structures are the rule: keys, types, closed lists and what holds where nothing is written stand here and nowhere
else. What only its neighbours make wrong is checked in etl.config.descriptions. Knows no file."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Contract, Count, Name, Number, Text
from warehouse.ingest.column_rules import theirs
from warehouse.ingest.times import TIME_FORM, EpochUnit

Job: TypeAlias = Literal["refresh", "live"]
Jobs: TypeAlias = Annotated[tuple[Job, ...], Meta(min_length=1)]
Transport: TypeAlias = Literal["http_json", "sql_database", "files"]
Datum: TypeAlias = Literal["", "WGS-84", "GCJ-02", "BD-09"]
Scalar: TypeAlias = str | int | float | bool
SeveralNames: TypeAlias = Annotated[tuple[Text, ...], Meta(min_length=2)]
TimeForm: TypeAlias = Annotated[
    str,
    Meta(pattern=TIME_FORM, description="compact、epoch、epoch_ms、excel、text，或 strptime 的写法，如 %d/%m/%Y"),
]
Where: TypeAlias = dict[str, Scalar | Annotated[tuple[Scalar, ...], Meta(min_length=1)]]
"""Their column → the value, or the values, that a row must have there; "" = empty."""
AddressPath: TypeAlias = Annotated[
    str, Meta(pattern=r"^(/|$)", description="以 / 开头的路径（主机只写在 sources.toml）")
]
HTTP_ONLY = (
    "path",
    "keys_path",
    "auth",
    "token_path",
    "scope",
    "paging",
    "request",
    "answer",
    "time",
    "max_per_s",
    "probe",
    "address",
    "page_size",
    "window_s",
    "first_back_s",
    "most_back_s",
)
FILES_ONLY = ("glob", "member", "encoding", "delimiter", "sheet", "name_date", "mapping_beside")
KEYS_OF: dict[str, tuple[str, ...]] = {
    "http_json": (*HTTP_ONLY, "overlap_s"),
    "sql_database": ("table", "address", "cursor_column", "cursor_type", "overlap_s", "snapshot"),
    "files": (*FILES_ONLY, "snapshot"),
}
"""Transport → the keys that mean nothing to some other one."""


ADDRESS_OF = {"sql_database": "dsn", "http_json": "url", "files": "drop"}
"""Transport → the key of sources.toml that sets it up."""


class ColumnMapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How one of our columns is made of theirs (see warehouse.ingest.column_rules and parse). source (`from`): their
    name, in JSON also a dotted path or an expression of JMESPath; several are put together with `join` between. empty:
    words that mean nothing is there. match: regular expression, of which the first group (or all) is taken. split, take:
    the part of that number between separators, from 1, negative from the end. values: their code → ours; default: where
    nothing is written. scale: factor. time, unit and time_zone: how an instant is written (compact: 20261123140500,
    epoch, epoch_ms, excel: days since 1899-12-30, text: 2026/11/3 as people write it, or as strptime, %d/%m/%Y).
    optional: the column may be missing."""

    source: Text | SeveralNames = msgspec.field(name="from")
    join: str | UnsetType = UNSET
    empty: tuple[str, ...] = ()
    match: Text | UnsetType = UNSET
    split: Text | UnsetType = UNSET
    take: int | UnsetType = UNSET
    default: Scalar | UnsetType = UNSET
    scale: int | float | UnsetType = UNSET
    unit: EpochUnit | UnsetType = UNSET
    time: TimeForm | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    values: dict[str, Scalar] = {}
    optional: bool = False


Columns: TypeAlias = dict[str, Text | ColumnMapping]
"""Our column → theirs."""


class RequestNames(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a JSON source calls the parameters of a request; "" = it has no such thing. extra: parameters that are
    always sent."""

    since: str = "updated_since"
    until: str = "updated_until"
    page: str = "page"
    size: str = "page_size"
    cursor: str = "cursor"
    extra: dict[str, Scalar] = {}


class AnswerPaths(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where things lie in a JSON answer, as dotted paths; "" = it has no such thing (of items: the answer itself is
    the list). ok: the code of an answer that is none of an error."""

    items: str = "data.items"
    total: str = "data.total"
    next: str = "data.next_cursor"
    until: str = "data.updated_until"
    code: str = "code"
    ok: Scalar = 0
    message: str = "message"


class FeedDescription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way by which one entity arrives. jobs: which jobs ask for it. columns: our name → theirs, or {from, scale,
    time_zone, values, optional}; constants: our name → one value for every row. sparse: a row may leave out what is
    empty. expect_rows: an empty answer is a fault (D21), not a fact. snapshot: each delivery is the whole list.
    datum: in what its degrees are written ("" = WGS-84); converted as they come in.
    reconcile: the source can list its keys (SQL; over HTTP under keys_path). where: only rows with these values in
    these columns of theirs count. address: the section of sources.toml where it lives ("" = the source's own), for
    entities that come from several hosts. hook: a Python file in <data>/sources whose function makes rows that a
    mapping can be applied to (warehouse.ingest.hook); reads: columns of theirs that it needs (() = all of the table).

    http_json: path, auth, token_path, scope, paging, page_size, request and answer (names and dotted paths of the
    protocol), time (how instants are written), max_per_s (0 = no limit), window_s (longest span of one request
    series), first_back_s (how far back the first one reaches), most_back_s, overlap_s (span asked again each time, for
    rows that arrive late), probe (ask for the newest known row where nothing is new: has the source gone back?).
    paging: by number, by a cursor, by the address of the next page (link), or everything at once (window).
    sql_database: table ("schema.table" allowed), cursor_column ("" = the whole table each time), cursor_type (as what
    a cursor column that is kept as text is compared: time or number), overlap_s (0 = 24 h).
    files: glob, member (which files inside a ZIP), encoding and delimiter ("" = found out), mapping_beside, sheet (glob
    on the sheet's name), name_date (regex on the file name: year, month and perhaps day of the ledger).

    entity, transport and jobs must be written, here or under [defaults]."""

    entity: Name | UnsetType = UNSET
    transport: Transport | UnsetType = UNSET
    jobs: Jobs | UnsetType = UNSET
    path: AddressPath = ""
    keys_path: AddressPath = ""
    auth: Literal["token", "oauth2", "none"] = "token"
    token_path: AddressPath = ""
    scope: str = ""
    paging: Literal["page", "cursor", "link", "window"] = "page"
    request: RequestNames = RequestNames()
    answer: AnswerPaths = AnswerPaths()
    time: Literal["iso", "text", "epoch", "epoch_ms"] = "iso"
    max_per_s: Number = 0
    probe: bool = False
    table: str = ""
    cursor_column: str = ""
    cursor_type: Literal["", "time", "number"] = ""
    glob: str = ""
    member: str = ""
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    name_date: str = ""
    mapping_beside: bool = False
    page_size: Annotated[int, Meta(gt=0)] = 2000
    window_s: Annotated[int, Meta(gt=0)] = 86400
    first_back_s: Count = 86400
    most_back_s: Count = 0
    overlap_s: Count = 0
    expect_rows: bool = False
    reconcile: bool = False
    snapshot: bool = False
    sparse: bool = False
    datum: Datum = ""
    address: str = ""
    where: Where = {}
    hook: Annotated[str, Meta(pattern=r"^([^/\\]+\.py)?$", description="数据文件夹 sources 下的 .py 文件名")] = ""
    reads: tuple[Text, ...] = ()
    columns: Columns = {}
    constants: dict[str, Scalar] = {}


class Feed(FeedDescription, frozen=True, kw_only=True):
    """The same with its source's name, the defaults of its file put in. code: the text of its hook."""

    source: str
    entity: Name
    transport: Transport
    jobs: Jobs
    code: str = ""

    @property
    def lives_at(self) -> str:
        """The section of sources.toml that it is fetched from."""
        return self.address or self.source

    @property
    def contract(self) -> Contract:
        return contracts()[f"{self.source}_{self.entity}"]

    @property
    def way(self) -> str:
        """By what it comes and from which of several hosts."""
        return f"{self.transport}:{self.address}" if self.address else self.transport

    @property
    def cursor_name(self) -> str:
        """Feeds of one entity that come in different ways keep different cursors."""
        return f"{self.entity}:{self.way}"

    @property
    def mapping(self) -> dict[str, Any]:
        """What a payload of this feed is landed with, so that it can be read the same way at any later time. Without a
        column mapping the contract's own names are asked for: a column that has gone is noticed, one too many stays
        out."""
        found: dict[str, Any] = {"columns": msgspec.to_builtins(self.columns) or self._own_names()}
        if self.transport == "http_json":
            found["items"] = self.answer.items
        for name in ("encoding", "delimiter", "sheet", "member", "name_date", "snapshot", "constants", "datum"):
            if getattr(self, name):
                found[name] = getattr(self, name)
        if self.where and self.transport != "sql_database":  # a database has left the others out itself
            found["where"] = {name: msgspec.to_builtins(given) for name, given in self.where.items()}
        if self.hook:
            found |= {"hook": {"file": self.hook, "code": self.code}, "reads": list(self.reads)}
        return found

    def _own_names(self) -> dict[str, Any]:
        given = set(self.constants)
        names: dict[str, Any] = {}
        for column in self.contract.stored:
            if (
                column.source not in given
                and column.name not in given
                and not (self.name_date and column.name == "ledger_at")
            ):
                names[column.source] = {"from": column.source, "optional": True} if self.sparse else column.source
            if column.fallback:
                names.setdefault(column.fallback, column.fallback)
        return names

    def theirs(self, ours: str) -> tuple[str, ...]:
        """The source's own names of what makes one of our columns."""
        return theirs(self.mapping["columns"].get(ours, ours))


class SourceDescription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """<source>.toml: what the source is called, what its feeds have in common, and the feeds."""

    label: str = ""
    defaults: FeedDescription = FeedDescription()
    feeds: tuple[FeedDescription, ...] = ()


class FileMapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """x.map.toml beside x.csv: the same keys as a feed of files has, for this file alone. pseudonyms: plates are
    pseudonyms and no rule of plates is applied; accept_bad: bad rows do not stop the file."""

    columns: Columns = {}
    constants: dict[str, Scalar] = {}
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    member: str = ""
    name_date: str = ""
    datum: Datum = ""
    where: Where = {}
    pseudonyms: bool = False
    accept_bad: bool = False


class Addresses(Struct, frozen=True, kw_only=True):
    """<data>/sources.toml without the sections of its sources, each of which is an Endpoint. is_demo: they are the
    stand-in sources of the demo."""

    is_demo: bool = False


class Endpoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a source lives: base url with client id and secret, a database DSN (its password may stand apart), or a
    drop folder: a path, sftp://user@host/folder or s3://bucket/prefix with `options` ("" = not set up). ca: file with
    the certificates of a private authority."""

    url: str = ""
    client_id: str = ""
    client_secret: str = ""
    ca: str = ""
    dsn: str = ""
    password: str = ""
    drop: str = ""
    options: dict[str, Any] = {}

    @property
    def ways(self) -> tuple[str, ...]:
        """The transports that an address is written for."""
        return tuple(way for way, key in ADDRESS_OF.items() if getattr(self, key))

    def __repr__(self) -> str:  # so that no log and no traceback shows a secret
        return f"Endpoint({', '.join(name for name in self.__struct_fields__ if getattr(self, name))})"
