"""Adds an npm package to the package store: python -m tools.add_package NAME[@VERSION].

Changes package.json, its lock file and packages.toml in layers/renderer, and reports the package's licence and size.
`make setup`, or the next build of the image, installs it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

RENDERER = Path(__file__).resolve().parents[1] / "layers/renderer"
_LOCK = ("--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved", "--legacy-peer-deps")


def add_package(text: str, folder: Path) -> str:
    """Add the package `text` (NAME or NAME@VERSION) to the store in `folder`. Returns a sentence for the user.

    Raises ValueError if it is there already, or npm does not know it.
    """
    name, _, version = text.rpartition("@") if "@" in text[1:] else (text, "", "")
    store = folder / "packages.toml"
    manifest = json.loads((folder / "package.json").read_text("utf-8"))
    if name in manifest["dependencies"]:
        raise ValueError(f"{name} {manifest['dependencies'][name]} is in the store already.")
    facts = _npm(
        "view", f"{name}@{version or 'latest'}", "name", "version", "license", "dist.unpackedSize", "--json", cwd=folder
    )
    found = json.loads(facts)
    found = found[-1] if isinstance(found, list) else found
    manifest["dependencies"][name] = found["version"]
    manifest["dependencies"] = dict(sorted(manifest["dependencies"].items()))
    (folder / "package.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    _npm("install", *_LOCK, cwd=folder)
    head = name if re.fullmatch(r"[\w-]+", name) else f'"{name}"'
    store.write_text(f"{store.read_text('utf-8').rstrip()}\n\n# Added\n\n[{head}]\n", "utf-8")
    kilobytes = round(int(found.get("dist.unpackedSize") or 0) / 1000)
    return (
        f"{name} {found['version']} is added: licence {found.get('license', 'unknown')}, {kilobytes} kB unpacked. "
        f"All its files are kept until packages.toml names some. Now run make setup."
    )


def _npm(*arguments: str, cwd: Path) -> str:
    ended = subprocess.run(["npm", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise ValueError(f"npm {arguments[0]} failed: {ended.stderr.strip()[:500]}")
    return ended.stdout


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        print(add_package(sys.argv[1], RENDERER))
    except ValueError as error:
        sys.exit(str(error))
