"""Remembers its events."""


class _Handler:
    def bind(self, environment):
        def handle(event, _context):
            handle.events.append((environment.clock.now_ms(), event))
            if handle.failures:
                handle.failures -= 1
                raise RuntimeError("asked to fail")

        handle.events = []
        handle.failures = 0
        return handle


handler = _Handler()
