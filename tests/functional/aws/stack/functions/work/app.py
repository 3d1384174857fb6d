"""Remembers the records it got; a test decides which fail."""

from prowless_local.aws import Killed


class Script:
    """What a test wants to happen, and what happened."""

    def __init__(self):
        self.batches = []
        self.fail = set()
        self.crash = set()
        self.kill = set()
        self.during = None


class _Handler:
    def bind(self, environment):
        script = self.script = Script()
        script.clock = environment.clock
        script.variables = environment.variables

        def handle(event, _context):
            records = event["Records"]
            script.batches.append((environment.clock.now_ms(), records))
            bodies = [record["body"] for record in records]
            if script.during:
                script.during(bodies)
            if script.crash & set(bodies):
                raise RuntimeError("asked to crash")
            if script.kill & set(bodies):
                raise Killed
            return {
                "batchItemFailures": [
                    {"itemIdentifier": record["messageId"]} for record in records if record["body"] in script.fail
                ]
            }

        handle.script = script
        return handle


handler = _Handler()
