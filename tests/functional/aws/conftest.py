"""The small stack of `stack/`, embedded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from prowless_local.aws import EmbeddedAws
from prowless_local.clock import VirtualClock

STACK = Path(__file__).parent / "stack"


@pytest.fixture
def template() -> Path:
    return STACK / "template.yaml"


@pytest.fixture
def aws(template: Path):
    """On a virtual clock, without the schedules."""
    with EmbeddedAws(template, clock=VirtualClock(), schedules=False) as stack:
        yield stack


@pytest.fixture
def edited(tmp_path: Path):
    """Makes a copy of the stack whose template has some text replaced, and returns the copy's template."""

    def edit(*changes: tuple[str, str]) -> Path:
        folder = tmp_path / "stack"
        shutil.copytree(STACK, folder)
        path = folder / "template.yaml"
        text = path.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text)
        return path

    return edit
