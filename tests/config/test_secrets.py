"""Nothing secret is shown, wherever somebody wrote it."""

import pytest

from headgate.config import ConfigError, load_text, notes
from headgate.config.source import mask_unparsed
from tests.config.example import HEAD, SERVICE, project_text

SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        project_text(f"secrets: {{A: {SECRET}}}"),
        project_text(f"secrets: {SECRET}"),
        project_text(f"secrets: [{SECRET}, {SECRET}]"),
        project_text("secrets:", "  A: |", f"    {SECRET}", f"    {SECRET}"),
        project_text("secrets:", f"  A: {{valeu: {SECRET}}}", f"  A: {SECRET}"),
        project_text("secrets: {A: {file: x}}", f"secrets: {{B: {SECRET}}}"),
        project_text("secrets:", f"  <<: {{A: {SECRET}}}", f"  <<: {SECRET}", f"  A: {SECRET}"),
        project_text(f"env: {{API_TOKEN: {SECRET}, B: []}}"),
        project_text(f"env: {{api-key: {SECRET}}}"),
        project_text(after=f"environments: {{a: {{services: {{web: {{secrets: {{A: {SECRET}}}}}}}}}}}\n"),
        project_text(after=f"environments: {{a: {{services: {{wbe: {{secrets: {{A: {SECRET}}}}}}}}}}}\n"),
        project_text(after=f"x-s: &s {SECRET}\n").replace("artifact: dist", "secrets: {A: *s}"),
        project_text(f'secrets: {{A: "{SECRET}}}'),
        project_text("secrets:", f"  A: {SECRET}: {SECRET}"),
        project_text("secrets: {A: x,", f"    B: '{SECRET}", f"    {SECRET}"),
        project_text("env:", f"  DB_PASSWORD: '{SECRET}"),
        project_text("secrets:", f"  A: {SECRET}", f"  A\tB: @{SECRET}"),
        project_text("secrets:", f"  A: !!binary {SECRET}", "  B: !x {}"),
        HEAD + f"services: {{web: {{secrets: {{A: {SECRET}\x07}}}}}}\n",
    ],
)
def test_it_is_in_no_error(text: str) -> None:
    assert SECRET in text
    with pytest.raises(ConfigError) as caught:
        load_text(text, "headgate.yaml")
    assert SECRET not in caught.value.render()
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.problems)


def test_lines_that_hold_no_secret_are_shown_even_before_they_are_parsed() -> None:
    lines = ["services:", "  web:", "    secrets:", "      A: x", "    run: 'y", "  password:", "    - z"]
    shown = [mask_unparsed(lines, number) for number in range(1, len(lines) + 1)]
    assert shown == [
        "services:",
        "  web:",
        "    secrets:",
        "**********",
        "    run: 'y",
        "  password:",
        "*******",
    ]


def test_a_variable_that_sounds_like_a_secret_is_worth_a_note() -> None:
    (note,) = notes(load_text(project_text("env: {DB_PASSWORD: x, TOKEN_TTL: 30}"), "x"))
    assert note.startswith("production/web: `DB_PASSWORD` in `env` sounds like a secret")


def test_ports_shared_by_environments_are_worth_a_note() -> None:
    (note,) = notes(load_text(f"{HEAD}services:\n  web:\n{SERVICE}environments: {{a: , b: }}\n", "x"))
    assert note == "a/web and b/web both listen on port 8080: on one host, only one of them can run."
