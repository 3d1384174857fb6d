"""Answers with the event and the context; fails as asked. A plain function, without `bind`."""

import decimal


class RetryableError(Exception):
    pass


events = []


def handler(event, context):
    events.append(event)
    mode = event.get("mode") if isinstance(event, dict) else None
    if mode == "raise":
        raise RetryableError("asked to fail")
    if mode == "decimal":
        return decimal.Decimal(1)
    if mode == "slow":
        context.clock.sleep(3)
    return {
        "event": event,
        "name": context.function_name,
        "arn": context.invoked_function_arn,
        "left": context.get_remaining_time_in_millis(),
        "memory": context.memory_limit_in_mb,
        "request": context.aws_request_id,
    }
