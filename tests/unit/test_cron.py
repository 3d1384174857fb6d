from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain.cron import Every, parse_cron
from prowless.domain.errors import ConfigError


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def shown(seconds):
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize(
    ("expression", "after", "following"),
    [
        ("* * * * *", "2026-01-01T00:00:00", "2026-01-01T00:01:00"),
        ("*/15 * * * *", "2026-01-01T00:14:59", "2026-01-01T00:15:00"),
        ("5/20 * * * *", "2026-01-01T00:26:00", "2026-01-01T00:45:00"),  # N/step is N-max/step
        ("0 12 * * *", "2026-01-01T12:00:00", "2026-01-02T12:00:00"),  # strictly after
        ("0 0 1 * *", "2026-01-31T23:59:59", "2026-02-01T00:00:00"),
        ("0 0 31 * *", "2026-02-01T00:00:00", "2026-03-31T00:00:00"),
        ("0 0 29 2 *", "2026-03-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 9 * * mon-FRI", "2026-01-02T09:00:00", "2026-01-05T09:00:00"),
        ("0 9 * JAN,jul 0", "2026-01-25T09:00:00", "2026-07-05T09:00:00"),
        ("30 5 4 3 2 *", "2026-01-01T00:00:00", "2026-02-03T04:05:30"),  # six fields: seconds first
        ("0 0 ? * 1", "2026-01-01T00:00:00", "2026-01-05T00:00:00"),
        ("@daily", "2026-01-01T10:00:00", "2026-01-02T00:00:00"),
        ("@midnight", "2026-01-01T10:00:00", "2026-01-02T00:00:00"),
        ("@hourly", "2026-01-01T10:00:00", "2026-01-01T11:00:00"),
        ("@weekly", "2026-01-01T10:00:00", "2026-01-04T00:00:00"),
        ("@monthly", "2026-01-01T10:00:00", "2026-02-01T00:00:00"),
        ("@annually", "2026-01-01T10:00:00", "2027-01-01T00:00:00"),
        ("@every 90m", "2026-01-01T10:00:00", "2026-01-01T11:30:00"),
        ("0 0 * * *", "2026-12-31T10:00:00", "2027-01-01T00:00:00"),
    ],
)
def test_the_time_that_follows(expression, after, following):
    assert shown(parse_cron(expression).following(at(after))) == following


def test_day_of_month_or_day_of_week_if_both_are_restricted():
    schedule = parse_cron("0 0 13 * 5")
    assert shown(schedule.following(at("2026-01-01T00:00:00"))) == "2026-01-02T00:00:00"  # a Friday
    assert shown(schedule.following(at("2026-01-09T00:00:00"))) == "2026-01-13T00:00:00"  # a thirteenth


def test_a_step_takes_the_star_away_except_a_step_of_one():
    # `*/2` restricts the day of month, so Friday is an alternative; `*/1` does not.
    assert shown(parse_cron("0 0 */2 * 5").following(at("2026-01-01T00:00:00"))) == "2026-01-02T00:00:00"
    assert shown(parse_cron("0 0 */1 * 5").following(at("2026-01-02T00:00:00"))) == "2026-01-09T00:00:00"


def test_a_field_without_numbers_never_comes():
    assert parse_cron(", * * * *").following(at("2026-01-01T00:00:00")) is None


def test_a_time_that_never_comes():
    assert parse_cron("0 0 30 2 *").following(at("2026-01-01T00:00:00")) is None


def test_every_is_at_least_a_second_and_whole():
    assert parse_cron("@every 100ms") == Every(1)
    assert parse_cron("@every 1500ms") == Every(1)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "empty spec string"),
        ("* " * 200, "longer than"),
        ("TZ=UTC * * * * *", "time zones are not supported"),
        ("* * * *", "expected 5 to 6 fields, found 4"),
        ("* * * * * * *", "expected 5 to 6 fields, found 7"),
        ("60 * * * *", "above maximum"),
        ("* 24 * * *", "above maximum"),
        ("* * 0 * *", "below minimum"),
        ("* * * 13 *", "above maximum"),
        ("* * * * 7", "above maximum"),
        ("5-1 * * * *", "beyond end of range"),
        ("1-2-3 * * * *", "too many hyphens"),
        ("*/1/2 * * * *", "too many slashes"),
        ("*/0 * * * *", "should be a positive number"),
        ("x * * * *", "failed to parse int"),
        ("-1 * * * *", "failed to parse int"),
        ("* * * * monday", "failed to parse int"),
        ("@fortnightly", "unrecognized descriptor"),
        ("@every soon", "invalid duration"),
        ("TZ=Europe/Berlin 0 0 * * *", "time zones"),
        ("\u0661 * * * *", "failed to parse int"),
    ],
)
def test_what_the_library_refuses_is_refused(expression, message):
    with pytest.raises(ConfigError, match=message):
        parse_cron(expression)


MINUTES = st.sampled_from(["*", "0", "*/7", "3-9", "1,58", "50/3"])
HOURS = st.sampled_from(["*", "0", "*/5", "22-23", "4,7"])
DAYS = st.sampled_from(["*", "1", "31", "*/9", "?"])
WEEKDAYS = st.sampled_from(["*", "0", "1-3", "?", "sat"])


@given(MINUTES, HOURS, DAYS, WEEKDAYS, st.integers(min_value=0, max_value=2**31 - 1))
def test_no_matching_minute_lies_between_a_time_and_the_following_one(minute, hour, day, weekday, after):
    schedule = parse_cron(f"{minute} {hour} {day} * {weekday}")
    following = schedule.following(after)
    assert following > after
    assert following % 60 == 0
    # Going back a minute at a time from the answer must not meet another answer.
    probe = datetime.fromtimestamp(following, UTC)
    for _ in range(200):
        probe -= timedelta(minutes=1)
        if probe.timestamp() <= after:
            break
        assert schedule.following(int(probe.timestamp()) - 1) == following
