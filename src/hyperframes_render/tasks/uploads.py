"""Uploads: a caller sends a file's bytes to a signed address and names the file by its uri."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from hyperframes_render.errors import InvalidOption, LimitExceeded
from hyperframes_render.tasks.ports import ExpiringStore, ObjectFacts, ObjectStore
from hyperframes_render.tasks.timestamps import DAY, later, moment

UPLOADS = "uploads/"
#: docs/reference/limits.md explains these limits.
MAX_UPLOAD_BYTES = 2 * 1024**3
MAX_FILES = 20
#: Seconds that an upload address is valid: long enough for slow connections.
UPLOAD_SECONDS = 3600
_FIELDS = frozenset({"uri", "filename", "content_type", "path", "size", "public", "sha256", "id", "category"})
_CONTENT_TYPE = re.compile(r"^[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}( ?;[\x20-\x7e]{1,100})?$")
_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_SUFFIXES = {
    "text/html": ".html",
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
}
#: Seconds before the end of an upload's lifetime at which its contents are no longer reused.
_MARGIN_SECONDS = 3600


@dataclass(frozen=True)
class _Description:
    """One file as described by the caller; size in bytes."""

    filename: str
    content_type: str
    size: int | None
    sha256: str | None
    shown: dict[str, Any]


@dataclass(frozen=True)
class Uploads:
    """Uploaded files of all owners, which are stored for `days`."""

    objects: ObjectStore
    store: ExpiringStore
    days: int = 7

    def create(self, owner: str, body: object, signs_type: bool = True) -> list[dict[str, Any]]:
        """Signed upload addresses for the described files; with `signs_type` the content type must match.

        Raises InvalidOption or LimitExceeded.
        """
        return [self._create(owner, described, signs_type) for described in _parse(body)]

    def find(self, owner: str, uri: str, field: str) -> ObjectFacts:
        """The uploaded file that `uri` names. `field` names the input field in errors.

        Raises InvalidOption (not uploaded by this owner, missing or empty) or LimitExceeded.
        """
        bucket, _, key = uri[5:].partition("/")
        if bucket != self.objects.bucket or not key.startswith(f"{UPLOADS}{owner}/"):
            raise InvalidOption(
                f"{field}: this file was not uploaded with your key.", "Upload it, and send the uri of the response."
            )
        facts = self.objects.head(key)
        if facts is None:
            raise InvalidOption(
                f"{field}: the uploaded file does not exist (any more).",
                "PUT its bytes to its upload_url first, or upload it again.",
            )
        if facts.size == 0:
            raise InvalidOption(f"{field}: the uploaded file is empty.", "Upload it again.")
        if facts.size > MAX_UPLOAD_BYTES:
            raise LimitExceeded(
                f"{field}: the uploaded file has {facts.size} bytes: the limit is {MAX_UPLOAD_BYTES}.",
                "Remove unused files.",
            )
        return facts

    def _create(self, owner: str, described: _Description, signs_type: bool) -> dict[str, Any]:
        record_name = f"upload#{owner}#{described.sha256}#{described.size}"
        if described.sha256 and (known := self._known(owner, record_name)):
            return {**described.shown, **known, "upload_url": None, "uploaded": True}
        file_id = secrets.token_hex(12)
        key = f"{UPLOADS}{owner}/{file_id}/{described.filename}"
        content_type = described.content_type if signs_type else None
        url, headers = self.objects.presign_put(key, UPLOAD_SECONDS, content_type, described.size, described.sha256)
        facts = {
            "id": file_id,
            "uri": f"s3://{self.objects.bucket}/{key}",
            "expires_at": later(self.days * DAY),
        }
        if described.sha256:
            self.store.put_if_absent(record_name, facts, self.days * DAY - _MARGIN_SECONDS)
        return {
            **described.shown,
            **facts,
            "created_at": moment(),
            "upload_url": url,
            "upload_headers": headers,
            "upload_url_expires_at": later(UPLOAD_SECONDS),
            "uploaded": False,
        }

    def _known(self, owner: str, record_name: str) -> dict[str, str] | None:
        """An earlier upload of this owner with the same contents, if it still exists."""
        known = self.store.get(record_name)
        if known is None:
            return None
        key = known.get("uri", "")[5:].partition("/")[2]
        if not key.startswith(f"{UPLOADS}{owner}/") or self.objects.head(key) is None:
            self.store.delete(record_name)
            return None
        return known


def _parse(body: object) -> list[_Description]:
    if isinstance(body, Mapping) and "files" not in body and "filename" in body:
        body = {"files": [body]}
    files = body.get("files") if isinstance(body, Mapping) else None
    if not isinstance(files, list) or not files:
        raise InvalidOption(
            "files: it is missing or not a list.", 'Send {"files": [{"filename": …, "content_type": …, "size": …}]}.'
        )
    if len(files) > MAX_FILES:
        raise LimitExceeded(f"files: there are {len(files)}; the limit is {MAX_FILES}.", "Send several requests.")
    return [_parse_file(file, f"files[{number}]") for number, file in enumerate(files)]


def _parse_file(file: object, where: str) -> _Description:
    if not isinstance(file, Mapping):
        raise InvalidOption(f"{where}: it is not a JSON object.")
    for name in file:
        if name not in _FIELDS:
            raise InvalidOption(
                f"{where}.{str(name)[:60]}: there is no such field.", f"Known fields are: {_known_fields()}."
            )
    size = file.get("size")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise InvalidOption(f"{where}.size: it must be the number of bytes, at least 1.")
    if size is not None and size > MAX_UPLOAD_BYTES:
        raise LimitExceeded(
            f"{where}.size: {size} bytes are too many: the limit is {MAX_UPLOAD_BYTES}.", "Remove unused files."
        )
    kind = file.get("content_type") or "application/octet-stream"
    if not isinstance(kind, str) or not _CONTENT_TYPE.match(kind):
        raise InvalidOption(f"{where}.content_type: it is not a media type.", 'Use one like "text/html".')
    sha256 = file.get("sha256")
    if sha256 is not None and (not isinstance(sha256, str) or not _SHA256.match(sha256)):
        raise InvalidOption(f"{where}.sha256: it must be 64 lower-case hexadecimal digits.")
    name = file.get("filename")
    if not isinstance(name, str | None):
        raise InvalidOption(f"{where}.filename: it must be text.")
    shown = {"filename": name, "content_type": kind, "size": size, "path": file.get("path"), "public": False}
    return _Description(_file_name(name, kind), kind, size, sha256, shown)


def _file_name(name: str | None, kind: str) -> str:
    """A name for the object with plain characters only. It keeps the suffix, or takes one from the media type."""
    base = PurePosixPath((name or "").replace("\\", "/")).name
    suffix = PurePosixPath(base).suffix.lower() if base else ""
    if not re.fullmatch(r"\.[a-z0-9]{1,8}", suffix):
        suffix = _SUFFIXES.get(kind.partition(";")[0].strip().lower(), "")
    stem = _UNSAFE.sub("-", PurePosixPath(base).stem).strip("-.")[:80]
    if base and not stem:
        stem = hashlib.sha256(base.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{stem or 'file'}{suffix}"


def _known_fields() -> str:
    return ", ".join(sorted(_FIELDS))
