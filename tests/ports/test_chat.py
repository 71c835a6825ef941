"""What others wrote calls nobody and links nowhere, in whatever it is sent to."""

import pytest

from headgate.ports.marker import Mark, MarkedService, lifeless


@pytest.mark.parametrize(
    "text",
    [
        "@all",
        "<!here>",
        "<@U123>",
        "<#C1>",
        "</b>",
        "<script>",
        "[click](https://evil.test)",
        "![](https://evil.test/a)",
    ],
)
def test_what_is_alive_elsewhere_reads_the_same_and_does_nothing(text: str) -> None:
    dead = lifeless(f"see {text}")
    assert text not in dead
    assert dead.replace("\u200b", "") == f"see {text}"


@pytest.mark.parametrize("text", ["5 < 6", "a@ b", "r7 web v2 -> production", "[a] (b)", "it works!"])
def test_what_means_nothing_elsewhere_stays(text: str) -> None:
    assert lifeless(text) == text


def test_a_mark_shows_what_others_wrote_without_life() -> None:
    services = (MarkedService("web", "a", "b", "<!here>"),)
    mark = Mark(
        "started", "r7", "shop", "production", services, author="@all", reason="[x](https://evil.test)", phase="baking",
        outcome=None, started_at=0.0, at=1.0, link="https://ours.test/releases/r7",
    )  # fmt: skip
    shown = f"{mark.title}\n{mark.text}"
    assert not any(alive in shown for alive in ("@all", "<!here>", "](https://evil"))
    assert mark.link in shown
