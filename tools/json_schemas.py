"""Writes schemas/: the JSON Schemas of what the commands print with --json. python -m tools.json_schemas.

A schema's number changes when a field is renamed or removed, or changes its meaning. New fields may come at any time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from hyperframes_render.problems import Problem
from hyperframes_render.render.check import SCHEMA, CheckReport
from hyperframes_render.render.result import RenderResult

FOLDER = Path(__file__).resolve().parents[1] / "schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """The schemas by file name."""
    return {f"check.v{SCHEMA}.json": _check(), f"result.v{SCHEMA}.json": _result(), f"error.v{SCHEMA}.json": _error()}


def text_of(schema: dict[str, Any]) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=2) + "\n"


def _with_records(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema whose problems have `doc`, the address of their code in the docs, as JSON has it."""
    problem = schema["$defs"]["Problem"]
    problem["properties"]["doc"] = {"type": "string"}
    problem["required"] = list(problem["properties"])
    return schema


def _check() -> dict[str, Any]:
    schema = _with_records(TypeAdapter(CheckReport).json_schema())
    schema["properties"] |= {"schema": {"const": SCHEMA}, "ok": {"type": "boolean"}}
    schema["required"] = list(schema["properties"])
    return {"$schema": _DIALECT, "title": "The report of check --json", **_without_title(schema)}


def _result() -> dict[str, Any]:
    schema = _with_records(TypeAdapter(RenderResult).json_schema(mode="serialization"))
    slow = {"type": "object", "properties": {"frame": {"type": "integer"}, "seconds": {"type": "number"}}}
    schema["properties"]["output"] = {"type": "string"}
    schema["properties"]["slowest_frames"] = {"type": "array", "items": {**slow, "required": ["frame", "seconds"]}}
    return {"$schema": _DIALECT, "title": "The result of render --json", **_without_title(schema)}


def _error() -> dict[str, Any]:
    problem = _with_records({"$defs": {"Problem": {}, **_definitions()}})
    fields = {name: {"type": "string"} for name in ("code", "message", "action")}
    properties = {
        **fields,
        "retryable": {"type": "boolean"},
        "problems": {"type": "array", "items": {"$ref": "#/$defs/Problem"}},
    }
    error = {"type": "object", "properties": properties, "required": [*fields, "retryable"]}
    schema = {"type": "object", "properties": {"error": error}, "required": ["error"], "$defs": problem["$defs"]}
    return {"$schema": _DIALECT, "title": "An error of a command with --json", **schema}


def _definitions() -> dict[str, Any]:
    schema = TypeAdapter(Problem).json_schema()
    inner = schema.pop("$defs", {})
    return {**inner, "Problem": schema}


def _without_title(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != "title"}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(text_of(schema))
