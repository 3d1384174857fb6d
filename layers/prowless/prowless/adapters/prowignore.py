"""`.prowignore`: which files of a configuration are not read, in gitignore's syntax (`pkg/config/config.go:1711`)."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

import re2

from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pathspec import GitIgnoreSpec

NAME = ".prowignore"
MAX_SIZE = 64 * 1024
"""Bytes of one file. It may come from a pull request; RE2 matches what is in it in linear time."""


def ignore_rules(files: Mapping[str, bytes]) -> Callable[[str], bool]:
    """Whether a path is to be left out. As in git, the file that is nearest to the path decides first.

    Args:
        files: the `.prowignore` files that count: path to content. Paths are relative to one root and have slashes.

    Raises:
        ConfigError: a file is too large, not UTF-8, or has a pattern that gitignore does not know.
    """
    specs = {path.rpartition("/")[0]: _spec(path, data) for path, data in files.items()}

    def ignored(path: str) -> bool:
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            if folder in specs:
                found = specs[folder].check_file(path[len(folder) + 1 :] if folder else path).include
                if found is not None:
                    return found
        return False

    return ignored


def _spec(path: str, data: bytes) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415  few configurations have such a file

    if len(data) > MAX_SIZE:
        raise ConfigError([f"{path}: larger than {MAX_SIZE} bytes"])
    try:
        with warnings.catch_warnings():
            # pathspec compiles with Python's `re` too, which warns of `[[`; what searches is RE2.
            warnings.simplefilter("ignore", FutureWarning)
            return GitIgnoreSpec.from_lines(data.decode().splitlines(), backend="re2")
    except (ValueError, re.error, re2.error) as exc:  # it compiles with both
        raise ConfigError([f"{path}: not in gitignore's syntax: {exc}"]) from exc
