"""The guides describe every route, field, state and suffix of the API and the drop folder, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from hyperframes_render.api.app import create_app
from hyperframes_render.formats import Codec
from hyperframes_render.functions.support.settings import DEFAULT_RETRY_SECONDS
from hyperframes_render.tasks.drop_folder import _MAX_BYTES
from hyperframes_render.tasks.model import TaskStatus
from hyperframes_render.tasks.submission import _IGNORED, FIELD_NAMES

DOCS = Path(__file__).parents[3] / "docs"
API, DROP, WEBHOOKS = ((DOCS / f"guides/{name}.md").read_text() for name in ("api", "drop-folder", "webhooks"))


def _fail() -> None:
    raise AssertionError("the application calls its services only for a request")


def test_every_route_is_in_the_page_and_every_route_in_the_page_exists() -> None:
    app = create_app(_fail, _fail, _fail)  # type: ignore[arg-type]  # never called here
    served = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
    documented = set(re.findall(r"^\| `((?:GET|POST|DELETE) [^`]+)`", API, re.MULTILINE))
    assert documented == served


def test_every_input_field_and_every_ignored_field_is_in_the_page() -> None:
    for name in (*FIELD_NAMES.values(), *Codec, *_IGNORED, "html", "metadata", "webhook"):
        assert f"`{name}`" in API, name


def test_every_state_that_a_task_can_have_is_in_the_page() -> None:
    for status in (2, 4, 7, 8, 9, 10, 11, 12, 13):
        assert f"| {status} | {TaskStatus(status).text} |" in API


def test_every_accepted_suffix_is_in_the_page() -> None:
    assert all(f"`NAME{suffix}`" in DROP for suffix in _MAX_BYTES)


def test_the_number_of_tries_is_in_the_page() -> None:
    assert f"{len(DEFAULT_RETRY_SECONDS) + 1} tries" in WEBHOOKS


def test_the_samples_in_the_pages_are_json() -> None:
    import json

    for page in (API, DROP, WEBHOOKS):
        for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL):
            json.loads(block)
