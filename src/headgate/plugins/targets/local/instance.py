"""What an instance is made of: a configuration and an artifact become a spec, and a spec a program."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from headgate.core.model import Configuration, Version
from headgate.plugins.targets.local import launch
from headgate.plugins.targets.local.command import resolve
from headgate.plugins.targets.local.layout import VersionFolder
from headgate.plugins.targets.local.record import Desired, Endpoint, Spec
from headgate.ports import Permanent
from headgate.ports.processes import Program

START_RETRIES = 3
"""Starts that end within a second until the supervisor gives up: some three seconds. The keeper tries again later."""


def specify(folder: VersionFolder, desired: Desired, tree: Path, endpoint: Endpoint) -> Spec:
    """The spec of the instance at `endpoint`, of the artifact in `tree`. `{port}` and `{files}` are filled in.

    Raises Permanent when the command is not there, or a configuration file would lie outside its folder.
    """
    version, configuration = desired.version, desired.configuration
    home = folder.instance(endpoint.name)
    known = attributes(version, desired.release, desired.commit, endpoint.name)
    path = configuration.env.get("PATH", os.environ.get("PATH", os.defpath))
    words = [
        word.replace("{port}", str(endpoint.port)).replace("{files}", str(home / "files"))
        for word in configuration.argv
    ]
    return Spec(
        name=endpoint.name,
        host=endpoint.host,
        port=endpoint.port,
        argv=(_program(words, tree, folder.tree(endpoint.name), path), *words[1:]),
        directory=str(folder.tree(endpoint.name)),
        folder=str(home),
        files_folder=str(home / "files"),
        env={
            "PATH": path,
            "HOME": str(home / "home"),
            "TMPDIR": str(folder.temporary(endpoint.name)),
            **configuration.env,
            **variables(known, configuration.env),
        },
        identity={
            "PORT": str(endpoint.port),
            "HEADGATE_INSTANCE": endpoint.name,
            "HEADGATE_VERSION": version.key,
            "HEADGATE_FILES": str(home / "files"),
        },
        secrets=configuration.secrets,
        source=str(tree),
        manifest=str(folder.manifest),
        folders=(str(home / "home"), str(folder.temporary(endpoint.name))),
        shared={_inside(path): str(folder.shared / _inside(path)) for path in configuration.shared},
        writable=tuple(_inside(path) for path in configuration.writable),
        files={_inside(name): content for name, content in configuration.files.items()},
    )


def program(folder: VersionFolder, spec: Spec, configuration: Configuration) -> Program:
    """The program that becomes this instance. It names the spec and holds nothing else."""
    return Program(
        name=spec.name,
        # -I -S: nothing of this machine's Python set-up is read; the launcher needs none of it.
        argv=(sys.executable, "-I", "-S", str(Path(launch.__file__)), f"{spec.folder}/spec.json"),
        directory=spec.folder,
        log=str(folder.output(spec.name)),
        start_s=1.0,
        start_retries=START_RETRIES,
        stop_signal=configuration.stop.signal.removeprefix("SIG"),
        stop_wait_s=configuration.stop.grace_s,
        log_max_bytes=configuration.logs.size_max_bytes,
        log_keep=configuration.logs.keep,
    )


def _program(words: list[str], tree: Path, place: Path, path: str) -> str:
    """What to run: found in the artifact's `tree`, it will be run from the working tree at `place`."""
    if not words:
        raise Permanent("the configuration names no command to run")
    found = resolve(words[0], tree, path)
    if found is None and os.sep not in words[0]:
        hint = "; did you mean 'python3'?" if words[0] == "python" and resolve("python3", tree, path) else ""
        raise Permanent(f"there is no program {words[0]!r} on PATH ({path}){hint}")
    if found is None:
        raise Permanent(f"the artifact has no executable {words[0]!r}{_not_executable(tree / words[0])}")
    return str(place / words[0]) if os.sep in words[0] else found


def _not_executable(path: Path) -> str:
    """Why a file that is there cannot be run."""
    return (
        ": it is there, and may not be executed (`chmod +x` it before it is packed)" if path.is_file() else ""
    )


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.name or "\0" in name:
        raise Permanent(f"the configuration file {name!r} would lie outside the instance's folder")
    return str(path)


# What an instance's telemetry is to say of itself, as variables that every OpenTelemetry SDK reads.
#
# They are no part of the configuration: the same version has them anew in each release that starts it.
#
# Source: OpenTelemetry specification, "Resource SDK: specifying resource information via an environment variable"
# (pairs as in W3C Baggage, percent-encoded) and "General SDK configuration" (OTEL_SERVICE_NAME goes first); semantic
# conventions `service`, `deployment`, `vcs`.

SERVICE_NAME = "OTEL_SERVICE_NAME"
ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
_AS_IT_IS = "!#$&'()*+-./:<>?@[]^_`{|}~"
"""Of W3C Baggage's octets, those that need no percent sign: `,`, `;`, `=`, `%`, quotes and blanks do."""


def attributes(version: Version, release: str, commit: str, instance: str) -> dict[str, str]:
    """What is known of an instance of `version` that `release` started; what is not known is left out."""
    found = {
        "service.name": version.unit.service,
        "service.version": version.key,
        "service.instance.id": instance,
        "deployment.environment.name": version.unit.environment,
        "deployment.id": release,
        "vcs.ref.head.revision": commit,
    }
    return {name: value for name, value in found.items() if value}


def variables(known: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """The variables, with what the user said in `env`: their attributes and their name stay as they wrote them."""
    theirs = [pair.strip() for pair in env.get(ATTRIBUTES, "").split(",") if pair.strip()]
    said = {name.strip(): value.strip() for name, _, value in (pair.partition("=") for pair in theirs)}
    ours = [f"{name}={quote(value, safe=_AS_IT_IS)}" for name, value in known.items() if name not in said]
    named = {} if "service.name" in said else {SERVICE_NAME: known["service.name"]}
    if SERVICE_NAME in env:
        named = {SERVICE_NAME: env[SERVICE_NAME]}
    return named | {ATTRIBUTES: ",".join(ours + theirs)}
