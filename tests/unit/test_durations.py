import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain.durations import format_duration, parse_duration_ms
from prowless.domain.errors import ConfigError

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("+0", 0),
        ("1h30m", HOUR + HOUR // 2),
        ("1.5h", HOUR + HOUR // 2),
        (".5s", 500),
        ("1.s", 1000),
        ("300ms", 300),
        ("1500us", 1),
        ("1500µs", 1),
        ("2h45m", 2 * HOUR + 45 * 60_000),
        ("-1m", -60_000),
        ("48h", 48 * HOUR),
        ("1s1s", 2000),
    ],
)
def test_durations_are_gos(text, milliseconds):
    assert parse_duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    ["", "1", "1d", "h", ".s", "1h ", " 1h", "1 h", "1,5h", "--1h", "1e3s", "\u0661s", "9" * 30 + "h", "x" * 100],
)
def test_what_go_refuses_is_refused(text):
    with pytest.raises(ConfigError, match="invalid duration"):
        parse_duration_ms(text)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (300, "300ms"),
        (1500, "1.5s"),
        (45_000, "45s"),
        (60_000, "1m0s"),
        (48 * HOUR, "48h0m0s"),
        (-60_000, "-1m0s"),
    ],
)
def test_text_of_a_duration_is_gos(milliseconds, text):
    assert format_duration(milliseconds) == text


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_a_written_duration_is_read_as_itself(milliseconds):
    assert parse_duration_ms(format_duration(milliseconds)) == milliseconds
