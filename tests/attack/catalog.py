"""The hostile fixtures as they lie on disk: what each tries, how it may end, which controls stop it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"
GOLDEN = Path(__file__).parent / "golden.html"
#: How an attack may end besides with an error's code.
RENDERED = "rendered"


@dataclass(frozen=True)
class Fixture:
    """One attack.

    An .html file says what it is in a comment at its top, a folder in attack.toml; a .toml file alone describes what
    recipes.py makes, or what is asked for without any page.
    """

    name: str
    path: Path
    #: One sentence.
    tries: str
    #: Codes of errors that it may end with, or "rendered".
    ends: tuple[str, ...]
    #: Without all of these controls together (controls.py) it succeeds.
    needs: tuple[str, ...] = ()
    #: Whether it is one of those in `make test`.
    quick: bool = False
    #: Why nothing of it is to be seen in the result, for the few of which that is true.
    quiet: str = ""
    #: What the warnings or the error must say.
    says: str = ""
    #: Fields of RenderInput, and the name under which the composition arrives.
    request: dict[str, Any] = field(default_factory=dict)
    arrives_as: str = ""
    #: A function of recipes.py that makes the composition.
    recipe: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    #: Addresses to fetch a composition from, or to send a webhook to.
    fetch: tuple[str, ...] = ()
    webhook: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The folder that it lies in."""
        return self.name.partition("/")[0]


def fixtures() -> list[Fixture]:
    """All of them, in the order of their names."""
    return [_read(path) for path in sorted(FIXTURES.glob("*/*")) if _is_fixture(path)]


def _is_fixture(path: Path) -> bool:
    return path.suffix in (".html", ".toml") or (path.is_dir() and (path / "attack.toml").is_file())


def _read(path: Path) -> Fixture:
    values = tomllib.loads(_described(path))
    name = f"{path.parent.name}/{path.stem}"
    for several in ("ends", "needs", "fetch", "webhook"):
        values[several] = tuple(values.get(several, ()))
    if not values["ends"]:
        values["ends"] = (RENDERED,)
    return Fixture(name=name, path=path, **values)


def _described(path: Path) -> str:
    if path.is_dir():
        return (path / "attack.toml").read_text("utf-8")
    text = path.read_text("utf-8")
    if path.suffix == ".toml":
        return text
    comment = re.search(r"<!--(.*?)-->", text, re.DOTALL)
    assert comment is not None, f"{path} does not say what it tries"
    return comment[1]
