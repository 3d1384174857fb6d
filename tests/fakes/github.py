"""GitHub in memory: simple state, GitHub's rules where callers can see them, every call recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from prowless.domain.errors import NotFoundError, PermanentError
from prowless.ports.github import ChangedFile, CheckRun, Comment, Commit, PullRequest, Status, TreeEntry
from tests.fakes.github_people import MemoryPeople
from tests.fakes.github_repository import MemoryCommit, MemoryRepository, blob_sha

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

STATUS_LIMIT = 1000
FILE_LIMIT = 3000
STATES = frozenset({"error", "failure", "pending", "success"})
T = TypeVar("T")


class MemoryGitHub(MemoryPeople):
    """The port `prowless.ports.github.GitHub` over Python values.

    Set up with `create_repository`, `commit`, `open_pull`, `push`, `comment`, `add_member`. `calls` holds every call of
    the port as (method name, arguments); `fail` makes the next call of a method raise, before or after its effect.
    """

    def __init__(self, login: str = "prowless[bot]") -> None:
        super().__init__()
        self.repositories: dict[str, MemoryRepository] = {}
        self.answers: dict[tuple[str, str], Any] = {}
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self._login = login
        self._failures: dict[str, list[tuple[Exception, bool]]] = {}
        self._serial = 0

    # Setting up.

    def create_repository(self, name: str, files: Mapping[str, bytes | str] | None = None) -> MemoryRepository:
        """A repository with one commit on `main`."""
        repository = self.repositories[name] = MemoryRepository(name=name)
        self.commit(name, {"README.md": b""} | dict(files or {}))
        return repository

    def commit(
        self,
        repository: str,
        files: Mapping[str, bytes | str | None],
        *,
        branch: str = "main",
        parents: Sequence[str] | None = None,
    ) -> str:
        """Put a commit on a branch and return its SHA; None as content deletes a file. Open pulls are merged anew."""
        repo = self._repository(repository)
        if parents is None:
            head = repo.refs.get(f"heads/{branch}")
            parents = [head] if head else []
        sha = repo.store(files, tuple(parents))
        repo.refs[f"heads/{branch}"] = sha
        for pull in list(repo.pulls.values()):
            if pull.state == "open" and pull.base_ref == branch:
                repo.merge(pull)
        return sha

    def open_pull(
        self,
        repository: str,
        files: Mapping[str, bytes | str | None],
        *,
        author: str = "alice",
        title: str = "A change",
        body: str = "",
        base: str = "main",
        head: str = "",
        draft: bool = False,
        head_repository: str = "",
        labels: Sequence[str] = (),
    ) -> PullRequest:
        """Open a pull request with one commit on the base's head, mergeable, its test merge at `pull/N/merge`."""
        repo = self._repository(repository)
        self._serial += 1
        number = 1 + max([0, *repo.pulls])
        base_sha = repo.refs[f"heads/{base}"]
        head_sha = repo.store(files, (base_sha,))
        fork = head_repository or f"{author}/{repository.partition('/')[2]}"
        pull = PullRequest(
            repository=repository,
            number=number,
            title=title,
            body=body,
            author=author,
            state="open",
            draft=draft,
            merged=False,
            mergeable=True,
            merge_commit_sha="",
            head_sha=head_sha,
            head_ref=head or f"change-{number}",
            head_repository=fork,
            base_ref=base,
            base_sha=base_sha,
            html_url=f"https://github.com/{repository}/pull/{number}",
            updated_at=self._time(),
        )
        repo.pulls[number] = pull
        repo.labels[number] = list(labels)
        repo.comments[number] = []
        return repo.merge(pull)

    def push(self, repository: str, number: int, files: Mapping[str, bytes | str | None]) -> PullRequest:
        """Add a commit to a pull request and return it with its new head and test merge."""
        repo = self._repository(repository)
        pull = repo.pulls[number]
        head = repo.store(files, (pull.head_sha,))
        return repo.merge(replace(pull, head_sha=head, updated_at=self._time()))

    def change_pull(self, repository: str, number: int, **changes: Any) -> PullRequest:
        """Set fields of a pull request (`state="closed"`, `mergeable=None`, `draft=True` and so on)."""
        repo = self._repository(repository)
        repo.labels[number] = list(changes.pop("labels", repo.labels[number]))
        pull = repo.pulls[number] = replace(repo.pulls[number], updated_at=self._time(), **changes)
        return pull

    def comment(self, repository: str, number: int, author: str, body: str) -> int:
        """Put somebody's comment on a pull request; its id."""
        self._serial += 1
        thread = self._thread(repository, number)
        thread.append(Comment(id=self._serial, author=author, body=body))
        return self._serial

    def queue(self, repository: str, numbers: Sequence[int], *, squash: bool = False) -> str:
        """Make a merge group of pulls on their base, with its branch; the group's head."""
        repo = self._repository(repository)
        start = tip = repo.refs[f"heads/{repo.pulls[numbers[0]].base_ref}"]
        for number in numbers:
            pull = repo.pulls[number]
            changed = {file.filename: repo.commits[pull.head_sha].files.get(file.filename)
                       for file in repo.changes(start, pull.head_sha)}  # fmt: skip
            parents = (tip,) if squash else (tip, pull.head_sha)
            title = f"{pull.title} (#{number})" if squash else f"Merge pull request #{number} from {pull.head_ref}"
            tip = repo.store(changed, parents, f"{title}\n\n{pull.body}")
        repo.refs[f"heads/gh-readonly-queue/{repo.pulls[numbers[0]].base_ref}/pr-{numbers[-1]}-{start}"] = tip
        return tip

    def answer(self, method: str, path: str, value: Any) -> None:
        """What `request(method, path)` returns; a callable gets the body, an exception is raised."""
        self.answers[method, path] = value

    def fail(self, method: str, error: Exception, *, after: bool = False, times: int = 1) -> None:
        """Make the next `times` calls of a method of the port raise; `after=True` lets them take effect first."""
        self._failures.setdefault(method, []).extend([(error, after)] * times)

    def calls_of(self, method: str) -> list[tuple[Any, ...]]:
        """The arguments of each call of one method, in order."""
        return [arguments for name, arguments in self.calls if name == method]

    # The port.

    def login(self) -> str:
        return self._call("login", (), lambda: self._login)

    def pull(self, repository: str, number: int) -> PullRequest:
        def read() -> PullRequest:
            repo = self._repository(repository)
            return replace(self._pull(repo, number), labels=tuple(repo.labels[number]))

        return self._call("pull", (repository, number), read)

    def pull_files(self, repository: str, number: int) -> list[ChangedFile]:
        def read() -> list[ChangedFile]:
            repo = self._repository(repository)
            pull = self._pull(repo, number)
            return repo.changes(pull.base_sha, pull.head_sha)[:FILE_LIMIT]

        return self._call("pull_files", (repository, number), read)

    def parents(self, repository: str, sha: str) -> tuple[str, ...]:
        return self._call("parents", (repository, sha), lambda: self._commit(repository, sha).parents)

    def ref(self, repository: str, ref: str) -> str:
        def read() -> str:
            refs = self._repository(repository).refs
            if ref not in refs:
                raise NotFoundError(f"{repository} has no ref {ref}")
            return refs[ref]

        return self._call("ref", (repository, ref), read)

    def compare(self, repository: str, base: str, head: str) -> list[ChangedFile]:
        def read() -> list[ChangedFile]:
            repo = self._repository(repository)
            for sha in (base, head):
                self._commit(repository, sha)
            return repo.changes(base, head)

        return self._call("compare", (repository, base, head), read)

    def commits(self, repository: str, base: str, head: str) -> list[Commit]:
        def read() -> list[Commit]:
            for sha in (base, head):
                self._commit(repository, sha)
            found = {sha: self._commit(repository, sha) for sha in self._repository(repository).between(base, head)}
            return [Commit(sha=sha, parents=one.parents, message=one.message) for sha, one in found.items()]

        return self._call("commits", (repository, base, head), read)

    def contents(self, repository: str, path: str, ref: str) -> bytes:
        def read() -> bytes:
            files = self._commit(repository, self._resolve(repository, ref)).files
            if path not in files:
                raise NotFoundError(f"{repository} has no file {path} at {ref}")
            return files[path]

        return self._call("contents", (repository, path, ref), read)

    def archive(self, repository: str, sha: str, wanted: Callable[[str], bool]) -> dict[str, bytes]:
        return self._call(
            "archive",
            (repository, sha),
            lambda: {path: data for path, data in self._commit(repository, sha).files.items() if wanted(path)},
        )

    def entries(self, repository: str, sha: str, *, recursive: bool = False) -> list[TreeEntry]:
        def read() -> list[TreeEntry]:
            return self._repository(repository).entries(sha, recursive=recursive)

        return self._call("entries", (repository, sha), read)

    def tree(self, repository: str, sha: str) -> dict[str, str]:
        def read() -> dict[str, str]:
            files = self._commit(repository, sha).files
            return {path: blob_sha(files[path]) for path in sorted(files)}

        return self._call("tree", (repository, sha), read)

    def statuses(self, repository: str, sha: str) -> dict[str, Status]:
        def read() -> dict[str, Status]:
            self._commit(repository, sha)
            posted = self._repository(repository).statuses.get(sha, [])
            return {status.context: status for status in posted}

        return self._call("statuses", (repository, sha), read)

    def create_status(self, repository: str, sha: str, status: Status) -> None:
        def write() -> None:
            repo = self._repository(repository)
            if sha not in repo.commits:
                raise PermanentError(f"No commit found for SHA: {sha}")
            if status.state not in STATES:
                raise PermanentError(f"Validation Failed: state {status.state}")
            if len(status.description) > 140:
                raise PermanentError("Validation Failed: description is too long (maximum is 140 characters)")
            posted = repo.statuses.setdefault(sha, [])
            if sum(1 for old in posted if old.context == status.context) >= STATUS_LIMIT:
                raise PermanentError("This SHA and context has reached the maximum number of statuses.")
            posted.append(status)

        self._call("create_status", (repository, sha, status), write)

    def check_runs(self, repository: str, sha: str) -> list[CheckRun]:
        def read() -> list[CheckRun]:
            self._commit(repository, sha)
            posted = self._repository(repository).check_runs.get(sha, [])
            return list({run.name: run for run in posted}.values())[::-1]

        return self._call("check_runs", (repository, sha), read)

    def create_check_run(self, repository: str, sha: str, run: CheckRun, title: str, summary: str) -> None:
        def write() -> None:
            self._commit(repository, sha)
            if not self._login.endswith("[bot]"):
                raise PermanentError("You must authenticate via a GitHub App.")
            self._repository(repository).check_runs.setdefault(sha, []).append(run)

        self._call("create_check_run", (repository, sha, run, title, summary), write)

    def required_contexts(self, repository: str, branch: str) -> tuple[str, ...]:
        def read() -> tuple[str, ...]:
            repo = self._repository(repository)
            if f"heads/{branch}" not in repo.refs:
                raise NotFoundError(f"{repository} has no branch {branch}")
            return repo.required_contexts.get(branch, ())

        return self._call("required_contexts", (repository, branch), read)

    def comments(self, repository: str, number: int) -> Sequence[Comment]:
        return self._call("comments", (repository, number), lambda: tuple(self._thread(repository, number)))

    def create_comment(self, repository: str, number: int, body: str) -> int:
        return self._call(
            "create_comment",
            (repository, number, body),
            lambda: self.comment(repository, number, self._login, body),
        )

    def update_comment(self, repository: str, comment_id: int, body: str) -> None:
        def write() -> None:
            thread, position = self._find_comment(repository, comment_id)
            thread[position] = replace(thread[position], body=body)

        self._call("update_comment", (repository, comment_id, body), write)

    def delete_comment(self, repository: str, comment_id: int) -> None:
        def write() -> None:
            try:
                thread, position = self._find_comment(repository, comment_id)
            except NotFoundError:
                return
            del thread[position]

        self._call("delete_comment", (repository, comment_id), write)

    def add_label(self, repository: str, number: int, label: str) -> None:
        def write() -> None:
            labels = self._labels(repository, number)
            if label not in labels:
                labels.append(label)

        self._call("add_label", (repository, number, label), write)

    def remove_label(self, repository: str, number: int, label: str) -> None:
        def write() -> None:
            try:
                labels = self._labels(repository, number)
            except NotFoundError:
                return
            if label in labels:
                labels.remove(label)

        self._call("remove_label", (repository, number, label), write)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        def answer() -> Any:
            if (method, path) not in self.answers:
                raise NotFoundError(f"{method} {path}: no answer set")
            value = self.answers[method, path]
            if isinstance(value, Exception):
                raise value
            return value(body) if callable(value) else value

        return self._call("request", (method, path, body), answer)

    # Inside.

    def _call(self, method: str, arguments: tuple[Any, ...], act: Callable[[], T]) -> T:
        self.calls.append((method, arguments))
        planned = self._failures.get(method)
        error, after = planned.pop(0) if planned else (None, False)
        if error is not None and not after:
            raise error
        result = act()
        if error is not None:
            raise error
        return result

    def _repository(self, name: str) -> MemoryRepository:
        if name not in self.repositories:
            raise NotFoundError(f"no repository {name}")
        return self.repositories[name]

    @staticmethod
    def _pull(repo: MemoryRepository, number: int) -> PullRequest:
        if number not in repo.pulls:
            raise NotFoundError(f"{repo.name} has no pull request {number}")
        return repo.pulls[number]

    def _commit(self, repository: str, sha: str) -> MemoryCommit:
        commits = self._repository(repository).commits
        if sha not in commits:
            raise NotFoundError(f"{repository} has no commit {sha}")
        return commits[sha]

    def _thread(self, repository: str, number: int) -> list[Comment]:
        repo = self._repository(repository)
        self._pull(repo, number)
        return repo.comments[number]

    def _labels(self, repository: str, number: int) -> list[str]:
        repo = self._repository(repository)
        self._pull(repo, number)
        return repo.labels[number]

    def _find_comment(self, repository: str, comment_id: int) -> tuple[list[Comment], int]:
        for thread in self._repository(repository).comments.values():
            for position, comment in enumerate(thread):
                if comment.id == comment_id:
                    return thread, position
        raise NotFoundError(f"{repository} has no comment {comment_id}")

    def _resolve(self, repository: str, ref: str) -> str:
        refs = self._repository(repository).refs
        return next((refs[name] for name in (f"heads/{ref}", f"tags/{ref}", ref) if name in refs), ref)

    def _time(self) -> str:
        self._serial += 1
        minutes, seconds = divmod(self._serial, 60)
        return f"2024-01-01T{minutes // 60:02}:{minutes % 60:02}:{seconds:02}Z"
