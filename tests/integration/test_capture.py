"""Fast capture paths give the same pixels as lossless screenshots, and are disabled if they differ."""

from __future__ import annotations

import asyncio
import ctypes
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hyperframes_render.browser import chromium
from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.browser.interceptor import RequestLog
from hyperframes_render.browser.media import MediaLibrary
from hyperframes_render.browser.surface import Surface
from hyperframes_render.composition.compile import PageSpec, compile_page
from hyperframes_render.composition.declared import read_declared
from hyperframes_render.composition.html import Document
from hyperframes_render.composition.source import open_project
from hyperframes_render.errors import PageUnresponsive
from hyperframes_render.input import DEFAULT_FPS, parse_render_input
from hyperframes_render.media.frame_form import FrameForm
from hyperframes_render.network.fetch import FetchBudget
from hyperframes_render.packages.root import packages_root
from hyperframes_render.render.job import LocalOptions, render
from hyperframes_render.render.result import RenderResult
from hyperframes_render.render.worker import WorkerSpec, start_worker
from tests.e2e.boxes import BOXES, check_boxes
from tests.e2e.support import COMPOSITIONS, composition

RICH = COMPOSITIONS / "rich.html"


async def capture_planes(source: Path, folder: Path, *, surface: bool, frames: range) -> list[bytes]:
    """The planes of each frame, from the surface or from lossless screenshots."""
    project = open_project(source, unpack_to=folder)
    document = Document(project.read_html())
    declared = read_declared(document, name=project.name)
    assert declared.width and declared.height
    page = PageSpec(declared.width, declared.height, DEFAULT_FPS, None)
    packages = packages_root()
    async with AsyncExitStack() as stack:
        driver = BrowserDriver()
        stack.push_async_callback(driver.stop)
        spec = WorkerSpec(
            playwright=await driver.ready(),
            project=project,
            html=compile_page(document, declared, page, project=project.root, packages=packages).html,
            page=page,
            packages=packages,
            network="none",
            job=folder,
            use_surface=surface,
            form=FrameForm.PLANES,
            reuse=False,
            log=RequestLog(),
            media=MediaLibrary(folder / "media"),
            budget=FetchBudget(),
            on_seek_errors=lambda frame, errors: pytest.fail(f"frame {frame}: {errors}"),
        )
        worker = await start_worker(spec, stack, form=FrameForm.PLANES)
        assert (worker.capture.surface is not None) == surface
        planes = []
        for frame in frames:
            captured = await worker.capture.take(frame, look_ahead=frame + 1 in frames, must_have=True)
            assert captured is not None
            planes.append(await captured.data)
            captured.release()
        return planes


def test_the_surface_and_lossless_screenshots_are_the_same_bytes(tmp_path: Path) -> None:
    frames = range(45)
    surface = asyncio.run(capture_planes(RICH, tmp_path, surface=True, frames=frames))
    screenshots = asyncio.run(capture_planes(RICH, tmp_path, surface=False, frames=frames))
    assert len(set(surface)) > 40, "the composition has too few different frames for a comparison"
    assert [a == b for a, b in zip(surface, screenshots, strict=True)] == [True] * len(frames)


def render_boxes(output: Path, source: Path = BOXES) -> RenderResult:
    return asyncio.run(render(source, output, parse_render_input({"network": "none"}), LocalOptions(workers=1)))


def test_a_surface_with_a_wrong_pixel_is_replaced_by_screenshots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_to = Surface.read_to

    def read_with_a_wrong_pixel(self: Surface, address: int) -> None:
        read_to(self, address)
        ctypes.memset(address + self.size // 2, 77, 4)

    monkeypatch.setattr(Surface, "read_to", read_with_a_wrong_pixel)
    result = render_boxes(tmp_path / "o.mp4")
    check_boxes(tmp_path / "o.mp4")
    assert [report.path for report in result.capture] == ["screenshot"]
    assert any("lossless screenshot" in warning.message for warning in result.warnings)


def test_a_surface_that_freezes_is_replaced_by_screenshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperframes_render.browser.capture.CHECK_EVERY", 10)
    read_to, calls = Surface.read_to, 0

    def read_five_times(self: Surface, address: int) -> None:
        nonlocal calls
        calls += 1
        if calls <= 5:
            read_to(self, address)

    monkeypatch.setattr(Surface, "read_to", read_five_times)
    result = render_boxes(tmp_path / "o.mp4")
    check_boxes(tmp_path / "o.mp4")
    assert [report.path for report in result.capture] == ["screenshot"]


def test_frames_without_reported_damage_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin_frame = chromium.Chromium.begin_frame

    async def without_damage(self: chromium.Chromium, *arguments: Any, **options: Any) -> dict[str, Any]:
        return {**await begin_frame(self, *arguments, **options), "hasDamage": False}

    monkeypatch.setattr(chromium.Chromium, "begin_frame", without_damage)
    monkeypatch.setenv("HYPERFRAMES_RENDER_CAPTURE", "screenshot")
    result = render_boxes(tmp_path / "o.mp4")
    check_boxes(tmp_path / "o.mp4")
    assert any("Repeating unchanged frames" in warning.message for warning in result.warnings)


def test_a_page_that_stalls_mid_render_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "FRAME_TIMEOUT", 2.0)
    script = """const tl = gsap.timeline({paused: true, onUpdate() { while (tl.time() > 0.5); }});
      tl.to({}, {duration: 1}); window.__timelines = {m: tl};"""
    library = '<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>'
    (tmp_path / "stall.html").write_text(composition(library, script))
    with pytest.raises(PageUnresponsive, match="did not respond within 2 s"):
        render_boxes(tmp_path / "o.mp4", tmp_path / "stall.html")
    assert not (tmp_path / "o.mp4").exists()
