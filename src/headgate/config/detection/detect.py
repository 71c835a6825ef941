"""Detection of a project in a folder, written down as a small project file with comments."""

import json
import re
from pathlib import Path

from headgate.config.compose import meaning
from headgate.config.detection import (
    compiled,
    dockerfile,
    folders,
    https,
    kubernetes,
    migrations,
    node,
    php,
    procfile,
    python,
    ruby,
)
from headgate.config.detection.found import Found
from headgate.config.detection.https import HEADER
from headgate.config.models.value import Place, Variable, Wording

_STARTS = (procfile.look, python.look, ruby.look, php.look, node.look, compiled.look)
_PORT_MAX = 65535
_PORT = 8080
_NAME_MAX = 40
_PLACE = next(one for one in Place.__metadata__ if isinstance(one, Wording))  # type: ignore[attr-defined]
_VARIABLE = next(one for one in Variable.__metadata__ if isinstance(one, Wording))  # type: ignore[attr-defined]


def detect(folder: Path) -> str:
    """The text of a headgate.yaml for what stands in `folder`. It always loads; comments say what to look at."""
    seen = [found for look in _STARTS if (found := look(folder)) is not None]
    docker, kube = dockerfile.look(folder), kubernetes.look(folder)
    # A start command for the host is nearer to the truth than one for a container; their ports and probes are not.
    start = next((found for found in (*seen, docker, kube) if found is not None and _runs(found)), None)
    facts = [found for found in (kube, docker, start) if found is not None]
    notes = [note for found in (start, docker) if found is not None for note in found.notes]
    forced = https.look(folder)
    notes = list(dict.fromkeys([*notes, *forced, *migrations.look(folder)]))
    probes = _probes(facts, https=bool(forced))
    return _written(_name(folder), start, facts, notes, probes, folders.look(folder))


def _runs(found: Found) -> bool:
    """True for a command that can be written down: names of files may hold anything."""
    return bool(found.run) and all(word.isprintable() for word in (*found.run, found.path, found.build))


def _name(folder: Path) -> str:
    """The folder's name, as a project may be called."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    name = re.sub(r"^[^a-z]+", "", name)[:_NAME_MAX].strip("-")
    return name or "project"


def _json(text: str) -> str:
    """A JSON string, which YAML reads alike but for pairs of surrogates: those become YAML's long escape."""
    pairs = re.compile(r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")
    written = json.dumps(text).replace("\x7f", "\\x7f")
    return pairs.sub(lambda pair: "\\U" + format(ord(json.loads(f'"{pair[0]}"')), "08x"), written)


def _quoted(text: str) -> str:
    """Text as YAML: JSON's double quotes are YAML's, but for what is plain anyway."""
    plain = re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./ -]*", text) and text.strip() == text
    words = {"true", "false", "null", "~", ".inf", ".nan"}
    return text if plain and text.lower() not in words else _json(text)


def _run(words: tuple[str, ...]) -> str:
    """A command as one line, or as a list where words hold spaces or quotes."""
    if not all(re.fullmatch(r"[A-Za-z0-9_./:=@%+,{}-]+", word) for word in words):
        return "[" + ", ".join(_json(word) for word in words) + "]"
    line = " ".join(words)
    plain = re.match(r"[A-Za-z0-9_./]", line) and not any(word.endswith(":") for word in words)
    return line if plain and meaning(line) == line else _json(line)


def _comment(text: str) -> str:
    """Text for a comment: one line, of characters that every file may hold."""
    return re.sub(r"[^ -~]", "?", " ".join(text.split()))


def _written(
    name: str,
    start: Found | None,
    facts: list[Found],
    notes: list[str],
    probes: list[str],
    kept: tuple[tuple[str, ...], tuple[str, ...]],
) -> str:
    port = next((found.port for found in facts if found.port and 0 < found.port <= _PORT_MAX), _PORT)
    instances = next((found.instances for found in facts if found.instances), 1)
    lines = [
        "# Written by `headgate init`: read it through. Every key is explained in the reference,",
        "# and `headgate validate` checks this file.",
        *(f"# NOTE: {_comment(note)}" for note in notes),
        "headgate: 1",
        f"project: {name}",
        "",
        "services:",
        "  web:",
        *_artifact(start),
        *_command(start),
        f"    listen: {port} # the public port, held by the proxy; instances get ports of their own",
        *([f"    instances: {instances}"] if instances > 1 else []),
        *_variables(facts),
        *_folders(*kept),
        *probes,
        "    rollout:",
        "      strategy: canary",
        "      steps:",
        "        - {weight: 5%, bake: 30s}",
        "        - {weight: 25%, bake: 1m}",
        "        - {weight: 50%, bake: 1m}",
        "    criteria:",
        "      error_ratio: 1%",
        "      p99: 500ms # the old version is compared with as well: 1.5x",
        "",
        "environments:",
        "  production:",
        "    production: true",
        f"  # staging: {{services: {{web: {{listen: {port + 1}}}}}}} # the same service, on its own port",
    ]
    return "\n".join(lines) + "\n"


def _artifact(start: Found | None) -> list[str]:
    if start is None or not (start.build or start.path):
        return ["    artifact: . # what is released: this folder; better, one that a build makes"]
    build = [f"      build: {_quoted(start.build)}"] if start.build else []
    return ["    artifact:", *build, f"      path: {_quoted(start.path or '.')}"]


def _command(start: Found | None) -> list[str]:
    if start is None:
        return [
            "    # Nothing was found that starts this project: put its command here.",
            "    run: python -m http.server --bind 127.0.0.1 {port}",
        ]
    return [f"    run: {_run(start.run)} # from {_comment(start.because)}"]


def _variables(facts: list[Found]) -> list[str]:
    """Environment variables and the names of secrets, from Kubernetes manifests."""
    lines: list[str] = []
    env = {key: value for found in facts for key, value in found.env.items() if _is_variable(key)}
    secrets = [key for found in facts for key in found.secrets if _is_variable(key) and key not in env]
    if env:
        lines += ["    env:", *(f"      {key}: {_json(value)}" for key, value in env.items())]
    if secrets:
        named = (f"      {key}: {{env: {key}}} # or {{file: PATH}}" for key in dict.fromkeys(secrets))
        lines += ["    secrets: # where each is read at start", *named]
    return lines


def _folders(shared: tuple[str, ...], writable: tuple[str, ...]) -> list[str]:
    """What was seen to be written to, where the application is."""
    lines: list[str] = []
    if named := [_json(path) for path in shared if _is_place(path)]:
        lines += [f"    shared: [{', '.join(named)}] # all versions see it, and no release removes it"]
    if named := [_json(path) for path in writable if _is_place(path)]:
        lines += [f"    writable: [{', '.join(named)}] # there at the start, each instance's own"]
    return lines


def _is_place(path: str) -> bool:
    """Names of files may hold anything."""
    return (
        path.isprintable()
        and re.fullmatch(_PLACE.pattern, path) is not None
        and len(path) <= _PLACE.length_max
    )


def _is_variable(name: str) -> bool:
    return bool(re.fullmatch(_VARIABLE.pattern, name)) and name != "PORT"


def _probes(facts: list[Found], *, https: bool) -> list[str]:
    """What Kubernetes or a container asks. `https`: the application answers nobody who does not say that he has it."""
    probes: dict[str, str] = {}
    for found in facts:
        probes = {
            **{name: path for name, path in found.probes.items() if re.fullmatch(r"tcp|/[!-~]*", path)},
            **probes,
        }
    if not probes:
        return [
            "    probes:",
            "      readiness: tcp # better: a path that answers 200 when it can do its work",
        ]
    return ["    probes:", *(f"      {name}: {_probe(path, https=https)}" for name, path in probes.items())]


def _probe(path: str, *, https: bool) -> str:
    if path == "tcp" or not https:
        return _quoted(path)
    return f"{{http: {{path: {_json(path)}, headers: {{{HEADER}: https}}}}}}"
