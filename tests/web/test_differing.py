"""What a release changes: its artifact by name, its configuration line by line, and nothing that is not known."""

import asyncio
import time
from pathlib import Path

from msgspec.structs import replace

from headgate.core.model import Configuration, Version
from headgate.core.release.submission import Submission
from headgate.ledger import MemoryLedger
from headgate.plugins.artifacts.folder import FolderArtifacts
from headgate.ports import Provenance
from tests.controller.house import WEB, Home
from tests.controller.house import play as play_back
from tests.web.shop import Shop, past, wish
from tests.web.visitor import EVIL, Visitor, play

OLD = Configuration(
    ("python3", "-m", "shop"), {"COLOUR": EVIL, "WORKERS": "2"}, files={"a.ini": "x = 1\ny = 2"}
)
NEW = replace(OLD, env=OLD.env | {"WORKERS": "4"}, files={"a.ini": "x = 1\ny = 3"})


def made(store: FolderArtifacts, folder: Path, label: str, configuration: Configuration) -> Version:
    """A version whose parts are in the store."""
    source = folder / label
    source.mkdir()
    (source / "main.py").write_text(f"print({label!r})")
    artifact = store.put(source, Provenance(built_at=1.0, builder="ci", commit="c" * 40, label=label))
    return Version(WEB, artifact.digest, store.put_configuration(configuration))


def moved_to(version: Version) -> Submission:
    """A wish for this version."""
    asked = wish("a", "")
    return replace(asked, intents=tuple(replace(one, candidate=version) for one in asked.intents))


def released(*versions: Version) -> Home:
    """A home in which these were released, one after the other."""
    home = Home(Shop(), MemoryLedger())

    async def story() -> None:
        controller = await home.start()
        for version in versions:
            await home.until_closed(await controller.submit(moved_to(version)))
            await asyncio.sleep(600.0)
        await controller.close()

    home.wall = time.time() - 3600.0
    play_back(story)
    home.house.flowed_at = 0.0
    return home


def test_a_release_shows_what_differs_line_by_line(tmp_path: Path) -> None:
    store = FolderArtifacts(tmp_path / "store")
    old, new = made(store, tmp_path, "v1", OLD), made(store, tmp_path, "v2", NEW)

    async def story(visitor: Visitor) -> None:
        await visitor.enter("viewer")
        answer = (await visitor.http.get("/v1/releases/r2/differences")).json()
        (found,) = answer["differences"]
        assert (found["before"]["label"], found["after"]["label"]) == ("v1", "v2")
        changed = [line for line in found["configuration"] if line[0] in "+-"]
        assert changed == [
            '-env.WORKERS: "2"',
            '+env.WORKERS: "4"',
            "-files.a.ini| y = 2",
            "+files.a.ini| y = 3",
        ]
        page = (await visitor.http.get("/releases/r2")).text
        assert '<span class="more">+env.WORKERS: &#34;4&#34;</span>' in page
        assert f"v2 {new.artifact[:16]} commit {'c' * 12}" in page
        assert EVIL not in page
        first = (await visitor.http.get("/v1/releases/r1/differences")).json()["differences"][0]
        assert first["before"] is None
        assert {line[0] for line in first["configuration"]} == {"+"}

    play(story, lambda: released(old, new), begin=False, artifacts=store)


def test_what_is_not_in_the_store_any_more_is_not_made_up(tmp_path: Path) -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("viewer")
        answer = (await visitor.http.get("/v1/releases/r3/differences")).json()
        (found,) = answer["differences"]
        assert found["after"] == {
            "digest": "c" * 64,
            "label": "",
            "commit": "",
            "dirty": False,
            "built_at": None,
        }
        assert found["configuration"] is None
        assert "cccccccccccccccc" in (await visitor.http.get("/releases/r3")).text

    play(story, past, begin=False, artifacts=FolderArtifacts(tmp_path / "store"))
    play(story, past, begin=False)
