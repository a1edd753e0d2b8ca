"""Applying the patches of problems to files."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from hyperframes_render.paths import file_inside
from hyperframes_render.problems import Patch, Problem


def apply_patches(root: Path, problems: Iterable[Problem]) -> list[Problem]:
    """Apply the patches of `problems` to the files below `root`; the problems that were repaired.

    Of patches that overlap the first is applied. Offsets count characters after a byte order mark.
    """
    by_file: dict[str, list[tuple[Patch, Problem]]] = defaultdict(list)
    for problem in problems:
        if problem.patch is not None and file_inside(root, problem.patch.file) is not None:
            by_file[problem.patch.file].append((problem.patch, problem))
    repaired: list[Problem] = []
    for name, patches in by_file.items():
        path = root / name
        data = path.read_bytes().decode("utf-8", errors="surrogateescape")
        mark = "\ufeff" if data.startswith("\ufeff") else ""
        text = data.removeprefix(mark)
        kept: list[Patch] = []
        for patch, problem in sorted(patches, key=lambda entry: entry[0].start):
            if not kept or (patch.start >= kept[-1].end and patch != kept[-1]):
                kept.append(patch)
                repaired.append(problem)
        for patch in reversed(kept):
            text = text[: patch.start] + patch.text + text[patch.end :]
        # A new file in place of the old one: it may have a hard link elsewhere.
        part = path.with_name(f".{path.name}.part")
        part.write_bytes((mark + text).encode("utf-8", errors="surrogateescape"))
        shutil.copymode(path, part)
        part.replace(path)
    return repaired
