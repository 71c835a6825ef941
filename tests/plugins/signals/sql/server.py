"""A real PostgreSQL for a test: started on a unix socket in a temporary folder, ended by whoever started it."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

PASSWORD = "s3cret-of-the-database"
READY_S = 60.0


@dataclass
class Server:
    """Where it is; `admin` runs statements as its owner."""

    folder: Path
    programs: Path
    owner: str
    process: subprocess.Popen[bytes] | None = None

    def admin(self, *statements: str, **values: object) -> None:
        with psycopg.connect(
            host=str(self.folder), dbname="postgres", user="admin", autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement.encode(), values or None)

    def start(self) -> None:
        """Listen on the socket alone, and wait until it answers."""
        options = [
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
            "-c",
            f"unix_socket_directories={self.folder}",
        ]
        command = [
            *as_user(self.owner),
            str(self.programs / "postgres"),
            "-D",
            str(self.folder / "data"),
            *options,
        ]
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_S
        while True:
            try:
                self.admin("select 1")
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it: SIGINT is PostgreSQL's fast shutdown."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(READY_S)
            self.process = None


def as_user(owner: str) -> Sequence[str]:
    """PostgreSQL refuses to run as root: what runs it as somebody else."""
    if os.geteuid() != 0:
        return ()
    return ("setpriv", f"--reuid={owner}", f"--regid={pwd.getpwnam(owner).pw_gid}", "--clear-groups", "--")


def programs() -> Path:
    """The folder with `initdb` and `postgres`. Skips the test where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("no PostgreSQL here: install postgresql, or put `initdb` and `postgres` on PATH")


@contextlib.contextmanager
def server() -> Generator[Server]:
    """A server with a user `reader` (with PASSWORD) who may read the table `orders` of the database `postgres`."""
    where = programs()
    owner = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no `setpriv` to run it as somebody else")
    with tempfile.TemporaryDirectory(prefix="hg-sql-") as name:  # a socket's path must be short
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, owner)
        made = Server(folder, where, owner)
        subprocess.run(
            [
                *as_user(owner),
                str(where / "initdb"),
                *(
                    "-D",
                    str(folder / "data"),
                    "-U",
                    "admin",
                    "-A",
                    "trust",
                    "--no-sync",
                    "-E",
                    "UTF8",
                    "--locale=C",
                ),
            ],
            check=True,
            capture_output=True,
        )
        rules = folder / "data" / "pg_hba.conf"
        rules.write_text("local all admin trust\nlocal all all scram-sha-256\n")
        made.start()
        try:
            made.admin(
                f"create role reader login password '{PASSWORD}'",
                "create table versions (key text primary key)",
                """create table orders (version text, paid numeric, failed boolean default false,
                   created_at timestamptz default clock_timestamp())""",
                "grant select on orders, versions to reader",
                "grant insert, delete on orders to reader",
            )
            yield made
        finally:
            made.stop()
