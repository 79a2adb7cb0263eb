"""One file that carries the product onto a machine without a network: its code, the wheels of its lock and the Debian
packages it stands on, with all that these need. Made on a machine of the same release and architecture that has a
network; install.sh, which is in it, needs none."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from warehouse.cli.supply_chain import LOCK
from warehouse.core.errors import ConfigError, UsageError
from warehouse.core.settings import RELEASE, ROOT

HOME = ROOT.parent
SYSTEM = ("chromium", "fontconfig", "fonts-noto-cjk", "poppler-utils", "python3", "python3-venv", "nginx-light")
"""What the product asks of Debian: the same that ./zhengbei installs where there is a network, and the web server in
front of it."""
LEFT_OUT = {".venv", ".git", "var", "node_modules", "mutants", "__pycache__", ".setup.lock"}
"""What lies beside the code and is made anew."""
Progress = Callable[[str], None]


def write(file: Path, progress: Progress) -> int:
    """Writes the archive; returns its bytes. Raises UsageError where the file is there already, ConfigError where this is
    no Debian or something cannot be fetched: then nothing is left behind."""
    if file.exists():
        raise UsageError("已有同名文件", where=str(file), to_do="请换一个文件名，或先移走它")
    if shutil.which("apt-get") is None:
        raise ConfigError("本机没有 apt-get", to_do="请在与目标机器相同的 Debian 或 Ubuntu 上制作安装包")
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="zhengbei-bundle-", dir=file.parent) as place:
        top = Path(place) / f"zhengbei-{RELEASE.partition('+')[0]}"
        progress("1/4 下载 Python 软件包…")
        wheels(top / "wheels")
        progress("2/4 下载系统软件…")
        debs(top / "packages")
        progress("3/4 复制程序…")
        code(HOME, top / "code")
        (top / "machine").write_text(machine() + "\n", "utf-8")
        (top / "names").write_text("\n".join(SYSTEM) + "\n", "utf-8")
        shutil.copyfile(Path(__file__).with_name("install.sh"), top / "install.sh")
        (top / "SHA256SUMS").write_text("".join(sums(top)), "utf-8")
        progress("4/4 打成一个文件…")
        packed = Path(place) / "bundle.tar"
        with tarfile.open(packed, "w") as archive:  # what is in it is compressed already
            archive.add(top, top.name, filter=_of_root)
        packed.rename(file)
    return file.stat().st_size


def machine() -> str:
    """For which machines: distribution, release and architecture ("debian bookworm amd64")."""
    release = platform.freedesktop_os_release()
    architecture = _run(["dpkg", "--print-architecture"]).strip()
    return f"{release['ID']} {release.get('VERSION_CODENAME', '')} {architecture}"


def wheels(folder: Path) -> None:
    """Fetches the wheels of the lock, each checked against its hash."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    _run([*command, "--only-binary=:all:", "--require-hashes", "-r", str(LOCK), "-d", str(folder)])


def debs(folder: Path) -> None:
    """Fetches the Debian packages with all that they need on a machine that has nothing yet, checked by apt, and writes
    the list of them that apt reads."""
    (folder / "partial").mkdir(parents=True)
    status = folder / "status"
    status.touch()
    options = (f"Dir::State::status={status}", f"Dir::Cache::archives={folder}", "Debug::NoLocking=1")
    settings = [word for option in (*options, "APT::Sandbox::User=root") for word in ("-o", option)]
    _run(["apt-get", *settings, "-y", "-qq", "--no-install-recommends", "--download-only", "install", *SYSTEM])
    status.unlink()
    (folder / "partial").rmdir()
    (folder / "lock").unlink(missing_ok=True)
    (folder / "Packages").write_text("\n".join(entries(folder)), "utf-8")


def entries(folder: Path) -> Iterator[str]:
    """The packages of a folder, as a list of packages has them."""
    for file in sorted(folder.glob("*.deb")):
        fields = _run(["dpkg-deb", "--field", str(file)]).rstrip("\n")
        yield f"{fields}\nFilename: ./{file.name}\nSize: {file.stat().st_size}\nSHA256: {_digest(file)}\n"


def code(home: Path, target: Path) -> None:
    """Copies the code as it lies there, without what is made beside it."""

    def aside(_folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name in LEFT_OUT or name.endswith("_cache") or name.endswith(".pyc")}

    shutil.copytree(home, target, ignore=aside, symlinks=True)


def sums(top: Path) -> Iterator[str]:
    """A line of sha256sum for every file below."""
    for file in sorted(file for file in top.rglob("*") if file.is_file()):
        yield f"{_digest(file)}  {file.relative_to(top)}\n"


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "没有说明").splitlines()[-1]
        raise ConfigError(
            f"{command[0]} 没有成功：{last}", to_do="请检查到软件包镜像的网络；系统软件先运行 apt-get update"
        )
    return done.stdout
