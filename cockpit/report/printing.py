"""Static HTML to PDF by the system's headless Chromium. Owns the child process: its flags, its deadline, its end.

The browser prints one file that this system wrote itself: no scripts, no network, a profile that lives as long as the
call. It never opens a page of the running server and never outlives `print_pdf`.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from cockpit.report import typefaces
from warehouse.core.errors import PrintFailed

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "microsoft-edge-stable")
BROWSER_VARIABLE = "ZHENGBEI_CHROMIUM"
TIMEOUT_S = 90
TRIES = 3
PAUSE_S = 1.5
GONE_S = 5.0
"""Longest wait for the last member of a killed process group."""
PDF_HEAD, PDF_TAIL = b"%PDF-", b"%%EOF"
TAIL_BYTES = 1024
STDERR_LINES = 3
LITTLE_BYTES = 8 << 20
"""Less than this free, and a PDF that is not whole has found no room."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

FLAGS = (
    "--headless=new",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--mute-audio",
    "--hide-scrollbars",
    # No host is ever reached; scripts are refused by the page's own policy, because switching them off for the whole
    # browser (blink-settings) also switches off headless printing, which then ends with code 0 and no file.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
)


def find_chromium() -> str:
    """Path of the browser: ZHENGBEI_CHROMIUM when set, else the first known name on PATH. Raises PrintFailed."""
    named = os.environ.get(BROWSER_VARIABLE)
    if named:
        if not shutil.which(named):
            raise PrintFailed(f"{BROWSER_VARIABLE} 指向的浏览器不存在或不可执行", where=named, to_do="请改正该环境变量")
        return named
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    raise PrintFailed(
        "没有找到 Chromium 浏览器", where="、".join(BROWSERS), to_do="请安装 chromium 与中文字体 fonts-noto-cjk 后重试"
    )


def print_pdf(
    page: Path, target: Path, *, fonts: Path | None = None, timeout_s: float = TIMEOUT_S, tries: int = TRIES
) -> float:
    """Prints the HTML file `page` to `target` (replaced in one move, never half-written); gives the seconds it took.
    fonts: a folder of faces that the browser sees as if they were installed; it need not be there.

    A crash, a hang or a broken file is tried again, `tries` times in all. Raises PrintFailed with the last reason.
    """
    browser = find_chromium()
    target.parent.mkdir(parents=True, exist_ok=True)
    reason = ""
    for attempt in range(tries):
        if attempt:
            time.sleep(PAUSE_S * attempt)
        started = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="zhengbei-print-", ignore_cleanup_errors=True) as work:
                made = Path(work) / "page.pdf"
                own = typefaces.environment(fonts, Path(work), os.environ) if fonts else {}
                reason = _run(browser, page, made, Path(work), timeout_s, own)
                if not reason:
                    _settle(made, target)
                    return time.monotonic() - started
        except OSError as error:
            reason = f"无法启动浏览器或写入文件：{why(error)}"
    raise PrintFailed(f"打印报告失败，已试 {tries} 次，最后一次：{reason}", where=str(target))


def why(error: OSError | sqlite3.Error) -> str:
    """What kept a file from being written, in words that say what to do about it."""
    # by their codes: the words of an error hold the file's path, and that may say anything
    code, name = getattr(error, "errno", None), str(getattr(error, "sqlite_errorname", ""))
    if code in FULL or name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return "磁盘已满，请腾出空间"
    if code in (errno.EACCES, errno.EPERM, errno.EROFS) or name.startswith("SQLITE_READONLY"):
        return "没有写入权限，请检查文件夹的属主与挂载方式"
    return f"{type(error).__name__} {getattr(error, 'strerror', None) or error}"


def _run(browser: str, page: Path, made: Path, work: Path, timeout_s: float, more: dict[str, str]) -> str:
    """One browser run; "" when `made` is a whole PDF, else the Chinese reason. The process group is gone on return."""
    command = [browser, *FLAGS, f"--user-data-dir={work / 'profile'}", f"--print-to-pdf={made}"]
    if os.geteuid() == 0:
        # Chromium's own sandbox refuses to start as root (containers); every other account keeps it.
        command.append("--no-sandbox")
    command.append(page.resolve().as_uri())
    home = {
        "HOME": str(work),
        "XDG_CONFIG_HOME": str(work),
        "XDG_CACHE_HOME": str(work),
        "DBUS_SESSION_BUS_ADDRESS": "",
    }
    log = work / "stderr"
    with log.open("wb") as stderr:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, **home, **more},
            start_new_session=True,
        )
        try:
            code = child.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return f"{timeout_s:g} 秒内没有完成"
        finally:
            _end(child)
    if code != 0:
        lines = log.read_text("utf-8", "replace").strip().splitlines()[-STDERR_LINES:]
        return f"浏览器退出码 {code} {' / '.join(lines)}".strip()
    if _is_whole(made):
        return ""
    return f"浏览器没有产出完整的 PDF{'（临时文件夹已满）' if shutil.disk_usage(work).free < LITTLE_BYTES else ''}"


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kills whatever is left of the browser's process group, helpers included, reaps it, and waits until its last
    member is gone: a kill is only a message, and helpers answer it after their parent."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    until = time.monotonic() + GONE_S
    while time.monotonic() < until:
        try:
            os.killpg(child.pid, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.01)


def _is_whole(file: Path) -> bool:
    """True for a file that starts and ends as a PDF does; a browser killed while writing leaves neither."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        head = stream.read(len(PDF_HEAD))
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - TAIL_BYTES))
        return head == PDF_HEAD and PDF_TAIL in stream.read()


def _settle(made: Path, target: Path) -> None:
    """Moves the finished PDF to its place: copied beside it first, because /tmp may be another file system."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with made.open("rb") as source, beside.open("wb") as sink:
            shutil.copyfileobj(source, sink)
            sink.flush()
            os.fsync(sink.fileno())
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
