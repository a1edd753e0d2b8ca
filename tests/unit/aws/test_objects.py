"""S3 errors become RenderErrors, and browsers can use signed URLs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import Stubber

from hyperframes_render.aws.objects import S3Objects
from hyperframes_render.errors import Conflict, LimitExceeded, NotFound, RenderError, ServiceFailed


@pytest.fixture
def s3() -> Any:
    return boto3.client(
        "s3", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b", config=Config(signature_version="s3v4")
    )


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("PreconditionFailed", 412, Conflict),
        ("NoSuchKey", 404, NotFound),
        ("AccessDenied", 403, ServiceFailed),
        ("SlowDown", 503, ServiceFailed),
    ],
)
def test_each_s3_error_becomes_its_render_error(
    s3: Any, tmp_path: Path, code: str, status: int, kind: type[RenderError]
) -> None:
    objects = S3Objects("bucket", s3)
    for method, act in {
        "copy_object": lambda: objects.copy("inbox/a.html", "work/t/source.html", etag="e"),
        "get_object": lambda: objects.download("inbox/a.html", tmp_path / "a", etag="e"),
    }.items():
        with Stubber(s3) as stub:
            stub.add_client_error(method, code, http_status_code=status)
            with pytest.raises(kind) as raised:
                act()  # type: ignore[no-untyped-call]
            assert "inbox/a.html" in str(raised.value)


def test_a_read_is_pinned_to_the_etag(s3: Any) -> None:
    with Stubber(s3) as stub:
        body = StreamingBody(io.BytesIO(b"data"), 4)
        stub.add_response("get_object", {"Body": body}, {"Bucket": "bucket", "Key": "k", "IfMatch": "etag"})
        assert S3Objects("bucket", s3).get("k", etag="etag") == b"data"


def test_reading_stops_at_the_limit(s3: Any) -> None:
    source = io.BytesIO(b"x" * 1000)
    with Stubber(s3) as stub:
        stub.add_response("get_object", {"Body": StreamingBody(source, 1000)}, {"Bucket": "bucket", "Key": "k"})
        with pytest.raises(LimitExceeded):
            S3Objects("bucket", s3).get("k", limit=10)
    assert source.closed or source.tell() <= 11


def test_only_a_named_folder_can_be_deleted(s3: Any) -> None:
    for prefix in ("", "/", "work/abc", "inbox"):
        with pytest.raises(ValueError, match="slash"):
            S3Objects("bucket", s3).delete_folder(prefix)


def test_a_signed_url_expires_and_has_a_file_name(s3: Any) -> None:
    address = S3Objects("bucket", s3).presign("outbox/größe ✓.mp4", 3600, 'größe ✓ "x".mp4')
    parts = urlsplit(address)
    assert address.isascii() and parts.scheme == "https"
    query = parse_qs(parts.query)
    assert query["X-Amz-Expires"] == ["3600"]
    assert query["response-content-disposition"] == [
        "inline; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%E2%9C%93%20%22x%22.mp4"
    ]
