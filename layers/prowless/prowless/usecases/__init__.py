"""One module per function: orchestration over ports."""
