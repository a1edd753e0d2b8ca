"""Every grading (data-color-grading) has the same bytes as the official one, although the shader is shorter."""

from __future__ import annotations

import html
import json
import zipfile
from pathlib import Path

import pytest

from hyperframes_render.browser.capture import decode_screenshot
from tests.parity.cases import make_media
from tests.parity.programs import OFFICIAL, node, render_official_frames, render_ours

GRADINGS = json.loads((Path(__file__).parent / "gradings.json").read_text("utf-8"))
#: Number of graded images in one page. The official renderer takes about 5 s for a page.
IMAGES_PER_PAGE = 3
PAGE = """<!doctype html><html><head><meta charset="utf-8"><style>html,body{{margin:0;background:#202020}}
#stage{{position:relative;width:640px;height:170px;background:#202020}} img{{position:absolute;top:10px}}</style></head>
<body><div id="stage" data-composition-id="main" data-start="0" data-duration="0.4" data-width="640" data-height="170"
data-no-timeline>{images}</div></body></html>"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, len(GRADINGS), IMAGES_PER_PAGE))
def test_a_grading_has_the_same_bytes_as_the_official_one(first: int, tmp_path: Path) -> None:
    if node() is None:
        pytest.skip(f"THE OFFICIAL RENDERER IS NOT IN {OFFICIAL}: run tests/bench/setup.sh; nothing was compared")
    project = tmp_path / "project"
    project.mkdir()
    make_media("photo.jpg", project / "photo.jpg")
    images = "".join(
        f'<img src="photo.jpg" id="image-{place}" style="left:{10 + 210 * place}px" width="200" height="150" '
        f'data-color-grading="{html.escape(json.dumps(grading))}">'
        for place, grading in enumerate(GRADINGS[first : first + IMAGES_PER_PAGE])
    )
    (project / "index.html").write_text(PAGE.format(images=images), "utf-8")
    official = [
        decode_screenshot(file.read_bytes()) for file in render_official_frames(project, tmp_path / "o", "--fps", "5")
    ]
    render_ours(project, tmp_path / "ours.zip", "--codec", "png", "--fps", "5", "--network", "none")
    with zipfile.ZipFile(tmp_path / "ours.zip") as archive:
        ours = [decode_screenshot(archive.read(name)) for name in sorted(archive.namelist())]
    assert len(official) == 2
    assert ours == official
