"""What lies in files: what people and other tools wrote, and what we find again of our own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import shutil
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec

from headgate.cli.ask.declared import _remembered
from headgate.config import load
from headgate.config.detection.detect import detect
from headgate.config.people import load_people
from headgate.config.problems import ConfigError
from headgate.config.secrets import load_secrets
from headgate.core.model import Listener, Routing, Unit
from headgate.homes.identity import NAME, Displaced, identity, require
from headgate.ledger.anchors import Anchor, NoAnchor, line, read_anchors
from headgate.ledger.codec import (
    CODEC,
    decode_sample,
    decode_summary,
    digest_of,
    encode_sample,
    encode_summary,
)
from headgate.ledger.errors import LedgerError
from headgate.ledger.export import export
from headgate.ledger.spool import FileSpool, Unwritten
from headgate.ledger.sqlite import SqliteLedger
from headgate.ledger.verify import verify
from headgate.outbox.book import decoded as decoded_book
from headgate.plugins.artifacts.folder import FolderArtifacts, Limits
from headgate.plugins.artifacts.folder.tree import difference, scan
from headgate.plugins.processes.supervisord.records import read_record
from headgate.plugins.targets.local import layout
from headgate.plugins.targets.local.launch import _read_life
from headgate.plugins.targets.local.record import Life, Spec
from headgate.plugins.traffic.envoy import files as envoy_files
from headgate.plugins.traffic.envoy.routes import Applied, routes
from headgate.ports import Provenance
from headgate.ports.errors import PortError
from headgate.ports.notes import read_notes
from headgate.testing.ledger import a_sample, a_summary, a_version, judged, paused, write_all
from headgate.web.doors.sessions import Sessions
from headgate.web.entrance import FILE as ENTRANCE
from headgate.web.entrance import Entrance, Shut, allowed_at, read_entrance
from headgate.web.http.keeping import FileDrawer
from headgate.web.http.who import Who
from tests.config.example import project_text
from tests.fuzz.running import NOW, folder
from tests.fuzz.target import Target

ROOT = Path(__file__).parents[3]


def written(name: str, data: bytes) -> Path:
    """A file with these bytes."""
    path = folder(name) / name
    path.write_bytes(data)
    return path


# --- the project file, and the file of people ------------------------------------------------------------------------


@contextlib.contextmanager
def told() -> Iterator[None]:
    """What is wrong is not only raised, but also written out, with the lines that it is about."""
    try:
        yield
    except ConfigError as error:
        str(error)
        raise


def project(data: bytes) -> None:
    with told():
        load(written("headgate.yaml", data))


def people(data: bytes) -> None:
    with told():
        load_people(written("people.yaml", data))


def secrets(data: bytes) -> None:
    with told():
        load_secrets(written("secrets.yaml", data))


def anchored(data: bytes) -> None:
    read_anchors(data.splitlines(keepends=True))


def sessions(data: bytes) -> None:
    """What a door finds again of those who had signed in."""
    Sessions(lambda session, _: session.who, FileDrawer(written("sessions.json", data)))


def some_sessions() -> Sequence[bytes]:
    path = written("sessions.json", b"")
    Sessions(lambda session, _: session.who, FileDrawer(path)).begin(Who("ada", "admin", "session", ()), NOW)
    return [path.read_bytes()]


def projects() -> Sequence[bytes]:
    broken = sorted((ROOT / "tests/config/broken").rglob("*.yaml"))
    examples = sorted((ROOT / "examples").rglob("headgate.yaml"))
    return (project_text().encode(), *(path.read_bytes() for path in (*examples, *broken)))


YAML_WORDS = tuple(
    word.encode()
    for word in (
        "&a ", "*a", "<<: ", "!!str ", "!!binary ", "? ", "- ", ": ", "|\n", ">-\n", "{", "}", "[", "]", "# ", "---\n",
        "...\n", "%YAML 1.1\n", "'", '"', "0o7", "0x1F", "1:30", "~", ".inf", "2001-01-01", "yes", "services:\n", "  ",
        "secrets: {A: {env: B}}\n", "5%", "30s", "1m", "500ms", "rollout:\n", "steps:\n", "run: ", "listen: ",
    )
)  # fmt: skip

# --- what stands in a project that has no such file ------------------------------------------------------------------

KINDS: dict[str, bytes] = {
    "Dockerfile": b"FROM a\nRUN b\nFROM python\nEXPOSE 8000/tcp\nHEALTHCHECK CMD curl http://localhost:8000/health\n"
    b'ENTRYPOINT ["python"]\nCMD ["main.py", "--port", "8000"]\n',
    "Procfile": b"release: x\nweb: gunicorn -b 0.0.0.0:$PORT app:app\n",
    "package.json": b'{"scripts":{"start":"node server.js","build":"tsc"},"main":"server.js"}',
    "pyproject.toml": b'[project]\nname = "a"\n[project.scripts]\nserve = "a:main"\n',
    "Cargo.toml": b'[package]\nname = "a-b"\n',
    "go.mod": b"module example.com/shop/v2\n",
    "k8s.yaml": b"apiVersion: apps/v1\nkind: Deployment\nspec:\n  replicas: 3\n  template:\n    spec:\n      "
    b"containers:\n"
    b"      - command: [run, $(PORT)]\n        ports: [{containerPort: 8080}]\n        env:\n"
    b"        - {name: A, value: b}\n        - {name: S, valueFrom: {secretKeyRef: {name: x, key: y}}}\n"
    b"        readinessProbe: {httpGet: {path: /ready}}\n        livenessProbe: {tcpSocket: {port: 1}}\n",
    "manage.py": b'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n',
    "main.py": b"app: FastAPI = fastapi.FastAPI(title='a')\n",
    "settings.py": b"SECURE_SSL_REDIRECT = True\n",
    "requirements.txt": b"gunicorn\n",
}


def detected(name: str, data: bytes) -> None:
    """A folder with one such file. What is written for it always loads."""
    place = folder("detected") / "shop"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / name).write_bytes(data)
    if name == "settings.py":
        (place / "main.py").write_bytes(KINDS["main.py"])
    if name == "requirements.txt":
        (place / "manage.py").write_bytes(KINDS["manage.py"])
    found = detect(place)
    load(written("headgate.yaml", found.encode("utf-8", "surrogateescape")))


READERS = {
    "Dockerfile": "dockerfile", "Procfile": "procfile", "package.json": "node", "Cargo.toml": "compiled",
    "go.mod": "compiled", "k8s.yaml": "kubernetes", "settings.py": "https",
}  # fmt: skip


def detection(name: str, seed: bytes) -> Target:
    reader = READERS.get(name, "python")
    modules = (f"config/detection/{reader}", "config/detection/detect", "config/detection/found")
    return Target(
        f"detect-{name.lower()}", partial(detected, name), (), modules, lambda: [seed], YAML_WORDS,
        ms_per_mb=DETECTION_MS_PER_MB, floor_ms=150.0, memory_times=300, input_max=256 * 1024,
        because="what is written is loaded again here; 256 KiB of a file are read, once, by a command",
    )  # fmt: skip


DETECTION_MS_PER_MB = 8000.0

# --- artifacts -------------------------------------------------------------------------------------------------------

LIMITS = Limits(size_max_bytes=8 << 20, files_max=300)
STORED = Provenance(source="x", builder="ada", built_at=NOW)


def archive(suffix: str, data: bytes) -> None:
    """Taken into a store, and found there to be what was taken."""
    place = folder(f"archives{suffix}")
    store = place / "store"
    source = place / f"source{suffix}"
    source.write_bytes(data)
    try:
        artifacts = FolderArtifacts(store, limits=LIMITS)
        digest = artifacts.put(source, STORED).digest
        artifacts.verify(digest)
        assert not [found for found in place.iterdir() if found not in (store, source)]
    finally:
        writable(store)
        shutil.rmtree(store, ignore_errors=True)


def writable(store: Path) -> None:
    """What is stored may be read only; by whoever cleans up, it may not."""
    for path in (store, *store.rglob("*")) if store.exists() else ():
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def zipped() -> Sequence[bytes]:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a/b.py", "print()\n")
        link = zipfile.ZipInfo("current")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        packed.writestr(link, "a")
        script = zipfile.ZipInfo("run")
        script.create_system, script.external_attr = 3, 0o100755 << 16
        packed.writestr(script, "#!/bin/sh\n")
    return (made.getvalue(),)


def tarred(mode: str) -> Sequence[bytes]:
    found: list[bytes] = []
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode=f"w:{mode}", format=form) as packed:  # type: ignore[call-overload]
            for name in ("a/b.py", "a/" + "long" * 40 + "/c", "\N{SNOWMAN}"):
                info = tarfile.TarInfo(name)
                info.size = 5
                packed.addfile(info, io.BytesIO(b"hello"))
            for kind, name, target in ((tarfile.SYMTYPE, "l", "a/b.py"), (tarfile.LNKTYPE, "h", "a/b.py")):
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, target
                packed.addfile(info)
        found.append(made.getvalue())
    return found


def an_archive(suffix: str, seeds: Callable[[], Sequence[bytes]]) -> Target:
    modules = tuple(f"plugins/artifacts/folder/{name}" for name in ("sources", "intake", "tree", "store"))
    return Target(
        f"artifact{suffix}", partial(archive, suffix), (PortError,), modules, seeds,
        (b"../x", b"/etc/passwd", b"ustar\x0000", b"L", b"K", b"x", b"g", b"PK\x01\x02", b"PK\x05\x06", b"PK\x03\x04"),
        ms_per_mb=40_000.0, floor_ms=1000.0, memory_times=10,
        floor_mb=80.0, input_max=64 * 1024,
        because="every file is written and hashed, and an archive packs 1000 to 1; memory by portions of 16 MiB",
    )  # fmt: skip


def manifests(data: bytes) -> None:
    """A manifest beside a tree; and the same bytes as the record and the manifest of a stored tree."""
    store = folder("store")
    tree = store / "trees" / ("a" * 64)
    (tree / "content").mkdir(parents=True, exist_ok=True)
    (tree / "content" / "b.py").write_bytes(b"")
    (tree / "record.json").write_bytes(data)
    artifacts = FolderArtifacts(store, limits=LIMITS)
    try:
        artifacts.list()
        artifacts.find("aaaaaaaa")
    except PortError:
        pass
    difference(data, scan(tree / "content"))


RECORD = {
    "digest": "a" * 64, "size_bytes": 0, "files": 1, "labels": {"v1": NOW},
    "provenance": {"source": "x", "builder": "ada", "built_at": NOW},
}  # fmt: skip
MANIFEST = b'headgate tree 1\n["file","b.py",false,0,"e3b0"]\n["link","c","b.py"]\n'

# --- the ledger ------------------------------------------------------------------------------------------------------


def facts(data: bytes) -> None:
    """The bytes of an event, a sample and a summary, as a stranger's ledger may hold them."""
    last: LedgerError | None = None
    for work in (
        lambda: CODEC.decode(1, data),
        lambda: CODEC.decode(7, data),
        lambda: decode_sample(digest_of(data), data),
        lambda: decode_summary(data),
    ):
        try:
            work()
        except LedgerError as error:
            last = error
    if last is not None:
        raise last


def some_facts() -> Sequence[bytes]:
    sample = a_sample(2.0)
    events = [paused(1), judged("r1", 2, sample)]
    return [
        *(CODEC.encode(cast("Any", one))[1] for one in events),
        encode_sample(sample),
        encode_summary(a_summary("r1", 1)),
    ]


def ledgers(data: bytes) -> None:
    """A stranger's file, walked and exported; whatever is found, it is told."""
    path = written("ledger.sqlite", data)
    for beside in ("-wal", "-shm"):
        path.with_name(f"{path.name}{beside}").unlink(missing_ok=True)
    ledger = SqliteLedger(path, readonly=True)
    try:
        str(verify(ledger).broken)
        for line in export(ledger, samples=True):
            json.loads(line)
    finally:
        ledger.close()


def a_ledger() -> Sequence[bytes]:
    path = folder("seed") / "ledger.sqlite"
    if not path.exists():
        ledger = SqliteLedger(path)
        asyncio.run(write_all(ledger, "r1", 6))
        ledger.close()
        with sqlite3.connect(path) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")
            connection.execute("pragma journal_mode=delete")
        connection.close()
    return (path.read_bytes(),)


def spool(data: bytes) -> None:
    kept = FileSpool(written("spool", data))
    try:
        for one in kept.read():
            assert isinstance(one, Unwritten)
    finally:
        kept.close()


def a_spool() -> Sequence[bytes]:
    path = folder("seed") / "spool"
    kept = FileSpool(path)
    sample = a_sample(2.0)
    for number, event in enumerate((paused(1), judged("r1", 2, sample))):
        asyncio.run(
            kept.add(Unwritten("r1", number, cast("Any", event), a_summary("r1", number + 1), sample))
        )
    kept.close()
    found = path.read_bytes()
    path.unlink()
    return (found, found.rstrip(b"\0"))


# --- what the home keeps ---------------------------------------------------------------------------------------------

UNIT = Unit("shop", "production", "web")


def envoys(data: bytes) -> None:
    """The files that Envoy follows, as whoever starts next reads them back."""
    place = envoy_files.Folder(folder("envoy"))
    place.create()
    place.routes(UNIT).write_bytes(data)
    last: PortError | None = None
    for work in (lambda: place.applied(UNIT), place.every_applied, lambda: envoy_files.version_of(data)):
        try:
            work()
        except PortError as error:
            last = error
    if last is not None:
        raise last


def an_envoy() -> Sequence[bytes]:
    routing = Routing(UNIT, Listener(80), a_version("a", UNIT))
    return (envoy_files.discovery([routes(Applied(routing, ()))]), envoy_files.discovery([]))


def keepsakes(data: bytes) -> None:
    """What a home says of itself, its door, its notes, its instances and messages. What cannot be read is not there."""
    home = folder("home")
    for name in (NAME, ENTRANCE, "notes.json", "declared.json", "life.json", "program.pid"):
        (home / name).write_bytes(data)
    identity(home)
    allowed_at(home)
    read_notes(home / "notes.json", dict[str, Any])
    _remembered(home / "declared.json")
    _read_life(str(home / "life.json"))
    read_record(home / "program.pid", "boot")
    refusing: tuple[Callable[[], object], ...] = (
        lambda: require(home),
        lambda: read_entrance(home),
        lambda: layout._read(home / "life.json", Life),
        lambda: layout._read(home / "life.json", Spec),
        lambda: decoded_book(data),
    )
    for work in refusing:
        try:
            work()
        except (PortError, Shut, Displaced, ValueError):
            continue


def some_keepsakes() -> Sequence[bytes]:
    me = {"id": "a" * 32, "epoch": 1, "path": "/nowhere", "device": 1, "inode": 2}
    life = {"pid": 1, "session": 1, "boot": "boot", "started": 7, "launches": 1}
    documents: list[object] = [me, life, [{"a": 1}], Entrance(), {"version": 1}]
    return (
        *map(msgspec.json.encode, documents),
        b"7 (sh) S 1 7 7 0 0 " + b"0 " * 20 + b"\nboot\nTERM 10\nx\ny\n",
    )


_SMALL = "an empty list or object is three bytes of JSON and 64 or more of Python; it is a file of the home"

TARGETS = (
    Target(
        "project-file", project, (ConfigError,),
        tuple(f"config/{name}" for name in (
            "load", "source", "compose", "overlay", "check", "translate", "salvage", "tree", "problems",
            "quantities", "problems",
        )),
        projects, YAML_WORDS, ms_per_mb=16_000.0, floor_ms=150.0, memory_times=200,
        because="a model of Python objects with a place for each value; at most 256 KiB and 20,000 values, once",
    ),
    Target(
        "people-file", people, (ConfigError,), ("config/people", "config/compose", "config/source", "config/translate"),
        lambda: [b"roles:\n  release-managers: approver\n  a: {role: viewer, environments: [staging]}\nclaim: groups\n",
                 b"roles: {a@b.example: admin}\nclaim: email\n"],
        YAML_WORDS, ms_per_mb=16_000.0, floor_ms=150.0, memory_times=200, because="as the project file",
    ),
    Target(
        "secrets-file", secrets, (ConfigError,), ("config/secrets", "config/checked"),
        lambda: [b"secrets:\n  prometheus-token: {file: /etc/a, projects: [shop], used_by: [prom], to: [a.example]}\n"],
        YAML_WORDS, ms_per_mb=16_000.0, floor_ms=150.0, memory_times=200, because="as the project file",
    ),
    Target(
        "anchors", anchored, (NoAnchor,), ("ledger/anchors",),
        lambda: [line(Anchor("h1", 7, "a" * 64, 1.0))], memory_times=60, because="a line has 4 KiB at most",
    ),
    Target("sessions", sessions, (), ("web/http/keeping", "web/doors/sessions"), some_sessions, memory_times=60,
           because="the file is ours, and bounded when it is written"),
    *(detection(name, seed) for name, seed in KINDS.items()),
    an_archive(".zip", zipped),
    an_archive(".tar", partial(tarred, "")),
    an_archive(".tar.gz", partial(tarred, "gz")),
    an_archive(".tar.xz", partial(tarred, "xz")),
    Target(
        "artifact-record", manifests, (PortError,), ("plugins/artifacts/folder/store", "plugins/artifacts/folder/tree",
                                                    "plugins/artifacts/folder/record"),
        lambda: [json.dumps(RECORD).encode(), MANIFEST], (b'["file",', b'["link",', b"headgate tree 1\n"),
        memory_times=60, ms_per_mb=2000.0, because="a manifest has a line of JSON for each file",
    ),
    Target("ledger-fact", facts, (LedgerError,), ("ledger/codec",), some_facts, memory_times=60, because=_SMALL),
    Target(
        "ledger-file", ledgers, (LedgerError,),
        tuple(f"ledger/{name}" for name in ("sqlite", "sqlite_reader", "sqlite_schema", "sqlite_connection", "verify",
                                            "export", "chain", "codec")),
        a_ledger, (b"CREATE TABLE", b"SQLite format 3\0", b'{"type":'), ms_per_mb=2000.0, memory_times=60,
        because=_SMALL,
    ),
    Target("spool", spool, (LedgerError,), ("ledger/spool", "ledger/codec"), a_spool, (b"\n", b"\0"),
           memory_times=60, because=_SMALL),
    Target(
        "envoy-files", envoys, (PortError,), ("plugins/traffic/envoy/files", "plugins/traffic/envoy/routes"), an_envoy,
        (b'"resources"', b'"version_info"', b'"applied"'), memory_times=60, because=_SMALL,
    ),
    Target(
        "home-files", keepsakes, (),
        ("homes/identity", "web/entrance", "ports/notes", "cli/ask/declared", "plugins/targets/local/launch",
         "plugins/targets/local/layout", "plugins/processes/supervisord/records", "outbox/book"),
        some_keepsakes, ms_per_mb=1000.0, memory_times=120, because=f"ten readers; {_SMALL}",
    ),
)  # fmt: skip
