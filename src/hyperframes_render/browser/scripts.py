"""The scripts of browser/js, which run inside the page."""

from __future__ import annotations

from importlib.resources import files


def script_text(name: str) -> str:
    """Return the text of browser/js/`name` without the semicolon at its end, so that a function can be called."""
    return (files("hyperframes_render.browser") / "js" / name).read_text(encoding="utf-8").rstrip().removesuffix(";")
