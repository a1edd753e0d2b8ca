"""The parity cases: compositions of this folder, and generation of their media."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from hyperframes_render.media.ffmpeg import ffmpeg_path
from tests.parity.compare import Comparison, compare_videos
from tests.parity.programs import ProgramFailed, render_official, render_ours

COMPOSITIONS = Path(__file__).parent / "compositions"
RECIPES = Path(__file__).parent / "media.toml"


@dataclass(frozen=True)
class Case:
    """One composition that tests one feature.

    `promise` describes the feature. `differs` is the reason of an intended difference from the official renderer, empty
    if there is none. `make test` runs `fast` cases.
    """

    folder: Path
    promise: str
    fast: bool
    differs: str
    media: tuple[str, ...]
    options: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.name

    def make_project(self, target: Path) -> Path:
        """Copy the composition to `target` and make its media. Returns the copy's folder."""
        project = target / self.name
        shutil.copytree(self.folder, project, ignore=shutil.ignore_patterns("case.toml"))
        for name in self.media:
            make_media(name, project / name)
        return project


@dataclass(frozen=True)
class Outcome:
    """The result of a case: a comparison, or the reason why there is none."""

    case: Case
    comparison: Comparison | None
    failure: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def violations(self) -> list[str]:
        """The violated limits, or the failure."""
        return [self.failure] if self.comparison is None else self.comparison.violations()


def all_cases() -> list[Case]:
    """The cases of all folders with a case.toml."""
    return [_read(path.parent) for path in sorted(COMPOSITIONS.glob("*/case.toml"))]


def _read(folder: Path) -> Case:
    values = tomllib.loads((folder / "case.toml").read_text("utf-8"))
    unknown = set(values) - {"promise", "fast", "differs", "media", "options"}
    if unknown:
        raise ValueError(f"{folder.name}/case.toml has unknown keys: {', '.join(sorted(unknown))}")
    return Case(
        folder,
        values["promise"],
        values.get("fast", False),
        values.get("differs", ""),
        tuple(values.get("media", ())),
        tuple(values.get("options", ())),
    )


def make_media(name: str, target: Path) -> None:
    """Make the media file `name` with the ffmpeg arguments in media.toml. The bytes are always the same."""
    recipe = tomllib.loads(RECIPES.read_text("utf-8"))[Path(name).name]
    target.parent.mkdir(parents=True, exist_ok=True)
    for arguments in recipe["steps"]:
        command = [ffmpeg_path(), "-v", "error", "-y", *arguments.split(), *recipe.get("end", [])]
        subprocess.run([part.replace("OUT", str(target)) for part in command], check=True, cwd=target.parent)
    for leftover in recipe.get("remove", []):
        (target.parent / leftover).unlink()


def run_case(case: Case, scratch: Path) -> Outcome:
    """Render with both programs and compare. Raises ProgramFailed if our program fails."""
    project = case.make_project(scratch)
    ours, official = scratch / f"{case.name}-ours.mp4", scratch / f"{case.name}-official.mp4"
    result = render_ours(project, ours, *case.options)
    warnings = tuple(warning["message"] for warning in result["warnings"])
    try:
        render_official(project, official, *case.options)
    except ProgramFailed as failed:
        return Outcome(case, None, f"the official program failed: {failed}", warnings)
    return Outcome(case, compare_videos(ours, official), warnings=warnings)
