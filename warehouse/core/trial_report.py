"""What came of trying a source: the one shape that the terminal prints, the loader keeps and the page shows.

Holds nothing personal: a value is as it may be seen at the level of its column, a secret is nowhere."""

from __future__ import annotations

import msgspec

NOT_CONNECTED, CONNECTED, WRONG = "未接入", "已接入", "描述有误"
WAYS = {"sql_database": "数据库", "http_json": "接口", "files": "文件"}
ORDER = (78, 77, 69, 70, 65, 66)
"""Exit codes, the one that tells most about the cause first."""


class Breach(msgspec.Struct, kw_only=True):
    """One cell that breaks its contract. cell: where it stands (B7, or 第 3 条); value: what stands there as far as it
    may be seen, "" = nothing or nothing that may be; fault: what is wrong; allowed: what may stand there, "" where
    that is said by the fault."""

    cell: str
    column: str
    label: str
    value: str
    fault: str
    allowed: str = ""


class ColumnTrial(msgspec.Struct, kw_only=True):
    """One of our columns. theirs: theirs that it is made of, "" = none; is_absent: the description names one that is not
    there; suggestion: a column of theirs that it may be, "" = none is near; because: why that one."""

    name: str
    label: str
    theirs: str = ""
    is_required: bool = False
    is_absent: bool = False
    suggestion: str = ""
    because: str = ""


class TableTrial(msgspec.Struct, kw_only=True):
    """One feed. place: the table, path or file that was read; code: exit code, 0 = it can be loaded; error: what is
    wrong as a whole, "" = nothing; looked_at: rows held against the contract; rows: the first of them under our names;
    unused: columns of theirs that go nowhere; blocked: indicators that stay 未接入 until this table arrives; partial:
    indicators that a column without a counterpart takes part in."""

    table: str
    label: str
    way: str
    place: str
    code: int = 0
    error: str = ""
    looked_at: int = 0
    rows: list[dict[str, str | None]] = []
    columns: list[ColumnTrial] = []
    unused: list[str] = []
    breaches: list[Breach] = []
    breach_count: int = 0
    blocked: list[str] = []
    partial: list[str] = []

    @property
    def gaps(self) -> list[ColumnTrial]:
        """Our columns that are made of nothing."""
        return [column for column in self.columns if column.is_absent or not column.theirs]


class Trial(msgspec.Struct, kw_only=True):
    """All feeds of a source whose way is set up. error: why none could be tried, "" = they were."""

    source: str
    label: str
    code: int = 0
    error: str = ""
    tables: list[TableTrial] = []


def worst(codes: list[int]) -> int:
    """The exit code of several: 0 when all are 0."""
    return next((code for code in ORDER if code in codes), max(codes, default=0))


def encode(trial: Trial) -> bytes:
    """As it is kept with the request."""
    return msgspec.json.encode(trial)


def decode(content: bytes) -> Trial:
    """The same again. Raises msgspec.DecodeError for what is none."""
    return msgspec.json.decode(content, type=Trial)
