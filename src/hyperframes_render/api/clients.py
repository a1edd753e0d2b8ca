"""Differences between the public clients, which identify themselves in a header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hyperframes_render.tasks.model import TaskStatus

_PYTHON = re.compile(r"^inference-sdk-py/0\.(\d+)")
#: The Python client 0.36 knows that state 13 is final; 0.6 does not.
_KNOWS_REJECTED = 36


@dataclass(frozen=True)
class Client:
    """The client of a request: its headers X-Client-Source and User-Agent, empty if missing."""

    source: str = ""
    agent: str = ""

    @property
    def is_javascript(self) -> bool:
        """The JavaScript client. It waits forever if a stream ends before its task, and changes the type of uploads."""
        return self.source.startswith("inference-sdk-js/")

    def shown(self, view: Mapping[str, Any]) -> dict[str, Any]:
        """The task for this client: state 13 becomes 11 if the client does not know that 13 is final."""
        if view["status"] != TaskStatus.REJECTED or not self._ignores_rejection():
            return dict(view)
        return {**view, "status": int(TaskStatus.FAILED), "status_text": TaskStatus.FAILED.text}

    def _ignores_rejection(self) -> bool:
        python = _PYTHON.match(self.agent)
        return self.is_javascript or (python is not None and int(python[1]) < _KNOWS_REJECTED)
