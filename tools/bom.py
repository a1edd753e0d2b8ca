"""Writes the bill of materials of the image, and docs/reference/licences.md, from the installed packages.

    python tools/bom.py --venv .venv -o out/bom.json --licences docs/reference/licences.md
    python tools/bom.py --root IMAGE --venv IMAGE/opt/venv -o out/bom.json

IMAGE is the unpacked file system of the image (`docker export`, or prove/build-root.sh); all its Debian packages are
listed. Without IMAGE, the list has the packages that setup/apt-packages.txt names for the image, their dependencies,
and Debian's base packages.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

PROJECT = Path(__file__).resolve().parents[1]
#: In docs/reference/licences.md: `main` writes everything after this line.
MARK = "<!-- From here on this page is written by `make bom`. -->"


@dataclass(frozen=True)
class Part:
    """One component of the image.

    `kind` is the type of its package URL. `licences` are the names that its authors use. `sha256` is set for programs
    that no package manager knows.
    """

    kind: str
    name: str
    version: str
    licences: tuple[str, ...]
    namespace: str | None = None
    sha256: str | None = None
    qualifiers: dict[str, str] = field(default_factory=dict)


def python_parts(venv: Path) -> Iterator[Part]:
    """The distributions in the virtual environment's site-packages."""
    (site,) = venv.glob("lib/python3.*/site-packages")
    for distribution in distributions(path=[str(site)]):
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        yield Part("pypi", name, distribution.version, _python_licences(distribution))


def _python_licences(distribution: Distribution) -> tuple[str, ...]:
    facts = distribution.metadata
    stated = (facts.get_all("License-Expression") or facts.get_all("License") or [""])[0]
    classifiers = [
        line.rpartition(" :: ")[2] for line in facts.get_all("Classifier", []) if line.startswith("License ::")
    ]
    if stated and "\n" not in stated and len(stated) <= 80:
        return (stated,)
    return tuple(classifiers) or ("not stated",)


def npm_parts(venv: Path) -> Iterator[Part]:
    """The npm packages that are served to pages."""
    packages = venv / "share/hyperframes-render/packages"
    for path in sorted([*packages.glob("[!@]*/package.json"), *packages.glob("@*/*/package.json")]):
        facts = json.loads(path.read_text())
        namespace, _, name = facts["name"].rpartition("/")
        yield Part("npm", name, facts["version"], (str(facts.get("license", "not stated")),), namespace or None)


def bundled_parts(venv: Path) -> Iterator[Part]:
    """Programs and libraries inside Python packages, with licences that differ from their package's."""
    (site,) = venv.glob("lib/python3.*/site-packages")
    for program in sorted((site / "imageio_ffmpeg/binaries").glob("ffmpeg-*")):
        version = program.name.rpartition("-v")[2]
        digest = hashlib.sha256(program.read_bytes()).hexdigest()
        yield Part("generic", "ffmpeg", version, ("GPL-3.0-or-later",), "imageio-ffmpeg", digest)
    for library in sorted((site / "av.libs").glob("*.so*")):
        stem, _, version = library.name.partition(".so.")
        name = stem.rpartition("-")[0]  # the rest is a part of its hash
        digest = hashlib.sha256(library.read_bytes()).hexdigest()
        yield Part("generic", name, version, (_OF_LIBRARIES.get(name, "not stated"),), "av", digest)
    node = site / "playwright/driver/node"
    if node.is_file():
        version = subprocess.run([str(node), "--version"], capture_output=True, text=True, check=True).stdout.strip()
        digest = hashlib.sha256(node.read_bytes()).hexdigest()
        yield Part("generic", "node", version.removeprefix("v"), ("MIT",), "playwright", digest)


#: Licences of the libraries in PyAV's wheels, which do not state them.
_OF_LIBRARIES = {
    **dict.fromkeys(("libavcodec", "libavdevice", "libavfilter", "libavformat", "libavutil"), "LGPL-3.0-or-later"),
    **dict.fromkeys(("libswresample", "libswscale"), "LGPL-3.0-or-later"),
    **dict.fromkeys(("libx264", "libx265"), "GPL-2.0-or-later"),
    "libSvtAv1Enc": "BSD-3-Clause-Clear",
    "libdav1d": "BSD-2-Clause",
    **dict.fromkeys(("libvpx", "libwebp", "libwebpmux", "libsharpyuv", "libopus"), "BSD-3-Clause"),
    **dict.fromkeys(("libopencore-amrnb", "libopencore-amrwb"), "Apache-2.0"),
    "libmp3lame": "LGPL-2.0-or-later",
    **dict.fromkeys(("libasound", "libgnutls"), "LGPL-2.1-or-later"),
    **dict.fromkeys(("libgmp", "libhogweed", "libnettle", "libunistring"), "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    **dict.fromkeys(("libXau", "libdrm", "libvpl", "libxcb"), "MIT"),
    **dict.fromkeys(("libxcb-shape", "libxcb-shm", "libxcb-xfixes"), "MIT"),
}

_FIELDS = ("Package", "Version", "Architecture", "Essential", "Priority", "Pre-Depends", "Depends", "Provides")


def debian_parts(root: Path, *, whole: bool) -> Iterator[Part]:
    """Debian packages that are installed below `root`: all if `whole`, else those that the renderer needs."""
    shown = "\t".join(f"${{{name}}}" for name in _FIELDS) + "\n"
    query = ["dpkg-query", f"--admindir={root / 'var/lib/dpkg'}", "--show", f"--showformat={shown}"]
    lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    packages = {line.split("\t")[0]: dict(zip(_FIELDS, line.split("\t"), strict=True)) for line in lines}
    for name in sorted(packages if whole else _needed(packages)):
        facts = packages[name]
        qualifiers = {"arch": facts["Architecture"], "distro": "bookworm"}
        licences = _debian_licences(root / "usr/share/doc" / name / "copyright")
        yield Part("deb", name, facts["Version"], licences, "debian", qualifiers=qualifiers)


def _needed(packages: dict[str, dict[str, str]]) -> set[str]:
    """Names of the image's packages in apt-packages.txt, of Debian's base packages, and of all their dependencies."""
    lines = (PROJECT / "layers/renderer/setup/apt-packages.txt").read_text().splitlines()
    named = [line.split()[0] for line in lines if line[:1] not in "#" and not line.endswith("not in the image")]
    base = [name for name, facts in packages.items() if facts["Essential"] == "yes" or facts["Priority"] == "required"]
    providers = {
        provided.split()[0]: name
        for name, facts in packages.items()
        for provided in facts["Provides"].split(", ")
        if provided
    }
    found: set[str] = set()
    waiting = [*named, *base]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for one in f"{packages[name]['Pre-Depends']}, {packages[name]['Depends']}".split(", "):
            choices = [choice.split()[0].partition(":")[0] for choice in one.split(" | ") if choice.strip()]
            installed = (choice if choice in packages else providers.get(choice) for choice in choices)
            waiting += [next((choice for choice in installed if choice), name)]
    return found


def _debian_licences(copyright_file: Path) -> tuple[str, ...]:
    """The licences' short names in a machine-readable copyright file."""
    text = copyright_file.read_text(errors="replace") if copyright_file.is_file() else ""
    if "copyright-format" not in text.partition("\n\n")[0]:
        return ("see its copyright file",)
    # Short names only: some files have the text of the licence in this field.
    names = re.findall(r"^License:[ \t]*([\w.+-]+(?: (?:and|or|and/or|with) [\w .+/-]+)?)[ \t]*$", text, re.MULTILINE)
    return tuple(sorted(set(names))) or ("see its copyright file",)


def make_bom(parts: Iterable[Part], version: str) -> str:
    """The parts as a CycloneDX 1.6 document in JSON."""
    bom, licences = Bom(), LicenseFactory()
    product = Component(name="hyperframes-render", version=version, type=ComponentType.APPLICATION, bom_ref="product")
    bom.metadata.component = product
    components = []
    for part in parts:
        url = PackageURL(part.kind, part.namespace, part.name, part.version, part.qualifiers or None)
        one = len(part.licences) == 1
        component = Component(
            name=part.name,
            group=part.namespace if part.kind == "npm" else None,
            version=part.version,
            type=ComponentType.APPLICATION if part.name in ("ffmpeg", "node") else ComponentType.LIBRARY,
            purl=url,
            bom_ref=url.to_string(),
            licenses=[
                licences.make_from_string(name) if one else licences.make_with_name(name) for name in part.licences
            ],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else None,
        )
        components.append(component)
        bom.components.add(component)
    bom.register_dependency(product, components)
    return str(JsonV1Dot6(bom).output_as_string(indent=1))


_TITLES = {
    "generic": "Programs and libraries inside Python packages",
    "npm": "npm packages, which are served to pages",
    "pypi": "Python packages",
    "deb": "Debian packages (versions depend on the day of the build)",
}


def licence_tables(parts: Iterable[Part]) -> str:
    """A table of names and licences for each kind of part."""
    parts, text = list(parts), ""
    for kind, title in _TITLES.items():
        text += f"\n## {title}\n\n| name | licence |\n|---|---|\n"
        for part in sorted(
            (part for part in parts if part.kind == kind), key=lambda part: (part.namespace or "", part.name)
        ):
            version = "" if kind == "deb" else f" {part.version}"
            shown = f"{part.namespace}/{part.name}" if part.namespace and kind != "deb" else part.name
            text += f"| {shown}{version} | {', '.join(part.licences).replace('|', '/')} |\n"
    return text


def main(arguments: list[str] | None = None) -> None:
    """Run the program; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--licences", type=Path)
    options = parser.parse_args(arguments)
    image = options.root != Path("/")
    python = {part.name: part for part in python_parts(options.venv)}
    product = python.pop("hyperframes-render")
    locked = re.findall(r"^([a-z0-9-]+)==", (PROJECT / "requirements/product.lock").read_text(), re.MULTILINE)
    # A developer's environment has more packages than the image.
    python = python if image else {name: python[name] for name in locked if name in python}
    parts = [
        *python.values(),
        *npm_parts(options.venv),
        *bundled_parts(options.venv),
        *debian_parts(options.root, whole=image),
    ]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(make_bom(parts, product.version))
    if options.licences:
        head = options.licences.read_text().partition(MARK)[0]
        options.licences.write_text(f"{head}{MARK}\n{licence_tables(parts)}")
    print(f"{options.output}: {len(parts)} parts")


if __name__ == "__main__":
    main()
