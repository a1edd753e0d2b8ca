"""Requests for the credentials of one task."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from hyperframes_render.aws.access import GrantedAccess
from hyperframes_render.errors import NoRoom, RenderError, ServiceFailed


class _Refuses:
    def __init__(self, code: str) -> None:
        self._code = code

    def invoke(self, **_: Any) -> Any:
        raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, "Invoke")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("TooManyRequestsException", NoRoom),
        ("CodeArtifactUserPendingException", NoRoom),
        ("ResourceConflictException", NoRoom),
        ("ServiceException", ServiceFailed),
        ("AccessDeniedException", ServiceFailed),
    ],
)
def test_a_throttled_grant_raises_a_retryable_error(code: str, kind: type[RenderError]) -> None:
    access = GrantedAccess("grant", _Refuses(code))  # type: ignore[arg-type]  # only `invoke` is used
    with pytest.raises(ServiceFailed) as raised:
        access.take("0" * 30, "0" * 32)
    assert type(raised.value) is kind
    assert raised.value.retryable
