"""Answers addresses of libraries on CDNs from the package store, so that a render needs no CDN."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from hyperframes_render.packages.addresses import Asked, asked_of
from hyperframes_render.packages.store import Answer, store_in
from hyperframes_render.paths import file_inside

CdnAnswer = Answer

#: Paths of published copies of the page runtime. The renderer has put its copy into the page already.
_RUNTIME = re.compile(r"/hyperframe\.runtime(\.[a-z]+)*\.js$")
#: Files of a "combine" address at most.
_MAX_COMBINED = 20


def is_page_runtime(url: str) -> bool:
    """Whether `url` is a copy of the page runtime, which the renderer provides itself."""
    return bool(_RUNTIME.search(urlsplit(url).path))


def find_in_packages(url: str, packages: Path) -> CdnAnswer | None:
    """The file of the store below `packages` that answers `url`, or None."""
    if not url.startswith(("https:", "http:")):
        return None
    store = store_in(packages)
    if found := store.at_site(url):
        return found
    asked = asked_of(url)
    if not asked or len(asked) > _MAX_COMBINED:
        return None
    answers = [answer for one in asked if (answer := store.answer(replace(one, url=url))) is not None]
    if len(answers) != len(asked):
        return None
    return answers[0] if len(answers) == 1 else _combined(answers)


def _combined(answers: list[CdnAnswer]) -> CdnAnswer:
    """The files of a "combine" address, one after the other."""
    texts = [answer.text or answer.path.read_text("utf-8", errors="replace") for answer in answers]
    separator = "\n;\n" if answers[0].path.suffix != ".css" else "\n"
    return replace(answers[0], text=separator.join(texts))


def find_missing_gsap(path: str, packages: Path) -> CdnAnswer | None:
    """The pinned GSAP file for a missing project file such as `lib/gsap.min.js`, or None."""
    name = path.rsplit("/", 1)[-1]
    if not re.fullmatch(r"[A-Za-z0-9]+(\.min)?\.js", name) or file_inside(packages, f"gsap/dist/{name}") is None:
        return None
    return store_in(packages).answer(Asked("gsap", None, f"dist/{name}"))
