"""Text is drawn in the family that the page names, wherever it names it: compared with faces of the page's own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hyperframes_render.packages.root import packages_root
from tests.e2e.support import run

ROW = 50
#: Row: the family and weight that is expected, its markup, and what stands elsewhere in the page.
PLACES = {
    "shorthand": ("Inter", 600, '<p class="a">Hamburg \u010d</p>', "<style>.a { font: 600 30px/50px Inter }</style>"),
    "attribute": ("Montserrat", 700, "<p style=\"font: bold 30px/50px 'Montserrat'\">Hamburg \u015b</p>", ""),
    "script": ("Oswald", 400, '<p id="s">Hamburg \u017e</p>', "<script>s.style.fontFamily = 'Oswald'</script>"),
    "script file": ("Lora", 400, '<p id="f">Hamburg \u0142</p>', '<script src="js/a.js"></script>'),
    "linked sheet": ("Poppins", 500, '<p class="l">Hamburg \u0105</p>', '<link rel="stylesheet" href="a.css">'),
    "template": (
        "Raleway",
        400,
        '<div id="t"></div><template id="m"><p style="font: 30px/50px Raleway">Hamburg \u011f</p></template>',
        "<script>t.append(m.content.cloneNode(true))</script>",
    ),
    "variable": ("Open Sans", 400, '<p class="v">Hamburg \u015f</p>', "<style>.v { font: var(--heading) }</style>"),
    "svg": ("Anton", 400, '<svg><text y="36" font-size="30" font-family="Anton">Hamburg \u010d</text></svg>', ""),
    "tailwind class": (
        "Open Sans",
        400,
        '<p id="w" class="md:font-[\'Open_Sans\']">Hamburg \u0119</p>',
        "<script>w.style.fontFamily = w.className.split(\"'\")[1].replace('_', ' ')</script>",
    ),
    "later": ("Rubik", 400, '<p id="n"></p>', "<script>window.later = 'Rubik'</script>"),
}
LATER = "setTimeout(() => { n.style.font = '30px/50px ' + later; n.textContent = 'Hamburg \\u0161' }, 100);"
LETTERS = "\u010d\u015b\u017e\u0142\u0105\u011f\u015f"
WITH_LETTERS = ["Inter", "Poppins", "Montserrat", "Roboto", "Open Sans"]


def page(rows: list[str], head: str = "", scripts: str = "") -> str:
    """A composition of rows of 50 pixels."""
    style = "body { margin: 0; background: #fff } p, .row { margin: 0; font-size: 30px; line-height: 50px }"
    style += ".row { height: 50px; overflow: hidden } svg { width: 300px; height: 50px; display: block }"
    body = "".join(f'<div class="row">{row}</div>' for row in rows)
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><style>{style}</style>{head}</head><body>'
        f'<div data-composition-id="m" data-start="0" data-width="320" data-height="{ROW * len(rows)}" '
        f'data-duration="1">{body}</div>{scripts}</body></html>'
    )


def own_face(name: str, family: str, weight: int, folder: Path) -> str:
    """@font-face rules under another name, with the package's files copied into the project."""
    package = packages_root() / "@fontsource" / family.lower().replace(" ", "-")
    shutil.copytree(package / "files", folder / "files", dirs_exist_ok=True)
    sheet = (package / f"{weight}.css").read_text("utf-8")
    return re.sub(r"font-family:[^;]*;", f"font-family: {name};", sheet)


def shown(folder: Path, at: float = 0) -> NDArray[np.uint8]:
    """The frame at `at` seconds."""
    image = folder / "shown.png"
    ended = run("snapshot", folder, "-o", image, "--at", at, "--network", "none")
    assert ended.status == 0, ended.stderr
    assert "fell back" not in ended.stderr
    with Image.open(image) as opened:
        return np.asarray(opened.convert("RGB"), np.uint8)


def rows_of(frame: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [frame[top : top + ROW] for top in range(0, frame.shape[0], ROW)]


def reference(texts: list[tuple[str, int, str]], folder: Path) -> list[NDArray[np.uint8]]:
    """The rows of these texts in faces of the page's own: (family, weight, text or SVG)."""
    folder.mkdir()
    faces = "".join(own_face(f"Own{n}", family, weight, folder) for n, (family, weight, _) in enumerate(texts))
    rows = [
        f'<div style="font-family: Own{number}; font-weight: {weight}">{text}</div>'
        for number, (_, weight, text) in enumerate(texts)
    ]
    (folder / "index.html").write_text(page(rows, f"<style>{faces}</style>"), "utf-8")
    return rows_of(shown(folder))


def test_text_has_the_family_that_is_named_in_any_place(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "js").mkdir(parents=True)
    (project / "js/a.js").write_text("document.getElementById('f').style.fontFamily = `Lora, serif`;")
    (project / "a.css").write_text(".l { font-family: Poppins; font-weight: 500 }")
    elsewhere = [place[3] for place in PLACES.values()]
    head = "<style>:root { --heading: 30px/50px Open Sans }</style>"
    head += "".join(text for text in elsewhere if not text.startswith("<script"))
    scripts = "".join(text for text in elsewhere if text.startswith("<script")) + f"<script>{LATER}</script>"
    (project / "index.html").write_text(page([place[2] for place in PLACES.values()], head, scripts), "utf-8")
    frame = rows_of(shown(project, at=0.5))

    letters = "\u010d\u015b\u017e\u0142\u0105\u011f\u015f\u010d\u0119\u0161"
    texts = [
        (family, weight, f"Hamburg {letter}")
        for (family, weight, _, _), letter in zip(PLACES.values(), letters, strict=True)
    ]
    texts[7] = ("Anton", 400, '<svg><text y="36" font-size="30">Hamburg \u010d</text></svg>')
    expected = reference(texts, tmp_path / "expected")
    wrong = [name for name, a, b in zip(PLACES, frame, expected, strict=True) if not np.array_equal(a, b)]
    assert wrong == []


@pytest.mark.parametrize(
    ("family", "text"),
    [
        *((family, f"n{letter}n {LETTERS}") for family in WITH_LETTERS for letter in LETTERS[:1]),
        ("Inter", "\u0416\u044f \u03a9\u03bb \u1ebf"),
    ],
)
def test_letters_of_other_scripts_come_from_the_family(family: str, text: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    row = f"<p style=\"font-family: '{family}'\">{text}</p>"
    (project / "index.html").write_text(page([row]), "utf-8")
    expected = reference([(family, 400, f"<p>{text}</p>")], tmp_path / "expected")

    assert np.array_equal(shown(project), expected[0])


def test_the_official_rule_is_a_switch(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(page(['<p style="font: 30px/50px Inter">Hamburg</p>']), "utf-8")
    ended = run("snapshot", tmp_path, "-o", tmp_path / "o.png", "--at", 0, env={"HYPERFRAMES_RENDER_FONTS": "official"})
    assert ended.status == 0 and "only the font shorthand names it" in ended.stderr
