"""Pages without a composition root, with formulas for the content of each frame."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.e2e.support import frames

SMALL_INPUT = {"width": 200, "height": 200, "fps": 10}
GSAP = '<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>'
STYLE = """<style>
html, body { margin: 0; background: #000 }
.clip { position: absolute; left: 0; top: 0; width: 200px; height: 100px }
#dot { position: absolute; z-index: 50; left: 0; top: 160px; width: 20px; height: 20px; background: #fff }
</style>"""
DOT = '<i id="dot"></i>'
BLACK, RED, GREEN, BLUE = (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)
TWO = """const a = gsap.timeline({ paused: true }), b = gsap.timeline({ paused: true });
a.to("#dot", { x: 140, duration: 1, ease: "none" }); b.to("#dot", { y: -40, duration: 1, ease: "none" }, 1);"""
TRACKS = (
    '<div class="clip" data-track-index="7" data-start="0.5" data-duration="0.5" style="background:#00f"></div>'
    '<div class="clip" data-track-index="1" style="background:#f00"></div>'
)
Place = Callable[[float], tuple[float, float] | None]
Colour = Callable[[float], tuple[int, int, int]]


def still(seconds: float) -> tuple[float, float]:
    return 0, 160


def right(seconds: float) -> tuple[float, float]:
    return min(seconds, 1) * 140, 160


def right_then_up(seconds: float) -> tuple[float, float]:
    return min(seconds, 1) * 140, 160 - max(seconds - 1, 0) * 40


def nowhere(seconds: float) -> None:
    return None


def black(seconds: float) -> tuple[int, int, int]:
    return BLACK


def blue_over_red(seconds: float) -> tuple[int, int, int]:
    return BLUE if 0.5 <= seconds < 1 else RED


@dataclass(frozen=True)
class Page:
    """A page, its length in seconds, and functions of time: the place of the white dot, and the colour at (100, 40)."""

    html: str
    seconds: float
    dot: Place = still
    colour: Colour = black
    files: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


def document(body: str, script: str = "", head: str = GSAP) -> str:
    return f"<!doctype html><html><head>{STYLE}{head}</head><body>{body}<script>{script}</script></body></html>"


def lottie() -> str:
    """A white square that moves by 140 pixels in 1 s, drawn by lottie-web from data in the page."""
    moved = {
        "a": 1,
        "k": [{"t": 0, "s": [10, 170], "o": {"x": 0, "y": 0}, "i": {"x": 1, "y": 1}}, {"t": 10, "s": [150, 170]}],
    }
    layer = {
        "ddd": 0,
        "ty": 4,
        "nm": "square",
        "sr": 1,
        "st": 0,
        "ip": 0,
        "op": 10,
        "bm": 0,
        "ks": {
            "p": moved,
            "a": {"a": 0, "k": [0, 0]},
            "s": {"a": 0, "k": [100, 100]},
            "r": {"a": 0, "k": 0},
            "o": {"a": 0, "k": 100},
        },
        "shapes": [
            {"ty": "rc", "p": {"a": 0, "k": [0, 0]}, "s": {"a": 0, "k": [20, 20]}, "r": {"a": 0, "k": 0}},
            {"ty": "fl", "c": {"a": 0, "k": [1, 1, 1, 1]}, "o": {"a": 0, "k": 100}},
        ],
    }
    data = {"v": "5.7.0", "fr": 10, "ip": 0, "op": 10, "w": 200, "h": 200, "assets": [], "layers": [layer]}
    return document(
        '<div id="stage" style="width:200px;height:200px"></div>',
        'lottie.loadAnimation({ container: document.getElementById("stage"), renderer: "svg", loop: false, '
        f"autoplay: true, animationData: {json.dumps(data)} }});",
        '<script src="https://cdnjs.cloudflare.com/ajax/libs/bodymovin/5.13.0/lottie.min.js"></script>',
    )


CSS_CLIP = """<style>
#dot { animation: go 1s linear both } @keyframes go { to { transform: translateX(140px) } }
</style>"""
PAGES = {
    "two timelines under odd keys": Page(
        document(TRACKS + DOT, TWO + 'window.__timelines = { first: a, "second one": b };'),
        2,
        right_then_up,
        blue_over_red,
    ),
    "a list of timelines": Page(
        document(TRACKS + DOT, TWO + "window.__timelines = [a, b];"), 2, right_then_up, blue_over_red
    ),
    "a list in the head, with a timeline pushed later": Page(
        document(
            DOT,
            f"{TWO} window.__timelines.push(a); setTimeout(() => window.__timelines.push(b), 30);",
            GSAP + "<script>window.__timelines = [];</script>",
        ),
        2,
        right_then_up,
    ),
    "a list that is there already": Page(
        document(DOT, f"{TWO} window.__timelines = window.__timelines || []; window.__timelines.push(a, b);"),
        2,
        right_then_up,
    ),
    "a key of what is there already": Page(
        document(DOT, f'{TWO} window.__timelines["page"] = a; window.__timelines["main"] = b;'), 2, right_then_up
    ),
    "timelines registered by a timer": Page(
        document(TRACKS + DOT, TWO + "setTimeout(() => { window.__timelines = { a, b } }, 50);"),
        2,
        right_then_up,
        blue_over_red,
    ),
    "timelines made of data that comes late": Page(
        document(
            DOT,
            'fetch("moves.json").then((answer) => answer.json()).then((moves) => { window.__timelines = moves.map((move) =>'
            '  gsap.timeline({ paused: true }).to("#dot", { ...move.vars, ease: "none" }, move.at)); });',
        ),
        2,
        right_then_up,
        files={
            "moves.json": '[{"vars": {"x": 140, "duration": 1}, "at": 0}, {"vars": {"y": -40, "duration": 1}, "at": 1}]'
        },
    ),
    "timelines that play, one in the other": Page(
        document(
            DOT,
            'const inner = gsap.timeline().to("#dot", { y: -40, duration: 1, ease: "none" });'
            'const outer = gsap.timeline().to("#dot", { x: 140, duration: 1, ease: "none" }).add(inner);'
            "window.__timelines = { inner, outer };",
        ),
        2,
        right_then_up,
    ),
    "a fragment": Page(
        STYLE + TRACKS + DOT + GSAP + f"<script>{TWO} window.__timelines = {{ a, b }}</script>",
        2,
        right_then_up,
        blue_over_red,
    ),
    "a template around all, after comments": Page(
        f"<!-- made by hand -->\n<!-- twice -->\n<template>{STYLE}{TRACKS}{DOT}{GSAP}"
        f"<script>{TWO} window.__timelines = {{ a, b }}</script></template>\n",
        2,
        right_then_up,
        blue_over_red,
    ),
    "no doctype, comments first, no body tag": Page(
        f"<!-- one --><html><head>{STYLE}{GSAP}</head>{TRACKS}{DOT}<script>{TWO} window.__timelines = {{ a, b }}</script>",
        2,
        right_then_up,
        blue_over_red,
    ),
    "CSS animations alone": Page(
        STYLE + "<style>#dot { animation: r 1s linear both, u 1s linear 1s forwards }"
        "@keyframes r { to { transform: translateX(140px) } }"
        "@keyframes u { from { transform: translate(140px, 0) } to { transform: translate(140px, -40px) } }</style>"
        + DOT,
        2,
        right_then_up,
    ),
    "a CSS animation in a clip counts from the clip": Page(
        STYLE + CSS_CLIP + '<div class="clip" data-start="0.5" style="width:0;height:0">' + DOT + "</div>",
        1.5,
        lambda t: ((t - 0.5) * 140, 160) if t >= 0.5 else None,
    ),
    "Web Animations alone": Page(
        document(
            DOT,
            'document.getElementById("dot").animate({ transform: ["none", "translateX(140px)"] },'
            ' { duration: 1000, fill: "both" }); document.getElementById("dot").animate('
            '{ transform: ["translate(140px, 0)", "translate(140px, -40px)"] }, { duration: 500, delay: 1000, fill: "forwards" });',
            "",
        ),
        1.5,
        lambda t: (min(t, 1) * 140, 160 - max(t - 1, 0) * 80),
    ),
    "animations of SVG alone": Page(
        STYLE + '<svg width="200" height="200" style="position:absolute;left:0;top:0">'
        '<rect y="160" width="20" height="20" fill="#fff"><animate attributeName="x" from="0" to="140" dur="1s" fill="freeze"/>'
        '<animate attributeName="y" from="160" to="120" begin="1s" dur="1s" fill="freeze"/></rect></svg>',
        2,
        right_then_up,
    ),
    "Lottie alone": Page(lottie(), 1, right),
    "a canvas in animation frames": Page(
        document(
            '<canvas width="200" height="200"></canvas>',
            'const context = document.querySelector("canvas").getContext("2d"); let started;'
            "requestAnimationFrame(function draw(now) { started ??= now; const t = (now - started) / 1000;"
            '  context.fillStyle = "#000"; context.fillRect(0, 0, 200, 200); context.fillStyle = "#fff";'
            "  context.fillRect(Math.min(t, 1) * 140, 160 - Math.max(t - 1, 0) * 40, 20, 20); requestAnimationFrame(draw); });",
            "",
        ),
        2,
        right_then_up,
        options=("--duration", "2"),
    ),
    "GSAP that plays by itself": Page(
        document(
            DOT,
            'gsap.to("#dot", { x: 140, duration: 1, ease: "none" });'
            'gsap.to("#dot", { y: -40, duration: 1, delay: 1, ease: "none" });',
        ),
        2,
        right_then_up,
        options=("--duration", "2"),
    ),
    "clips in clips end with them": Page(
        STYLE + '<div class="clip" data-start="0.3" data-duration="1" style="background:#0f0">'
        '<div class="clip" data-start="0.6" data-duration="5" style="background:#00f"></div></div>' + DOT,
        1.3,
        colour=lambda t: BLACK if t < 0.3 else GREEN if t < 0.6 else BLUE,
    ),
    "a clip without a length lasts as long as the longest timeline": Page(
        document(
            '<div class="clip" style="background:#0f0"></div>'
            '<div class="clip" data-start="0.2" data-duration="0.3" style="background:#f00"></div>' + DOT,
            'window.__timelines = [gsap.timeline({ paused: true }).to("#dot", { x: 140, duration: 1, ease: "none" })];',
        ),
        1,
        right,
        lambda t: RED if 0.2 <= t < 0.5 else GREEN,
    ),
    "clips that say their length end the video": Page(
        document(
            '<div class="clip" data-duration="0.7" style="background:#0f0"></div>' + DOT,
            'window.__timelines = [gsap.timeline({ paused: true }).to("#dot", { x: 140, duration: 1, ease: "none" })];',
        ),
        0.7,
        right,
        lambda t: GREEN,
    ),
    "clips without styles of their own": Page(
        '<style>body { margin: 0; background: #000 }</style><section class="clip" data-duration="0.5" style="background:#f00">'
        '</section><section class="clip" data-start="0.5" data-duration="0.5" style="background:#00f"></section>'
        '<i style="position:absolute;z-index:9;top:160px;width:20px;height:20px;background:#fff"></i>',
        1,
        colour=lambda t: RED if t < 0.5 else BLUE,
    ),
    "a clip that a script adds": Page(
        document(
            DOT,
            'const clip = document.createElement("div"); clip.className = "clip"; clip.dataset.start = "0.4";'
            'clip.dataset.duration = "0.6"; clip.style.background = "#0f0"; document.body.append(clip);',
            "",
        ),
        1,
        colour=lambda t: GREEN if t >= 0.4 else BLACK,
    ),
    "the author's own z-index wins over tracks": Page(
        STYLE + '<div class="clip" data-track-index="1" data-duration="1" style="background:#0f0;z-index:9"></div>'
        '<div class="clip" data-track-index="5" data-duration="1" style="background:#00f"></div>' + DOT,
        1,
        colour=lambda t: GREEN,
    ),
    "a timeline by itself, with a call and a set": Page(
        document(
            DOT,
            'window.__timelines = gsap.timeline({ paused: true }).set("#dot", { y: -40 }, 0)'
            '.call(() => { document.getElementById("dot").style.left = "100px"; }, null, 0.5).to({}, { duration: 1 }, 0);',
        ),
        1,
        lambda t: (0 if t < 0.5 else 100, 120),
    ),
    "a timeline of anime.js": Page(
        document(
            DOT,
            "window.__timelines = { a: anime.timeline({ autoplay: false })"
            '.add({ targets: "#dot", translateX: 140, duration: 1000, easing: "linear" }) };',
            '<script src="https://cdn.jsdelivr.net/npm/animejs@3.2.2/lib/anime.min.js"></script>',
        ),
        1,
        right,
    ),
    "an animation that a frame within a frame starts": Page(
        STYLE
        + "<style>.go { animation: go 1s linear both } @keyframes go { to { transform: translateX(140px) } }</style>"
        + DOT
        + "<script>requestAnimationFrame(() => requestAnimationFrame(() => "
        'document.getElementById("dot").classList.add("go")))</script>',
        1,
        right,
    ),
    "a timeline that an animation frame after a timer brings": Page(
        document(
            DOT,
            "setTimeout(() => requestAnimationFrame(() => { window.__timelines = { a: gsap.timeline({ paused: true })"
            '.to("#dot", { x: 140, duration: 1, ease: "none" }) } }), 200);',
        ),
        1,
        right,
    ),
    "timelines one level down": Page(
        document(DOT, TWO + "window.__timelines = { scenes: [a], more: { timeline: b, name: 'up' } };"),
        2,
        right_then_up,
    ),
    "an interval": Page(
        document(
            DOT,
            'let n = 0; setInterval(() => { document.getElementById("dot").style.left = ++n * 5 + "px"; }, 100);',
            "",
        ),
        1,
        lambda t: (round(t * 10) * 5, 160),
        options=("--duration", "1"),
    ),
    "a hidden body that a timer shows": Page(
        document(
            '<div class="clip" style="background:#0f0"></div>' + DOT,
            'setTimeout(() => { document.body.style.visibility = "visible"; }, 500);',
            "<style>body { visibility: hidden } .clip { visibility: inherit !important }</style>",
        ),
        1,
        lambda t: (0, 160) if t >= 0.5 else None,
        lambda t: GREEN if t >= 0.5 else BLACK,
        options=("--duration", "1"),
    ),
    "timers": Page(
        document(DOT, 'setTimeout(() => { document.getElementById("dot").style.left = "70px"; }, 1000);', ""),
        2,
        lambda t: (0, 160) if t < 1 else (70, 160),
        options=("--duration", "2"),
    ),
}


def check_frames(video: Path, page: Page) -> None:
    decoded = frames(video)
    assert len(decoded) == round(page.seconds * 10)
    for number, frame in enumerate(decoded):
        seconds = number / 10
        colour = page.colour(seconds)
        assert np.abs(frame[40, 100].astype(int) - colour).max() < 60, (number, frame[40, 100])
        place = page.dot(seconds)
        if place is None:
            assert frame[120:, :].max() < 100, number
        else:
            x, y = (round(value) for value in place)
            assert frame[y + 10, x + 10].min() > 180, (number, x, y)
            assert frame[y + 10, (x + 60) % 200].min() < 80, (number, x, y)
