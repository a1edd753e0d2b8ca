"""The zip functions start without a browser, a codec library or a command line, which their layer lacks."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Modules that are not in the dependencies layer, or too slow to import at start.
ABSENT = ("playwright", "av", "imageio_ffmpeg", "click", "numpy", "PIL", "moto", "uvicorn", "hyperframes_render.render")


@pytest.mark.parametrize("trace_disabled", ["true", "false"])
@pytest.mark.parametrize("name", ["api", "drop", "sweep", "record", "notify"])
def test_a_zip_function_imports_only_modules_of_its_layer(name: str, trace_disabled: str) -> None:
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({ABSENT!r})); import hyperframes_render.functions.{name} as f; "
        "print(callable(f.handler), 'aws_xray_sdk.core' in sys.modules)"
    )
    environment = {
        "POWERTOOLS_SERVICE_NAME": "x",
        "POWERTOOLS_METRICS_NAMESPACE": "x",
        "POWERTOOLS_TRACE_DISABLED": trace_disabled,
    }
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.split() == ["True", str(trace_disabled == "false")], done.stderr[-2000:]


@pytest.mark.parametrize("name", ["plan", "render_chunk", "assemble"])
def test_render_functions_set_home_for_the_browsers_driver(name: str) -> None:
    program = f"import os, hyperframes_render.functions.{name}; print(os.path.isdir(os.environ['HOME']))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"POWERTOOLS_SERVICE_NAME": "x", "POWERTOOLS_METRICS_NAMESPACE": "x", "POWERTOOLS_TRACE_DISABLED": "true"},
        check=False,
    )
    assert done.stdout.strip() == "True", done.stderr[-2000:]
