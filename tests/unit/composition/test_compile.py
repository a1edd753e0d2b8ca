"""A compile reads each text few times, and edits it where the author wrote it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from hyperframes_render.composition import html as module
from hyperframes_render.composition.compile import PageSpec, compile_page
from hyperframes_render.composition.declared import read_declared
from hyperframes_render.composition.html import Document
from hyperframes_render.packages.root import packages_root

PLAIN = """<!doctype html><html><head><style>p { font-family: Lato, serif }</style></head><body>
<div data-composition-id="m"
data-width="320" data-height="180" data-duration="1"><p style="font-family: Inter">x</p></div>
<script>
fail();
</script></body></html>"""
HOST = '<div data-composition-id="{0}" data-composition-src="{0}.html" data-start="0" data-duration="1"></div>'
PART = (
    '<template><div data-composition-id="{0}"><style>p {{ color: red }}</style><p>x</p>'
    "<script>1</script></div></template>"
)


def compiled(html: str, project: Path, **fields: object) -> str:
    document = Document(html)
    declared = read_declared(document, name="x.html")
    spec = PageSpec(640, 360, Fraction(30), None, rootless=declared.rootless, **fields)  # type: ignore[arg-type]
    return compile_page(document, declared, spec, project=project, packages=packages_root()).html


@pytest.mark.parametrize(("parts", "most"), [(0, 2), (3, 5)])
def test_a_text_is_scanned_few_times(parts: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"part{number}" for number in range(parts)]
    for name in names:
        (tmp_path / f"{name}.html").write_text(PART.format(name))
    page = PLAIN.replace("</div>", "".join(map(HOST.format, names)) + "</div>")
    scanned: list[int] = []

    class Counted(module._Scanner):
        def __init__(self, html: str) -> None:
            scanned.append(len(html))
            super().__init__(html)

    monkeypatch.setattr(module, "_Scanner", Counted)
    assert compiled(page, tmp_path).count("<p>x</p>") == parts
    assert len(scanned) <= most


def test_a_script_is_named_by_the_line_in_which_the_author_wrote_it(tmp_path: Path) -> None:
    # The root's tag, whose attributes are replaced, has a line break before one of them.
    assert "//# sourceURL=composition:@3\n" in compiled(PLAIN, tmp_path)


def test_an_end_tag_in_a_template_ends_nothing_outside_it() -> None:
    document = Document("<div><template></div><p></p></template><i></i></div>")
    div, _, paragraph, italic = document.elements
    assert paragraph.within("template") and italic.parent is div and not italic.within("template")


def test_scripts_of_a_page_at_an_address_run_when_a_browser_runs_them(tmp_path: Path) -> None:
    assert "<script>\nfail();\n</script>" in compiled(PLAIN, tmp_path, lenient_scripts=True)
    assert "<script>\nfail();\n</script>" not in compiled(PLAIN, tmp_path)
