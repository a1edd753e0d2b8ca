"""S3 as an ObjectStore."""

from __future__ import annotations

import base64
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from hyperframes_render.aws.client import client, code_of, service_errors
from hyperframes_render.errors import Conflict, LimitExceeded, NotFound
from hyperframes_render.tasks.ports import ObjectFacts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Objects above the threshold (bytes) use several connections: one connection reaches about 60 to 90 MB/s.
_TRANSFER = TransferConfig(multipart_threshold=32 * 1024**2, multipart_chunksize=16 * 1024**2, max_concurrency=8)
_MISSING = ("404", "NoSuchKey", "NotFound")
_CHANGED = ("412", "PreconditionFailed")
#: Keys in one request that deletes objects: the limit of S3.
_DELETE_BATCH = 1000
_BLOCK = 1024**2


class S3Objects:
    """One S3 bucket."""

    def __init__(self, bucket: str, s3: S3Client | None = None) -> None:
        self.bucket = bucket
        self._s3: S3Client = s3 or client("s3", **s3_settings())

    def head(self, key: str) -> ObjectFacts | None:
        """See ObjectStore."""
        with service_errors(f"Reading the metadata of {key}"):
            try:
                response = self._s3.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if code_of(error) in _MISSING:
                    return None
                raise
        return ObjectFacts(
            key,
            response["ContentLength"],
            response["ETag"].strip('"'),
            response.get("ContentType", "binary/octet-stream"),
        )

    def get(self, key: str, *, etag: str | None = None, limit: int | None = None) -> bytes:
        """See ObjectStore."""
        with service_errors(f"Reading {key}"):
            response = self._open(key, etag)
            with closing(response["Body"]) as body:
                if limit is None:
                    return bytes(body.read())
                data = bytes(body.read(limit + 1))
        if len(data) > limit:
            raise LimitExceeded(f"{key} is larger than {limit} bytes.", "Make it smaller.")
        return data

    def download(self, key: str, path: Path, *, etag: str | None = None) -> None:
        """See ObjectStore. Uses one connection, so that one etag covers every byte."""
        with service_errors(f"Reading {key}"):
            response = self._open(key, etag)
            with closing(response["Body"]) as body, path.open("wb") as out:
                for block in body.iter_chunks(_BLOCK):
                    out.write(block)

    def _open(self, key: str, etag: str | None):  # type: ignore[no-untyped-def]  # the type of the stubs is private
        try:
            if etag is None:
                return self._s3.get_object(Bucket=self.bucket, Key=key)
            return self._s3.get_object(Bucket=self.bucket, Key=key, IfMatch=etag)
        except ClientError as error:
            raise _translate(error, key) from error

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """See ObjectStore."""
        with service_errors(f"Writing {key}"):
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType=content_type)

    def upload(self, path: Path, key: str, content_type: str) -> None:
        """See ObjectStore."""
        with service_errors(f"Writing {key}"):
            self._s3.upload_file(str(path), self.bucket, key, ExtraArgs={"ContentType": content_type}, Config=_TRANSFER)

    def copy(self, source: str, target: str, *, etag: str) -> None:
        """See ObjectStore."""
        with service_errors(f"Copying {source}"):
            try:
                self._s3.copy_object(
                    Bucket=self.bucket,
                    Key=target,
                    CopySource={"Bucket": self.bucket, "Key": source},
                    CopySourceIfMatch=etag,
                    # Tags of a dropped file are not copied: reading them needs another IAM action.
                    TaggingDirective="REPLACE",
                )
            except ClientError as error:
                raise _translate(error, source) from error

    def delete(self, *keys: str) -> None:
        """See ObjectStore."""
        for key in keys:
            with service_errors(f"Deleting {key}"):
                self._s3.delete_object(Bucket=self.bucket, Key=key)

    def sizes(self, prefix: str) -> dict[str, int]:
        """See ObjectStore."""
        with service_errors(f"Listing {prefix}"):
            response = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return {item["Key"]: item["Size"] for item in response.get("Contents", [])}

    def delete_folder(self, prefix: str) -> None:
        """See ObjectStore."""
        if not prefix.rstrip("/") or not prefix.endswith("/"):
            raise ValueError("the prefix of a folder must be a name followed by a slash")
        with service_errors(f"Deleting {prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for page in pages:
                if found := [{"Key": item["Key"]} for item in page.get("Contents", [])][:_DELETE_BATCH]:
                    self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": found, "Quiet": True})  # type: ignore[typeddict-item]

    def presign(self, key: str, seconds: int, filename: str) -> str:
        """See ObjectStore."""
        with service_errors(f"Signing a URL for {key}"):
            return self._s3.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self.bucket,
                    "Key": key,
                    "ResponseContentDisposition": f"inline; filename*=UTF-8''{quote(filename, safe='')}",
                },
                ExpiresIn=seconds,
            )

    def presign_put(
        self, key: str, seconds: int, content_type: str | None, size: int | None, sha256: str | None = None
    ) -> tuple[str, dict[str, str]]:
        """See ObjectStore."""
        params: dict[str, Any] = {"Bucket": self.bucket, "Key": key}
        headers: dict[str, str] = {}
        if content_type is not None:
            params["ContentType"] = headers["Content-Type"] = content_type
        if size is not None:
            params["ContentLength"] = size
        if sha256 is not None:
            checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
            params["ChecksumSHA256"] = headers["x-amz-checksum-sha256"] = checksum
        with service_errors(f"Signing a URL for {key}"):
            return self._s3.generate_presigned_url("put_object", Params=params, ExpiresIn=seconds), headers


def _translate(error: ClientError, key: str) -> Exception:
    """The RenderError that matches `error`, else `error` itself."""
    if code_of(error) in _MISSING:
        return NotFound(f"There is no object {key} in the bucket.", "It may have been deleted since.")
    if code_of(error) in _CHANGED:
        return Conflict(f"The object {key} was replaced since.", "The newer object starts another task.")
    return error


def s3_settings() -> dict[str, Any]:
    """Client settings for S3: signature version 4 with the Region's host name, which every Region and policy accepts.

    The bucket is part of the host name in AWS. With AWS_ENDPOINT_URL it is part of the path, because such an endpoint
    has no host name for each bucket.
    """
    style = "path" if os.environ.get("AWS_ENDPOINT_URL") else "virtual"
    return {"signature_version": "s3v4", "s3": {"addressing_style": style}}
