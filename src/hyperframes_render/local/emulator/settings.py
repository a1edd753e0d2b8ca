"""The settings that `serve` passes to the emulator's process, as JSON in one environment variable."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_VARIABLE = "HYPERFRAMES_EMULATOR"


@dataclass(frozen=True)
class EmulatorSettings:
    """Folders, interpreters and limits of one emulator.

    `image_python` runs image functions, `zip_python` zip functions. `limits` are the concurrent environments by the end
    of a function's name ("-render-chunk": 2); `default_limit` is for all others. Times in seconds. For tests:
    `record_calls` is the file for the calls of roles; `image_path` is a folder that image functions search first for
    modules.
    """

    port: int
    data: str
    rie: str
    image_python: str
    zip_python: str
    limits: dict[str, int]
    default_limit: int
    wait_seconds: float
    auth: bool
    record_calls: str = ""
    image_path: str = ""

    @property
    def endpoint(self) -> str:
        """The URL of the services."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data)

    def limit(self, function: str) -> int:
        """The maximum number of concurrent environments of a function."""
        for ending, limit in self.limits.items():
            if function.endswith(ending):
                return limit
        return self.default_limit

    def as_environment(self) -> dict[str, str]:
        """The environment variables for the emulator's process."""
        return {
            _VARIABLE: json.dumps(asdict(self)),
            # MiniStack reads these. Without the first two it would listen for MQTT, and on all interfaces.
            "IOT_MTLS_ENABLED": "0",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": "localhost",
            "PERSIST_STATE": "1",
            "STATE_DIR": f"{self.data}/state",
            "S3_PERSIST": "1",
            "S3_DATA_DIR": f"{self.data}/s3",
            # MiniStack's limit refuses calls. The pools of environments.py make calls wait instead.
            "LAMBDA_ACCOUNT_CONCURRENCY": "0",
            "AUTH": "true" if self.auth else "false",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": self.endpoint,
            "LOG_LEVEL": "WARNING",
            "TMPDIR": f"{self.data}/tmp",
        }

    @classmethod
    def from_environment(cls) -> EmulatorSettings:
        """Read the settings that `as_environment` wrote."""
        return cls(**json.loads(os.environ[_VARIABLE]))
