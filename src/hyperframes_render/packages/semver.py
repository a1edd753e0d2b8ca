"""Matches versions with the version part of a CDN URL: an exact version, a prefix of one, or an npm range.

Ranges: https://github.com/npm/node-semver#ranges
"""

from __future__ import annotations

import re

_Numbers = tuple[int, ...]
_COMPARATOR = re.compile(r"(?P<mark>[<>]=?|[\^~=]?)v?(?P<version>[\dxX*.]*)(?:\+.*)?", re.ASCII)
_VERSION = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", re.ASCII)
_ENDLESS = (10**9,)


def satisfies(version: str, requested: str) -> bool:
    """Whether `version`, such as "3.15.0", is in the range `requested`, such as "^3.12", "3.x" or ">=3 <4 || 5".

    Tags, pre-release versions and text that cannot be parsed match only the same text.
    """
    if version == requested:
        return True
    numbers = _VERSION.fullmatch(version)
    if numbers is None:
        return False
    numbers_of_version = tuple(map(int, numbers.groups("0")))
    return any(_in_all(numbers_of_version, alternative) for alternative in requested.split("||"))


def _in_all(version: _Numbers, comparators: str) -> bool:
    """Whether a version satisfies all comparators, or the range "A - B"."""
    between = re.fullmatch(r"\s*(\S+)\s+-\s+(\S+)\s*", comparators)
    spans = [f">={between[1]}", f"<={between[2]}"] if between else re.sub(r"([<>=^~])\s+", r"\1", comparators).split()
    found = [_span(span) for span in spans]
    return all(span is not None and span[0] <= version < span[1] for span in found)


def _span(comparator: str) -> tuple[_Numbers, _Numbers] | None:
    """The half-open range [first, end) of one comparator; None if it cannot be parsed."""
    found = _COMPARATOR.fullmatch(comparator)
    if found is None:
        return None
    mark = found["mark"]
    prefix = _VERSION.fullmatch(re.split(r"\.?[xX*]", found["version"])[0])
    if prefix is None:
        return ((), _ENDLESS) if re.fullmatch(r"[xX*.]*", found["version"]) else None
    numbers = tuple(int(part) for part in prefix.groups() if part is not None)
    after = _next(numbers)
    if mark in (">=", ">", "<", "<="):
        return {">=": (numbers, _ENDLESS), ">": (after, _ENDLESS), "<": ((), numbers), "<=": ((), after)}[mark]
    if mark == "^":
        significant = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
        after = _next(numbers[: significant + 1])
    elif mark == "~":
        after = _next(numbers[:2])
    return numbers, after


def _next(numbers: _Numbers) -> _Numbers:
    """The first version after all versions that begin with `numbers`."""
    return (*numbers[:-1], numbers[-1] + 1)
