"""Pages without a composition root have the expected frames, with any number of browsers and chunks."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import async_playwright

from hyperframes_render.browser.chromium import chromium_path
from tests.e2e.media import STEP, make_film, write_tone
from tests.e2e.rootless_pages import DOT, PAGES, SMALL_INPUT, STYLE, TRACKS, check_frames
from tests.e2e.support import few, frames, render, run

SPLITS = [["--workers", "1"], ["--workers", "2"], ["--chunks", "3"]]
SMALL = [text for name, value in SMALL_INPUT.items() for text in (f"--{name}", str(value))]


@pytest.mark.parametrize("name", few(list(PAGES), *list(PAGES)[::3]))
def test_a_page_is_right_at_every_frame(name: str, tmp_path: Path) -> None:
    page = PAGES[name]
    (tmp_path / "page.html").write_text(page.html)
    for file, text in page.files.items():
        (tmp_path / file).write_text(text)
    for split in SPLITS:
        result = render(tmp_path / "page.html", tmp_path / "o.mp4", *SMALL, "--network", "none", *split, *page.options)
        assert [text for text in result["warnings"] if not text.startswith("No composition root")] == []
        check_frames(tmp_path / "o.mp4", page)


@pytest.mark.parametrize(
    "style",
    [
        "<style>p { font-family: Oswald, serif }</style><p>iiii</p>",
        "<style>p { font: 600 50px/1.2 Oswald }</style><p>iiii</p>",
        '<p style="font: 50px Oswald, serif">iiii</p>',
    ],
    ids=["a list", "a shorthand", "a style attribute"],
)
def test_the_fonts_that_a_page_names_are_loaded(style: str, tmp_path: Path) -> None:
    script = (
        "<script>document.body.style.background = [...document.fonts].some((face) => face.family.includes('Oswald') && face.status === 'loaded')"
        "? '#0f0' : '#f00'</script>"
    )
    (tmp_path / "page.html").write_text(style + script)
    options = [*SMALL, "--duration", "0.2", "--network", "none"]
    render(tmp_path / "page.html", tmp_path / "o.mp4", *options)
    assert frames(tmp_path / "o.mp4")[0][190, 190].tolist()[1] > 200


ENDLESS = STYLE + "<style>#dot { animation: go 1s linear infinite } @keyframes go { to { opacity: 0 } }</style>" + DOT


@pytest.mark.parametrize("html", [ENDLESS, "<h1>Hello</h1>"], ids=["endless animation", "nothing moves"])
def test_a_page_without_a_length_is_5_seconds_long_with_a_warning(html: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(html)
    result = render(tmp_path / "page.html", tmp_path / "o.mp4", *SMALL)
    assert result["frames"] == 50
    assert any("length 5 s by default" in text for text in result["warnings"])
    assert any("Ask for a duration" in text and "data-start" in text for text in result["warnings"])


@pytest.mark.parametrize(
    ("root", "options", "expected"),
    [
        ('data-width="320" data-height="180" data-fps="25" data-duration="0.4"', [], (320, 180, "25", 10)),
        ('data-duration="0.5"', [], (1920, 1080, "30", 15)),
        (
            'data-width="320" data-height="180" data-duration="3"',
            ["--duration", "0.2", "--width", "160"],
            (160, 180, "30", 6),
        ),
        (
            'class="clip" data-width="320" data-height="180" data-start="0.1" data-duration="0.3"',
            [],
            (320, 180, "30", 12),
        ),
    ],
    ids=["all", "only the length", "options win", "a clip"],
)
def test_the_outermost_element_declares_size_rate_and_length(
    root: str, options: list[str], expected: tuple[int, int, str, int], tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text(f"<div {root}><p>Hello</p></div>")
    result = render(tmp_path / "page.html", tmp_path / "o.mp4", *options)
    assert (result["width"], result["height"], str(result["fps"]), result["frames"]) == expected


def test_an_outermost_element_with_a_size_is_the_frame(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<div data-width="64" data-height="48" data-duration="0.1" style="background:#0f0"><p>x</p></div>'
    )
    render(tmp_path / "page.html", tmp_path / "o.mp4")
    frame = frames(tmp_path / "o.mp4")[0]
    assert frame.shape == (48, 64, 3)
    assert frame[[0, 0, 47, 47], [0, 63, 0, 63], 1].min() > 200


def test_videos_and_sounds_are_clips_as_in_a_composition(tmp_path: Path) -> None:
    make_film(tmp_path / "video.mp4", seconds=1)
    write_tone(tmp_path / "tone.wav", seconds=0.5)
    (tmp_path / "page.html").write_text(
        "<style>body { margin: 0; background: #00f }</style>"
        '<video class="clip" src="video.mp4" muted data-start="0.5" data-duration="0.5" '
        'style="position:absolute;inset:0;width:320px;height:180px"></video>'
        '<audio class="clip" src="tone.wav" data-start="1"></audio>'
    )
    for split in SPLITS:
        options = ["--width", "320", "--height", "180", "--fps", "30", *split]
        result = render(tmp_path / "page.html", tmp_path / "o.mp4", *options)
        assert result["frames"] == 45, "the sound ends last"
        shown = []
        for frame in frames(tmp_path / "o.mp4"):
            red, _, blue = (float(frame[40:140, 60:260, channel].mean()) for channel in range(3))
            shown.append(None if blue > red + 20 else round((red * 219 / 255 + 16 - 20) / STEP))
        assert shown == [None] * 15 + list(range(15)) + [None] * 15
        loud = loudness(tmp_path / "o.mp4")
        assert max(loud[:9]) < 0.01 < 0.05 < min(loud[11:14])


def test_a_page_without_a_background_keeps_its_alpha(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(STYLE.replace("background: #000", "") + TRACKS)
    render(tmp_path / "page.html", tmp_path / "o.zip", *SMALL, "--duration", "0.1", "--codec", "png", "--transparent")
    frame = first_png(tmp_path / "o.zip")
    assert frame[40, 100].tolist() == [255, 0, 0, 255]
    assert frame[150, 100, 3] == 0


STATIC = """<!doctype html><html><head><title>News</title><style>
h1 { color: #903 } article { border: 3px solid #036; padding: 1em } footer { position: absolute; bottom: 10px; right: 10px }
</style></head><body bgcolor="#ffe"><h1>Today</h1><article><p>Some words that wrap over a few lines of text in a narrow page.</p>
<ul><li>one<li>two</ul></article><table border=1><tr><td>a<td>b</table><footer>End</footer></body></html>"""


@pytest.mark.parametrize("html", [STATIC, STATIC.partition("<body")[0] + "<h1>No body tag</h1>", "<p>Just words</p>"])
def test_a_static_page_looks_as_in_a_browser(html: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(html if html.startswith("<!") else f"<!doctype html>{html}")
    options = ["--width", "300", "--height", "400", "--duration", "0.1", "--codec", "png"]
    render(tmp_path / "page.html", tmp_path / "o.zip", *options)
    asyncio.run(take_screenshot(tmp_path / "page.html", tmp_path / "browser.png"))
    expected = np.asarray(Image.open(tmp_path / "browser.png").convert("RGB"), np.int16)
    assert np.abs(first_png(tmp_path / "o.zip")[..., :3].astype(np.int16) - expected).mean() < 2


async def take_screenshot(page: Path, image: Path) -> None:
    """Take a screenshot of the page in a plain browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox", "--font-render-hinting=none", "--disable-gpu"]
        )
        opened = await browser.new_page(viewport={"width": 300, "height": 400})
        await opened.goto(page.as_uri())
        await opened.screenshot(path=image)
        await browser.close()


def test_check_reports_assumptions_as_notices(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(STYLE + '<div class="clip" style="color: #fff" data-duration="3">Hello</div>')
    ended = run("check", tmp_path / "page.html", "--json")
    assert ended.status == 0
    [problem] = problems_of(ended.stdout)
    assert (problem["code"], problem["severity"]) == ("no_composition_root", "notice")
    assert problem["message"] == "No composition root: the body is the composition; length 3 s from its clips."


def problems_of(text: str) -> list[dict[str, str]]:
    found = json.loads(text)["problems"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("animation", "seconds"),
    [
        ("<style>#dot { animation: go 1.5s linear both } @keyframes go { to { opacity: 0 } }</style>", 1.5),
        ('<script>document.getElementById("dot").animate({ opacity: [1, 0] }, 1200)</script>', 1.2),
        ('<div class="clip" data-start="0.2" data-duration="1"></div>', 1.2),
        ('<video src="video.mp4" muted data-start="0.5"></video>', 1.5),
    ],
    ids=["CSS", "Web Animations", "a clip", "a video"],
)
def test_a_composition_without_a_length_ends_with_its_content(animation: str, seconds: float, tmp_path: Path) -> None:
    make_film(tmp_path / "video.mp4", seconds=1)
    root = '<div data-composition-id="m" data-width="200" data-height="200" data-no-timeline>'
    (tmp_path / "page.html").write_text(f"{STYLE}{root}{DOT}{animation}</div>")
    assert render(tmp_path / "page.html", tmp_path / "o.mp4", "--fps", "10")["frames"] == round(seconds * 10)


@pytest.mark.parametrize("html", ["", "   \n", "only words", "<!-- a comment -->", "<!doctype html>"])
def test_a_page_without_an_element_is_refused(html: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(html)
    ended = run("render", tmp_path / "page.html", "-o", tmp_path / "o.mp4")
    assert ended.status != 0
    assert "empty" in ended.last_line or "no element" in ended.last_line


def loudness(video: Path) -> list[float]:
    """The root mean square of the sound in each tenth of a second."""
    with av.open(str(video)) as container:
        parts = [frame.to_ndarray().astype(float).mean(axis=0) for frame in container.decode(audio=0)]
    samples = np.concatenate(parts)
    return [float(np.sqrt((tenth**2).mean())) for tenth in np.array_split(samples, max(1, round(len(samples) / 4800)))]


def first_png(archive: Path) -> NDArray[np.uint8]:
    """The first frame of a .zip of PNG files, as RGBA."""
    with zipfile.ZipFile(archive) as contents:
        name = sorted(name for name in contents.namelist() if name.endswith(".png"))[0]
        return np.asarray(Image.open(io.BytesIO(contents.read(name))).convert("RGBA"), np.uint8)


def test_a_video_has_no_pointer_and_full_motion(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        """<style>body { margin: 0; background: #000 } i { position: absolute; top: 0; width: 50px; height: 50px }
        @media (hover: none) { #a { background: #0f0 } } @media (pointer: none) { #b { left: 100px; background: #0f0 } }
        @media (prefers-reduced-motion: no-preference) { #c { left: 200px; background: #0f0 } }
        </style><body data-duration="0.1"><i id="a"></i><i id="b"></i><i id="c"></i>"""
    )
    render(page, tmp_path / "o.mp4", "--width", 320, "--height", 180)
    frame = frames(tmp_path / "o.mp4")[0]
    assert all(frame[25, x, 1] > 200 for x in (25, 125, 225))
