"""Where the secrets of hooks are kept: by their owner only, whole or not at all, and only the declared ones."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.web.hooks.vault import PREFIX, FileVault, MemoryVault, Vault, digest_of, new_secret

MAKERS: dict[str, Callable[[Path], Vault]] = {"files": FileVault, "memory": lambda _: MemoryVault()}


@pytest.fixture(params=MAKERS)
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Vault:
    return MAKERS[request.param](tmp_path / "hooks")


def test_what_is_kept_is_found_by_its_digest_alone(vault: Vault) -> None:
    one, two = new_secret(), new_secret()
    vault.put("pager", one)
    assert vault.get("pager", digest_of(one)) == one
    assert [vault.get("pager", digest_of(two)), vault.get("other", digest_of(one))] == ["", ""]
    vault.put("pager", two)
    assert [vault.get("pager", digest_of(one)), vault.get("pager", digest_of(two))] == ["", two]
    vault.drop("pager")
    vault.drop("pager")
    assert vault.get("pager", digest_of(two)) == ""


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        FileVault(tmp_path / "hooks").put("pager", new_secret())
    finally:
        os.umask(mask)
    folder = tmp_path / "hooks"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "pager")] == [0o700, 0o600]
    assert [path.name for path in folder.iterdir()] == ["pager"]


def test_it_is_there_after_a_restart_and_what_was_changed_counts_as_lost(tmp_path: Path) -> None:
    secret = new_secret()
    FileVault(tmp_path).put("pager", secret)
    assert FileVault(tmp_path).get("pager", digest_of(secret)) == secret
    for content in (b"another", b"\xff\xfe", b"", secret.encode() * 100):
        (tmp_path / "pager").write_bytes(content)
        assert FileVault(tmp_path).get("pager", digest_of(secret)) == ""


def test_a_secret_is_one_that_gitlab_takes_as_a_signing_token() -> None:
    secret = new_secret()
    assert len(base64.b64decode(secret.removeprefix(PREFIX), validate=True)) == 32
    assert secret != new_secret()
