"""The one tree of errors. Owns exit codes and the sentence an operator reads; never holds logic.

    CockpitError                     1  500  something else went wrong
    ├── UsageError                   2  400  a wrong word on the command line or in an address, an unknown window or
place
    ├── PageMissing                 67  404  no such page, or none of the thing that it is about (EX_NOUSER)
    ├── ConfigError                 78  500  a settings, contract, metric or mapping file is wrong (EX_CONFIG)
    ├── DataMissing                 66  503  nothing published yet, no such generation or week (EX_NOINPUT)
    │   └── SnapshotGone            66  410  there may have been such a generation, and it is no longer held
    ├── ContractBroken              65  422  too many bad rows, unknown header: the load is stopped (EX_DATAERR)
    ├── SourceDown                  69  503  a source could not be reached within its deadline (EX_UNAVAILABLE)
    │   └── SourceRefused           77  503  a source answers and turns us away: password, key, a missing right
    ├── EngineDown                  68  503  what works out the positions is missing, gone or gave up (EX_NOHOST)
    ├── Locked                      75  503  another process holds the data folder (EX_TEMPFAIL)
    ├── Refused                     77  403  access refused, unsafe setting, mass delete not confirmed (EX_NOPERM)
    │   └── TooSoon                 77  429  somebody who guesses passwords has to wait
    ├── WarehouseBroken             70  500  the database failed and the process must end (EX_SOFTWARE)
    │   └── OlderShape              70  404  a published file of an earlier release lacks what is asked
    ├── BackupFailed                73  500  a backup cannot be written, read or trusted (EX_CANTCREAT)
    └── PrintFailed                 74  500  Chromium or the file system failed while printing (EX_IOERR)

Exit codes follow sysexits.h so that systemd and cron can tell a retry from a mistake; beside them what a browser is
answered."""

from __future__ import annotations

from warehouse.core.redaction import blot


class CockpitError(Exception):
    """Base: `what` went wrong, `where`, and what `to_do`, each one Chinese phrase; str() joins them."""

    exit_code = 1
    http_status = 500
    to_do = "请查看日志后重试"

    def __init__(self, what: str, *, where: str = "", to_do: str = "") -> None:
        super().__init__(blot(what))
        self.what, self.where = blot(what), blot(where)
        if to_do:
            self.to_do = to_do

    def __reduce__(self) -> tuple[object, ...]:  # errors cross from the parsing child
        return _again, (type(self), self.what, self.where, self.to_do)

    def __str__(self) -> str:
        place = f"（{self.where}）" if self.where else ""
        return f"{self.what}{place}；处理办法：{self.to_do}"


def _again(kind: type[CockpitError], what: str, where: str, to_do: str) -> CockpitError:
    return kind(what, where=where, to_do=to_do)


class UsageError(CockpitError):
    exit_code = 2
    http_status = 400
    to_do = "请用 --help 查看可用的写法"


class ConfigError(CockpitError):
    exit_code = 78
    to_do = "请按提示改正该文件后重试"


class PageMissing(CockpitError):
    exit_code = 67
    http_status = 404
    to_do = "请核对链接；该对象可能已不在当前快照中"

    def __init__(self, what: str = "没有这一页或这一项", *, where: str = "", to_do: str = "") -> None:
        super().__init__(what, where=where, to_do=to_do)


class DataMissing(CockpitError):
    exit_code = 66
    http_status = 503
    to_do = "请先运行 ./zhengbei etl run，或换一个已发布的期次"


class SnapshotGone(DataMissing):
    """A generation of the past that is no longer held: it will not come back."""

    http_status = 410
    to_do = "请选择仍保留的快照；报告引用的快照长期保留"


class ContractBroken(CockpitError):
    exit_code = 65
    http_status = 422
    to_do = "请核对来源的列名、单位与编码；原始文件已留存，改正映射后用 etl replay 重放"


class SourceDown(CockpitError):
    exit_code = 69
    http_status = 503
    to_do = "请检查来源系统与网络；恢复后会自动续传，不丢数据"


class SourceRefused(SourceDown):
    exit_code = 77
    to_do = "请核对账号、密码与权限；改正后会自动续传，不丢数据"


class EngineDown(CockpitError):
    exit_code = 68
    http_status = 503
    to_do = "请检查 Spark 集群；恢复后自动补算，其间沿用上期"


class Locked(CockpitError):
    exit_code = 75
    http_status = 503
    to_do = "请等待其结束，或停止占用者后重试"


class Refused(CockpitError):
    exit_code = 77
    http_status = 403
    to_do = "请由有权限的人员确认"


class TooSoon(Refused):
    http_status = 429
    to_do = "请过几秒再试"


class WarehouseBroken(CockpitError):
    exit_code = 70
    to_do = "请重新启动；仍失败时运行 ./zhengbei etl rebuild 由原始数据重建"


class TooBusy(WarehouseBroken):
    """A question was given up because it took too long: the machine has too much to do, nothing is broken."""

    http_status = 503
    to_do = "系统繁忙，请稍候刷新；反复出现时请让管理员运行 ./zhengbei doctor"


class OlderShape(WarehouseBroken):
    """A published file of an earlier release has no such table or column: what is asked of it is not known."""

    http_status = 404
    to_do = "该快照由较早的版本发布，没有这项内容；请看较新的快照"


class BackupFailed(CockpitError):
    exit_code = 73
    to_do = "请检查备份位置后重试"


class PrintFailed(CockpitError):
    exit_code = 74
    to_do = "请运行 ./zhengbei doctor 检查浏览器与字体"
