"""What the doctor asks of the cockpit (entry points `zhengbei.checks`): is the log whole, and is the site set up as the
installation chapter says. Repairs nothing, writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from cockpit.store import app_db, audit, audit_anchor
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
