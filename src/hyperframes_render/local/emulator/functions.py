"""Converts MiniStack's record of a function to the command and environment that run it, as Lambda does."""

from __future__ import annotations

import hashlib
import io
import shutil
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hyperframes_render.local.emulator.environments import Function
from hyperframes_render.local.emulator.settings import EmulatorSettings

_unpacking = threading.Lock()


def read_function(
    record: dict[str, Any],
    settings: EmulatorSettings,
    credentials: dict[str, str],
    layer: Callable[[Any], bytes | None],
) -> Function:
    """The function of MiniStack's `record`. `layer` returns the zip of a layer reference, or None.

    `credentials` are the environment variables with the role's credentials.
    """
    config = record["config"]
    variables = {**_lambda_variables(config, settings), **credentials}
    variables.update(config.get("Environment", {}).get("Variables", {}))
    folder = settings.folder / "functions" / config["FunctionName"]
    folder.mkdir(parents=True, exist_ok=True)
    if config.get("PackageType") == "Image":
        command = (
            settings.image_python,
            "-m",
            "awslambdaric",
            *config["ImageConfigResponse"]["ImageConfig"]["Command"],
        )
        source = config.get("RevisionId", "")
        if settings.image_path:
            variables["PYTHONPATH"] = settings.image_path
    else:
        task = _unpacked(record["code_zip"], folder)
        layers = [_unpacked(content, folder) for content in map(layer, config.get("Layers", [])) if content]
        variables["LAMBDA_TASK_ROOT"] = str(task)
        variables["PYTHONPATH"] = ":".join([str(task), *(str(path / "python") for path in layers)])
        command = (settings.zip_python, "-m", "awslambdaric", config["Handler"])
        if wrapper := variables.get("AWS_LAMBDA_EXEC_WRAPPER"):
            command = (wrapper.replace("/var/task", str(task), 1), *command)
        source = task.name
    revision = hashlib.sha256(repr((command, sorted(variables.items()), config.get("Timeout"), source)).encode())
    return Function(
        name=config["FunctionName"],
        revision=revision.hexdigest(),
        command=command,
        variables=variables,
        timeout=float(config.get("Timeout", 3)),
        folder=folder,
    )


def _lambda_variables(config: dict[str, Any], settings: EmulatorSettings) -> dict[str, str]:
    """The environment variables that Lambda sets for every function, and the emulator's endpoint."""
    region = config["FunctionArn"].split(":")[3]
    return {
        "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(config.get("Timeout", 3)),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{config['FunctionName']}",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": settings.endpoint,
        # There is no X-Ray daemon here, but Powertools would look for one.
        "POWERTOOLS_TRACE_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _unpacked(content: bytes, folder: Path) -> Path:
    """Unpack the zip `content` below `folder`, once for each content. Returns the new folder."""
    target = folder / hashlib.sha256(content).hexdigest()[:16]
    with _unpacking:
        if not target.exists():
            for old in folder.parent.glob(f"{target.name}.part"):
                shutil.rmtree(old)
            part = folder / f"{target.name}.part"
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(part)
                for entry in archive.infolist():
                    if entry.external_attr >> 16 & 0o111:  # a program: zipfile does not restore the mode
                        (part / entry.filename).chmod(0o755)
            part.rename(target)
    return target
