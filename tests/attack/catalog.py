"""Reads the hostile fixtures from disk: what each tries, how it may end, which controls stop it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"
GOLDEN = Path(__file__).parent / "golden.html"
#: The end of an attack without an error. Other ends are error codes.
RENDERED = "rendered"


@dataclass(frozen=True)
class Fixture:
    """One attack.

    An .html file has its description in a comment at its top, a folder in attack.toml. A .toml file describes a
    composition that recipes.py makes, or requests without a composition.
    """

    name: str
    path: Path
    #: A description in one sentence.
    tries: str
    #: Codes of errors that it may end with, or "rendered".
    ends: tuple[str, ...]
    #: The attack succeeds if all of these controls (controls.py) are removed.
    needs: tuple[str, ...] = ()
    #: Whether `make test` runs it.
    quick: bool = False
    #: The reason why the result has no warning and no error, for the few attacks without one.
    quiet: str = ""
    #: Text that the warnings or the error must contain.
    says: str = ""
    #: Fields of RenderInput, and the file name of the composition in the job.
    request: dict[str, Any] = field(default_factory=dict)
    arrives_as: str = ""
    #: The function of recipes.py that makes the composition, and its arguments.
    recipe: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    #: Addresses to fetch a composition from, or to send a webhook to.
    fetch: tuple[str, ...] = ()
    webhook: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the fixture's folder."""
        return self.name.partition("/")[0]


def fixtures() -> list[Fixture]:
    """All fixtures, sorted by name."""
    return [_read(path) for path in sorted(FIXTURES.glob("*/*")) if _is_fixture(path)]


def _is_fixture(path: Path) -> bool:
    return path.suffix in (".html", ".toml") or (path.is_dir() and (path / "attack.toml").is_file())


def _read(path: Path) -> Fixture:
    values = tomllib.loads(_description(path))
    name = f"{path.parent.name}/{path.stem}"
    for several in ("ends", "needs", "fetch", "webhook"):
        values[several] = tuple(values.get(several, ()))
    if not values["ends"]:
        values["ends"] = (RENDERED,)
    return Fixture(name=name, path=path, **values)


def _description(path: Path) -> str:
    if path.is_dir():
        return (path / "attack.toml").read_text("utf-8")
    text = path.read_text("utf-8")
    if path.suffix == ".toml":
        return text
    comment = re.search(r"<!--(.*?)-->", text, re.DOTALL)
    assert comment is not None, f"{path} has no description in a comment"
    return comment[1]
