"""What tests break: a function that dies, and a Lambda service that refuses."""

from __future__ import annotations


class Killed(BaseException):
    """The function's process is gone: no answer, no clean-up that `except Exception` would do.

    Raised by an interceptor. The caller sees what AWS shows of a crashed runtime: `Runtime.ExitError` from Invoke,
    `Lambda.Unknown` in a state machine, and a queue message that comes back after its visibility time-out.
    """


class LambdaServiceError(Exception):
    """Lambda itself refuses the invocation; the function does not run.

    Args:
        code: the service's error code, e.g. `TooManyRequestsException` or `ServiceException`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"Lambda refused: {code}")
        self.code = code
