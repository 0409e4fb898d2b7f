"""
A PostgreSQL of the tests' own: a cluster in a temporary folder on a Unix socket, started for a
session and thrown away; no service needed.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: PostgreSQL refuses to run as root; where the tests do, it runs as the first of these users that
#: exists.
UNPRIVILEGED = ("postgres", "nobody")
PASSWORD = "c4n4ry-p4ssword"
#: fsync off: these clusters need not survive the machine, and a test that kills processes doesn't
#: kill the kernel's memory.
OPTIONS = {
    "fsync": "off",
    "max_connections": "200",
    "listen_addresses": "",
    "logging_collector": "off",
}

#: The server ends when the tests do, also when they are killed: then its standard input is closed.
UNTIL_EOF = '"$@" & cat >/dev/null; kill -QUIT $!; wait'


class Cluster:
    """A running server; `database()` makes an empty database and gives its URL, with a password."""

    def __init__(self, programs: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cxtools-pg-"))
        self._names = (f"test_{number}" for number in itertools.count())
        user = self._give_away() if os.geteuid() == 0 else None
        (self.folder / "password").write_text(PASSWORD)
        data, log = self.folder / "data", self.folder / "log"
        options: list[str | Path] = [
            "-U",
            "cxtools",
            "-A",
            "scram-sha-256",
            "--pwfile",
            self.folder / "password",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        subprocess.run(
            [programs / "initdb", "-D", data, *options],
            check=True,
            capture_output=True,
            cwd=self.folder,
            user=user,
        )
        settings = [
            word
            for name, value in {**OPTIONS, "unix_socket_directories": str(self.folder)}.items()
            for word in ("-c", f"{name}={value}")
        ]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", UNTIL_EOF, "sh", programs / "postgres", "-D", data, *settings],
                stdin=subprocess.PIPE,
                stderr=output,
                stdout=output,
                cwd=self.folder,
                user=user,
            )
        self._wait(log)

    def _give_away(self) -> str:
        """The folder to an unprivileged user, who is named: PostgreSQL refuses to run as root."""
        import pwd

        user = next(
            name for name in UNPRIVILEGED if name in {entry.pw_name for entry in pwd.getpwall()}
        )
        os.chown(self.folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        return user

    def _wait(self, log: Path) -> None:
        import psycopg

        for _ in range(600):
            try:
                self._run("select 1")
            except psycopg.OperationalError:
                assert self.process.poll() is None, log.read_text()
                time.sleep(0.05)
            else:
                return
        raise AssertionError(log.read_text())

    def _run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(
            host=str(self.folder),
            user="cxtools",
            password=PASSWORD,
            dbname="postgres",
            autocommit=True,
        ) as session:
            session.execute(statement)

    def database(self) -> str:
        name = next(self._names)
        self._run(f"create database {name}")
        return f"postgresql+psycopg://cxtools:{PASSWORD}@/{name}?host={self.folder}"

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """
    A PostgreSQL server for this session; where CI=true its absence is a failure, as nobody has
    looked at that ledger then.
    """
    found = subprocess.run(
        [ROOT / ".ci" / "postgres", "--look"], capture_output=True, text=True, check=True
    )
    if not found.stdout.strip():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no PostgreSQL")
    cluster = Cluster(Path(found.stdout.strip()))
    yield cluster
    cluster.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """
    An empty ledger of either kind: whoever asks for this runs on both, as both keep the same
    promises.
    """
    return (
        f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres").database()
    )
