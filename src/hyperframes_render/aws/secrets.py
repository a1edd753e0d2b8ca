"""Webhook secrets, derived from a KMS key that never leaves KMS.

A secret is the HMAC of owner and version under that key. No secret is stored, so none can leak from a table or a
backup. One IAM action of one role allows computing the HMAC (docs/guides/webhooks.md).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING

from hyperframes_render.aws.client import client, service_errors
from hyperframes_render.tasks.webhooks import secret_label

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class KmsSecrets:
    """Webhook secrets of every owner. `versions` returns an owner's valid secret versions, newest first."""

    def __init__(
        self, key_id: str, versions: Callable[[str], list[int]] = lambda _: [1], kms: KMSClient | None = None
    ) -> None:
        self._key_id = key_id
        self._versions = versions
        self._kms: KMSClient = kms or client("kms")
        self._known: dict[str, str] = {}

    def secrets(self, owner: str) -> list[str]:
        """See SecretVault."""
        return [self.secret(owner, version) for version in self._versions(owner)]

    def secret(self, owner: str, version: int) -> str:
        """One secret in the format of webhook libraries: "whsec_" and base64. Raises ServiceFailed."""
        label = secret_label(owner, version)
        if label not in self._known:
            with service_errors("Deriving a webhook secret"):
                response = self._kms.generate_mac(
                    KeyId=self._key_id, MacAlgorithm="HMAC_SHA_256", Message=label.encode()
                )
            self._known[label] = f"whsec_{base64.b64encode(response['Mac']).decode()}"
        return self._known[label]
