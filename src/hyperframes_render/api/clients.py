"""What the public clients make of an answer, where they differ. They say who they are in a header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hyperframes_render.tasks.model import TaskStatus

_PYTHON = re.compile(r"^inference-sdk-py/0\.(\d+)")
#: The Python client of 0.36 knows that 13 is an end; that of 0.6 does not.
_KNOWS_REJECTED = 36


@dataclass(frozen=True)
class Client:
    """Who asks: the headers X-Client-Source and User-Agent, empty where there is none."""

    source: str = ""
    agent: str = ""

    @property
    def is_javascript(self) -> bool:
        """The JavaScript client: waits for ever where a stream ends before its task, and types what it uploads anew."""
        return self.source.startswith("inference-sdk-js/")

    def shown(self, view: Mapping[str, Any]) -> dict[str, Any]:
        """The task for this client: 13 is 11 for one that would wait for ever for an end that it knows."""
        if view["status"] != TaskStatus.REJECTED or not self._waits_beyond_rejection():
            return dict(view)
        return {**view, "status": int(TaskStatus.FAILED), "status_text": TaskStatus.FAILED.text}

    def _waits_beyond_rejection(self) -> bool:
        python = _PYTHON.match(self.agent)
        return self.is_javascript or (python is not None and int(python[1]) < _KNOWS_REJECTED)
