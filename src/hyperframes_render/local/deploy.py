"""template.yaml is packaged and deployed by SAM, into the emulator instead of AWS."""

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
#: An image cannot be built without Docker: an address stands for it, and the launcher runs the function's command.
_IMAGE = f"\n      ImageUri: {_REPOSITORY}:local"
_SAM_SECONDS = 300.0
Outputs = dict[str, str]


def local_variables(endpoint: str) -> dict[str, str]:
    """What AWS's tools and clients need to talk to the emulator, as its account's owner."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def local_client(service: str, endpoint: str) -> Any:
    """A client of the emulator's `service`, whatever the environment says."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=60),
    )


class Deployment:
    """One deployment of the template into the emulator at `endpoint`; its files are below `folder`."""

    def __init__(self, parts: Parts, folder: Path, endpoint: str, parameters: Mapping[str, str]) -> None:
        self._parts, self._folder, self._endpoint = parts, folder, endpoint
        self._parameters = dict(parameters)
        self._record = folder / "deployed.json"
        self._fingerprint = ""

    def is_current(self) -> bool:
        """Whether just this template, code and parameters are deployed there already."""
        try:
            deployed = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return False
        return bool(deployed == {"fingerprint": self.fingerprint()}) and bool(self.outputs())

    def deploy(self, say: Callable[[str], None]) -> None:
        """Package and deploy; `say` is called with each step. Raises SetupIncomplete with SAM's own last words."""
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
        wanted = ["--stack-name", STACK_NAME, *capabilities, "--no-confirm-changeset", "--no-progressbar"]
        if self._parameters:
            wanted += overrides
        self._sam(build, "deploy", "--template-file", "packaged.yaml", *bucket, *wanted)
        shutil.rmtree(build)
        self._record.write_text(json.dumps({"fingerprint": self.fingerprint()}))

    def outputs(self) -> Outputs:
        """The stack's outputs; empty where there is no such stack."""
        try:
            stacks = local_client("cloudformation", self._endpoint).describe_stacks(StackName=STACK_NAME)["Stacks"]
        except ClientError:
            return {}
        return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}

    def fingerprint(self) -> str:
        """Changes when anything changes that is deployed."""
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
            words = " ".join(log.read_text(errors="replace").split())[-600:]
            raise SetupIncomplete(
                f"sam {arguments[0]} failed: {words}", f"The whole of what it said is in {log}; remove the data folder."
            )


def stage(parts: Parts, build: Path) -> None:
    """What SAM packages, laid out as the template names it: `sam build` does this for AWS.

    The only change to the template is an image's address for each image function (docs/guides/local.md).
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
    """Files that a deployed function may read, in a stable order."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part in ("__pycache__", "local") or part.endswith(".egg-info") for part in path.parts)
        if path.is_file() and not hidden:
            yield path


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
