"""What the doctor asks of the cockpit (entry points `zhengbei.checks`): is the log whole, and is the site set up as the
installation chapter says. Repairs nothing, writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from cockpit.alerts import rules, store
from cockpit.presentation import format as fmt
from cockpit.store import app_db, audit, audit_anchor
from warehouse.core import beats
from warehouse.core.errors import CockpitError
from warehouse.core.settings import Settings

Finding = tuple[str, bool, str]


def log(settings: Settings, *, is_demo: bool) -> Iterator[Finding]:
    """The audit log against its anchors; nothing before there is one."""
    if not settings.state.exists():
        if audit.anchors(settings.state).exists():
            yield "审计日志", False, f"{settings.state} 不见了，锚还在；请由备份恢复"
        return
    try:
        with app_db.said(settings.state):
            expected, faults = audit_anchor.known(settings)
            chain = audit.verify(settings.state, expected)
    except CockpitError as error:
        yield "审计日志", False, str(error)
        return
    found = [*chain.faults, *faults]
    yield "审计日志", not found, "；".join(found) or f"{chain.count} 条，与 {len(expected)} 个锚一致"


def site(settings: Settings, *, is_demo: bool) -> Iterator[Finding]:
    """Whether hosts, TLS and the proxy are named; a demonstration needs none of them."""
    options = settings.options
    lacking = [
        f"{name}（{why}）"
        for name, is_set, why in (
            ("hosts", bool(options.hosts), "不写则应答任何主机名"),
            ("tls", options.tls, "不写则登录凭证不限 HTTPS，也没有 HSTS"),
            ("behind_proxy", options.behind_proxy, "不写则审计与大屏绑定只见代理的地址"),
        )
        if not is_set
    ]
    if lacking and is_demo:
        yield "网站设置", True, "演示，不要求 hosts、tls、behind_proxy"
        return
    yield (
        "网站设置",
        not lacking,
        "zhengbei.toml 缺 " + "、".join(lacking) if lacking else "hosts、tls、behind_proxy 已写",
    )
    public = urlsplit(options.public_url).hostname
    if public and options.hosts and public not in {host.partition(":")[0] for host in options.hosts}:
        yield "网站地址", False, f"public_url 的主机 {public} 不在 hosts 里，由它点开的页面会被拒绝"


def watching(settings: Settings, *, is_demo: bool) -> Iterator[Finding]:
    """Whether the loader is there, whether anybody looks after alerts, and whether there is somebody to write to."""
    if not settings.state.exists():
        return
    for name, label in ((beats.LOADER, "装载进程"), (beats.WATCH, "告警巡视")):
        with app_db.said(settings.state):
            silent = beats.silent_s(settings.state, name)
        if silent is None:
            yield label, is_demo, "还没有运行过"
        else:
            words = "正在运行" if silent <= beats.SILENT_S else f"已 {fmt.duration(silent)}没有心跳"
            yield label, silent <= beats.SILENT_S, words
    if faults := rules.faults(settings):
        yield "告警设置", False, "；".join(faults)
    else:
        given = rules.plan(settings)
        receivers = rules.receivers(given)
        words = f"{len(given.rules)} 条规则，{len(receivers)} 个收件方"
        is_set = bool(receivers)
        yield "告警设置", is_set or is_demo, words if is_set else "没有值班表或收件方，告警只显示在网页和大屏上"
    with app_db.said(settings.state):
        standing = store.standing(settings.state)
    urgent = [one.label for one in standing if one.grade == "urgent"]
    yield "告警", not urgent, "；".join(urgent) or f"没有紧急告警，未恢复 {len(standing)} 个"
