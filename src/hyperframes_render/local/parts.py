"""The paths of the programs that `make setup` installs for the stack on one machine."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from hyperframes_render.errors import SetupIncomplete

#: By machine architecture: the suffix of the Runtime Interface Emulator's (RIE) file name.
_RIE_NAMES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Parts:
    """Programs and folders. `project` holds template.yaml; `layer` is the built layer of the zip functions."""

    project: Path
    emulator_python: Path
    sam: Path
    rie: Path
    zip_python: Path
    layer: Path

    @property
    def image_python(self) -> Path:
        """The Python that runs image functions: this environment has the same packages as the container image."""
        return Path(sys.executable)

    @property
    def source(self) -> Path:
        """The source folder of the functions."""
        return self.project / "src"


def find_parts() -> Parts:
    """Find the parts of this installation. Raises SetupIncomplete with the path that is missing."""
    project = Path(__file__).resolve().parents[3]
    stack = Path(sys.prefix) / "stack"
    rie = _RIE_NAMES.get(platform.machine().lower(), "x86_64")
    found = Parts(
        project=project,
        emulator_python=stack / "emulator/bin/python",
        sam=stack / "sam/bin/sam",
        rie=_site_packages(stack / "sam") / f"samcli/local/rapid/aws-lambda-rie-{rie}",
        zip_python=stack / "runtime/bin/python",
        layer=stack / "layer",
    )
    needed = (project / "template.yaml", found.emulator_python, found.sam, found.rie, found.zip_python, found.layer)
    for path in needed:
        if not path.exists():
            raise SetupIncomplete(
                f"The stack needs {path}, which is missing.",
                "Run `make setup` in a checkout of the project and start this command from its .venv.",
            )
    return found


def _site_packages(environment: Path) -> Path:
    return environment / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
