"""Libraries come from the pinned packages for the usual tags of a page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.library_pages import PAGES
from tests.e2e.support import composition, few, frames, render, run

GSAP = (
    '<script src="https://cdnjs.cloudflare.com/ajax/libs/gsap/3.12.5/gsap.min.js" crossorigin="anonymous" '
    'integrity="sha512-7eHRwcbYkK4d9g/6tD/mhkf++eoTHwpNM9woBxtPUBWm67zeAfFC+HrdoE2GanKeocly/VxeLvIqwvCdk7qScg==">'
    "</script>"
)
BOX = '<div id="box" style="width:100px;height:100px;background:#00ff00;opacity:0"></div>'
SHOW = """window.__timelines = window.__timelines || {};
window.__timelines["NAME"] = gsap.timeline({ paused: true }).set("#box", { opacity: 1 }, 0);"""


def test_a_script_with_the_checksum_of_another_version_runs(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(GSAP + composition(BOX, SHOW.replace("NAME", "m"), 'data-duration="0.1"'))
    render(tmp_path, tmp_path / "o.mp4", "--network", "none")
    assert frames(tmp_path / "o.mp4")[0][50, 50].tolist()[1] > 200


def test_a_sub_composition_may_have_such_a_checksum(tmp_path: Path) -> None:
    inner = f'<div data-composition-id="part" data-width="320" data-height="180">{BOX}</div>'
    part = f"<template>{GSAP}{inner}<script>{SHOW.replace('NAME', 'part')}</script></template>"
    (tmp_path / "part.html").write_text(part)
    host = '<div data-composition-id="part" data-composition-src="part.html" data-start="0" data-duration="0.1"></div>'
    (tmp_path / "index.html").write_text(composition(host, root='data-duration="0.1" data-no-timeline'))
    render(tmp_path, tmp_path / "o.mp4", "--network", "none")
    assert frames(tmp_path / "o.mp4")[0][50, 50].tolist()[1] > 200


THREE = """<script type="importmap">{"imports": {
  "three": "https://cdn.jsdelivr.net/npm/three@0.160.0/build/three.module.js",
  "three/addons/": "https://cdn.jsdelivr.net/npm/three@0.160.0/examples/jsm/"
}}</script>"""
SCENE = """<canvas id="c" width="320" height="180"></canvas><script type="module">
import * as THREE from "three";
import { EffectComposer } from "three/addons/postprocessing/EffectComposer.js";
import { RenderPass } from "three/addons/postprocessing/RenderPass.js";
import { OutputPass } from "three/addons/postprocessing/OutputPass.js";
const options = { canvas: document.getElementById("c"), preserveDrawingBuffer: true };
const renderer = new THREE.WebGLRenderer(options);
renderer.setSize(320, 180, false);
const scene = new THREE.Scene();
scene.background = new THREE.Color(0x204060);
scene.add(new THREE.Mesh(new THREE.SphereGeometry(1), new THREE.MeshBasicMaterial({ color: 0xc08040 })));
const camera = new THREE.PerspectiveCamera(50, 16 / 9, 0.1, 20);
camera.position.z = 4;
const composer = new EffectComposer(renderer);
for (const pass of [new RenderPass(scene, camera), new OutputPass()]) composer.addPass(pass);
composer.render();
</script>"""


def test_modules_of_three_and_its_addons_have_one_version(tmp_path: Path) -> None:
    page = composition(SCENE, root='data-duration="0.1" data-no-timeline').replace("</head>", THREE + "</head>")
    (tmp_path / "index.html").write_text(page)
    result = render(tmp_path, tmp_path / "o.mp4", "--network", "none")
    assert not any("script" in warning for warning in result["warnings"])
    frame = frames(tmp_path / "o.mp4")[0].astype(int)
    for at, colour in (((90, 160), (0xC0, 0x80, 0x40)), ((10, 10), (0x20, 0x40, 0x60))):
        assert abs(frame[at] - colour).max() <= 6, frame[at]


def test_anime_runs_from_the_address_of_its_version_4(tmp_path: Path) -> None:
    address = "https://cdn.jsdelivr.net/npm/animejs@4.x/lib/anime.iife.min.js"
    script = """const move = anime.animate("#box", { opacity: [0, 1], duration: 100, ease: "linear", autoplay: false });
    (window.__hfAnime = window.__hfAnime || []).push(move);"""
    page = composition(BOX, script, 'data-duration="0.3" data-no-timeline')
    (tmp_path / "index.html").write_text(f'<script src="{address}"></script>{page}')
    assert render(tmp_path, tmp_path / "o.mp4", "--network", "none")["warnings"] == []
    decoded = frames(tmp_path / "o.mp4")
    assert decoded[0][50, 50].tolist()[1] < 60 and decoded[8][50, 50].tolist()[1] > 200


QUICK = (
    "tailwind3",
    "chart.js",
    "react-umd-babel",
    "react-modules",
    "vue",
    "font-awesome",
    "d3-modules",
    "three-modules",
)


@pytest.mark.parametrize("name", few(list(PAGES), *QUICK))
def test_a_library_from_a_cdn_draws_without_the_network(name: str, tmp_path: Path) -> None:
    page = PAGES[name]
    (tmp_path / "index.html").write_text(
        f"<!doctype html><html><head>{page.head}</head><body data-duration='1' "
        f"style='margin:0;background:#000!important;width:320px;height:180px'>{page.body}</body></html>"
    )
    size = ["--width", "320", "--height", "180", "--network", "none"]
    ended = run("snapshot", tmp_path, "-o", tmp_path / "a.png", "--at", page.at, *size, "--json")
    assert ended.status == 0, ended.stderr
    frame = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
    for x, y, colour in page.pixels:
        assert np.abs(frame[y, x] - colour).max() <= 4, f"{x}, {y}: {frame[y, x]} instead of {colour}: {ended.stdout}"
    if page.drawn_in is not None:
        left, top, right, bottom = page.drawn_in
        assert frame[top:bottom, left:right].std() > 5, ended.stdout


def test_a_library_warns_of_no_development_build(tmp_path: Path) -> None:
    page = PAGES["tailwind3"]
    (tmp_path / "index.html").write_text(f"<head>{page.head}</head><body data-duration='0.1'>{page.body}</body>")
    result = render(tmp_path, tmp_path / "o.mp4", "--width", "64", "--height", "36", "--network", "none")
    assert not [warning for warning in result["warnings"] if "production" in warning]


def test_check_lists_what_answers_each_outside_address(tmp_path: Path) -> None:
    head = (
        '<script src="https://cdn.jsdelivr.net/npm/gsap"></script>'
        '<link rel="stylesheet" href="https://fonts.googleapis.com/css2?family=Lato">'
    )
    (tmp_path / "index.html").write_text(head + composition(BOX, SHOW.replace("NAME", "m"), 'data-duration="0.1"'))
    report = json.loads(run("check", tmp_path, "--network", "none", "--json").stdout)
    (notice,) = [problem for problem in report["problems"] if problem["code"] == "outside_addresses"]
    assert notice["severity"] == "notice"
    assert "https://cdn.jsdelivr.net/npm/gsap by gsap 3." in notice["message"]
    assert "https://fonts.googleapis.com/css2?family=Lato by the fonts of the renderer" in notice["message"]
