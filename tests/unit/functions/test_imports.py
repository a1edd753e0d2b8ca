"""The zip functions start without a browser, a codec library or a command line, none of which they have."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Not in the dependencies layer, or too slow to start with.
ABSENT = ("playwright", "av", "imageio_ffmpeg", "click", "numpy", "PIL", "moto", "uvicorn", "hyperframes_render.render")


@pytest.mark.parametrize("name", ["api", "drop", "sweep", "record", "notify"])
def test_a_zip_function_imports_nothing_that_it_does_not_have(name: str) -> None:
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({ABSENT!r})); import hyperframes_render.functions.{name} as f; "
        "print(callable(f.handler))"
    )
    environment = {
        "POWERTOOLS_SERVICE_NAME": "x",
        "POWERTOOLS_METRICS_NAMESPACE": "x",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.strip() == "True", done.stderr[-2000:]
