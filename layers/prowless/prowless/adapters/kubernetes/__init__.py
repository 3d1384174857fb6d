"""Clusters and engines; the only importer of the kubernetes client."""
