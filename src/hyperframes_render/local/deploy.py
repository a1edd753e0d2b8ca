"""Packages and deploys template.yaml with SAM, to the emulator instead of AWS."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from hyperframes_render.errors import SetupIncomplete
from hyperframes_render.local.parts import Parts
from hyperframes_render.local.processes import dies_with_parent, plain_environment

STACK_NAME = "hyperframes-render"
REGION = "us-east-1"
_ARTIFACTS = "artifacts"
_REPOSITORY = "000000000000.dkr.ecr.us-east-1.amazonaws.com/renderer"
#: Placeholder for the container image, which cannot be built without Docker. The emulator runs the function's command.
_IMAGE = f"\n      ImageUri: {_REPOSITORY}:local"
_SAM_SECONDS = 300.0
Outputs = dict[str, str]


def local_variables(endpoint: str) -> dict[str, str]:
    """Environment variables with which AWS tools and clients use the emulator, as its account's owner."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def local_client(service: str, endpoint: str) -> Any:
    """A boto3 client of the emulator's `service`. Ignores the environment's AWS settings."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=60),
    )


class Deployment:
    """One deployment of the template to the emulator at `endpoint`. Its files are in `folder`."""

    def __init__(self, parts: Parts, folder: Path, endpoint: str, parameters: Mapping[str, str]) -> None:
        self._parts, self._folder, self._endpoint = parts, folder, endpoint
        self._parameters = dict(parameters)
        self._record = folder / "deployed.json"
        self._fingerprint = ""

    def is_current(self) -> bool:
        """Whether the emulator already has this template, code and parameters."""
        try:
            deployed = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return False
        return bool(deployed == {"fingerprint": self.fingerprint()}) and bool(self.outputs())

    def deploy(self, say: Callable[[str], None]) -> None:
        """Package and deploy; `say` is called with each step. Raises SetupIncomplete with the end of SAM's output."""
        build = self._folder / "build"
        say("copying template and code")
        stage(self._parts, build)
        say("sam package")
        self._make_artifact_bucket()
        bucket = ["--s3-bucket", _ARTIFACTS, "--image-repository", _REPOSITORY, "--region", REGION]
        self._sam(build, "package", *bucket, "--output-template-file", "packaged.yaml")
        say("sam deploy")
        overrides = ["--parameter-overrides", *(f"{name}={value}" for name, value in self._parameters.items())]
        capabilities = ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--no-fail-on-empty-changeset"]
        options = ["--stack-name", STACK_NAME, *capabilities, "--no-confirm-changeset", "--no-progressbar"]
        if self._parameters:
            options += overrides
        self._sam(build, "deploy", "--template-file", "packaged.yaml", *bucket, *options)
        shutil.rmtree(build)
        self._record.write_text(json.dumps({"fingerprint": self.fingerprint()}))

    def outputs(self) -> Outputs:
        """The stack's outputs; empty if the stack does not exist."""
        try:
            stacks = local_client("cloudformation", self._endpoint).describe_stacks(StackName=STACK_NAME)["Stacks"]
        except ClientError:
            return {}
        return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}

    def fingerprint(self) -> str:
        """A SHA-256 hash (hex) of everything that is deployed: template, layer lock, code, endpoint and parameters."""
        if not self._fingerprint:
            digest = hashlib.sha256(repr((self._endpoint, sorted(self._parameters.items()))).encode())
            lock = self._parts.project / "layers/dependencies/requirements.lock"
            for path in [self._parts.project / "template.yaml", lock, *_sources(self._parts.source)]:
                digest.update(str(path).encode() + b"\0" + path.read_bytes())
            self._fingerprint = digest.hexdigest()
        return self._fingerprint

    def _make_artifact_bucket(self) -> None:
        try:
            local_client("s3", self._endpoint).create_bucket(Bucket=_ARTIFACTS)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise

    def _sam(self, build: Path, *arguments: str) -> None:
        variables = {
            **local_variables(self._endpoint),
            "SAM_CLI_TELEMETRY": "0",
            "HOME": str(self._folder / "tmp"),
            "TMPDIR": str(self._folder / "tmp"),
        }
        log = self._folder / "logs" / f"sam-{arguments[0]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                dies_with_parent([str(self._parts.sam), *arguments]),
                cwd=build,
                env=plain_environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                status = process.wait(_SAM_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                status = -1
        if status:
            output_end = " ".join(log.read_text(errors="replace").split())[-600:]
            raise SetupIncomplete(
                f"sam {arguments[0]} failed: {output_end}", f"The full output is in {log}; remove the data folder."
            )


def stage(parts: Parts, build: Path) -> None:
    """Copy everything that SAM packages to the folder `build`, at the paths of the template. Replaces `sam build`.

    The only change to the template is a placeholder ImageUri for each image function (docs/guides/local.md).
    """
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    template = (parts.project / "template.yaml").read_text()
    image = "      PackageType: Image"
    (build / "template.yaml").write_text(template.replace(image, image + _IMAGE))
    for path in _sources(parts.source):
        target = build / "src" / path.relative_to(parts.source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    shutil.copytree(parts.layer, build / "layers/dependencies", copy_function=_link, dirs_exist_ok=True)


def _sources(folder: Path) -> Iterator[Path]:
    """The source files of deployed functions, in a stable order. Leaves out local/, which functions do not use."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part in ("__pycache__", "local") or part.endswith(".egg-info") for part in path.parts)
        if path.is_file() and not hidden:
            yield path


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
