"""template.yaml and the workflow file as data, for tests."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[1]


class _Loader(yaml.SafeLoader):
    """Reads !Ref, !GetAtt, !Sub and the like as {"Ref": …}."""


def _tag(loader: yaml.Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _tag)


@dataclass(frozen=True)
class Template:
    """The template, parsed and as text."""

    text: str
    body: dict[str, Any]

    def resources(self, kind: str) -> dict[str, Any]:
        """Resources of one type by name."""
        return {name: one for name, one in self.body["Resources"].items() if one["Type"] == kind}

    def functions(self) -> dict[str, Any]:
        return self.resources("AWS::Serverless::Function")

    def function_roles(self) -> list[str]:
        return [function["Properties"]["Role"]["GetAtt"].partition(".")[0] for function in self.functions().values()]

    def statements(self, role: str) -> list[dict[str, Any]]:
        """Statements of the role's policies, in it or apart, each with a list of actions and a list of resources."""
        (policy,) = self.body["Resources"][role]["Properties"]["Policies"]
        apart = [
            one["Properties"]
            for one in self.resources("AWS::IAM::Policy").values()
            if {"Ref": role} in one["Properties"]["Roles"]
        ]
        found = []
        for statement in [s for one in (policy, *apart) for s in one["PolicyDocument"]["Statement"]]:
            assert statement["Effect"] == "Allow"
            resource = statement["Resource"]
            found.append({**statement, "Resource": resource if isinstance(resource, list) else [resource]})
        return found


def load_template() -> Template:
    text = (PROJECT / "template.yaml").read_text()
    return Template(text, yaml.load(text, _Loader))  # a safe loader with tags


def load_workflow() -> dict[str, Any]:
    return dict(json.loads((PROJECT / "src/workflow/render.asl.json").read_text()))


def tasks_of(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All task states, those within a map included."""
    found = {}
    for name, state in workflow["States"].items():
        if state["Type"] == "Task":
            found[name] = state
        if state["Type"] == "Map":
            found.update(tasks_of(state["ItemProcessor"]))
    return found


def documented(page: str, names: list[str]) -> list[str]:
    """Names that docs/`page` does not mention as code."""
    text = (PROJECT / "docs" / page).read_text()
    return [name for name in names if not re.search(rf"`[^`]*\b{re.escape(name)}\b[^`]*`", text)]
