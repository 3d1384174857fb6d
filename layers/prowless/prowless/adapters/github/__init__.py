"""GitHub's REST API over urllib3."""
