"""Uploaded files in variables: "photo": "s3://…/uploads/…" becomes a path that the page can load.

The public clients upload every input value that looks like a file or like base64, and replace it with the upload's uri.
The file is copied to the task's work folder when the task is accepted, and is placed beside the composition for the
render.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from hyperframes_render.errors import LimitExceeded
from hyperframes_render.problems import Problem
from hyperframes_render.tasks.layout import work_folder
from hyperframes_render.tasks.ports import ObjectFacts, ObjectStore
from hyperframes_render.tasks.uploads import UPLOADS, Uploads

#: Files in the variables of one task at most: each is copied while the caller waits.
MAX_VARIABLE_FILES = 20
#: An upload without a name and with at most this many bytes is text that a client mistook for base64
#: ("RESPONSIBILITIES"): images and sounds are larger, and files have names.
_TEXT_BYTES = 256
_NAMELESS = ("file", "application/octet-stream")


@dataclass
class VariableFiles:
    """The variables of one task and the uploads in them."""

    variables: Any
    #: Uri → path of the copy, relative to the composition.
    paths: dict[str, str] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)


def copy_variable_files(variables: Any, owner: str, task_id: str, uploads: Uploads) -> VariableFiles:
    """Copy the uploads in `variables` to the task's work folder. Raises InvalidOption or LimitExceeded."""
    found = VariableFiles(variables)
    objects = uploads.objects

    def take(uri: str, where: str) -> str:
        if not uri.startswith(f"s3://{objects.bucket}/{UPLOADS}") or uri in found.paths:
            return uri
        facts = uploads.find(owner, uri, where)
        if (text := _mistaken_text(facts, objects)) is not None:
            found.warnings.append(
                Problem(
                    "text_restored",
                    "notice",
                    f"{where}: your client mistook this text for base64 and uploaded it; the text was restored.",
                )
            )
            return text
        if len(found.paths) == MAX_VARIABLE_FILES:
            raise LimitExceeded(
                f"{where}: there are more than {MAX_VARIABLE_FILES} files in the variables.",
                "Send a .zip of the composition with its files.",
            )
        found.paths[uri] = _path(facts.key)
        objects.copy(facts.key, variable_file_key(task_id, found.paths[uri]), etag=facts.etag)
        return uri

    found.variables = _replaced(variables, "input.variables", take)
    return found


def variable_file_key(task_id: str, path: str) -> str:
    """The key of the copy at `path`, a path relative to the composition."""
    return f"{work_folder(task_id)}{path}"


def with_paths(variables: Mapping[str, Any], paths: Mapping[str, str]) -> dict[str, Any]:
    """The variables for the page: uris of uploads replaced by `paths`."""
    return dict(_replaced(variables, "", lambda text, _: paths.get(text, text)))


def _path(key: str) -> str:
    _, _, file_id, name = key.split("/", 3)
    return f"{UPLOADS}{file_id}/{name}"


def _mistaken_text(facts: ObjectFacts, objects: ObjectStore) -> str | None:
    if facts.size > _TEXT_BYTES or (PurePosixPath(facts.key).name, facts.content_type) != _NAMELESS:
        return None
    return base64.b64encode(objects.get(facts.key, etag=facts.etag, limit=_TEXT_BYTES)).decode()


def _replaced(value: Any, where: str, change: Callable[[str, str], str]) -> Any:
    if isinstance(value, str):
        return change(value, where)
    if isinstance(value, Mapping):
        return {name: _replaced(inner, f"{where}.{name}", change) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, f"{where}[{number}]", change) for number, inner in enumerate(value)]
    return value
