"""What the launcher tells the emulator's process: one JSON text in one variable."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_VARIABLE = "HYPERFRAMES_EMULATOR"


@dataclass(frozen=True)
class EmulatorSettings:
    """Folders, interpreters and limits of one emulator.

    `image_python` stands for the container image, `zip_python` for the managed runtime. `limits` are environments at
    once by the end of a function's name ("-render-chunk": 2), `default_limit` those of all others. Times in seconds.
    For tests: `record_calls` is a file for every call of a role, `image_path` a folder of modules that image functions
    find first.
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
        """Where the services answer."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def folder(self) -> Path:
        """Where everything lies that the emulator keeps."""
        return Path(self.data)

    def limit(self, function: str) -> int:
        """Environments that the function may have at once."""
        for ending, limit in self.limits.items():
            if function.endswith(ending):
                return limit
        return self.default_limit

    def as_environment(self) -> dict[str, str]:
        """The variables to start the emulator's process with."""
        return {
            _VARIABLE: json.dumps(asdict(self)),
            # MiniStack reads these; the first two are traps: it would listen to MQTT, and on all interfaces.
            "IOT_MTLS_ENABLED": "0",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": "localhost",
            "PERSIST_STATE": "1",
            "STATE_DIR": f"{self.data}/state",
            "S3_PERSIST": "1",
            "S3_DATA_DIR": f"{self.data}/s3",
            # Its own limit on calls at once refuses; the pools of environments.py make them wait.
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
        """The settings that `as_environment` wrote."""
        return cls(**json.loads(os.environ[_VARIABLE]))
