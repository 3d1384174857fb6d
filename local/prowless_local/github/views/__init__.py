"""Records as GitHub's JSON: each function answers with the shape that the REST API and webhooks share."""
