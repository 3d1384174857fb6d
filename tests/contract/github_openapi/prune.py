"""Cut GitHub's OpenAPI description down to the operations that the fake serves.

    npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz package/generated/api.github.com.json
    python prune.py package/generated/api.github.com.json api.github.com.json

Keeps what the operations refer to; drops prose and examples. Corrects what GitHub's own answers contradict:

- a nullable enumeration also has the value null, which OpenAPI 3.0 otherwise excludes;
- an installation's account is a user *or* an enterprise, where the list of installations says *and*;
- contents have no discriminator: a folder's list has no property that could be one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

REPO = "/repos/{owner}/{repo}"
OPERATIONS = (
    "get /app",
    "get /app/hook/deliveries",
    "get /app/hook/deliveries/{delivery_id}",
    "post /app/hook/deliveries/{delivery_id}/attempts",
    "get /app/installations",
    "get /app/installations/{installation_id}",
    "post /app/installations/{installation_id}/access_tokens",
    "get /orgs/{org}/hooks/{hook_id}/deliveries",
    "get /orgs/{org}/hooks/{hook_id}/deliveries/{delivery_id}",
    "post /orgs/{org}/hooks/{hook_id}/deliveries/{delivery_id}/attempts",
    "get /orgs/{org}/installation",
    "get /orgs/{org}/members/{username}",
    "get /orgs/{org}/teams/{team_slug}/memberships/{username}",
    "get /rate_limit",
    f"get {REPO}",
    f"get {REPO}/branches/{{branch}}",
    f"get {REPO}/check-runs/{{check_run_id}}",
    f"patch {REPO}/check-runs/{{check_run_id}}",
    f"post {REPO}/check-runs",
    f"get {REPO}/collaborators/{{username}}",
    f"get {REPO}/collaborators/{{username}}/permission",
    f"get {REPO}/commits/{{ref}}",
    f"get {REPO}/commits/{{ref}}/check-runs",
    f"get {REPO}/commits/{{ref}}/status",
    f"get {REPO}/commits/{{ref}}/statuses",
    f"get {REPO}/compare/{{basehead}}",
    f"get {REPO}/contents/{{path}}",
    f"get {REPO}/git/commits/{{commit_sha}}",
    f"get {REPO}/git/ref/{{ref}}",
    f"get {REPO}/git/trees/{{tree_sha}}",
    f"get {REPO}/hooks/{{hook_id}}/deliveries",
    f"get {REPO}/hooks/{{hook_id}}/deliveries/{{delivery_id}}",
    f"post {REPO}/hooks/{{hook_id}}/deliveries/{{delivery_id}}/attempts",
    f"get {REPO}/installation",
    f"get {REPO}/issues/comments/{{comment_id}}",
    f"patch {REPO}/issues/comments/{{comment_id}}",
    f"delete {REPO}/issues/comments/{{comment_id}}",
    f"get {REPO}/issues/{{issue_number}}/comments",
    f"post {REPO}/issues/{{issue_number}}/comments",
    f"get {REPO}/issues/{{issue_number}}/labels",
    f"post {REPO}/issues/{{issue_number}}/labels",
    f"delete {REPO}/issues/{{issue_number}}/labels/{{name}}",
    f"get {REPO}/pulls",
    f"get {REPO}/pulls/{{pull_number}}",
    f"get {REPO}/pulls/{{pull_number}}/commits",
    f"get {REPO}/pulls/{{pull_number}}/files",
    f"post {REPO}/statuses/{{sha}}",
    f"get {REPO}/tarball/{{ref}}",
    "get /user",
    "get /users/{username}/installation",
)
DROPPED_KEYS = frozenset({"discriminator", "example", "examples", "externalDocs", "summary", "tags"})


def pruned(description: dict[str, Any]) -> dict[str, Any]:
    """The description of `OPERATIONS` alone.

    Raises:
        KeyError: The description lacks one of them.
    """
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        method, _, path = operation.partition(" ")
        paths.setdefault(path, {})[method] = clean(description["paths"][path][method])
    components: dict[str, dict[str, Any]] = {}
    due: list[Any] = [paths]
    while due:
        for kind, name in references(due.pop()):
            if name not in components.setdefault(kind, {}):
                components[kind][name] = clean(description["components"][kind][name])
                due.append(components[kind][name])
    info = {key: description["info"][key] for key in ("title", "version", "license")}
    servers = [{"url": server["url"]} for server in description["servers"]]
    return {
        "openapi": description["openapi"],
        "info": info,
        "servers": servers,
        "paths": paths,
        "components": {kind: dict(sorted(entries.items())) for kind, entries in sorted(components.items())},
    }


def clean(node: Any, *, names: bool = False) -> Any:
    """A copy without prose and examples; `names` says that the keys are names of properties, not keywords."""
    if isinstance(node, list):
        return [clean(item) for item in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {key: clean(value) for key, value in node.items()}
    kept = {}
    for key, value in node.items():
        if key in DROPPED_KEYS or key.startswith("x-"):
            continue
        if key == "description":
            kept[key] = ""  # an answer must have one
        else:
            kept[key] = clean(value, names=key in {"properties", "responses", "content", "headers"})
    if kept.get("nullable") and None not in kept.get("enum", [None]):
        kept["enum"] = [*kept["enum"], None]
    if [one.get("title") for one in kept.get("allOf", []) if "title" in one] == ["Simple User", "Enterprise"]:
        kept["anyOf"] = kept.pop("allOf")
    if "type" in kept:
        kept.pop("description", None)
    return kept


def references(node: Any) -> set[tuple[str, str]]:
    """The components (kind, name) that a part of the description refers to."""
    if isinstance(node, list):
        return {found for item in node for found in references(item)}
    if not isinstance(node, dict):
        return set()
    found = {found for value in node.values() for found in references(value)}
    target = node.get("$ref")
    if isinstance(target, str) and target.startswith("#/components/"):
        _, _, kind, name = target.split("/", 3)
        found.add((kind, name))
    return found


if __name__ == "__main__":
    source, target = (Path(argument) for argument in sys.argv[1:])
    text = json.dumps(pruned(json.loads(source.read_text())), separators=(",", ":"), sort_keys=True)
    target.write_text(text + "\n")
