"""CDN URLs of libraries are answered from the pinned packages, by the requested generation."""

from __future__ import annotations

import pytest

from hyperframes_render.packages.cdn import find_in_packages
from hyperframes_render.packages.root import packages_root
from tests.template import PROJECT

JSDELIVR, CDNJS = "https://cdn.jsdelivr.net/npm/", "https://cdnjs.cloudflare.com/ajax/libs/"


@pytest.mark.parametrize(
    ("url", "file", "other"),
    [
        (JSDELIVR + "gsap@3.15.0/dist/ScrollTrigger.min.js", "gsap/dist/ScrollTrigger.min.js", False),
        (JSDELIVR + "gsap@3", "gsap/dist/gsap.js", False),
        (CDNJS + "gsap/3.12.5/gsap.min.js", "gsap/dist/gsap.min.js", True),
        (CDNJS + "three.js/r128/three.min.js", "three-classic/build/three.min.js", True),
        (
            JSDELIVR + "three@0.147.0/examples/js/loaders/GLTFLoader.js",
            "three-classic/examples/js/loaders/GLTFLoader.js",
            False,
        ),
        (JSDELIVR + "three@0.184.0/build/three.module.js", "three/build/three.module.js", True),
        (JSDELIVR + "three@0.150.0/build/three.module.js", "three/build/three.module.js", True),
        (JSDELIVR + "three@0.160.0/build/three.module.min.js", "three/build/three.module.js", True),
        (JSDELIVR + "three@0.170.0/build/three.core.min.js", "three/build/three.core.js", True),
        (JSDELIVR + "three@0.155.0/+esm", "three/build/three.module.js", True),
        (CDNJS + "three.js/0.160.0/three.module.min.js", "three/build/three.module.js", True),
        (
            JSDELIVR + "three@0.160.0/examples/jsm/controls/OrbitControls.js",
            "three/examples/jsm/controls/OrbitControls.js",
            True,
        ),
        (
            JSDELIVR + "three@0.140.0/examples/jsm/controls/OrbitControls.js",
            "three-classic/examples/jsm/controls/OrbitControls.js",
            True,
        ),
        (JSDELIVR + "three@0/build/three.module.js", "three/build/three.module.js", False),
        (JSDELIVR + "three@0.140.0/build/three.module.js", "three-classic/build/three.module.js", True),
        (JSDELIVR + "three@0.160.0/build/three.min.js", "three-classic/build/three.min.js", True),
        (JSDELIVR + "three/build/three.module.js", "three/build/three.module.js", False),
        (JSDELIVR + "three@0.187.0/+esm", "three/build/three.module.js", False),
        (JSDELIVR + "three@0.187.0/three.core.js", "three/build/three.core.js", False),
        ("https://unpkg.com/lottie-web@5/build/player/lottie.min.js", "lottie-web/build/player/lottie.min.js", False),
        (CDNJS + "bodymovin/5.13.0/lottie.min.js", "lottie-web/build/player/lottie.min.js", False),
        (CDNJS + "animejs/3.2.1/anime.min.js", "animejs-classic/lib/anime.min.js", True),
        (JSDELIVR + "animejs@4.5.0/dist/bundles/anime.umd.min.js", "animejs/dist/bundles/anime.umd.min.js", False),
        (JSDELIVR + "animejs@4.0.2/lib/anime.iife.min.js", "animejs/dist/bundles/anime.umd.min.js", True),
        (JSDELIVR + "animejs@4.x/lib/anime.esm.js", "animejs/dist/bundles/anime.esm.js", False),
        (CDNJS + "animejs/4.0.2/anime.iife.min.js", "animejs/dist/bundles/anime.umd.min.js", True),
        (JSDELIVR + "gsap@^3.12.0/dist/gsap.min.js", "gsap/dist/gsap.min.js", False),
        (JSDELIVR + "gsap@3.x/dist/gsap.min.js", "gsap/dist/gsap.min.js", False),
        (JSDELIVR + "gsap@%3E=3/dist/gsap.min.js", "gsap/dist/gsap.min.js", False),
        (JSDELIVR + "gsap@~3.12/dist/gsap.min.js", "gsap/dist/gsap.min.js", True),
        ("https://d3js.org/d3.v7.min.js", "d3/dist/d3.min.js", False),
        (
            "https://www.gstatic.com/draco/versioned/decoders/1.5.6/draco_wasm_wrapper.js",
            "three/examples/jsm/libs/draco/gltf/draco_wasm_wrapper.js",
            False,
        ),
        (
            f"{JSDELIVR}@lottiefiles/dotlottie-web@0.80.0/dist/dotlottie-player.wasm",
            "@lottiefiles/dotlottie-web/dist/dotlottie-player.wasm",
            False,
        ),
        (
            f"{JSDELIVR}@hyperframes/shader-transitions/dist/index.global.js",
            "@hyperframes/shader-transitions/dist/index.global.js",
            False,
        ),
        (JSDELIVR + "@tailwindcss/browser@4", "@tailwindcss/browser/dist/index.global.js", False),
        ("https://cdn.tailwindcss.com", "tailwindcss-cdn/3.4.10/tailwindcss-with-all-plugins.js", False),
        (JSDELIVR + "us-atlas@3/states-10m.json", "us-atlas/states-10m.json", False),
    ],
)
def test_a_known_url_is_answered_with_its_file(url: str, file: str, other: bool) -> None:
    answer = find_in_packages(url, packages_root())
    assert answer is not None
    assert answer.path == (packages_root() / file).resolve()
    assert answer.other_version is other


@pytest.mark.parametrize(
    "url",
    [
        JSDELIVR + "left-pad@1.0.0/index.js",
        JSDELIVR + "gsap@3/../../../etc/passwd",
        JSDELIVR + "gsap@3/dist/none.js",
        CDNJS + "gsap/3.15.0/..%2f..%2f..%2fetc/passwd",
        "https://example.com/npm/gsap@3/dist/gsap.min.js",
    ],
)
def test_other_urls_are_not_answered(url: str) -> None:
    assert find_in_packages(url, packages_root()) is None


PASTED = [
    line.split()
    for line in (PROJECT / "tests/unit/packages/addresses.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize(("url", "file"), PASTED, ids=[url for url, _ in PASTED])
def test_an_address_that_people_paste_is_answered(url: str, file: str) -> None:
    answer = find_in_packages(url, packages_root())
    found = "none" if answer is None else answer.path.relative_to(packages_root().resolve()).as_posix()
    assert found == file
