"""Writes docs/reference/libraries.md from the installed package store: python -m tools.library_reference."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from hyperframes_render.packages.root import packages_root

_PROJECT = Path(__file__).resolve().parents[1]
PAGE = _PROJECT / "docs/reference/libraries.md"
STORE = _PROJECT / "layers/renderer/packages.toml"
#: Packages that no page asks for by a CDN address.
_OWN = ("hyperframes", "@hyperframes/lint", "acorn", "acorn-walk")
_HEAD = """# Libraries

For authors and operators: the libraries that pages can load without the network, and how their addresses are read.
`python -m tools.library_reference` writes this page.

## Which addresses are answered

A render answers requests for the packages below from its own copies, whatever the network policy. It does so by the
name of the package and the version, on these hosts: `cdn.jsdelivr.net` (`/npm`, `/gh`, `/combine`, `+esm`),
`unpkg.com`, `cdnjs.cloudflare.com`, `esm.sh`, `esm.run`, `cdn.skypack.dev`, `ga.jspm.io`, `ajax.googleapis.com`,
`cdn.bootcdn.net`, `cdn.staticfile.org`, `raw.githack.com`, `cdn.rawgit.com`, and the sites of some libraries:
`cdn.tailwindcss.com`, `code.jquery.com`, `d3js.org`, `threejs.org`, `pixijs.download`, `cdn.plot.ly`,
`use.fontawesome.com`, `kit.fontawesome.com`, `stackpath.bootstrapcdn.com` and its older names, and CodePen's copies of
GSAP's plugins. `fonts.googleapis.com` answers Material Icons and Material Symbols Outlined with the icon fonts below.

- **Version**: one version of each package is there, of some a second, older generation ("classic"). The one nearest to
  the requested version answers. If it does not satisfy the request, the result has the notice `other_version`.
- **No version**: an address without one, or `@latest`, means the newest generation. `cdn.tailwindcss.com` means
  Tailwind 3, `@tailwindcss/browser` means Tailwind 4.
- **Builds**: a request for another build of a script (`vue.global.js`, `chart.umd.js`) gets the build that is kept.
- **Modules**: `esm.sh`, `esm.run`, skypack and `+esm` answer with modules whose imports are answered, too. A page has
  one React, wherever it imports it from.
- **Other packages** are fetched from the network if the network policy allows it. A script or style sheet that cannot
  be loaded ends the render with an error that names its address, also when a script adds it later.

`check` has one notice, `outside_addresses`, that names what answers each address.

## Add a package

```
python -m tools.add_package NAME[@VERSION]
make setup
```

The command adds the package to `layers/renderer/package.json`, its lock file and `layers/renderer/packages.toml`, and
reports its licence and size. Then choose in packages.toml which files are kept. The next build of the image has it.

## Packages

"""
_TABLE = """| package | version | kB | licence | as a module |
|---|---|---|---|---|
"""


def page() -> str:
    """The page as Markdown."""
    root = packages_root()
    store: dict[str, dict[str, Any]] = tomllib.loads(STORE.read_text("utf-8"))
    rows = [_row(root, name, entry) for name, entry in sorted(store.items(), key=_by_name) if name not in _OWN]
    return _HEAD + _TABLE + "".join(rows)


def _by_name(entry: tuple[str, object]) -> str:
    return entry[0].lower()


def _row(root: Path, name: str, entry: dict[str, Any]) -> str:
    manifest = json.loads((root / name / "package.json").read_text("utf-8"))
    folders = [folder for folder in (root / name, root / "modules" / name) if folder.is_dir()]
    size = sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())
    modules = ", ".join("yes" if module == "." else f"`/{module}`" for module in entry.get("modules", []))
    licence = str(manifest.get("license") or "see its file").replace("|", "/")
    return f"| {name} | {manifest['version']} | {max(1, round(size / 1000))} | {licence} | {modules or '-'} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
