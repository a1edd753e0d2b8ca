"""Writes docs/reference/checks.md: python -m tools.check_reference.

The code and severity of each check stand where it is reported, in composition/lint/, render/check.py,
render/looks/ and render/plan.py. This module adds a meaning, an example and a fix for each, and a test compares both.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hyperframes_render.composition.lint.official import rules

_PROJECT = Path(__file__).resolve().parents[1]
PAGE = _PROJECT / "docs/reference/checks.md"
_PACKAGE = _PROJECT / "src/hyperframes_render"
#: Files that report problems, as literal pairs of code and severity.
_REPORTERS = (
    *(
        f"composition/lint/{name}.py"
        for name in ("page", "attributes", "assets", "markup", "scenes", "styles", "variables")
    ),
    "composition/lint/script_rules.py",
    "render/check.py",
    "render/opened.py",
    *(f"render/looks/{name}.py" for name in ("unseen", "text_cut", "blank", "heard", "fonts", "slow")),
)
_SEVERITIES = ("error", "warning", "notice")
_HEAD = """# Codes of check

For authors: every code that `hyperframes-render check` can report, with its severity, what it means, an example and its
fix. How to run the command: [check](../guides/check.md). `python -m tools.check_reference` writes this page.

An **error** means that an image or a sound will be wrong, or that the composition cannot be rendered. A **warning**
means that it may be wrong. A **notice** reports an assumption. Only errors make `check` exit with 1.

"""
_MARKUP = """## From the markup

These checks read the main HTML file. The codes are those of the official `lint` where it has the same rule. An example
shows only the part that matters.

"""
_FILES = """## From all files

These checks read every file of the project: the page, its sub-compositions, their scripts and what they name. No
browser is needed.

"""
_OPENED = """## From opening the page

These checks open the page in the browser, run its scripts and watch its requests.

"""
_OFFICIAL = """## From the official lint

These are rules of the package `@hyperframes/lint`, with the severity that they have here. Each has a project in
`tests/broken/projects`.

| code | severity | meaning |
| --- | --- | --- |
"""
_REPLACED = """
Rules of the official lint that a rule of this program replaces, because it knows the line, more cases or a patch:

| official code | here |
| --- | --- |
"""
_LEFT_OUT = """
Rules of the official lint that are left out:

| official code | reason |
| --- | --- |
"""
_RENDERED = """## From a render

The `warnings` of a render have the same shape, and the codes of the sections above. These codes are reported by renders
only.

"""
_FAILED = """## From a page that cannot be opened

`check` then reports the error with the code that `render` would fail with, such as `invalid_composition`,
`page_not_ready` or `duration_unknown`, always with the severity error: [error codes](errors.md).
"""


@dataclass(frozen=True)
class Check:
    """One code. `example` and `fix` are HTML for checks of the markup, and sentences for the others."""

    code: str
    severity: str
    meaning: str
    example: str
    fix: str


_ROOT = '<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="4" data-no-timeline>'
_LOADED = '<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>\n'

#: Checks of composition/lint/page.py, and of the rules whose example is one file.
MARKUP = (
    Check(
        "root_missing_dimensions",
        "error",
        "The root lacks `data-width` or `data-height`. The video is then 1920 by 1080 pixels.",
        '<div data-composition-id="main" data-no-timeline></div>',
        '<div data-composition-id="main" data-width="1080" data-height="1920" data-no-timeline></div>',
    ),
    Check(
        "multiple_root_compositions",
        "error",
        "A second element with `data-composition-id` stands beside the root. Only the first one is rendered.",
        f'{_ROOT}</div>\n<div data-composition-id="outro"></div>',
        f'{_ROOT}\n  <div data-composition-id="outro"></div>\n</div>',
    ),
    Check(
        "missing_data_no_timeline",
        "warning",
        "No script registers a timeline, and the root does not declare that it needs none. The renderer cannot know "
        "whether a timeline is missing.",
        '<div data-composition-id="main" data-width="1920" data-height="1080"></div>',
        '<div data-composition-id="main" data-width="1920" data-height="1080" data-no-timeline></div>',
    ),
    Check(
        "timeline_id_mismatch",
        "error",
        "A timeline is registered under a key that is the id of no composition. It is never seeked.",
        f'{_ROOT}</div>\n{_LOADED}<script>window.__timelines["mian"] = gsap.timeline();</script>',
        f'{_ROOT}</div>\n{_LOADED}<script>window.__timelines["main"] = gsap.timeline();</script>',
    ),
    Check(
        "host_missing_composition_id",
        "notice",
        "The host of a sub-composition has no `data-composition-id`. It takes the id of its file.",
        f'{_ROOT}\n  <div data-composition-src="intro.html"></div>\n</div>',
        f'{_ROOT}\n  <div data-composition-id="intro" data-composition-src="intro.html"></div>\n</div>',
    ),
    Check(
        "invalid_automation_json",
        "error",
        "`data-automation` is not a JSON object. It is ignored.",
        '<audio id="a" src="a.mp3" data-start="0" data-automation="fade"></audio>',
        '<audio id="a" src="a.mp3" data-start="0" data-automation="{}"></audio>',
    ),
    Check(
        "deprecated_data_end",
        "warning",
        "`data-end` is an old attribute.",
        '<p class="clip" data-start="1" data-end="3">Hello</p>',
        '<p class="clip" data-start="1" data-duration="2">Hello</p>',
    ),
    Check(
        "deprecated_data_layer",
        "warning",
        "`data-layer` is an old attribute.",
        '<p class="clip" data-start="1" data-layer="2">Hello</p>',
        '<p class="clip" data-start="1" data-track-index="2">Hello</p>',
    ),
    Check(
        "clip_ends_past_root_duration",
        "warning",
        "A clip ends more than 0.05 seconds after the composition. The rest of the clip is cut.",
        f'{_ROOT}\n  <p class="clip" data-start="3" data-duration="2">Hello</p>\n</div>',
        f'{_ROOT}\n  <p class="clip" data-start="3" data-duration="1">Hello</p>\n</div>',
    ),
    Check(
        "negative_start",
        "warning",
        "`data-start` is negative. It counts as 0.",
        '<p class="clip" data-start="-1" data-duration="2">Hello</p>',
        '<p class="clip" data-start="0" data-duration="2">Hello</p>',
    ),
    Check(
        "media_missing_src",
        "error",
        "A video or audio element names no file.",
        '<video id="v" muted data-start="0"></video>',
        '<video id="v" src="v.mp4" muted data-start="0"></video>',
    ),
    Check(
        "media_missing_id",
        "notice",
        "A video or audio element of a composition has no `id`. Timelines cannot name it.",
        f'{_ROOT}\n  <audio src="a.mp3" data-start="0"></audio>\n</div>',
        f'{_ROOT}\n  <audio id="a" src="a.mp3" data-start="0"></audio>\n</div>',
    ),
    Check(
        "duplicate_media_id",
        "error",
        "Two video or audio elements have the same `id`.",
        '<audio id="a" src="a.mp3" data-start="0"></audio>\n<audio id="a" src="b.mp3" data-start="2"></audio>',
        '<audio id="a" src="a.mp3" data-start="0"></audio>\n<audio id="b" src="b.mp3" data-start="2"></audio>',
    ),
    Check(
        "media_missing_data_start",
        "notice",
        "A video or audio element of a composition has no `data-start`. It begins with its composition.",
        f'{_ROOT}\n  <audio id="a" src="a.mp3"></audio>\n</div>',
        f'{_ROOT}\n  <audio id="a" src="a.mp3" data-start="0"></audio>\n</div>',
    ),
    Check(
        "video_missing_muted",
        "notice",
        "A video has neither `muted` nor `data-has-audio`. Its sound is in the mix.",
        '<video id="v" src="v.mp4" data-start="0"></video>',
        '<video id="v" src="v.mp4" muted data-start="0"></video>\n<!-- or, where its sound is wanted: -->\n'
        '<video id="w" src="w.mp4" data-has-audio="true" data-start="0"></video>',
    ),
    Check(
        "video_audio_double_source",
        "error",
        "An audio element names the file of a video whose sound is heard. The sound is in the mix twice.",
        '<video id="v" src="v.mp4" data-has-audio="true" data-start="0"></video>\n'
        '<audio id="a" src="v.mp4" data-start="0"></audio>',
        '<video id="v" src="v.mp4" muted data-start="0"></video>\n<audio id="a" src="v.mp4" data-start="0"></audio>',
    ),
    Check(
        "missing_gsap_script",
        "error",
        "A script uses GSAP, and no script element loads it.",
        '<script>gsap.to("p", { x: 100 });</script>',
        f'{_LOADED}<script>gsap.to("p", {{ x: 100 }});</script>',
    ),
    Check(
        "gsap_infinite_repeat",
        "error",
        "A tween repeats without end, so its timeline has no length, and the root declares none.",
        '<div data-composition-id="main" data-width="1920" data-height="1080"></div>\n'
        f'{_LOADED}<script>gsap.to("p", {{ x: 100, repeat: -1 }});</script>',
        '<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="4"></div>\n'
        f'{_LOADED}<script>gsap.to("p", {{ x: 100, repeat: -1 }});</script>',
    ),
)

#: Checks of the other rules of composition/lint/, which read all files of the project. tests/broken has a project for
#: each.
FILES = (
    Check(
        "unknown_attribute",
        "error",
        "An attribute resembles one of the format, and has no effect.",
        '`data-duraton="2"`',
        '`data-duration="2"`',
    ),
    Check("invalid_time", "error", "A time is not a number of seconds.", '`data-start="500ms"`', '`data-start="0.5"`'),
    Check(
        "unknown_reference",
        "error",
        "A start names a clip that does not exist. It counts as 0.",
        '`data-start="into"`',
        '`data-start="intro"`',
    ),
    Check(
        "clip_without_length", "error", "A clip lasts 0 seconds or less.", '`data-duration="0"`', '`data-duration="1"`'
    ),
    Check(
        "clip_starts_after_end",
        "error",
        "A clip starts after the end of the composition.",
        '`data-start="500"` in a composition of 2 s',
        '`data-start="0.5"`',
    ),
    Check(
        "volume_in_per_cent", "error", "A volume is written in per cent.", '`data-volume="30%"`', '`data-volume="0.3"`'
    ),
    Check("jsx_attribute", "error", "An attribute of JSX stands in HTML.", '`className="big"`', '`class="big"`'),
    Check("typographic_quotes", "error", "The quotes around a value are typographic.", "`id=“a”`", '`id="a"`'),
    Check(
        "missing_or_empty_sub_composition",
        "error",
        "The file of a sub-composition is missing, or shows nothing.",
        "`<template></template>`",
        "Elements in the template",
    ),
    Check(
        "host_with_other_attribute",
        "error",
        "A host names its file in another attribute.",
        '`data-src="a.html"`',
        '`data-composition-src="a.html"`',
    ),
    Check(
        "outside_template",
        "error",
        "A script or style of a sub-composition stands outside its template.",
        "`<template>…</template><script>…</script>`",
        "The script in the template",
    ),
    Check(
        "scene_never_shown",
        "warning",
        "No element shows a sub-composition's file.",
        "`scenes/a.html` without a host",
        'An element with `data-composition-src="scenes/a.html"`',
    ),
    Check(
        "blank_root_with_standalone_composition",
        "error",
        "The root is empty, and another file has the composition.",
        "An empty `index.html` beside `compositions/main.html`",
        "`--composition compositions/main.html`, or a host",
    ),
    Check(
        "invalid_script_syntax",
        "error",
        "A script does not parse, so it does not run at all.",
        "`gsap.timeline({ paused: true );`",
        "`gsap.timeline({ paused: true });`",
    ),
    Check(
        "bare_module_import",
        "error",
        "A module imports a name that the browser does not know.",
        '`import confetti from "canvas-confetti"`',
        "An address, or an import map",
    ),
    Check(
        "babel_without_babel",
        "error",
        "A script is for Babel, which no script loads.",
        '`<script type="text/babel">`',
        "Load @babel/standalone before it",
    ),
    Check(
        "gsap_loaded_after_use",
        "error",
        "GSAP is loaded after the script that uses it.",
        "Its `<script>` at the end",
        "Its `<script>` in the head",
    ),
    Check(
        "missing_gsap_plugin",
        "error",
        "A tween or script uses a plugin of GSAP that no script loads.",
        "`motionPath` without MotionPathPlugin",
        "The plugin's `<script>` after GSAP",
    ),
    Check(
        "gsap_timeline_not_registered",
        "error",
        "A timeline is paused, and nothing registers it.",
        "`gsap.timeline({ paused: true })` alone",
        "`window.__timelines = { main: tl };`",
    ),
    Check(
        "timeline_registry_push",
        "error",
        "A timeline is pushed to window.__timelines, which is an object.",
        "`window.__timelines.push(tl)`",
        '`window.__timelines["main"] = tl`',
    ),
    Check("tween_target_missing", "warning", "A tween's selector matches no element.", "`#titel`", "`#title`"),
    Check(
        "duplicate_id",
        "warning",
        "Several elements have an id that a tween names.",
        'Two elements with `id="a"`',
        "One id for each",
    ),
    Check(
        "waits_for_scrolling", "error", "An animation waits for scrolling.", "`scrollTrigger`", "A registered timeline"
    ),
    Check(
        "waits_for_a_viewer",
        "warning",
        "A script waits for a click, a scroll or the pointer.",
        '`addEventListener("click", …)`',
        "A call in the timeline",
    ),
    Check("placeholder_media_url", "error", "An address is a placeholder.", "`REPLACE_ME.mp4`", "The file"),
    Check(
        "local_server_address",
        "error",
        "An address is that of a server on the author's machine.",
        "`http://localhost:3000/a.png`",
        "A path in the project",
    ),
    Check(
        "path_of_a_disk",
        "error",
        "A path leads to the author's disk.",
        "`C:\\Users\\me\\a.png`",
        "A path in the project",
    ),
    Check(
        "unusable_file",
        "error",
        "A file is empty, a Git LFS pointer, or a web page.",
        "A video of 0 bytes",
        "The file itself",
    ),
    Check(
        "self_closing_tag",
        "error",
        "An element that HTML does not close by `/>` holds all that follows.",
        "`<div />`",
        "`<div></div>`",
    ),
    Check("unclosed_element", "error", "A script or style never ends.", "A file that is cut off", "The whole file"),
    Check("unclosed_comment", "error", "A comment never ends.", "`<!-- the title`", "`<!-- the title -->`"),
    Check("unclosed_tag", "error", "The file ends in the middle of a tag.", "`<div class=`", "The whole file"),
    Check(
        "text_outside_document",
        "error",
        "Text or a Markdown fence stands before the document.",
        "Three backticks",
        "The page only",
    ),
    Check(
        "invalid_number",
        "error",
        "An attribute that needs a number has another text.",
        '`data-track-index="top"`',
        '`data-track-index="2"`',
    ),
    Check(
        "invalid_json",
        "error",
        "A script element that holds JSON, such as an import map, does not parse.",
        '`{"imports": {"a": "b",}}`',
        '`{"imports": {"a": "b"}}`',
    ),
    Check(
        "timeline_registry_misspelt",
        "error",
        "Timelines are put into an object of nearly the registry's name.",
        "`window._timelines = { main: tl }`",
        "`window.__timelines = { main: tl }`",
    ),
    Check(
        "elided_code",
        "warning",
        "A comment stands for code that is not there.",
        "`<!-- rest of the scenes unchanged … -->`",
        "The code",
    ),
    Check(
        "unclosed_clip",
        "error",
        "A clip is not closed: the next clip stands in it, and is hidden with it.",
        '`<div class="clip" data-start="0" data-duration="1"><h1>a</h1>`',
        "`</div>` before the next clip",
    ),
    Check(
        "attributes_of_another_tool",
        "error",
        "Elements have the times of another tool, and no clip has times of the format.",
        '`data-in="0" data-out="60"`',
        '`data-start="0" data-duration="2"`',
    ),
    Check(
        "clips_overlap_on_track",
        "warning",
        "A clip starts while another one is on the same track.",
        'Two clips with `data-track-index="1"`, at 0–1.5 s and from 1 s',
        "Another track, or another time",
    ),
    Check(
        "scene_shows_itself",
        "warning",
        "A sub-composition shows itself, directly or through others. It is left out there.",
        "`a.html` with a host for `a.html`",
        "No such host",
    ),
    Check(
        "style_for_no_element",
        "warning",
        "A rule's class is nearly one that an element has and that no rule names.",
        "`.tilte { … }`",
        "`.title { … }`",
    ),
    Check("root_hidden", "error", "The root has `display: none`.", "`#root { display: none }`", "No such rule"),
    Check(
        "gsap_from_opacity_noop",
        "error",
        "A tween goes from opacity 0 to the opacity of the style, which is 0, too.",
        '`.title { opacity: 0 }` and `tl.from(".title", { opacity: 0 })`',
        "No `opacity: 0` in the style",
    ),
    Check(
        "gsap_empty_timeline_registered",
        "error",
        "The timeline that is registered has no tween; another one has, and is not registered.",
        "`window.__timelines = { main: master }`, where the tweens are on `tl`",
        "`window.__timelines = { main: tl }`",
    ),
    Check(
        "tween_after_end",
        "warning",
        "A tween starts after the composition's end.",
        '`tl.to("#t", { … }, 8)` in a composition of 2 s',
        "An earlier position, or a longer composition",
    ),
    Check(
        "invalid_variable_values_json",
        "error",
        "`data-variable-values` is not a JSON object.",
        "`data-variable-values=\"{title: 'Hi'}\"`",
        '`data-variable-values=\'{"title": "Hi"}\'`',
    ),
    Check(
        "invalid_composition_variables_declaration",
        "error",
        "`data-composition-variables` is not a JSON list.",
        '`data-composition-variables=\'{"title": "Hi"}\'`',
        '`[{"id": "title", "type": "string", "label": "Title", "default": "Hi"}]`',
    ),
    Check(
        "unknown_variable_binding",
        "warning",
        "An element is bound to a variable that the composition does not declare.",
        '`data-var-text="titel"`',
        '`data-var-text="title"`',
    ),
    Check(
        "undeclared_variable_value",
        "warning",
        "A host gives a value to a variable that its sub-composition does not declare.",
        '`data-variable-values=\'{"titel": "Hi"}\'`',
        '`data-variable-values=\'{"title": "Hi"}\'`',
    ),
    Check(
        "variable_type_mismatch",
        "warning",
        "A value or a default is not of the type that the variable declares.",
        '`"three"` for a number',
        "`3`",
    ),
    Check("second_document", "error", "A second document begins in the file.", "Two `<!doctype html>`", "Two files"),
    Check("merge_conflict", "error", "The file has merge conflict markers.", "`<<<<<<< HEAD`", "A resolved conflict"),
    Check("escaped_source", "error", "The page's source is escaped.", "`&lt;div&gt;`", "`<div>`"),
    Check(
        "template_placeholder", "warning", "A placeholder is shown as text.", "`{{name}}`", "A variable, or the text"
    ),
)

#: Checks of render/check.py and render/looks/, which look at the open page. tests/broken has a project for each of the
#: latter.
OPENED = (
    Check(
        "no_composition_root",
        "notice",
        "No element has `data-composition-id`: the body is the composition. The message gives the length of the video "
        "and where it comes from.",
        "A page of clips without a root.",
        "None is needed ([what can be rendered](../guides/what-can-be-rendered.md)).",
    ),
    Check(
        "length_by_default",
        "warning",
        "Nothing in a page without a root declares its length. The video has the default length, 5 seconds.",
        "A static page.",
        "Pass `--duration`, or give the body a `data-duration`.",
    ),
    Check(
        "page_error",
        "error",
        "A script of the page failed. The message gives the script's error.",
        "A script calls a function that does not exist.",
        "Correct the script at the file and line of the message.",
    ),
    Check(
        "page_script_failed",
        "error",
        "A script of the project failed while the page loaded. The page cannot be rendered, and the report has no "
        "timeline.",
        '`document.querySelector("#titel").textContent`, where no element has this id.',
        "Correct the script at the file and line of the message.",
    ),
    Check(
        "missing_local_asset",
        "error",
        "A file that the page asks for is not in the project, or a server answers that it does not exist.",
        '`<img src="assets/logo.png">` without that file.',
        "Add the file, or correct the path. Paths are relative to the HTML file.",
    ),
    Check(
        "inaccessible_media_url",
        "error",
        "A video or audio file cannot be read: it is missing, refused, damaged or of an unknown format.",
        "A video's address that answers 403.",
        "Put the file into the project, or use an address that answers without a login.",
    ),
    Check(
        "request_failed",
        "error",
        "The request interceptor refused a request of the page, or its host did not answer.",
        "A request to a host that `--network` does not allow, or to a private address.",
        "Put the file into the project, or allow its host with `--network`.",
    ),
    Check(
        "never_in_frame",
        "warning",
        "An element with text or an image is outside the frame at all times.",
        '`style="left: 900px"` in a composition of 320 pixels.',
        "Move it into the frame.",
    ),
    Check(
        "never_visible",
        "warning",
        "An element with text, an image or a video is never seen. The message gives the reason: its opacity is 0, it "
        "is hidden, it has no size, a box cuts all of it off, something opaque covers it, or its text has the colour "
        "of its background.",
        '`tl.from("#title", { opacity: 0 })`, where the style of `#title` says `opacity: 0`: it ends at 0.',
        '`tl.fromTo("#title", { opacity: 0 }, { opacity: 1 })`',
    ),
    Check(
        "one_colour",
        "error",
        "The video shows one colour throughout, of whatever colour. The message names the element that is not seen, if "
        "one is the cause. An element outside the frame is reported as `never_in_frame` instead.",
        "`#root { display: none }`",
        "Remove `display: none`.",
    ),
    Check(
        "text_cut",
        "warning",
        "A text is cut by the frame or by a box with `overflow: hidden`, stands still, and is whole at no time. The "
        "message gives the side and the pixels.",
        '`<h1 style="white-space: nowrap">A headline that is much too long</h1>`',
        "A smaller font, or a shorter text.",
    ),
    Check(
        "blank_stretch",
        "warning",
        "Only the background is seen for a second or more, in the middle or at the end of the video. An empty "
        "beginning is not reported.",
        "Clips from 0 to 2 s and from 4 to 6 s.",
        "A clip that starts at 2 s, or a shorter video.",
    ),
    Check(
        "clip_shows_nothing",
        "warning",
        "A clip has no content that is seen while it is on.",
        '`<div class="clip" data-start="1" data-duration="2"></div>`',
        "Text, an image or a colour in the clip, or no clip.",
    ),
    Check(
        "sound_not_heard",
        "warning",
        "A sound is in the mix and is not heard at any time: its volume or its file is silent.",
        "An audio file of silence.",
        "Another file, or another volume.",
    ),
    Check(
        "in_point_after_end",
        "error",
        "A video or sound begins after the end of its file.",
        '`data-media-start="12"` with a file of 8 s.',
        '`data-media-start="2"`',
    ),
    Check(
        "font_fallback",
        "warning",
        "A font family that is named is neither in the renderer nor in the project, so that another one is drawn.",
        '`font-family: "Acme Sans"` without an `@font-face` rule.',
        "The font's file with an `@font-face` rule, or a [family of the renderer](fonts.md).",
    ),
    Check(
        "slow_frame",
        "notice",
        "A frame takes much longer to draw than the others. The message names the element that costs the time, and its "
        "share. The time is that of a full-size frame, estimated from a drawing at half the size.",
        "Forty layers of `backdrop-filter: blur(60px)`.",
        "A smaller blur, or an image in its place.",
    ),
    Check(
        "other_version",
        "notice",
        "A pinned package answers an address of a CDN with another version of the library.",
        "`gsap@2` from a CDN, answered with GSAP 3.",
        "Ask for the version that the message names, or put the file into the project.",
    ),
    Check(
        "outside_addresses",
        "notice",
        "The page loads files from outside the project. The message names each address and what answers it: a package "
        "of the [package store](libraries.md) with its version, the fonts of the renderer, or the network.",
        '`<script src="https://cdn.jsdelivr.net/npm/chart.js">` is answered by chart.js 4.6.1.',
        "None is needed. A version in the address keeps the video as it is after an update of the renderer.",
    ),
    Check(
        "composition",
        "warning",
        "A warning that `render` reports, too: an unreadable attribute, an image that cannot be shown, a timeline that "
        "is never registered.",
        "A root that is rendered in another size than it declares.",
        "The message says what to change.",
    ),
    Check(
        "console",
        "warning",
        "The page wrote an error or a warning to its console.",
        '`console.error("no data")`.',
        "Correct the cause, or remove the message.",
    ),
)


#: Codes of a render's warnings that `check` does not report: render/session.py, render/opened.py and tasks/.
RENDERED = (
    Check(
        "sound",
        "warning",
        "Something about the mixed sound: a sound that cannot be decoded, a level that was lowered, a sound that was "
        "not expected.",
        "`new Audio()` made in a callback of a library.",
        "The message says what to change.",
    ),
    Check(
        "black_stretch",
        "warning",
        "The video is black for a second or longer.",
        "A scene that starts late.",
        "Start the scene earlier, or keep the stretch if it is meant.",
    ),
    Check(
        "frozen_stretch",
        "warning",
        "Nothing moves for a second or longer, although a tween runs then.",
        "A tween of an element that is covered.",
        "Look at the times of the message with `snapshot`.",
    ),
    Check(
        "browsers_differ",
        "warning",
        "Two browsers drew a frame differently: something in the page does not follow the video's time.",
        "A worker with timers.",
        "See [the clock](clock.md), or use one browser (`--workers 1`).",
    ),
    Check(
        "browser_restarted",
        "warning",
        "A browser died, and the render was started again.",
        "A page that needs more memory than the machine has.",
        "None, if it happens once.",
    ),
    Check(
        "capture_path",
        "notice",
        "A faster capture path was given up for a slower one, because a check of its frames failed.",
        "A machine that refuses to read another process.",
        "None is needed: the frames are the same.",
    ),
    Check(
        "ignored_field",
        "notice",
        "A field of the request has no meaning here.",
        '`"infra": …` in the body.',
        "Leave the field out.",
    ),
    Check(
        "text_restored",
        "notice",
        "A client of the API mistook a text for base64 and uploaded it. The text was restored.",
        'A variable with the value `"Hello"`.',
        "None is needed.",
    ),
)


def reported() -> set[tuple[str, str]]:
    """The pairs of code and severity that stand as literals in the source.

    `check` also reports the code of the RenderError that it meets. Those are in docs/reference/errors.md.
    """
    found: set[tuple[str, str]] = set()
    for name in _REPORTERS:
        found.update(_literal_pairs(ast.parse((_PACKAGE / name).read_text())))
    return found


def _literal_pairs(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            texts = [arg.value if isinstance(arg, ast.Constant) else None for arg in node.args]
            for code, severity in pairwise(texts):
                if isinstance(code, str) and isinstance(severity, str) and severity in _SEVERITIES:
                    yield code, severity
        elif isinstance(node, ast.Dict):
            yield from _pairs_of_table(node)


def _pairs_of_table(table: ast.Dict) -> Iterator[tuple[str, str]]:
    """Pairs of a module's tables: attribute to (code, type), whose severity is error, and code to severity."""
    for key, value in zip(table.keys, table.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            continue
        if key.value.startswith("data-") and isinstance(value, ast.Tuple) and isinstance(value.elts[0], ast.Constant):
            yield str(value.elts[0].value), "error"
        elif isinstance(value, ast.Constant) and value.value in _SEVERITIES:
            yield key.value, str(value.value)


def page() -> str:
    """The page as Markdown."""
    markup = "".join(_section(check, fenced=True) for check in MARKUP)
    opened = "".join(_section(check, fenced=False) for check in OPENED)
    files = "".join(_section(check, fenced=False) for check in FILES)
    rendered = "".join(_section(check, fenced=False) for check in RENDERED)
    checked = _HEAD + _MARKUP + markup + _FILES + files + _official() + _OPENED + opened
    return checked + _RENDERED + rendered + _FAILED


def _official() -> str:
    """The rules of the official lint as tables."""
    kept, replaced, left_out = (rules()[name] for name in ("kept", "replaced", "left_out"))
    tables = (
        _OFFICIAL + "".join(f"| `{code}` | {severity} | {text} |\n" for code, (severity, text) in kept.items()),
        _REPLACED + "".join(f"| `{code}` | {ours} |\n" for code, ours in replaced.items()),
        _LEFT_OUT + "".join(f"| `{code}` | {reason} |\n" for code, reason in left_out.items()),
    )
    return "".join(tables) + "\n"


def _section(check: Check, *, fenced: bool) -> str:
    title = f"### {check.code}\n\n**{check.severity.capitalize()}.** {check.meaning}\n\n"
    if not fenced:
        return f"{title}Example: {check.example}\n\nFix: {check.fix}\n\n"
    return f"{title}```html\n{check.example}\n```\n\nFix:\n\n```html\n{check.fix}\n```\n\n"


if __name__ == "__main__":
    PAGE.write_text(page())
