"""Go's `text/template`, as far as Prow's configuration uses it: job URLs and report texts.

Pure and bounded: a template cannot loop for long, write much, or reach anything but the values that it is given.
Fields, pipelines, variables, `if`, `with`, `range`, `define`, `template`, `block`, comments and trim markers are there,
and the predefined functions except `call`; methods are not.
"""

from __future__ import annotations

from prowless.domain.gotemplate.evaluate import Budget, execute
from prowless.domain.gotemplate.nodes import Template, TemplateError
from prowless.domain.gotemplate.parse import parse

__all__ = ["Budget", "Template", "TemplateError", "execute", "parse"]
