"""Files that callers upload: a signed address takes the bytes, a uri names them from then on."""

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
#: docs/reference/limits.md.
MAX_UPLOAD_BYTES = 2 * 1024**3
MAX_FILES = 20
#: Seconds that an address to upload to lives: a slow line may take its time.
UPLOAD_SECONDS = 3600
_FIELDS = frozenset({"uri", "filename", "content_type", "path", "size", "public", "sha256", "id", "category"})
_CONTENT_TYPE = re.compile(r"^[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}( ?;[\x20-\x7e]{1,100})?$")
_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
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
#: Contents are known again for as long as they surely lie in the bucket.
_MARGIN_SECONDS = 3600


@dataclass(frozen=True)
class _Wanted:
    """One file as its sender describes it."""

    filename: str
    content_type: str
    size: int | None
    sha256: str | None
    shown: dict[str, Any]


@dataclass(frozen=True)
class Uploads:
    """Uploaded files of all owners. They are kept for `days`."""

    objects: ObjectStore
    store: ExpiringStore
    days: int = 7

    def create(self, owner: str, body: object, signs_type: bool = True) -> list[dict[str, Any]]:
        """Addresses to upload the described files to, for just their type if `signs_type`.

        Raises InvalidOption or LimitExceeded.
        """
        return [self._create(owner, wanted, signs_type) for wanted in _parse(body)]

    def find(self, owner: str, uri: str, field: str) -> ObjectFacts:
        """The uploaded file that `uri` names, as it lies in the bucket now. Raises InvalidOption."""
        bucket, _, key = uri[5:].partition("/")
        if bucket != self.objects.bucket or not key.startswith(f"{UPLOADS}{owner}/"):
            raise InvalidOption(
                f"{field}: this file is not one that your key uploaded.", "Upload it, and give the uri you get."
            )
        facts = self.objects.head(key)
        if facts is None:
            raise InvalidOption(
                f"{field}: there is no such uploaded file (any more).",
                "PUT its bytes to its upload_url first, or upload it again.",
            )
        if facts.size == 0:
            raise InvalidOption(f"{field}: the uploaded file is empty.", "Upload it again.")
        if facts.size > MAX_UPLOAD_BYTES:
            raise LimitExceeded(
                f"{field}: the uploaded file has {facts.size} bytes: the limit is {MAX_UPLOAD_BYTES}.",
                "Leave out what is not used.",
            )
        return facts

    def _create(self, owner: str, wanted: _Wanted, signs_type: bool) -> dict[str, Any]:
        note = f"upload#{owner}#{wanted.sha256}#{wanted.size}"
        if wanted.sha256 and (known := self._known(owner, note)):
            return {**wanted.shown, **known, "upload_url": None, "uploaded": True}
        file_id = secrets.token_hex(12)
        key = f"{UPLOADS}{owner}/{file_id}/{wanted.filename}"
        content_type = wanted.content_type if signs_type else None
        url, headers = self.objects.presign_put(key, UPLOAD_SECONDS, content_type, wanted.size, wanted.sha256)
        facts = {
            "id": file_id,
            "uri": f"s3://{self.objects.bucket}/{key}",
            "expires_at": later(self.days * DAY),
        }
        if wanted.sha256:
            self.store.put_if_absent(note, facts, self.days * DAY - _MARGIN_SECONDS)
        return {
            **wanted.shown,
            **facts,
            "created_at": moment(),
            "upload_url": url,
            "upload_headers": headers,
            "upload_url_expires_at": later(UPLOAD_SECONDS),
            "uploaded": False,
        }

    def _known(self, owner: str, note: str) -> dict[str, str] | None:
        """What this owner uploaded before with the same contents, if it is there still."""
        known = self.store.get(note)
        if known is None:
            return None
        key = known.get("uri", "")[5:].partition("/")[2]
        if not key.startswith(f"{UPLOADS}{owner}/") or self.objects.head(key) is None:
            self.store.delete(note)
            return None
        return known


def _parse(body: object) -> list[_Wanted]:
    if isinstance(body, Mapping) and "files" not in body and "filename" in body:
        body = {"files": [body]}
    files = body.get("files") if isinstance(body, Mapping) else None
    if not isinstance(files, list) or not files:
        raise InvalidOption(
            "files: it is missing, or no list.", 'Send {"files": [{"filename": …, "content_type": …, "size": …}]}.'
        )
    if len(files) > MAX_FILES:
        raise LimitExceeded(f"files: there are {len(files)}, and {MAX_FILES} are taken at once.", "Ask several times.")
    return [_parse_file(file, f"files[{number}]") for number, file in enumerate(files)]


def _parse_file(file: object, where: str) -> _Wanted:
    if not isinstance(file, Mapping):
        raise InvalidOption(f"{where}: it is no JSON object.")
    for name in file:
        if name not in _FIELDS:
            raise InvalidOption(f"{where}.{str(name)[:60]}: there is no such field.", f"Known are: {_known_fields()}.")
    size = file.get("size")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise InvalidOption(f"{where}.size: it must be the number of bytes, at least 1.")
    if size is not None and size > MAX_UPLOAD_BYTES:
        raise LimitExceeded(
            f"{where}.size: {size} bytes are too many: the limit is {MAX_UPLOAD_BYTES}.", "Leave out what is not used."
        )
    kind = file.get("content_type") or "application/octet-stream"
    if not isinstance(kind, str) or not _CONTENT_TYPE.match(kind):
        raise InvalidOption(f"{where}.content_type: it is no media type.", 'Give one like "text/html".')
    sha256 = file.get("sha256")
    if sha256 is not None and (not isinstance(sha256, str) or not _SHA256.match(sha256)):
        raise InvalidOption(f"{where}.sha256: it must be 64 hexadecimal digits in lower case.")
    name = file.get("filename")
    if not isinstance(name, str | None):
        raise InvalidOption(f"{where}.filename: it must be text.")
    shown = {"filename": name, "content_type": kind, "size": size, "path": file.get("path"), "public": False}
    return _Wanted(_file_name(name, kind), kind, size, sha256, shown)


def _file_name(name: str | None, kind: str) -> str:
    """A plain name for the object that keeps the suffix, which says what it is."""
    given = PurePosixPath((name or "").replace("\\", "/")).name
    suffix = PurePosixPath(given).suffix.lower() if given else ""
    if not re.fullmatch(r"\.[a-z0-9]{1,8}", suffix):
        suffix = _SUFFIXES.get(kind.partition(";")[0].strip().lower(), "")
    stem = _ODD.sub("-", PurePosixPath(given).stem).strip("-.")[:80]
    if given and not stem:
        stem = hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{stem or 'file'}{suffix}"


def _known_fields() -> str:
    return ", ".join(sorted(_FIELDS))
