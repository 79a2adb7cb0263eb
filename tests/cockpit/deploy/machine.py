"""A machine of its own for a test: a bare Debian with systemd, in a container that has no network. What is run in it is
run by its own systemd, as on the bureau's machine."""

from __future__ import annotations

import platform
import shutil
import subprocess
import time
from pathlib import Path

import psutil

NEEDED = {"systemd-nspawn": "systemd-container", "debootstrap": "debootstrap"}
"""Commands of the machine under the container → Debian packages that bring them."""
BOOT_S = 60
BARE = ("systemd", "systemd-sysv", "dbus", "ca-certificates", "openssl")


def lacking() -> list[str]:
    """Debian packages that must be there for this."""
    return [package for command, package in NEEDED.items() if shutil.which(command) is None]


def bare(folder: Path) -> None:
    """Fills the folder with a bare Debian of this machine's release, from where this machine has its packages."""
    codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(ORIGIN)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    )
    sites = [line.split()[0] for line in listed.stdout.splitlines() if line.split()[1:] == [codename, "Debian"]]
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(BARE)}", codename, str(folder), sites[0]]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Machine:
    """Boots the tree; `shared` is seen in it at /media/bundle."""

    def __init__(self, tree: Path, shared: Path) -> None:
        self.tree = tree
        command = ["systemd-nspawn", "--quiet", f"--directory={tree}", "--register=no", "--keep-unit", "--boot"]
        command += ["--private-network", f"--bind-ro={shared}:/media/bundle", "--console=pipe"]
        self._container = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + BOOT_S
        while not self.is_up():
            if time.monotonic() > end or self._container.poll() is not None:
                self.stop()
                raise AssertionError("the machine does not boot")
            time.sleep(0.5)

    def is_up(self) -> bool:
        """Whether its systemd has started all that it should."""
        inside = psutil.Process(self._container.pid).children()
        return bool(inside) and self.run("systemctl is-system-running")[1].strip() == "running"

    def run(self, script: str, stdin: str = "") -> tuple[int, str]:
        """Runs lines of a root shell in it; returns exit code and what was said, on both outputs."""
        (inside,) = psutil.Process(self._container.pid).children()
        enter = ["nsenter", "-t", str(inside.pid), "-m", "-p", "-n", "-u", "-i", "-C", "--"]
        done = subprocess.run(
            [*enter, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "sh", "-c", f"cd /\n{script}"],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def until(self, script: str, seconds: float) -> bool:
        """Whether the lines succeed within so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(script)[0] == 0:
                return True
            time.sleep(1)
        return False

    def stop(self) -> None:
        """Ends it at once, as a power cut does: its first process, and with it all others; then what held it."""
        if self._container.poll() is None:
            for inside in psutil.Process(self._container.pid).children():
                inside.kill()
            self._container.kill()
            self._container.wait(30)
