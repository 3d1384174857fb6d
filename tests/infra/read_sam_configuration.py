"""Prints what the SAM CLI makes of configuration files, as JSON; run with .venv-sam's Python, which alone has SAM.

Each command's own option parser is used, so a value that SAM would refuse is refused here.
"""

import json
import sys
import tomllib
from importlib import import_module
from pathlib import Path

COMMANDS = ("build", "deploy", "validate")


def read(file: str) -> dict[str, dict[str, object]]:
    """Options of every environment and command of the file."""
    environments = {key: value for key, value in tomllib.loads(Path(file).read_text()).items() if key != "version"}
    result = {}
    for name, sections in environments.items():
        for command in COMMANDS:
            package = f"samcli.commands.{command}" + (".validate" if command == "validate" else ".command")
            cli = import_module(package).cli
            context = cli.make_context(command, ["--config-file", file, "--config-env", name])
            given = sections.get("global", {}).get("parameters", {}) | sections.get(command, {}).get("parameters", {})
            options = {parameter.name for parameter in cli.params}
            result[f"{name} {command}"] = {
                "options": {key: context.params[key] for key in given if key in context.params},
                "unknown": sorted(sections.get(command, {}).get("parameters", {}).keys() - options),
            }
        result[name] = {"sections": sorted(sections.keys() - {"global"})}
    return result


if __name__ == "__main__":
    json.dump({Path(file).name: read(file) for file in sys.argv[1:]}, sys.stdout, default=str)
