"""Every target; and the modules that read something, and why it is nothing foreign."""

from __future__ import annotations

from tests.fuzz.target import Target
from tests.fuzz.targets import answers, deliveries, files, hosts

TARGETS: tuple[Target, ...] = (*answers.TARGETS, *deliveries.TARGETS, *files.TARGETS, *hosts.TARGETS)
BY_NAME = {target.name: target for target in TARGETS}

READS = (
    r"json\.(?:loads|decode|Decoder)\b|\bjson_of\(|\btomllib\.loads|\byaml\.(?:parse|load)|\bParseFromString|\bcsv\.reader|"
    r"\b(?:tarfile|zipfile)\.\w*open|\bZipFile\(|\bparse_qsl?\(|\burl(?:split|join)\(|\.unpack\(|\bint\.from_bytes|"
    r"\bb64decode\(|\bxmlrpc\.client|\bcompose\(|\bshaped\(|\bdecompressobj\(|\bparsedate_to_datetime\("
)
"""How a module shows that it reads bytes or text that somebody else may have made."""

NOT_FOREIGN: dict[str, str] = {
    "testing/": "suites and fakes, of tests",
    "cli/demo/": "the demo's own shop",
    "lab/load/": "a journey that a person gives to the load generator, which has nothing of ours in its process",
    "cli/ask/judge": "a person's own file of criteria, by the parser of the project file",
    "cli/ask/client": "what our own door answers to the person who runs it, by unix socket",
    "cli/verbs/judge": "lines that a person pipes in; the same type as `judge-server` reads",
    "cli/render/foreign": "cuts text that was decoded",
    "unix_sockets": "the kernel's word",
    "marks": "a digest that was just made",
    "ports/keeper": "the address that a plugin asks, from its own settings",
    "plugins/targets/local/endpoints": "a digest that was just made",
    "plugins/targets/local/commands": "how a command ended, as our own wrapper wrote it into the home, of a fixed form",
    "plugins/processes/supervisord/client": "supervisord's answers by its own library, from our own daemon's socket",
    "plugins/processes/supervisord/program_file": "the section that we wrote, for supervisord",
    "testing/fakes/web": "the in-memory twin",
    "plugins/web/client/client": "where a redirect leads: tests/plugins/web/test_client.py has what is none",
    "plugins/web/client/origin": "addresses from settings, checked before",
    "web/doors/vouching": "the issuer's address, from the entrance, checked before",
    "web/api/reaching": "addresses in a body: see `api-body`; what is none names no host",
    "ports/errors": "what the others decode with",
    "ports/issuer": "addresses from settings; what is none is not guarded",
    "kit/sigv4": "the address that we ask",
    "kit/signature": "our own secret",
}
"""Modules that decode, and why a fuzz would say nothing of them. A row ends with `/` for a whole room."""
