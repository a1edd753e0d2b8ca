"""A part of a project is shown by itself as the project's page shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperframes_render.composition.part import is_part, page_of_sub_composition
from hyperframes_render.composition.source import open_project
from hyperframes_render.errors import InvalidComposition

PAGE = """<!doctype html><html><head><style>.a{color:red}</style></head><body class="b">
<script src="gsap.js"></script>
<div id="root" data-composition-id="main" data-duration="9" data-width="320" data-height="180"><p>other</p>
<div class="a" data-composition-id="part" data-composition-src="./parts/one.html?x" data-start="4"
data-duration="3">old</div>
</div><script>window.__timelines = {}</script></body></html>"""
PART = '<!-- a part --><template><div data-composition-id="part" data-duration="2"></div></template>'


def test_only_the_host_is_left_of_the_page_and_what_it_needs() -> None:
    html = page_of_sub_composition(PAGE, "parts/one.html", PART)
    assert html is not None
    assert ".a{color:red}" in html and '<script src="gsap.js"></script>' in html
    assert "other" not in html and "old" not in html and "__timelines" not in html
    assert 'data-duration="2"' in html and 'data-start="0"' in html and 'data-start="4"' not in html
    assert html.index('id="root"') < html.index('class="a"') < html.index("</body>")


def test_a_part_without_a_length_has_that_of_its_host() -> None:
    html = page_of_sub_composition(PAGE, "parts/one.html", PART.replace(' data-duration="2"', ""))
    assert html is not None
    assert html.count('data-duration="3"') == 2


def test_a_part_that_the_page_does_not_show_is_told() -> None:
    assert page_of_sub_composition(PAGE, "parts/two.html", PART) is None


@pytest.mark.parametrize(
    ("html", "part"),
    [(PART, True), ("\n<TEMPLATE id=x>", True), ("<p></p><template></template>", False), ("<html>", False)],
)
def test_a_part_begins_with_a_template(html: str, part: bool) -> None:
    assert is_part(html) is part


def write_project(folder: Path) -> Path:
    (folder / "parts").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "parts" / "one.html").write_text(PART)
    (folder / "parts" / "two.html").write_text(PART)
    (folder / "parts" / "page.html").write_text("<html><p>a page</p></html>")
    (folder.parent / "outside.html").write_text("<html>outside</html>")
    return folder


def test_a_project_opens_with_the_file_that_is_asked_for(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project")
    assert open_project(folder, unpack_to=tmp_path).entry == "index.html"
    page = open_project(folder, unpack_to=tmp_path, composition="parts/page.html")
    assert (page.entry, page.root, page.read_html()) == ("parts/page.html", folder, "<html><p>a page</p></html>")
    part = open_project(folder, unpack_to=tmp_path, composition="parts/one.html")
    assert part.entry == "index.html" and 'data-start="0"' in part.read_html()


@pytest.mark.parametrize(
    ("composition", "words"),
    [("parts/two.html", "does not show"), ("parts/none.html", "There is no"), ("../outside.html", "There is no")],
)
def test_a_file_that_cannot_be_rendered_is_named(composition: str, words: str, tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project")
    with pytest.raises(InvalidComposition, match=words):
        open_project(folder, unpack_to=tmp_path, composition=composition).read_html()
