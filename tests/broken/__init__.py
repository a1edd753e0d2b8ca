"""Broken projects and the problem that each must get. `make test` looks at one of each code, `make test-all` at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def one_of_each_code(names: Iterable[str], expected: dict[str, dict[str, Any]]) -> list[Any]:
    """Parameters for all `names`: the first one of each code is quick, the others are slow."""
    seen: set[str] = set()
    parameters = []
    for name in names:
        code = str(expected[name]["code"])
        parameters.append(pytest.param(name, marks=[pytest.mark.slow] if code in seen else [], id=name))
        seen.add(code)
    return parameters
