"""Write docs/reference/errors.md from the error tree: python -m tools.error_reference."""

from __future__ import annotations

from pathlib import Path

from hyperframes_render.errors import RenderError, error_tree

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/errors.md"
_HEAD = """# Error codes

For API users and authors: every value of `error.code`, with its HTTP status and whether a retry may help. The message
and the action of an error describe your case. `python -m tools.error_reference` writes this page.

| code | status | retry | meaning |
|---|---|---|---|
"""


def page() -> str:
    """The page as Markdown."""
    rows = {(error.code, error.http_status): _row(error) for error in error_tree() if _has_own_code(error)}
    return _HEAD + "".join(rows[key] for key in sorted(rows))


def _has_own_code(error: type[RenderError]) -> bool:
    return "code" in vars(error)


def _row(error: type[RenderError]) -> str:
    meaning = (error.__doc__ or "").split("\n\n")[0].replace("\n", " ").strip()
    meaning = " ".join(meaning.split()).replace("|", "\\|")
    return f"| `{error.code}` | {error.http_status} | {'yes' if error.retryable else 'no'} | {meaning} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
