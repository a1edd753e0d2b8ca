"""What the renderer looks for in the page runtime is in the pinned one: another version may name it otherwise."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from hyperframes_render.packages.root import packages_root, runtime_path

SCRIPTS = files("hyperframes_render.browser") / "js"


@pytest.fixture(scope="module")
def runtime() -> str:
    return runtime_path(packages_root()).read_text("utf-8")


def test_the_grading_shader_has_the_names_that_tell_it(runtime: str) -> None:
    marks = re.search(r"MARKS = \[([^]]*)\]", (SCRIPTS / "grading.js").read_text("utf-8"))
    assert marks is not None
    for name in re.findall(r'"(\w+)"', marks[1]):
        assert f"uniform sampler2D {name};" in runtime or f"uniform float {name};" in runtime


@pytest.mark.parametrize(
    "name", ["colorGrading", "redraw", "waitForActiveLuts", "__hfReseekGpu", "__hfWaitForSeekCompletion"]
)
def test_what_the_bridge_calls_is_there(name: str, runtime: str) -> None:
    assert name in (SCRIPTS / "bridge.js").read_text("utf-8")
    assert re.search(rf"\b{name}\b", runtime)


@pytest.mark.parametrize(
    "name",
    [
        "__HF_VIRTUAL_TIME__",
        "__HF_PAGE_SIDE_COMPOSITING__",
        "__hf_page_composite_pending",
        "__hf_page_composite_prepare",
        "__hf_page_composite_resolve",
        "layoutsubtree",
    ],
)
def test_shader_transitions_are_told_and_say_what_they_did_before(name: str) -> None:
    package = packages_root() / "@hyperframes" / "shader-transitions" / "dist" / "index.global.js"
    assert name in (SCRIPTS / "transitions.js").read_text("utf-8")
    assert name in package.read_text("utf-8")
