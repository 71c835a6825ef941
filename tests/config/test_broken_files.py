"""Every file in `broken/` gives exactly the text beside it. `HEADGATE_GOLDEN=write` writes the texts anew."""

import os
from pathlib import Path

import pytest

from headgate.config import ConfigError, load

BROKEN = Path(__file__).parent / "broken"
FILES = sorted(BROKEN.glob("*.yaml"))
PYDANTIC = ("Input should", "Extra inputs", "Field required", "Value error", "type=", "valid ", "NoneType")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_broken_file_gives_exactly_these_errors(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    with pytest.raises(ConfigError) as caught:
        load(Path(path.name))
    text = caught.value.render() + "\n"
    golden = path.with_suffix(".txt")
    if os.environ.get("HEADGATE_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    assert "hunter" not in text
    assert not any(word in text for word in PYDANTIC)
    assert caught.value.problems


def test_there_are_more_than_fifty_and_no_stray_goldens() -> None:
    assert len(FILES) > 50
    assert {path.stem for path in BROKEN.glob("*.txt")} == {path.stem for path in FILES}
