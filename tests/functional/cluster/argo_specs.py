"""Workflows to run."""

from __future__ import annotations

SAY = """
- name: say
  inputs: {parameters: [{name: text}]}
  container: {image: x, command: [echo], args: ["{{inputs.parameters.text}}"]}
- name: "yes"
  container: {image: x, command: ["true"]}
- name: "no"
  container: {image: x, command: [sh, -c, exit 3]}
"""


def spec(main: str, more: str = "", head: str = "") -> str:
    return f"entrypoint: main\n{head}\ntemplates:{SAY}- name: main\n{main}\n{more}"
