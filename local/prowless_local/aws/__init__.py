"""AWS, embedded: moto in this process, wired by what `template.yaml` says. State is in memory and gone at exit."""

from prowless_local.aws.faults import Killed, LambdaServiceError
from prowless_local.aws.functions import FunctionError
from prowless_local.aws.stack import EmbeddedAws

__all__ = ["EmbeddedAws", "FunctionError", "Killed", "LambdaServiceError"]
