"""Argo Workflows: runs Workflow objects as its controller would."""
