"""Real servers on loopback for tests: PostgreSQL, MariaDB, an SSH server, an S3 store. Each is a process or thread of
its own with a folder of its own, ended by the id that we started; where the program is not installed the test is
skipped."""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import needs

POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
MARIADB, SSHD = Path("/usr/sbin/mariadbd"), Path("/usr/sbin/sshd")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def folder(prefix: str, user: str | None = None) -> Iterator[Path]:
    """A short-named folder of our own (a socket's path has no room for a long one), gone afterwards."""
    made = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if user:
            shutil.chown(made, user)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def running(command: list[object], ready: Callable[[], bool], *, stop: int, **keywords: object) -> Iterator[None]:
    """The program while the block runs; `ready` is asked until it says yes."""
    server = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **keywords
    )  # type: ignore[call-overload]
    try:
        for _ in range(300):
            if ready():
                break
            assert server.poll() is None, f"{command[0]} ended by itself"
            time.sleep(0.1)
        else:
            pytest.fail(f"{command[0]} does not answer")
        yield
    finally:
        server.send_signal(stop)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


@contextlib.contextmanager
def postgres(password: str = "") -> Iterator[str]:
    """A DSN of an empty PostgreSQL, without the password that it wants, if any; as an unprivileged user where we are
    root."""
    if POSTGRES is None:
        needs.missing("PostgreSQL", "postgresql")
    user, port = "nobody" if os.geteuid() == 0 else None, free_port()
    with folder("zhengbei-pg-", user) as home:
        secret = home / "secret"
        secret.write_text(password or "none", "utf-8")
        made = subprocess.run(
            [
                POSTGRES / "initdb",
                "-D",
                home / "data",
                "-U",
                "reader",
                *(["--auth=scram-sha-256", f"--pwfile={secret}"] if password else ["--auth=trust"]),
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ],
            user=user,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        with running(
            [POSTGRES / "postgres", "-D", home / "data", "-h", "127.0.0.1", "-p", port, "-k", home, "-c", "fsync=off"],
            stop=signal.SIGINT,
            user=user,
            cwd=home,
            ready=lambda: (
                subprocess.run(
                    [POSTGRES / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], capture_output=True, check=False
                ).returncode
                == 0
            ),
        ):
            yield f"postgresql+psycopg://reader@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def mariadb() -> Iterator[str]:
    """A DSN of an empty MariaDB with a database `yz` and a user with a password."""
    if not MARIADB.exists():
        needs.missing("MariaDB", "mariadb-server")
    import pymysql

    port, user = free_port(), getpass.getuser()
    with folder("zhengbei-my-") as home:
        setup = home / "setup.sql"
        setup.write_text(
            "CREATE DATABASE yz CHARACTER SET utf8mb4;\nCREATE USER reader@'%' IDENTIFIED BY 'p@ss/word';\nGRANT ALL ON yz.* TO reader@'%';\n",
            "utf-8",
        )
        made = subprocess.run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={home / 'data'}",
                f"--tmpdir={home}",  # those of two tests at once would take each other's temporary tables
                "--skip-test-db",
                f"--user={user}",
                "--auth-root-authentication-method=normal",
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert made.returncode == 0, made.stderr

        def answers() -> bool:
            try:
                pymysql.connect(
                    host="127.0.0.1", port=port, user="reader", password="p@ss/word", database="yz", connect_timeout=2
                ).close()
                return True
            except pymysql.Error:
                return False

        with running(
            [
                MARIADB,
                "--no-defaults",
                f"--datadir={home / 'data'}",
                f"--tmpdir={home}",
                f"--port={port}",
                "--bind-address=127.0.0.1",
                f"--socket={home / 's'}",
                f"--pid-file={home / 'pid'}",
                f"--init-file={setup}",
                "--skip-name-resolve",
                f"--user={user}",
                "--innodb-flush-log-at-trx-commit=0",
            ],
            answers,
            stop=signal.SIGTERM,
        ):
            yield f"mysql+pymysql://reader@127.0.0.1:{port}/yz?charset=utf8mb4"


@dataclass(frozen=True)
class Ssh:
    """An SSH server's address, our key and its key."""

    port: int
    user: str
    key_filename: str
    host_key: str


@contextlib.contextmanager
def sshd() -> Iterator[Ssh]:
    """An SSH server that lets us in by key and serves SFTP."""
    if not SSHD.exists():
        needs.missing("SSH 服务程序", "openssh-server")
    port = free_port()
    with folder("zhengbei-ssh-") as home:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for name in ("host", "client"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", home / name],
                check=True,
                capture_output=True,
            )
        (home / "conf").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {home / 'host'}\nAuthorizedKeysFile {home / 'client.pub'}\nStrictModes no\nUsePAM no\n"
            f"PermitRootLogin prohibit-password\nPasswordAuthentication no\nPidFile {home / 'pid'}\nSubsystem sftp internal-sftp\n",
            "utf-8",
        )
        with running([SSHD, "-D", "-e", "-f", home / "conf"], lambda: listens(port), stop=signal.SIGTERM):
            yield Ssh(
                port, getpass.getuser(), str(home / "client"), " ".join((home / "host.pub").read_text().split()[:2])
            )


@contextlib.contextmanager
def s3() -> Iterator[str]:
    """The address of an S3 store with an empty bucket `drop` that takes any key."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
