"""Writes the table of roles into docs/reference/threat-model.md: python -m tests.attack.roles."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.template import PROJECT, Template, load_template

DOCUMENT = PROJECT / "docs" / "reference" / "threat-model.md"
_BEGIN, _END = "<!-- roles -->", "<!-- /roles -->"
#: Actions of every function. The text above the table describes them.
_COMMON_ACTIONS = ("logs:", "xray:")


def table(template: Template) -> str:
    """The table, one line for each statement of each role."""
    lines = ["| role | on | may |", "|---|---|---|"]
    for role in template.resources("AWS::IAM::Role"):
        for statement in template.statements(role):
            actions = [action for action in _listed(statement["Action"]) if not action.startswith(_COMMON_ACTIONS)]
            if actions:
                where = ", ".join(_resource(one) for one in statement["Resource"])
                lines.append(f"| {role} | {where} | {', '.join(sorted(actions))} |")
    return "\n".join(lines)


def with_table(text: str, made: str) -> str:
    """Replace the table between the marks of the document."""
    return re.sub(f"(?s){_BEGIN}.*{_END}", lambda _: f"{_BEGIN}\n{made}\n{_END}", text)


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def _resource(resource: Any) -> str:
    if isinstance(resource, str):
        return f"`{resource}`"
    ((kind, value),) = resource.items()
    text = value[0] if isinstance(value, list) else value
    return f"`{text.removesuffix('.Arn') if kind == 'GetAtt' else text}`".replace("${Bucket.Arn}", "Bucket")


def main(document: Path = DOCUMENT) -> None:
    """Write the table."""
    document.write_text(with_table(document.read_text("utf-8"), table(load_template())), "utf-8")


if __name__ == "__main__":
    main()
