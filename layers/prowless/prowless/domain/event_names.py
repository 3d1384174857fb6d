"""The webhook events that are stored. It imports nothing, because webhook's cold start pays for every import."""

KNOWN_EVENTS = frozenset(
    {
        "pull_request",
        "push",
        "issue_comment",
        "pull_request_review",
        "pull_request_review_comment",
        "merge_group",
        "check_run",
        "check_suite",
    }
)
"""Values of `X-GitHub-Event` that some rule may act on, now or in a replay by a later release."""
