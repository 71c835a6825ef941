"""A command is what a shell user means by it, or is refused with the right way: nothing is lost in silence."""

from pathlib import Path

import pytest

from headgate.config import ConfigError, Project, configuration, load_text

TEXT = """\
headgate: 1
project: shop
services:
  web:
    artifact: dist
    run: {run}
    listen: 8080
    probes: {{readiness: {{command: {probe}}}}}
"""


def project(run: str, probe: str = "'true'") -> Project:
    return load_text(TEXT.format(run=run, probe=probe), "headgate.yaml")


def argv(run: str) -> tuple[str, ...]:
    return configuration(project(run), "production", "web", Path()).argv


def refusal(run: str) -> str:
    with pytest.raises(ConfigError) as caught:
        project(run)
    (problem,) = caught.value.problems
    assert problem.line == 6
    return str(problem)


UNDERSTOOD = {
    "node server.js": ("node", "server.js"),
    "puma -p $PORT": ("puma", "-p", "{port}"),
    "puma -p ${PORT}": ("puma", "-p", "{port}"),
    "gunicorn -b 127.0.0.1:${PORT:-8000} app": ("gunicorn", "-b", "127.0.0.1:{port}", "app"),
    'puma -b "tcp://127.0.0.1:$PORT"': ("puma", "-b", "tcp://127.0.0.1:{port}"),
    "RAILS_ENV=production bin/rails s": ("env", "RAILS_ENV=production", "bin/rails", "s"),
    'A=1 B="two words" node x': ("env", "A=1", "B=two words", "node", "x"),
    "[A=1, node, x]": ("env", "A=1", "node", "x"),
    """sh -c 'cd web && exec node --port "$PORT"'""": ("sh", "-c", 'cd web && exec node --port "$PORT"'),
    'A=1 bash -ec "exec node $HOME; true"': ("env", "A=1", "bash", "-ec", "exec node $HOME; true"),
    "node --match 'a|b' '$HOME' \\$HOME": ("node", "--match", "a|b", "$HOME", "$HOME"),
    "node --match ^a$": ("node", "--match", "^a$"),
    "|\n      node server.js\n": ("node", "server.js"),
}

REFUSED = {
    "cd web && node server.js": ("`&&` means nothing", 'sh -c "cd web && exec node server.js"'),
    "node a | tee log": ("`|` means nothing", "sh -c"),
    "node a; node b": ("`;` means nothing", "sh -c"),
    "node a;node b": ("`;` means nothing", "sh -c"),
    "node a > log": ("`>` means nothing", "sh -c"),
    "node a 2>&1": ("means nothing", "sh -c"),
    "node a &": ("`&` means nothing", "leave it away"),
    "node `cat port`": ("means nothing", "sh -c"),
    "node $(cat port)": ("`$(` is not filled in", "sh -c"),
    "node $HOME/x": ("`$HOME` is not filled in", "`{port}` for the port"),
    'node "${DATA_DIR}/x"': ("`${DATA_DIR}` is not filled in", "sh -c"),
    "node $PORT_OFFSET": ("`$PORT_OFFSET` is not filled in", ""),
    "node ~/app/x": ("`~` means nothing", "a path in full"),
    "cd web": ("`cd` is a shell's own", "sh -c"),
    "exec node x": ("`exec` is a shell's own", "leave `exec` away"),
    "A=1 source x": ("`source` is a shell's own", ""),
    "A=1": ("sets variables and runs nothing", "`env`"),
    "PORT=3000 node x": ("PORT is set by Headgate", "`{port}`"),
    '[node, "$PORT"]': ("`$PORT` is not filled in in a list", "`{port}`"),
    "|\n      node a\n      node b\n": ("a line break means nothing", "sh -c"),
    "node 'a": ("cannot be split into words", "quote"),
}


def written(run: str) -> str:
    plain = run.startswith(("[", "|")) or not set(run) & set("'\"`&|;>#~{}")
    return run if plain else "'" + run.replace("'", "''") + "'"


@pytest.mark.parametrize("run", UNDERSTOOD)
def test_what_a_shell_user_means_is_understood(run: str) -> None:
    assert argv(written(run)) == UNDERSTOOD[run]


@pytest.mark.parametrize("run", REFUSED)
def test_what_only_a_shell_could_do_is_refused_with_the_right_way(run: str) -> None:
    said = refusal(written(run))
    for words in REFUSED[run]:
        assert words in said


def test_a_probe_has_the_port_as_well() -> None:
    found = configuration(project("node x", "curl localhost:$PORT/health"), "production", "web", Path())
    assert found.probes.readiness is not None
    assert "localhost:{port}/health" in repr(found.probes.readiness.check)


def test_a_build_has_no_port() -> None:
    text = TEXT.format(run="node x", probe="'true'").replace(
        "artifact: dist", "artifact: {path: d, build: make $PORT}"
    )
    with pytest.raises(ConfigError, match=r"\$PORT` is not filled in"):
        load_text(text, "headgate.yaml")


FOLDERS = {
    "shared: [storage, storage/x]": "`storage/x` lies in `storage`",
    "shared: [a/]\n    writable: [a]": "`a` is named already",
    "shared: [a/b]\n    writable: [a/b/c]": "`a/b/c` lies in `a/b`",
    "shared: [../x]": "without `.` and `..`",
    "writable: [/tmp/x]": "a path in the folder",
    "shared: [.]": "without `.` and `..`",
    "writable: storage": "",
}


@pytest.mark.parametrize("keys", FOLDERS)
def test_folders_are_named_once_and_lie_inside(keys: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(TEXT.format(run="node x", probe="'true'") + f"    {keys}\n", "headgate.yaml")
    assert FOLDERS[keys] in str(caught.value.problems[0])


def test_a_writable_folder_may_hold_a_shared_one() -> None:
    text = (
        TEXT.format(run="node x", probe="'true'")
        + "    writable: [tmp/, log]\n    shared: [tmp/cache, db/a.sqlite3]\n"
    )
    found = configuration(load_text(text, "headgate.yaml"), "production", "web", Path())
    assert (found.writable, found.shared) == (("tmp", "log"), ("tmp/cache", "db/a.sqlite3"))
