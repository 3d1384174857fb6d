"""Prints which third-party distributions a function has imported once it is built, as JSON; for a fresh interpreter."""

import importlib.metadata
import importlib.util
import json
import os
import sys
from pathlib import Path


def main(app: str) -> None:
    """Import and build the function, as Lambda's INIT does."""
    before = set(sys.modules)
    spec = importlib.util.spec_from_file_location("app", app)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    from prowless.runtime.environment import Environment  # noqa: PLC0415 after the interpreter's own modules were counted

    module.handler.bind(Environment.of_process())
    owners = importlib.metadata.packages_distributions()
    tops = {name.partition(".")[0] for name in set(sys.modules) - before}
    distributions = {owner.lower().replace("_", "-") for top in tops for owner in owners.get(top, ())}
    json.dump(sorted(distributions), sys.stdout)


if __name__ == "__main__":
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    main(str(Path(sys.argv[1])))
