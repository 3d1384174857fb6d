"""Prow's jobs, without Prow's servers."""
