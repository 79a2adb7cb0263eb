"""What an operator wants to know in one look. Reads the writer's file when nobody holds it, else the newest
generation."""

from __future__ import annotations

from typing import Any

from etl.config.descriptions import addressed, described
from etl.runtime.context import held
from warehouse.catalog.contracts import contracts
from warehouse.core import statements, timetable, units
from warehouse.core.data_rules import RULES, TREATMENTS, named
from warehouse.core.database import Writer
from warehouse.core.errors import CockpitError, DataMissing, Locked
from warehouse.core.settings import Settings
from warehouse.ingest import lake
from warehouse.publish import recover
from warehouse.query import data_quality
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

statement = statements.beside(__file__)
REASONS = {
    "range": "经纬度超出范围",
    "time": "定位时间不合规",
    "unfixed": "未定位",
    "speed": "速度超限",
    "encrypted": "坐标加密",
    "altitude": "海拔不合规",
    "direction": "方向不合规",
    "color": "号牌颜色不合规",
}


def collect(settings: Settings) -> dict[str, Any]:
    """Generation, sources, balances of rows, quarantine, defects, held models; `balances` only when the writer is
    free."""
    try:
        book = SnapshotStore(settings.data).current(Scope.ALL)
    except DataMissing:
        book = None
    found: dict[str, Any] = {
        "generation": book.generation.id if book else None,
        "is_demo": book.generation.is_demo if book else None,
        "sources": [vars(state) for state in book.sources()] if book else [],
        "defects": data_quality.defects(book) if book else [],
        "review": data_quality.review(book) if book else [],
        "quarantine": data_quality.quarantine(book) if book else [],
        "checks": [check for check in data_quality.checks(book) if check["failed_rows"]] if book else [],
    }
    found["faults"] = _faults(settings)
    found["reports"] = [{"report": due.label, "due": due.moment} for due in timetable.of(settings).coming(units.now())]
    try:
        with held(settings.lock):
            if settings.warehouse.exists():
                writer, notes = recover.open_warehouse(settings)
                found["notes"] = notes
                found["balances"] = _balances(writer)
                found["refused"] = _refused(writer)
                found["unread"] = [
                    dict(zip(("source", "file", "why"), row, strict=True))
                    for row in writer.execute("SELECT source, file, why FROM run.unread ORDER BY ALL")
                ]
                found["repeated"] = [
                    dict(zip(("table", "file", "at"), row, strict=True))
                    for row in writer.execute(statement("repeated_files"))
                ]
                found["unqualified"] = unqualified(writer, settings)
                writer.close()
    except Locked as error:
        found["notes"] = [error.what]
    return found


def _faults(settings: Settings) -> dict[str, str]:
    """Source → what is wrong in what is written about it, from the files as they are now: a running loader need not be
    asked."""
    faults = described(settings)[1]
    try:
        faults = {**addressed(settings)[2], **faults}
    except CockpitError as error:
        faults = {settings.sources.name: error, **faults}
    return {source: str(error) for source, error in sorted(faults.items())}


def _balances(writer: Any) -> list[dict[str, Any]]:
    names = (
        "table",
        "payloads",
        "rows_in",
        "merged",
        "older",
        "duplicate",
        "quarantined",
        "dropped_fields",
        "fields_aside",
    )
    rows = writer.execute(statement("row_balances"))
    return [dict(zip(names, (row[0], *map(int, row[1:])), strict=True)) for row in rows]


def _refused(writer: Writer) -> list[dict[str, Any]]:
    """Payloads that are not in as a whole, newest first, with the reason."""
    rows = writer.execute(statement("refused_payloads"))
    return [dict(zip(("seq", "table", "name", "reason"), row, strict=True)) for row in rows]


def unqualified(writer: Writer, settings: Settings) -> list[dict[str, Any]]:
    """Messages that arrived whole but are no position, by file with a mapping of its own and by reason: a source that
    is out of range says so here."""
    if not writer.execute(
        "SELECT 1 FROM duckdb_views() WHERE schema_name = 'staging' AND view_name = 'stg_gps_location'"
    ):
        return []
    names = dict(writer.execute(statement("position_files")))
    if not names:
        return []
    paths = [
        str(settings.lake / row[0])
        for row in writer.execute("SELECT path FROM run.lake_file WHERE landing_seq >= ?", [min(names)])
    ]
    writer.execute(f"CREATE OR REPLACE VIEW lake.gps_location AS SELECT * FROM {lake.read(paths)}")
    counts: dict[int, dict[str | None, int]] = {}
    for seq, reason, number in writer.execute(statement("unqualified_positions"), {"deliveries": list(names)}):
        counts.setdefault(seq, {})[reason] = number
    return [
        {
            "file": names[seq],
            "pts": sum(reasons.values()),
            **{REASONS[reason]: number for reason, number in reasons.items() if reason},
        }
        for seq, reasons in counts.items()
    ]


def text(found: dict[str, Any]) -> str:
    """The same as lines for a terminal."""
    lines = [f"快照 {found['generation'] or '尚未发布'}{'（演示数据）' if found['is_demo'] else ''}"]
    lines += [f"注意：{note}" for note in found.get("notes", [])]
    lines += [f"来源 {source} 未取数：{error}" for source, error in found.get("faults", {}).items()]
    lines.append(
        "下次打印：" + ("、".join(f"{row['report']} {row['due']:%m-%d %H:%M}" for row in found["reports"]) or "无")
    )
    absent = [state for state in found["sources"] if not (state["data_time"] or state["error"])]
    if found["sources"]:
        shown = [state for state in found["sources"] if state not in absent]
        fine = sum(not state["error"] for state in shown)
        lines.append(f"来源正常 {fine} / {len(shown)}，未接入 {len(absent)}")
    lines.append("\n来源              数据至              行数        隔离   状态")
    for state in found["sources"]:
        at = state["data_time"].strftime("%m-%d %H:%M:%S") if state["data_time"] else "从未"
        lines.append(
            f"{state['label']:<18}{at:<18}{state['rows']:>10,}{state['quarantined']:>8}   {state['error'] or ('未接入' if state in absent else '正常')}"
        )
    if found.get("balances"):
        lines.append("\n行数平衡：收到 = 并入 + 较旧 + 重复 + 隔离")
        for row in found["balances"]:
            lines.append(
                f"{contracts()[row['table']].label:<20}{row['rows_in']:>12,} = {row['merged']:,} + {row['older']:,}"
                + f" + {row['duplicate']:,} + {row['quarantined']:,}"
                + (f"   另有 {row['fields_aside']:,} 个字段读不懂，按未知计" if row["fields_aside"] else "")
                + (f"   入库前剔除敏感字段 {row['dropped_fields']:,} 个" if row["dropped_fields"] else "")
            )
    for row in found.get("unqualified", []):
        rest = "；".join(f"{key} {value:,} 条" for key, value in row.items() if key not in ("file", "pts"))
        lines.append(f"文件 {row['file']}：定位 {row['pts']:,} 条；{rest or '全部合格'}")
    lines.append("\n数据缺陷（规则：行数，出处）")
    lines += [
        f"{row['rule']} {RULES.get(row['rule'], '')}：{row['rows']:,}({row['label']}；{TREATMENTS.get(row['rule'], '')})"
        for row in found["defects"]
    ] or ["无"]
    lines.append("\n隔离（表：规则 行数）")
    lines += [
        f"{contracts()[row['table']].label}：{row['rule']} {RULES.get(row['rule']) or named(row['rule'])} {row['rows']:,} {'行' if row['is_row'] else '行的字段'}"
        for row in found["quarantine"]
    ] or ["无"]
    lines += [
        f"整份未装载：{contracts()[row['table']].label} 第 {row['seq']} 份 {row['name']}：{row['reason']}"
        for row in found.get("refused", [])
    ]
    lines += [
        f"没有变化的文件：{contracts()[row['table']].label} {row['file']}（{row['at']:%m-%d %H:%M}，与先前的逐字节相同）"
        for row in found.get("repeated", [])
    ]
    lines += [f"没有读入的文件：{row['source']} {row['file']}（{row['why']}）" for row in found.get("unread", [])]
    lines += [
        f"检查未通过：{check['model']} {check['message']} {check['failed_rows']} 处"
        + ("（已保留上一快照）" if check["held"] else "")
        for check in found["checks"]
    ]
    return "\n".join(lines)
