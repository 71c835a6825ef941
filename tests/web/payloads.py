"""What other systems send to hooks, in the shapes of their documentation, proven as they do."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

COMMIT = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"
OLD = "95790bf891e76fee5e1747ab589903a6a1f80f22"
NONE = "0" * 40
STARTED = "2026-11-20T13:08:45.828Z"


@dataclass(frozen=True)
class Delivery:
    """A request to a hook: its headers and its body."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def but(self, **headers: str) -> Delivery:
        """The same with other headers (`_` for `-`); an empty one is left out."""
        changed = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return Delivery(self.body, {name: value for name, value in changed.items() if value})


Send = Callable[[str, Any], Delivery]
"""From a secret and what is to be said, to a delivery."""


def mac(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def encoded(payload: object) -> bytes:
    return payload if isinstance(payload, bytes) else msgspec.json.encode(payload)


def github(secret: str, payload: object, event: str = "push", delivery: str = "72d3162e") -> Delivery:
    body = encoded(payload)
    headers = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-github-hook-id": "292430182",
        "x-hub-signature-256": f"sha256={mac(secret, body)}",
    }
    return Delivery(body, headers)


def gitea(secret: str, payload: object, event: str = "push", delivery: str = "f6266f16") -> Delivery:
    body = encoded(payload)
    headers = {
        "content-type": "application/json",
        "x-gitea-event": event,
        "x-gitea-delivery": delivery,
        "x-gitea-signature": mac(secret, body),
    }
    return Delivery(body, headers)


def forgejo(secret: str, payload: object, event: str = "push", delivery: str = "f6266f16") -> Delivery:
    body = encoded(payload)
    headers = {
        "content-type": "application/json",
        "x-forgejo-event": event,
        "x-forgejo-delivery": delivery,
        "x-forgejo-signature": mac(secret, body),
    }
    return Delivery(body, headers)


def gitlab(secret: str, payload: object, event: str = "Push Hook", delivery: str = "13792a34") -> Delivery:
    headers = {
        "content-type": "application/json",
        "x-gitlab-event": event,
        "x-gitlab-event-uuid": delivery,
        "x-gitlab-token": secret,
    }
    return Delivery(encoded(payload), headers)


def gitlab_signed(
    secret: str, payload: object, event: str = "Push Hook", delivery: str = "f5e5f430", at: float = 1000.0
) -> Delivery:
    body, stamp = encoded(payload), str(int(at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{delivery}.{stamp}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "content-type": "application/json",
        "x-gitlab-event": event,
        "idempotency-key": delivery,
        "webhook-id": delivery,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }
    return Delivery(body, headers)


def bitbucket(secret: str, payload: object, event: str = "repo:push", delivery: str = "8db2c6c2") -> Delivery:
    body = encoded(payload)
    headers = {
        "content-type": "application/json",
        "x-event-key": event,
        "x-request-uuid": delivery,
        "x-attempt-number": "1",
        "x-hub-signature": f"sha256={mac(secret, body)}",
    }
    return Delivery(body, headers)


def alertmanager(secret: str, payload: object) -> Delivery:
    headers = {"content-type": "application/json", "authorization": f"Bearer {secret}"}
    return Delivery(encoded(payload), headers)


# --- what they say ----------------------------------------------------------------------------------------------------


def github_push(ref: str = "refs/heads/main", after: str = COMMIT, by: str = "octocat") -> dict[str, Any]:
    return {
        "ref": ref,
        "before": OLD,
        "after": after,
        "created": False,
        "deleted": after == NONE,
        "forced": False,
        "base_ref": None,
        "compare": "https://github.example.com/acme/shop/compare/95790bf891e7...da1560886d4f",
        "commits": [],
        "head_commit": None if after == NONE else {"id": after, "message": "Sell more"},
        "repository": {"id": 186853002, "name": "shop", "full_name": "acme/shop", "private": True},
        "pusher": {"name": by, "email": f"{by}@example.com"},
        "sender": {"login": by, "id": 21031067, "type": "User"},
    }


def github_merge(*, merged: bool = True) -> dict[str, Any]:
    return {
        "action": "closed",
        "number": 2,
        "pull_request": {
            "merged": merged,
            "merge_commit_sha": COMMIT,
            "base": {"label": "acme:main", "ref": "main", "sha": OLD},
            "merged_by": {"login": "octocat"} if merged else None,
        },
        "repository": {"full_name": "acme/shop"},
        "sender": {"login": "octocat"},
    }


def gitea_push(ref: str = "refs/heads/main", after: str = COMMIT) -> dict[str, Any]:
    return {
        "ref": ref,
        "before": OLD,
        "after": after,
        "compare_url": "http://git.example.com/acme/shop/compare",
        "commits": [{"id": after, "message": "Sell more\n"}],
        "repository": {"id": 140, "owner": {"login": "acme"}, "name": "shop", "full_name": "acme/shop"},
        "pusher": {"id": 1, "login": "gitea", "full_name": "Gitea", "username": "gitea"},
        "sender": {"id": 1, "login": "gitea", "full_name": "Gitea", "username": "gitea"},
    }


def gitlab_push(ref: str = "refs/heads/main", after: str = COMMIT) -> dict[str, Any]:
    return {
        "object_kind": "push",
        "before": OLD,
        "after": after,
        "ref": ref,
        "checkout_sha": None if after == NONE else after,
        "user_id": 4,
        "user_name": "A Person",
        "user_username": "person",
        "project_id": 15,
        "project": {"id": 15, "name": "Shop", "path_with_namespace": "acme/shop", "default_branch": "main"},
        "commits": [],
        "total_commits_count": 4,
    }


def gitlab_tag() -> dict[str, Any]:
    tag = gitlab_push("refs/tags/v1.0.0", "82b3d5ae55f7080f1e6022629cdb57bfae7cccc7")
    return tag | {"object_kind": "tag_push", "checkout_sha": COMMIT, "before": NONE}


def gitlab_merge(action: str = "merge") -> dict[str, Any]:
    return {
        "object_kind": "merge_request",
        "user": {"id": 1, "name": "Administrator", "username": "root"},
        "project": {"id": 1, "path_with_namespace": "acme/shop"},
        "object_attributes": {
            "id": 99,
            "target_branch": "main",
            "source_branch": "ms-viewport",
            "state": "merged",
            "action": action,
            "merge_commit_sha": COMMIT,
        },
    }


def bitbucket_push(after: str | None = COMMIT, kind: str = "branch", name: str = "main") -> dict[str, Any]:
    new = {"type": kind, "name": name, "target": {"type": "commit", "hash": after}} if after else None
    old = {"type": kind, "name": name, "target": {"type": "commit", "hash": OLD}}
    return {
        "actor": {"type": "user", "nickname": "person", "display_name": "A Person"},
        "repository": {"type": "repository", "name": "shop", "full_name": "acme/shop"},
        "push": {"changes": [{"new": new, "old": old, "created": False, "closed": after is None}]},
    }


def bitbucket_merge() -> dict[str, Any]:
    return {
        "actor": {"nickname": "person"},
        "repository": {"full_name": "acme/shop"},
        "pullrequest": {
            "id": 1,
            "state": "MERGED",
            "destination": {"branch": {"name": "main"}, "commit": {"hash": OLD}},
            "merge_commit": {"hash": COMMIT},
        },
    }


def alert(
    name: str = "HighErrorRate", status: str = "firing", since: str = STARTED, **labels: str
) -> dict[str, Any]:
    given = {"alertname": name, "severity": "critical", "job": "shop"} | labels
    return {
        "status": status,
        "labels": given,
        "annotations": {"summary": "Too many requests fail"},
        "startsAt": since,
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2026-11-20T14:08:45.828Z",
        "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=up",
        "fingerprint": hashlib.md5(encoded(given), usedforsecurity=False).hexdigest()[:16],
    }


def group(*alerts: dict[str, Any]) -> dict[str, Any]:
    firing = any(one["status"] == "firing" for one in alerts)
    return {
        "receiver": "headgate",
        "status": "firing" if firing else "resolved",
        "alerts": list(alerts),
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com:9093",
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
    }


def over(one: dict[str, Any]) -> dict[str, Any]:
    """The same alert, resolved."""
    return one | {"status": "resolved", "endsAt": "2026-11-20T14:08:45.828Z"}
