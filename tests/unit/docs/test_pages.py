"""The docs are complete and reachable. They and the source use the words that everybody knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools import cli_reference, error_reference

from tests.template import PROJECT

DOCS = PROJECT / "docs"
PAGES = [*DOCS.rglob("*.md"), *PROJECT.glob("*.md")]
SOURCES = [file for end in ("py", "js") for file in sorted((PROJECT / "src").rglob(f"*.{end}"))]
_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
#: Private words of this project's past: the field has others.
BANNED = re.compile(
    r"\b(footage|the door|(is|are) told|at hand|is not had|given back|born ended|whereof|mended|dearer"
    r"|brought in|in vain|as ever|films?|told|whoever|strangers|moving pictures?)\b",
    re.I,
)
#: Words that the pages do not use, and the source still does.
BANNED_IN_PAGES = re.compile(r"\b(tells|taken for granted|for good)\b", re.I)
#: What programs write between two marks of a page: tables of tests and attacks, named by their authors.
_GENERATED = re.compile(r"<!-- (\w+)\b[^>]*-->.*?<!-- /\1 -->", re.DOTALL)


def name_of(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


def links(page: Path) -> set[Path]:
    found = (target for target in _LINK.findall(page.read_text()) if not re.match(r"[a-z]+:", target))
    return {(page.parent / target).resolve() for target in found}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    assert [str(target) for target in links(page) if not target.exists()] == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_to_a_heading_lead_to_one(page: Path) -> None:
    found = re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", page.read_text())
    missing = [anchor for target, anchor in found if anchor not in anchors((page.parent / target) if target else page)]
    assert missing == []


def test_every_page_is_reachable_from_the_index() -> None:
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [target for target in links(page) if target.suffix == ".md" and target.is_relative_to(DOCS)]
    assert {name_of(page) for page in DOCS.rglob("*.md")} <= {name_of(page) for page in reached}


def test_the_readme_leads_to_the_index() -> None:
    assert DOCS / "index.md" in links(PROJECT / "README.md")
    assert len((PROJECT / "README.md").read_text().splitlines()) < 90


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name_of)
def test_a_page_names_its_readers_first(page: Path) -> None:
    title, first = page.read_text().split("\n\n")[:2]
    assert title.startswith("# ")
    assert first.startswith("For ") or page == DOCS / "index.md"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_use_the_words_of_the_field(page: Path) -> None:
    text = page.read_text()
    assert [found[0] for found in BANNED.finditer(text)] == []
    assert [found[0] for found in BANNED_IN_PAGES.finditer(_GENERATED.sub("", text))] == []


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_source_uses_the_words_of_the_field(source: Path) -> None:
    assert [found[0] for found in BANNED.finditer(source.read_text())] == []


def test_the_page_of_error_codes_is_of_the_error_tree() -> None:
    assert error_reference.PAGE.read_text() == error_reference.page(), "run python -m tools.error_reference"


@pytest.mark.parametrize("columns", ["40", "200"])
def test_the_page_of_the_command_line_is_current(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert cli_reference.PAGE.read_text() == cli_reference.page(), "run python -m tools.cli_reference"
