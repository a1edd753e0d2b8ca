"""A checksum is left out where a page is answered from our packages, and kept where it is not."""

from __future__ import annotations

import pytest

from hyperframes_render.packages.root import packages_root
from tests.unit.composition.steps import without_checksums

SUM = 'integrity="sha512-AAAA" '


@pytest.mark.parametrize(
    "tag",
    [
        '<script {}src="https://cdnjs.cloudflare.com/ajax/libs/gsap/3.12.5/gsap.min.js" crossorigin="anonymous">',
        "<script {}src='//cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js'>",
        '<link rel="modulepreload" {}href="https://cdn.jsdelivr.net/npm/three@0.187.0/build/three.module.js">',
        '<link rel="stylesheet" {}href="https://fonts.googleapis.com/css2?family=Inter">',
    ],
)
def test_what_is_answered_from_our_packages_loses_its_checksum(tag: str) -> None:
    assert without_checksums(f"<p>a</p>{tag.format(SUM)}</script><p>b</p>", packages_root()) == (
        f"<p>a</p>{tag.format('')}</script><p>b</p>"
    )


@pytest.mark.parametrize(
    "tag",
    [
        '<script integrity="sha512-AAAA" src="https://cdn.jsdelivr.net/npm/left-pad@1.0.0/index.js"></script>',
        '<script integrity="sha512-AAAA" src="https://["></script>',
        '<script integrity="sha512-AAAA" src="gsap.min.js"></script>',
        "<p>integrity=3</p>",
    ],
)
def test_all_else_is_left_as_it_is(tag: str) -> None:
    assert without_checksums(tag, packages_root()) == tag
