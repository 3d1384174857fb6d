"""The REST API: one module for each area, each with a table of routes."""
