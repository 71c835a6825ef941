"""What the house allows, as tables. Add a row here (and say why in the commit) rather than an exception in a rule."""

from __future__ import annotations

# A third-party library has one home (law 4): these places under src/headgate may import it, and no others.
# "cli" means cli.py or anything under cli/; a trailing star also takes what begins so.
# A library without a row is refused.
HOMES: dict[str, tuple[str, ...]] = {
    "apprise": ("plugins/notifiers",),
    "click": ("cli",),
    "envoy": ("plugins/traffic",),
    "google": ("plugins/vendors/otlp",),  # protobuf
    "h11": ("lab/load/client", "web/http/connections"),
    "httpx2": ("plugins", "cli/ask/client"),
    "jinja2": ("web",),
    "jwt": ("plugins/issuers/openid",),
    "markupsafe": ("web",),
    "opentelemetry": ("plugins/vendors/otlp",),
    "prometheus_client": ("web",),
    "psutil": ("plugins/targets",),
    "psycopg": ("plugins/signals",),
    "pydantic": ("config",),
    "pydantic_core": ("config",),
    "pytest": ("testing",),
    "rich": ("cli",),
    "starlette": ("web",),
    "supervisor": ("plugins/processes",),
    "uvicorn": ("web",),
    "yaml": ("config",),
    # of the standard library
    "sqlite3": ("ledger/sqlite*",),
}

# The vocabulary of every room: frozen structs and their wire format.
AT_HOME_ANYWHERE = frozenset({"msgspec"})

# Law 1: the core is pure. Nothing here can read a clock, a file, a random number or the environment.
CORE_MAY_IMPORT = frozenset(
    {
        "__future__",
        "bisect",
        "collections",
        "dataclasses",
        "enum",
        "fractions",
        "functools",
        "heapq",
        "itertools",
        "math",
        "msgspec",
        "operator",
        "shlex",
        "types",
        "typing",
        "unicodedata",  # tables, as pure as math
    }
)

# Law 3, where layers say too little: only these rooms import that room.
GUESTS: dict[str, tuple[str, ...]] = {
    "plugins": ("wiring", "sight"),
    "lab": ("cli",),
}

# Names that say nothing about what is inside.
EMPTY_NAMES = frozenset(
    {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
)

# Figures of speech: a file is named by the field's word for what it does.
FIGURES = frozenset(
    {
        "accompany",
        "backstage",
        "carry",
        "company",
        "deed",
        "deeds",
        "desk",
        "errand",
        "errands",
        "foresight",
        "helm",
        "manner",
        "parting",
        "rejudging",
        "standing",
        "standings",
        "wish",
        "wishes",
        "word",
    }
)

# Rooms that talk to a person on standard output.
MAY_PRINT = ("cli", "lab/load")
MAY_ECHO = ("cli/screen", "cli/group")

# Who may name the kind of socket: a unix socket's address is short, and a home's path may not be.
MAKE_UNIX_SOCKETS = ("unix_sockets", "web/http/serve")

# What needs no longer life than a command's.
MAY_BE_TEMPORARY = ("cli/demo", "cli/verbs/demo", "lab/simulation", "testing")

# Who makes folders by itself: an application's, a person's, or for the machine's memory. All others are a home's.
MAKE_FOLDERS = (
    "cli/demo",
    "folders",
    "homes/__init__",
    "plugins/artifacts/folder",
    "plugins/targets/local/worktree",
    "lab/simulation",
    "testing",
)

# Who catches what a library raises by its own names: load imports nothing of the project, OTLP decodes protobuf.
DECODE_THEMSELVES = ("lab/load", "plugins/vendors/otlp/protocol")

FILE_LINES_MAX = 350  # the guide is 300
FUNCTION_LINES_MAX = 80  # the guide is 70
