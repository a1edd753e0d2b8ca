"""Coverage-guided fuzzing of the readers of archives and sidecars: python -m tests.fuzz.guided READER CASES SEED.

Needs atheris (requirements/fuzz.lock), which `make fuzz` installs. Starts with the saved corpus. Inputs that reach new
code are saved in .fuzz/, inputs that make a reader fail are saved there as crash-….
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["hyperframes_render", "zipfile", "json"]):
    import json  # noqa: F401
    import zipfile  # noqa: F401

    from hyperframes_render.composition import source
    from hyperframes_render.errors import InputError
    from hyperframes_render.tasks.submission import parse_sidecar
from tests.fuzz.archives import open_archive

CORPUS = Path(__file__).parent / "corpus"
#: Maximum size of an input. Larger inputs reach no additional code.
MAX_BYTES = 8192
FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-guided-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))


def read_archive(data: bytes) -> None:
    """See test_archives.py."""
    open_archive(data, FOLDER)


def read_sidecar(data: bytes) -> None:
    """See test_inputs.py."""
    try:
        parse_sidecar(data, "promo.render.json")
    except InputError as error:
        assert "\n" not in str(error)


READERS = {"archive": read_archive, "sidecar": read_sidecar}


def main(reader: str, cases: str, seed: str) -> None:
    """Run `cases` inputs. libFuzzer prints its progress."""
    found = Path(".fuzz") / reader
    found.mkdir(parents=True, exist_ok=True)
    source.MAX_ARCHIVE_BYTES = 16 * 1024**2  # a low limit makes bombs fast to test
    options = [f"-runs={cases}", f"-seed={seed}", f"-max_len={MAX_BYTES}", "-timeout=60", "-rss_limit_mb=4096"]
    atheris.Setup(
        [sys.argv[0], *options, f"-artifact_prefix={found}/", str(found), str(CORPUS / reader)], READERS[reader]
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
