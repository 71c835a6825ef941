"""Kubernetes manifests: ports, probes, replicas, environment and the names of secrets of the first Deployment."""

import re
from pathlib import Path
from typing import Any, cast

from headgate.config.compose import compose
from headgate.config.detection.found import Found, files_below, text_of
from headgate.config.tree import plain

_FOLDERS = ("", "k8s/", "kubernetes/", "deploy/", "manifests/", "kube/")
_KINDS = ("Deployment", "StatefulSet")
_PROBES = {"startup": "startupProbe", "readiness": "readinessProbe", "liveness": "livenessProbe"}
_DOCUMENTS_MAX = 100
_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)


def look(folder: Path) -> Found | None:
    """What the first workload among the manifests says; None without one."""
    for place in _FOLDERS:
        for path in [*files_below(folder, f"{place}*.yaml"), *files_below(folder, f"{place}*.yml")]:
            for document in _documents(text_of(path)):
                container = _container(document)
                if container is not None and document.get("kind") in _KINDS:
                    return _found(str(path.relative_to(folder)), document, container)
    return None


def _documents(text: str) -> list[dict[str, Any]]:
    """Read as our own file is, within its bounds: YAML's own loader recurses in C, and writes out merged aliases."""
    if "kind:" not in text:
        return []
    roots = [compose(part)[0] for part in _DOCUMENT.split(text, _DOCUMENTS_MAX)]
    found = [plain(root) for root in roots if root is not None]
    return [cast("dict[str, Any]", document) for document in found if isinstance(document, dict)]


def _at(data: object, *path: str | int) -> Any:  # noqa: ANN401 - a manifest is anybody's data
    for part in path:
        if isinstance(data, dict):
            data = cast("dict[object, object]", data).get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(cast("list[object]", data)):
            data = cast("list[object]", data)[part]
        else:
            return None
    return data


def _container(document: dict[str, Any]) -> dict[str, Any] | None:
    found = _at(document, "spec", "template", "spec", "containers", 0)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _found(because: str, document: dict[str, Any], container: dict[str, Any]) -> Found:
    port = _at(container, "ports", 0, "containerPort")
    replicas = _at(document, "spec", "replicas")
    values: dict[str, str] = {}
    secrets: list[str] = []
    for variable in _list(container.get("env")):
        name, value = _at(variable, "name"), _at(variable, "value")
        if _at(variable, "valueFrom", "secretKeyRef"):
            secrets.append(str(name))
        elif isinstance(name, str) and isinstance(value, str) and name != "PORT":
            values[name] = value
    probes = {name: found for name, key in _PROBES.items() if (found := _probe(container.get(key)))}
    words = [
        word for key in ("command", "args") for word in _list(container.get(key)) if isinstance(word, str)
    ]
    run = tuple(
        word.replace("$(PORT)", "{port}").replace(str(port), "{port}") if port else word for word in words
    )
    return Found(
        because,
        run=run,
        port=port if isinstance(port, int) else None,
        instances=replicas if isinstance(replicas, int) and 1 <= replicas <= 100 else None,  # noqa: PLR2004 - as a service's
        env=values,
        secrets=tuple(secrets),
        probes=probes,
    )


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _probe(probe: object) -> str:
    path = _at(probe, "httpGet", "path")
    if isinstance(path, str):
        return path if path.startswith("/") else f"/{path}"
    return "tcp" if _at(probe, "tcpSocket") or _at(probe, "grpc") else ""
