"""`make bench`: the times behind the ratios, in milliseconds of CPU, the best of several rounds."""

from collections.abc import Callable, Iterator
from functools import partial

from prowless.domain.regex import compile_regex
from tests.bench import worlds


def measured() -> Iterator[tuple[str, Callable[[], object]]]:
    """What is measured, by its title."""
    for title, patterns in (("500 jobs, no patterns", False), ("500 jobs, 250 patterns", True)):
        config = worlds.shard(500, patterns=patterns)
        data, objects = worlds.raw_shard(config), worlds.published(config)
        yield f"{title}: read the shard ({len(data) // 1024} KB)", partial(worlds.read, data)
        for number in (1, 20, 300, 3000) if patterns else (20,):
            files = worlds.changed(number)
            of = f"{title}, {number} changed files: a push,"
            yield f"{of} cold, with the shard", partial(worlds.decide_cold, objects, files=files)
            yield f"{of} warm", partial(worlds.decide, config, files=files)
        yield f"{title}: /test of one, cold", partial(worlds.decide_cold, objects, worlds.ASKED)
        yield f"{title}: /test of one, warm", partial(worlds.decide, config, worlds.ASKED)
    texts = worlds.job_files(100)
    yield "check 100 job files with 1000 jobs", partial(worlds.check, texts)
    regex = compile_regex("(a*)*b")
    yield "search (a*)*b in 64 KB", partial(regex.search, "a" * 65536)


if __name__ == "__main__":
    for title, function in measured():
        print(f"{worlds.best(function, 9):9.2f} ms  {title}")  # noqa: T201  # a command that prints
