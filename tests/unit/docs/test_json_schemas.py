"""schemas/ has the JSON Schemas of what the commands print."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from tools import json_schemas


@pytest.mark.parametrize("name", json_schemas.schemas())
def test_a_schema_is_up_to_date_and_valid(name: str) -> None:
    text = (json_schemas.FOLDER / name).read_text()
    assert text == json_schemas.text_of(json_schemas.schemas()[name]), "run python -m tools.json_schemas"
    Draft202012Validator.check_schema(json.loads(text))
