"""Imports the interpreter without AWS Batch.

moto's interpreter needs two names from `moto.batch`, which imports all of `moto.ec2` with its tables of instance types
and zones: a second of every start. While the interpreter is imported, a stand-in with the two names takes the place.
"""

from __future__ import annotations

import enum
import importlib
import sys
import types


class JobStatus(enum.StrEnum):
    """The two states of a Batch job that the interpreter compares with."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


def import_interpreter() -> None:
    """Import moto's Step Functions interpreter; what it imported before is left as it is."""
    if "moto.batch" in sys.modules:
        return
    package = types.ModuleType("moto.batch")
    package.__path__ = []
    names = types.ModuleType("moto.batch.utils")
    names.JobStatus = JobStatus  # type: ignore[attr-defined]  # that is the point
    sys.modules.update({"moto.batch": package, "moto.batch.utils": names})
    try:
        importlib.import_module("moto.stepfunctions.parser.models")
    finally:
        del sys.modules["moto.batch"], sys.modules["moto.batch.utils"]


import_interpreter()
