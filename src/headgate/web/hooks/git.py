"""Pushes, tags and merges, as Git hosts send them; all else that they send leads to nothing.

Sources: GitHub, "Webhook events and payloads" (`ping`, `push`, `pull_request`); Gitea and Forgejo, "Webhooks" (the
same shapes); GitLab, "Webhook events" (`Push Hook`, `Tag Push Hook`, `Merge Request Hook`); Bitbucket Cloud, "Event
payloads" (`repo:push`, `pullrequest:fulfilled`).
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from headgate.core.model import Push, Vendor
from headgate.web.hooks.news import News, brief, decoded

PUSHES_MAX = 20
"""So many branches and tags of one delivery are written down."""

_BRANCH, _TAG = "refs/heads/", "refs/tags/"


def read(vendor: Vendor, event: str, body: bytes) -> News:
    """What is said of branches and tags. Raises Problem."""
    reader = _READERS.get((vendor, event))
    if reader is None:
        decoded(body, _Anything)
        return News(event, unknown=True)
    return News(event, pushes=reader(body)[:PUSHES_MAX])


class _Anything(msgspec.Struct, frozen=True):
    """An object."""


# --- GitHub, Gitea, Forgejo ---------------------------------------------------------------------------------------


class _Account(msgspec.Struct, frozen=True):
    login: str | None = None
    username: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        return brief(self.login or self.username or self.name)


class _Repository(msgspec.Struct, frozen=True):
    full_name: str


class _HeadCommit(msgspec.Struct, frozen=True):
    id: str


class _Push(msgspec.Struct, frozen=True):
    ref: str
    after: str
    repository: _Repository
    head_commit: _HeadCommit | None = None
    sender: _Account | None = None
    pusher: _Account | None = None


class _Base(msgspec.Struct, frozen=True):
    ref: str


class _PullRequest(msgspec.Struct, frozen=True):
    base: _Base
    merged: bool | None = False
    merge_commit_sha: str | None = None
    merged_by: _Account | None = None


class _PullRequestNews(msgspec.Struct, frozen=True):
    action: str
    pull_request: _PullRequest
    repository: _Repository
    sender: _Account | None = None


def _pushed(body: bytes) -> tuple[Push, ...]:
    found = decoded(body, _Push)
    commit = _commit(found.after, found.head_commit.id if found.head_commit else None)
    return _moved(found.ref, commit, found.repository.full_name, str(found.sender or found.pusher or ""))


def _merged(body: bytes) -> tuple[Push, ...]:
    found = decoded(body, _PullRequestNews)
    request = found.pull_request
    if found.action != "closed" or not request.merged:
        return ()
    by = str(request.merged_by or found.sender or "")
    commit = brief(request.merge_commit_sha)
    return (Push("merge", brief(found.repository.full_name), brief(request.base.ref), commit, by),)


# --- GitLab -------------------------------------------------------------------------------------------------------


class _Project(msgspec.Struct, frozen=True):
    path_with_namespace: str


class _GitlabPush(msgspec.Struct, frozen=True):
    ref: str
    after: str
    project: _Project
    checkout_sha: str | None = None
    user_username: str | None = None
    user_name: str | None = None


class _GitlabRequest(msgspec.Struct, frozen=True):
    target_branch: str
    action: str | None = None
    merge_commit_sha: str | None = None


class _GitlabMerge(msgspec.Struct, frozen=True):
    object_attributes: _GitlabRequest
    project: _Project
    user: _Account | None = None


def _gitlab_pushed(body: bytes) -> tuple[Push, ...]:
    found = decoded(body, _GitlabPush)
    by = brief(found.user_username or found.user_name)
    commit = _commit(found.after, found.checkout_sha)
    return _moved(found.ref, commit, found.project.path_with_namespace, by)


def _gitlab_merged(body: bytes) -> tuple[Push, ...]:
    found = decoded(body, _GitlabMerge)
    request = found.object_attributes
    if request.action != "merge":
        return ()
    user = found.user
    by = brief(user.username or user.name) if user else ""
    place, commit = brief(found.project.path_with_namespace), brief(request.merge_commit_sha)
    return (Push("merge", place, brief(request.target_branch), commit, by),)


# --- Bitbucket Cloud ----------------------------------------------------------------------------------------------


class _Actor(msgspec.Struct, frozen=True):
    nickname: str | None = None
    display_name: str | None = None

    def __str__(self) -> str:
        return brief(self.nickname or self.display_name)


class _Commit(msgspec.Struct, frozen=True):
    hash: str


class _Ref(msgspec.Struct, frozen=True):
    name: str
    type: str = "branch"
    target: _Commit | None = None


class _Change(msgspec.Struct, frozen=True):
    old: _Ref | None = None
    new: _Ref | None = None


class _Changes(msgspec.Struct, frozen=True):
    changes: list[_Change]


class _BitbucketPush(msgspec.Struct, frozen=True):
    push: _Changes
    repository: _Repository
    actor: _Actor | None = None


class _Destination(msgspec.Struct, frozen=True):
    branch: _Account


class _BitbucketRequest(msgspec.Struct, frozen=True):
    destination: _Destination
    merge_commit: _Commit | None = None


class _BitbucketMerge(msgspec.Struct, frozen=True):
    pullrequest: _BitbucketRequest
    repository: _Repository
    actor: _Actor | None = None


def _bitbucket_pushed(body: bytes) -> tuple[Push, ...]:
    found = decoded(body, _BitbucketPush)
    place, by = brief(found.repository.full_name), str(found.actor or "")
    moved: list[Push] = []
    for change in found.push.changes:
        ref = change.new or change.old
        if ref is not None:
            kind: Literal["branch", "tag"] = "tag" if ref.type == "tag" else "branch"
            commit = change.new.target.hash if change.new and change.new.target else ""
            moved.append(Push(kind, place, brief(ref.name), brief(commit), by))
    return tuple(moved)


def _bitbucket_merged(body: bytes) -> tuple[Push, ...]:
    found = decoded(body, _BitbucketMerge)
    request = found.pullrequest
    commit = brief(request.merge_commit.hash) if request.merge_commit else ""
    place, by = brief(found.repository.full_name), str(found.actor or "")
    return (Push("merge", place, str(request.destination.branch), commit, by),)


def _commit(after: str, commit: str | None) -> str:
    """Where it stands: `after` may be a tag's own object, `commit` never is. All zeros: it is gone."""
    return brief(commit or after) if after.strip("0") else ""


def _moved(ref: str, commit: str, repository: str, by: str) -> tuple[Push, ...]:
    """A push of a branch or a tag. Other refs (notes, say) are nothing to us."""
    if ref.startswith(_BRANCH):
        return (Push("branch", brief(repository), brief(ref.removeprefix(_BRANCH)), commit, by),)
    if ref.startswith(_TAG):
        return (Push("tag", brief(repository), brief(ref.removeprefix(_TAG)), commit, by),)
    return ()


_READERS: dict[tuple[Vendor, str], Callable[[bytes], tuple[Push, ...]]] = {
    ("github", "push"): _pushed,
    ("github", "pull_request"): _merged,
    ("gitea", "push"): _pushed,
    ("gitea", "pull_request"): _merged,
    ("gitlab", "Push Hook"): _gitlab_pushed,
    ("gitlab", "Tag Push Hook"): _gitlab_pushed,
    ("gitlab", "Merge Request Hook"): _gitlab_merged,
    ("bitbucket", "repo:push"): _bitbucket_pushed,
    ("bitbucket", "pullrequest:fulfilled"): _bitbucket_merged,
}
