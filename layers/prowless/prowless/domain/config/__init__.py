"""Prow configuration: documents in, checked jobs out, and the snapshot that functions read."""
