"""Environments over services: each environment's services in full, every part with its place in the file."""

from collections.abc import Collection

from headgate.config.models.complaint import listed
from headgate.config.problems import closest
from headgate.config.tree import Entry, Fault, Fields, Mark, Node, Scalar

_EXTENSION = "x-"
# Mappings of which one key is chosen: there, an environment's choice takes the place of the service's own.
_CHOICES = {
    "secrets": frozenset({"file", "env"}),
    "probes": frozenset({"http", "tcp", "command"}),
    "rollout": frozenset({"cookie", "header"}),
}


def overlay(root: Fields) -> tuple[Fields, list[Fault]]:
    """The file as the models see it, and what is wrong with the way it was laid over.

    Top-level keys that begin with `x-` (places for anchors) are dropped; a file without `environments` has one,
    `production`; each environment's `services` holds every service, with the environment's changes merged in.
    """
    root = Fields(root.mark, {k: v for k, v in root.entries.items() if not k.startswith(_EXTENSION)})
    environments = root.get("environments")
    if environments is None or _blank(environments):
        key = root.entries["environments"].key if "environments" in root.entries else root.mark
        root = root.put("environments", Entry(key, _production(root.mark)))
    services = root.entries.get("services")
    if services is None or not isinstance(services.node, Fields):
        return root, []
    services = Entry(services.key, _with_text_env(services.node))
    root = root.put("services", services)
    environments = root.get("environments")
    if not isinstance(environments, Fields):
        return root, []
    faults: list[Fault] = []
    full: dict[str, Entry] = {}
    for name, entry in environments.entries.items():
        changed, unknown = _environment(entry.node, services)
        full[name] = Entry(entry.key, changed)
        faults += unknown
    key = root.entries["environments"].key
    return root.put("environments", Entry(key, Fields(environments.mark, full))), faults


def _production(mark: Mark) -> Fields:
    yes = Entry(mark, Scalar(mark, "true", value=True))
    return Fields(mark, {"production": Entry(mark, Fields(mark, {"production": yes}))})


def _environment(environment: Node, services: Entry) -> tuple[Node, list[Fault]]:
    """An environment with all its services, and a fault for each one it changes that there is not."""
    if _blank(environment):
        environment = Fields(environment.mark, {})
    if not isinstance(environment, Fields) or not isinstance(services.node, Fields):
        return environment, []
    changes = environment.entries.get("services")
    if changes is None or _blank(changes.node):
        return environment.put("services", services), []
    if not isinstance(changes.node, Fields):
        return environment, []
    known = services.node.entries
    faults = [
        _unknown(name, entry, known) for name, entry in changes.node.entries.items() if name not in known
    ]
    sensible = {name: entry for name, entry in changes.node.entries.items() if name in known}
    merged = merge(services.node, _with_text_env(Fields(changes.node.mark, sensible)))
    return environment.put("services", Entry(changes.key, merged)), faults


def _unknown(name: str, entry: Entry, known: Collection[str]) -> Fault:
    near = closest(name, known)
    hint = (
        f"did you mean `{near}`?" if near else "a service is described under `services` before it is changed"
    )
    return Fault(entry.key, f"there is no service `{name}`", listed(sorted(known)), hint)


def merge(under: Node, over: Node, path: tuple[str, ...] = ()) -> Node:
    """`over` on top of `under`, as a JSON merge patch (RFC 7396): mappings by key, null removes, all else replaces.

    Where one key of several is chosen (a secret's source, a probe's kind), the other choice is replaced as well.
    """
    if not isinstance(under, Fields) or not isinstance(over, Fields):
        return over
    entries = dict(under.entries)
    choices = _CHOICES.get(path[1], frozenset[str]()) if len(path) == _CHOICE_DEPTH else frozenset[str]()
    if choices & over.entries.keys():
        entries = {key: entry for key, entry in entries.items() if key not in choices}
    for key, entry in over.entries.items():
        if _blank(entry.node):
            entries.pop(key, None)
        elif key in entries:
            entries[key] = Entry(entry.key, merge(entries[key].node, entry.node, (*path, key)))
        else:
            entries[key] = entry
    return Fields(over.mark, entries)


_CHOICE_DEPTH = 3  # service, section, name: `web`, `secrets`, `API_KEY`


def _with_text_env(services: Fields) -> Fields:
    """Environment variables are text: `0644`, `1.10` and `true` stay what was written."""
    result = services
    for name, entry in services.entries.items():
        service = entry.node
        env = service.get("env") if isinstance(service, Fields) else None
        if isinstance(service, Fields) and isinstance(env, Fields):
            texts = {key: Entry(field.key, _as_text(field.node)) for key, field in env.entries.items()}
            changed = service.put("env", Entry(service.entries["env"].key, Fields(env.mark, texts)))
            result = result.put(name, Entry(entry.key, changed))
    return result


def _as_text(node: Node) -> Node:
    if isinstance(node, Scalar) and node.value is not None:
        return Scalar(node.mark, node.text, node.text)
    return node


def _blank(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None
