"""Comments, labels and reviews of pull requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from prowless_local.github.merge_groups import MergeGroups
from prowless_local.github.records import Comment, Label, Pull, Review, ReviewComment
from prowless_local.github.views import pulls as views
from prowless_local.github.world import found, key


class Conversation(MergeGroups):
    """What people and bots say on a pull request."""

    def comment(self, repository: str, number: int, body: str, author: str, *, app_id: int | None = None) -> int:
        """Write a comment; its id. Sends `issue_comment` created.

        Args:
            repository: `owner/name`.
            number: The pull.
            body: Markdown.
            author: Login.
            app_id: The App that writes it, when it came through the API with an App's token.
        """
        with self.changing():
            pull = self.pull(repository, number)
            now = self.now_ms()
            comment = Comment(
                id=next(self.ids),
                repository=pull.repository,
                number=number,
                author=self.create_user(author).login,
                body=body,
                created_ms=now,
                updated_ms=now,
                app_id=app_id,
            )
            self.comment_table[comment.id] = comment
            self._say_comment("created", pull, comment, sender=author)
            return comment.id

    def edit_comment(self, comment_id: int, body: str, *, by: str = "") -> None:
        """Change a comment's text. Sends `issue_comment` edited with the former text.

        Raises:
            KeyError: There is no such comment.
        """
        with self.changing():
            before = found(self.comment_table, comment_id, f"comment {comment_id}")
            comment = replace(before, body=body, updated_ms=self.now_ms())
            self.comment_table[comment_id] = comment
            pull = self.pull(comment.repository, comment.number)
            changes = {"body": {"from": before.body}}
            self._say_comment("edited", pull, comment, sender=by or comment.author, changes=changes)

    def delete_comment(self, comment_id: int, *, by: str = "") -> None:
        """Delete a comment. Sends `issue_comment` deleted.

        Raises:
            KeyError: There is no such comment.
        """
        with self.changing():
            comment = found(self.comment_table, comment_id, f"comment {comment_id}")
            del self.comment_table[comment_id]
            pull = self.pull(comment.repository, comment.number)
            self._say_comment("deleted", pull, comment, sender=by or comment.author)

    def add_label(self, repository: str, number: int, label: str, *, sender: str = "") -> None:
        """Put a label on a pull, created in the repository when it is new. Sends `pull_request` labeled.

        A label that is already there changes nothing.
        """
        with self.changing():
            pull = self.pull(repository, number)
            labels = self.label_table.setdefault(key(repository), {})
            one = labels.setdefault(key(label), Label(id=next(self.ids), name=label))
            if one.name in pull.labels:
                return
            labelled = replace(pull, labels=(*pull.labels, one.name))
            view = views.label(self, pull.repository, one)
            self.say_pull("labeled", labelled, sender=sender or pull.author, label=view)

    def remove_label(self, repository: str, number: int, label: str, *, sender: str = "") -> None:
        """Take a label off a pull. Sends `pull_request` unlabeled.

        Raises:
            KeyError: The pull does not have it.
        """
        with self.changing():
            pull = self.pull(repository, number)
            one = self.label(repository, label)
            if one.name not in pull.labels:
                raise KeyError(f"{repository}#{number} has no label {label}")
            rest = tuple(name for name in pull.labels if name != one.name)
            view = views.label(self, pull.repository, one)
            self.say_pull("unlabeled", replace(pull, labels=rest), sender=sender or pull.author, label=view)

    def review(self, repository: str, number: int, author: str, state: str = "commented", body: str = "") -> int:
        """Submit a review; its id. Sends `pull_request_review` submitted.

        Args:
            repository: `owner/name`.
            number: The pull.
            author: Login.
            state: approved, changes_requested or commented.
            body: Markdown.
        """
        with self.changing():
            pull = self._touch(repository, number)
            review = Review(
                id=next(self.ids),
                repository=pull.repository,
                number=number,
                author=self.create_user(author).login,
                state=state,
                body=body,
                commit_id=pull.head_sha,
                at_ms=self.now_ms(),
            )
            self.reviews[review.id] = review
            self._say_review("pull_request_review", "submitted", pull, author, review=views.review(self, review))
            return review.id

    def review_comment(self, repository: str, number: int, path: str, body: str, author: str) -> int:
        """Comment on a file in a review of its own; the comment's id. Sends both events, as GitHub does."""
        with self.changing():
            review_id = self.review(repository, number, author)
            pull = self._touch(repository, number)
            comment = ReviewComment(
                id=next(self.ids),
                review_id=review_id,
                repository=pull.repository,
                number=number,
                author=self.create_user(author).login,
                path=path,
                body=body,
                commit_id=pull.head_sha,
                at_ms=self.now_ms(),
            )
            self.review_comments[comment.id] = comment
            view = views.review_comment(self, comment)
            self._say_review("pull_request_review_comment", "created", pull, author, comment=view)
            return comment.id

    def _touch(self, repository: str, number: int) -> Pull:
        return self.keep(replace(self.pull(repository, number), updated_ms=self.now_ms()))

    def _say_comment(self, action: str, pull: Pull, comment: Comment, *, sender: str, **extra: Any) -> None:
        touched = self._touch(pull.repository, pull.number)
        repository = self.repository(pull.repository)
        if self.is_heard("issue_comment", repository):
            issue, view = views.issue(self, touched), views.comment(self, comment)
            payload = {"action": action, "issue": issue, "comment": view, **extra}
            self.emit("issue_comment", repository, payload, sender=sender)
        self.report("comment", action, pull.repository, comment, number=pull.number)

    def _say_review(self, event: str, action: str, pull: Pull, sender: str, **extra: Any) -> None:
        repository = self.repository(pull.repository)
        payload = {"action": action, "pull_request": views.simple_pull(self, pull), **extra}
        self.emit(event, repository, payload, sender=sender)
        self.report("review", action, pull.repository, extra, number=pull.number)
