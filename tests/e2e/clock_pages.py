"""Random pages whose boxes move by what scripts start late, and where each box must be by formula.

Each box has a cause (what starts it, and when) and a motion (how it moves from then on). Times are multiples of a tenth
of a second, which is a frame.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

FPS = 10
FRAMES = 24
BOXES = 6
SIDE = 16
#: Pixels that a box travels, at most.
WAY = 200

_GSAP = '<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>'
_IMAGE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def _start_at_load(start: str, at: float) -> str:
    return f"{start}()"


def _timer(start: str, at: float) -> str:
    return f"setTimeout({start}, {at * 1000:g})"


def _interval(start: str, at: float) -> str:
    return f"{{ const i = setInterval(() => {{ clearInterval(i); {start}(); }}, {at * 1000:g}) }}"


def _timer_chain(start: str, at: float) -> str:
    return f"setTimeout(() => setTimeout({start}, {at * 500:g}), {at * 500:g})"


def _fetch(start: str, at: float) -> str:
    return f'setTimeout(() => fetch("data.json").then((a) => a.json()).then({start}), {at * 1000:g})'


def _request(start: str, at: float) -> str:
    send = f'const x = new XMLHttpRequest(); x.open("GET", "data.json"); x.onload = {start}; x.send();'
    return f"setTimeout(() => {{ {send} }}, {at * 1000:g})"


def _image(start: str, at: float) -> str:
    return f'setTimeout(() => {{ const i = new Image(); i.onload = {start}; i.src = "{_IMAGE}"; }}, {at * 1000:g})'


def _promises(start: str, at: float) -> str:
    wait = f"await new Promise((go) => setTimeout(go, {at * 1000:g}));"
    return f"(async () => {{ {wait} await null; await Promise.resolve(); {start}(); }})()"


def _animation_event(start: str, at: float) -> str:
    return (
        f'{{ const e = document.createElement("i"); document.body.append(e); '
        f'e.style.animation = "nothing {at:g}s linear"; e.addEventListener("animationend", {start}); }}'
    )


def _finished(start: str, at: float) -> str:
    return f'document.body.animate({{ "--n": [0, 1] }}, {at * 1000:g}).finished.then({start})'


def _transition_event(start: str, at: float) -> str:
    return (
        '{ const e = document.createElement("b"); document.body.append(e); getComputedStyle(e).opacity; '
        f'e.style.transition = "opacity {at:g}s linear"; e.style.opacity = 0; '
        f'e.addEventListener("transitionend", {start}, {{ once: true }}); }}'
    )


def _timeline_call(start: str, at: float) -> str:
    return f"window.__timelines.m.call({start}, [], {at:g})"


def _animation_frames(start: str, at: float) -> str:
    return (
        f"{{ const loop = (ms) => ms >= {at * 1000 - 1:g} ? {start}() : requestAnimationFrame(loop); "
        "requestAnimationFrame(loop); }"
    )


def _mutation(start: str, at: float) -> str:
    watch = f'new MutationObserver({start}).observe(e, {{ attributes: true }}); e.id = "changed";'
    return f'setTimeout(() => {{ const e = document.createElement("p"); {watch} }}, {at * 1000:g})'


def _seen(start: str, at: float) -> str:
    watch = f"new IntersectionObserver((all, self) => {{ self.disconnect(); {start}(); }}).observe(document.body);"
    return f"setTimeout(() => {{ {watch} }}, {at * 1000:g})"


CAUSES: dict[str, Callable[[str, float], str]] = {
    "load": _start_at_load,
    "timer": _timer,
    "interval": _interval,
    "timer chain": _timer_chain,
    "fetch": _fetch,
    "request": _request,
    "image": _image,
    "promises": _promises,
    "animation event": _animation_event,
    "finished": _finished,
    "transition event": _transition_event,
    "timeline call": _timeline_call,
    "animation frames": _animation_frames,
    "mutation": _mutation,
    "seen": _seen,
}


@dataclass(frozen=True)
class Motion:
    """A script that moves the element `e` from now on, and pixels from its place by seconds since then."""

    script: str
    place: Callable[[float], float]


def _linear(length: float, seconds: float) -> float:
    return WAY * min(1.0, max(0.0, seconds / length))


def _motions(length: float, moment: float) -> dict[str, Motion]:
    """The kinds of motion: `length` is how long it lasts, `moment` when something interrupts it, in seconds."""
    ms, cut = length * 1000, moment * 1000
    keys = f'[{{ left: "0px" }}, {{ left: "{WAY}px" }}]'
    animate = f'const a = e.animate({keys}, {{ duration: {ms:g}, fill: "both" }});'
    half = f'[{{ left: "{WAY}px" }}, {{ left: "0px" }}]'
    return {
        "class": Motion(
            f'e.style.setProperty("--d", "{length:g}s"); e.classList.add("go");', lambda t: _linear(length, t)
        ),
        "style": Motion(f'e.style.animation = "move {length:g}s linear both";', lambda t: _linear(length, t)),
        "transition": Motion(
            f'e.style.transition = "left {length:g}s linear"; e.style.left = "{WAY}px";', lambda t: _linear(length, t)
        ),
        "animate": Motion(animate, lambda t: _linear(length, t)),
        "new Animation": Motion(
            f"new Animation(new KeyframeEffect(e, {keys}, {{ duration: {ms:g}, fill: 'both' }})).play();",
            lambda t: _linear(length, t),
        ),
        "start time": Motion(f"{animate} a.startTime = document.timeline.currentTime;", lambda t: _linear(length, t)),
        "rate": Motion(f"{animate} a.playbackRate = 2;", lambda t: _linear(length, 2 * t)),
        "reverse": Motion(f"{animate} a.reverse();", lambda t: WAY - _linear(length, t)),
        "from the middle": Motion(f"{animate} a.currentTime = {ms / 2:g};", lambda t: _linear(length, t + length / 2)),
        "chain": Motion(
            f"{animate} a.finished.then(() => e.animate({half}, {{ duration: {ms:g}, fill: 'both' }}));",
            lambda t: _linear(length, t) if t < length else WAY - _linear(length, t - length),
        ),
        "on finish": Motion(
            f"{animate} a.onfinish = () => e.animate({half}, {{ duration: {ms:g}, fill: 'both' }});",
            lambda t: _linear(length, t) if t < length else WAY - _linear(length, t - length),
        ),
        "cancelled": Motion(
            f"{animate} setTimeout(() => a.cancel(), {cut:g});", lambda t: _linear(length, t) if t < moment else 0.0
        ),
        "paused": Motion(f"{animate} setTimeout(() => a.pause(), {cut:g});", lambda t: _linear(length, min(t, moment))),
        "paused and played": Motion(
            f"{animate} setTimeout(() => {{ a.pause(); setTimeout(() => a.play(), {cut:g}); }}, {cut:g});",
            lambda t: _linear(length, t if t < moment else max(moment, t - moment)),
        ),
        "paused by style": Motion(
            f'e.style.animation = "move {length:g}s linear both"; '
            f'setTimeout(() => {{ e.style.animationPlayState = "paused"; }}, {cut:g});',
            lambda t: _linear(length, min(t, moment)),
        ),
    }


MOTIONS = tuple(_motions(1, 0.5))


@dataclass(frozen=True)
class Box:
    """One box of a page: what starts it, when (seconds), and how it moves."""

    cause: str
    at: float
    motion: str
    length: float
    moment: float

    def place(self, frame: int) -> float:
        """Its left edge at a frame, in pixels."""
        seconds = frame / FPS - self.at
        return _motions(self.length, self.moment)[self.motion].place(seconds + 1e-9) if seconds > -1e-9 else 0.0

    def script(self, number: int) -> str:
        """The script that starts it."""
        body = (
            f'const e = document.getElementById("b{number}"); {_motions(self.length, self.moment)[self.motion].script}'
        )
        return f"const start{number} = () => {{ {body} }};\n{CAUSES[self.cause](f'start{number}', self.at)};"


def random_boxes(seed: int) -> list[Box]:
    """The boxes of page `seed`."""
    chance = random.Random(seed)
    boxes = []
    for _ in range(BOXES):
        cause = chance.choice(list(CAUSES))
        at = 0.0 if cause == "load" else chance.choice((0.2, 0.4, 0.6, 1.0))
        boxes.append(Box(cause, at, chance.choice(MOTIONS), chance.choice((0.4, 0.8, 1.2)), chance.choice((0.2, 0.3))))
    return boxes


def page_of(boxes: list[Box]) -> str:
    """The page, 240 by 6 × 20 pixels."""
    rows = "".join(f'<div class="box" id="b{row}" style="top:{20 * row + 2}px"></div>' for row in range(len(boxes)))
    scripts = "\n".join(box.script(number) for number, box in enumerate(boxes))
    return f"""<!doctype html><html><head>{_GSAP}<style>
body {{ margin: 0; background: #000 }}
.box {{ position: absolute; left: 0; width: {SIDE}px; height: {SIDE}px; background: #fff }}
@keyframes move {{ from {{ left: 0 }} to {{ left: {WAY}px }} }}
@keyframes nothing {{ to {{ --n: 1 }} }}
.go {{ animation: move var(--d) linear both }}
</style></head><body><div data-composition-id="m" data-start="0" data-width="240" data-height="120"
 data-duration="{FRAMES / FPS:g}">{rows}</div>
<script>
window.__timelines = {{ m: gsap.timeline({{ paused: true }}) }};
{scripts}
</script></body></html>"""
