"""The GitHub port over REST."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from prowless.adapters.github import archives, payloads
from prowless.adapters.github.client import GitHubClient
from prowless.adapters.github.paths import Origin, repository_path, segment, segments
from prowless.adapters.github.payloads import understood
from prowless.adapters.github.secret import SecretAuth
from prowless.adapters.github.transport import RAW, Transport
from prowless.domain.errors import NotFoundError, PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from prowless.adapters.github.auth import Auth
    from prowless.ports.clock import Clock
    from prowless.ports.github import ChangedFile, CheckRun, Comment, Commit, PullRequest, Status, TreeEntry

PUBLIC_API = "https://api.github.com"
PUBLIC_HOSTS = frozenset({"codeload.github.com"})  # where api.github.com sends who asks for an archive
COMPARE_LIMIT = 300  # files in a comparison, however many differ
COMMIT_PAGES = 10  # 1000 commits of a comparison
FILE_PAGES = 30  # 3000 files of a pull request
TAG_DEPTH = 5


class RestGitHub:
    """`prowless.ports.github.GitHub` for api.github.com and GitHub Enterprise Server. Make one with `connect`."""

    def __init__(self, client: GitHubClient, auth: Auth) -> None:
        self.client = client
        self._auth = auth
        self._login = ""

    def __repr__(self) -> str:
        return f"RestGitHub({self.client!r})"

    def close(self) -> None:
        """Close the kept connections."""
        self.client.close()

    def login(self) -> str:
        """Who we are: the token's user, or `<app>[bot]`. Asked once per process."""
        if not self._login:
            with understood("our own login"):
                self._login = self._auth.login(lambda path: self.client.json("GET", path))
        return self._login

    def pull(self, repository: str, number: int) -> PullRequest:
        """The pull request now."""
        data = self.client.json("GET", f"{repository_path(repository)}/pulls/{number:d}")
        with understood(f"pull request {repository}#{number}"):
            return payloads.pull_request(repository, data)

    def pull_files(self, repository: str, number: int) -> list[ChangedFile]:
        """Changed files, at most GitHub's 3000."""
        path = f"{repository_path(repository)}/pulls/{number:d}/files"
        # GitHub stops at 3000 by itself; one page more shows that it did.
        return self._list(path, payloads.changed_file, max_pages=FILE_PAGES + 1)

    def parents(self, repository: str, sha: str) -> tuple[str, ...]:
        """A commit's parents, in order."""
        data = self.client.json("GET", f"{repository_path(repository)}/git/commits/{segment(sha)}")
        with understood(f"commit {sha} of {repository}"):
            return tuple(str(parent["sha"]) for parent in data["parents"])

    def ref(self, repository: str, ref: str) -> str:
        """The commit a ref (`heads/main`, `tags/v1`, `pull/7/merge`) points to; annotated tags are peeled."""
        root = repository_path(repository)
        data = self.client.json("GET", f"{root}/git/ref/{segments(ref)}")
        for _ in range(TAG_DEPTH):
            with understood(f"ref {ref} of {repository}"):
                kind, sha = str(data["object"]["type"]), str(data["object"]["sha"])
            if kind != "tag":
                return sha
            data = self.client.json("GET", f"{root}/git/tags/{segment(sha)}")
        raise PermanentError(f"GitHub: ref {ref} of {repository} is a tag of a tag, more than {TAG_DEPTH} deep")

    def compare(self, repository: str, base: str, head: str) -> list[ChangedFile]:
        """Files that `head` changed since it left `base`.

        GitHub lists 300 at most; beyond that the two trees are compared, where a rename is a removal and an addition.

        Raises:
            PermanentError: There are more files than GitHub shows either way; and what every call raises.
        """
        # The files are all on the first page, however few commits it has.
        basehead = f"{segment(base)}...{segment(head)}"
        data = self.client.json("GET", f"{repository_path(repository)}/compare/{basehead}?per_page=1")
        with understood(f"comparison {base}...{head} of {repository}"):
            files = [payloads.changed_file(file) for file in data.get("files") or ()]
            start = str(data["merge_base_commit"]["sha"])
        if len(files) < COMPARE_LIMIT:
            return files
        return payloads.tree_changes(self.tree(repository, start), self.tree(repository, head))

    def commits(self, repository: str, base: str, head: str) -> list[Commit]:
        """Commits that `head` has and `base` has not, the first thousand, in GitHub's order."""
        path = f"{repository_path(repository)}/compare/{segment(base)}...{segment(head)}"
        return self._list(path, payloads.commit, key="commits", max_pages=COMMIT_PAGES)

    def contents(self, repository: str, path: str, ref: str) -> bytes:
        """A file at a commit.

        Raises:
            NotFoundError: No such file, or a directory.
        """
        url = f"{repository_path(repository)}/contents/{segments(path)}?ref={segment(ref)}"
        response = self.client.call("GET", url, accept=RAW)
        # Files come as application/vnd.github.raw; what has no bytes of its own comes as JSON.
        if response.header("content-type").partition(";")[0].strip() == "application/json":
            raise NotFoundError(f"GitHub: {path} of {repository} at {ref} is not a file")
        return response.body

    def archive(self, repository: str, sha: str, wanted: Callable[[str], bool]) -> dict[str, bytes]:
        """The wanted files of a commit by path; links and very large files are left out, and what git leaves out.

        Raises:
            TooLargeError: Beyond the limits of `prowless.adapters.github.archives`.
        """
        path = f"{repository_path(repository)}/tarball/{segment(sha)}"
        data = self.client.call("GET", path, max_body_bytes=archives.MAX_PACKED).body
        return archives.unpack(f"GitHub: the archive of {repository} at {sha}", data, wanted)

    def entries(self, repository: str, sha: str, *, recursive: bool = False) -> list[TreeEntry]:
        """What is in a commit's root or a tree; with `recursive` below it too, with whole paths.

        Raises:
            PermanentError: GitHub truncated the listing (100,000 entries or 7 MB).
        """
        query = "?recursive=1" if recursive else ""
        data = self.client.json("GET", f"{repository_path(repository)}/git/trees/{segment(sha)}{query}")
        with understood(f"tree {sha} of {repository}"):
            truncated = bool(data.get("truncated"))
            found = [payloads.tree_entry(entry) for entry in data["tree"]]
        if truncated:
            raise PermanentError(f"GitHub: the tree of {repository} at {sha} is too large: its listing is truncated")
        return found

    def tree(self, repository: str, sha: str) -> dict[str, str]:
        """Path to blob SHA of every file below a commit or tree; submodules are left out.

        Raises:
            PermanentError: see `entries`.
        """
        found = self.entries(repository, sha, recursive=True)
        return {entry.path: entry.sha for entry in found if entry.type == "blob"}

    def statuses(self, repository: str, sha: str) -> dict[str, Status]:
        """The effective status of each context (the combined status, all pages)."""
        path = f"{repository_path(repository)}/commits/{segment(sha)}/status"
        found = self._list(path, payloads.status, key="statuses")
        return {status.context: status for status in found}

    def create_status(self, repository: str, sha: str, status: Status) -> None:
        """Post a status; nothing is shortened."""
        self.client.json("POST", f"{repository_path(repository)}/statuses/{segment(sha)}", payloads.status_body(status))

    def check_runs(self, repository: str, sha: str) -> list[CheckRun]:
        """The newest check run of each name and App, newest first."""
        path = f"{repository_path(repository)}/commits/{segment(sha)}/check-runs"
        return self._list(path, payloads.check_run, key="check_runs")

    def create_check_run(self, repository: str, sha: str, run: CheckRun, title: str, summary: str) -> None:
        """Post a completed check run with its title and summary (Markdown); only Apps may."""
        body = {"name": run.name, "head_sha": sha, "status": "completed", "conclusion": run.conclusion}
        output = {"title": title, "summary": summary}
        self.client.json("POST", f"{repository_path(repository)}/check-runs", {**body, "output": output})

    def required_contexts(self, repository: str, branch: str) -> tuple[str, ...]:
        """The contexts that the branch's protection requires; none if it is not protected.

        Told with the branch itself, so it needs no permission to administer the repository.
        """
        data = self.client.json("GET", f"{repository_path(repository)}/branches/{segment(branch)}")
        with understood(f"branch {branch} of {repository}"):
            required = (data.get("protection") or {}).get("required_status_checks") or {}
            return tuple(str(context) for context in required.get("contexts") or ())

    def is_member(self, org: str, user: str) -> bool:
        """Whether the user is a member of the organisation, or is it (`pkg/github/client.go:1348`).

        Where we are no member ourselves GitHub redirects to the public members, and so only those are seen.
        """
        if org.lower() == user.lower():
            return True
        return self._exists(f"/orgs/{segment(org)}/members/{segment(user)}")

    def is_team_member(self, org: str, team: str, user: str) -> bool:
        """Whether the user is in the team of that slug or one below it; of a team that is not there nobody is."""
        try:
            data = self.client.json("GET", f"/orgs/{segment(org)}/teams/{segment(team)}/memberships/{segment(user)}")
        except NotFoundError:
            return False
        with understood(f"the membership of {user} in team {team} of {org}"):
            return bool(data["state"] == "active")

    def is_collaborator(self, repository: str, user: str) -> bool:
        """Whether the user is a collaborator of the repository."""
        return self._exists(f"{repository_path(repository)}/collaborators/{segment(user)}")

    def permission(self, repository: str, user: str) -> str:
        """What a user may do in the repository: admin, write, read or none, which also strangers have."""
        path = f"{repository_path(repository)}/collaborators/{segment(user)}/permission"
        try:
            data = self.client.json("GET", path)
        except NotFoundError:
            return "none"
        with understood(f"the permission of {user} in {repository}"):
            return str(data["permission"])

    def comments(self, repository: str, number: int) -> Sequence[Comment]:
        """All comments of an issue or pull request, oldest first."""
        return self._list(f"{repository_path(repository)}/issues/{number:d}/comments", payloads.comment)

    def create_comment(self, repository: str, number: int, body: str) -> int:
        """Post a comment; its id."""
        data = self.client.json("POST", f"{repository_path(repository)}/issues/{number:d}/comments", {"body": body})
        with understood(f"the new comment on {repository}#{number}"):
            return int(data["id"])

    def update_comment(self, repository: str, comment_id: int, body: str) -> None:
        """Edit a comment."""
        self.client.json("PATCH", f"{repository_path(repository)}/issues/comments/{comment_id:d}", {"body": body})

    def delete_comment(self, repository: str, comment_id: int) -> None:
        """Delete a comment; one that is gone is not an error."""
        self._delete(f"{repository_path(repository)}/issues/comments/{comment_id:d}")

    def add_label(self, repository: str, number: int, label: str) -> None:
        """Put a label on an issue or pull request; one that is there already stays."""
        path = f"{repository_path(repository)}/issues/{number:d}/labels"
        self.client.json("POST", path, {"labels": [label]}, repeatable=True)

    def remove_label(self, repository: str, number: int, label: str) -> None:
        """Take a label off; one that is not there is not an error."""
        self._delete(f"{repository_path(repository)}/issues/{number:d}/labels/{segment(label)}")

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Any other call: decoded JSON or None. `path` is absolute and quoted; only POST is never repeated."""
        return self.client.json(method, path, body)

    def _list(
        self, path: str, convert: Callable[[Any], Any], *, key: str | None = None, max_pages: int | None = None
    ) -> list[Any]:
        found: list[Any] = []
        for page in self._pages(f"{path}?per_page=100", max_pages):
            with understood(path):
                found.extend(convert(item) for item in (page if key is None else page[key]))
        return found

    def _pages(self, path: str, max_pages: int | None) -> Iterator[Any]:
        return self.client.pages(path) if max_pages is None else self.client.pages(path, max_pages=max_pages)

    def _exists(self, path: str) -> bool:
        try:
            self.client.call("GET", path)
        except NotFoundError:
            return False
        return True

    def _delete(self, path: str) -> None:
        try:
            self.client.call("DELETE", path)
        except NotFoundError:
            return


def connect(
    api_url: str,
    secret: Callable[[], str],
    clock: Clock,
    *,
    hosts: Iterable[str] = (),
    ca_certs: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> RestGitHub:
    """GitHub with the credentials of a secret. Keep one per process; it connects and reads the secret when first used.

    Args:
        api_url: The API root.
        secret: The secret's present text, JSON as `parse_secret` takes it. It is asked at every call, so it should
            keep what it fetched; another text is taken over at once.
        clock: The time.
        hosts: Further hosts that GitHub may redirect downloads to, beside its own `codeload.` one.
        ca_certs: A file of certificate authorities, for an Enterprise Server with its own.
        sleep: Waits so many seconds.
        jitter: A random number from 0 to 1.

    Raises:
        ConfigError: The URL cannot be used; later, from any call: the secret cannot.
    """
    origin = Origin.of(api_url)
    downloads = PUBLIC_HOSTS if origin == Origin.of(PUBLIC_API) else {f"codeload.{origin.host}"} if origin else ()
    transport = Transport(
        api_url,
        hosts=[*hosts, *downloads],
        clock=clock,
        sleep=sleep,
        jitter=jitter,
        ca_certs=ca_certs,
    )
    auth = SecretAuth(secret, transport, clock)
    return RestGitHub(GitHubClient(transport, auth), auth)
