"""Opens an .html file, a project folder or a .zip as a folder that can be served to the page."""

from __future__ import annotations

import errno
import io
import stat
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from hyperframes_render.composition.part import is_part, page_of_sub_composition
from hyperframes_render.composition.shell import without_outer_template
from hyperframes_render.errors import DiskFull, InvalidArchive, InvalidComposition, InvalidOption, LimitExceeded
from hyperframes_render.network.policy import is_web_address
from hyperframes_render.paths import file_inside

#: docs/reference/limits.md: larger projects belong in a bucket beside the composition, not in an archive.
MAX_ARCHIVE_ENTRIES = 10_000
MAX_ARCHIVE_BYTES = 2 * 1024**3
#: Bytes of an archive's directory: 10,000 entries with long names have a tenth of it.
MAX_DIRECTORY_BYTES = 8 * 1024**2
#: Deflate cannot do better than about 1032:1; text and flat images stay under 200:1, bombs do not.
MAX_ENTRY_RATIO = 200
#: A small entry may have any ratio: it is no bomb.
RATIO_FREE_BYTES = 1024**2
#: A composition is text; larger files are media with the wrong name.
MAX_HTML_BYTES = 32 * 1024**2
#: Every "<" counts, so that 100,000 elements have room: scanning one takes about ten microseconds.
MAX_TAGS = 250_000
_COPY_BYTES = 1024**2
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: Error numbers of a file system for invalid names, and for names that clash.
_BAD_NAME = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL, errno.EILSEQ)


@dataclass(frozen=True)
class WebPage:
    """A page at a web address, and the file with its fetched markup; None: it was not fetched yet."""

    address: str
    path: Path | None = None

    def __str__(self) -> str:
        return self.address


#: What a caller may name as the input of a render.
Source = Path | WebPage


def named_source(text: str) -> Source:
    """The input that a command line names: a web address or a path."""
    return WebPage(text) if is_web_address(text) else Path(text)


@dataclass(frozen=True)
class Project:
    """A folder that is served to the page, and the HTML file in it that is the composition."""

    root: Path
    entry: str
    name: str
    #: A sub-composition to render by itself: its path below `root`.
    part: str | None = None
    #: The web address of the page, where it has one: its relative addresses resolve against it.
    address: str | None = None

    def read_html(self) -> str:
        """The composition's markup. Raises InvalidComposition if the file is missing or is no text."""
        html = self._read(self.entry)
        if self.part is None:
            return without_outer_template(html)
        alone = page_of_sub_composition(html, self.part, self._read(self.part))
        if alone is None:
            raise InvalidComposition(
                f"{self.part} is a part that {self.entry} does not show: it cannot be rendered alone.",
                "Name it in a data-composition-src there, or make it a page of its own.",
            )
        return alone

    def of(self, composition: str | None) -> Project:
        """The project with another of its files as the composition. Raises InvalidComposition if that is missing."""
        if composition is None:
            return self
        path = file_inside(self.root, composition)
        if path is None:
            raise InvalidComposition(f"There is no {composition} in {self.name}.", "Check the path.")
        entry = path.relative_to(self.root).as_posix()
        if entry != self.entry and is_part(self._read(entry)):
            return replace(self, part=entry)
        return replace(self, entry=entry, name=path.name)

    def _read(self, entry: str) -> str:
        path = self.root / entry
        size = path.stat().st_size
        if size > MAX_HTML_BYTES:
            raise LimitExceeded(f"{self.name} has {size} bytes of HTML: the limit is {MAX_HTML_BYTES}.")
        data = path.read_bytes()
        if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InvalidComposition(f"{self.name} is not HTML but binary data: there is no composition in it.")
        text = _decoded(data)
        if text.count("<") > MAX_TAGS:
            raise LimitExceeded(
                f"{self.name} has more than {MAX_TAGS} tags.", "Draw what is repeated with a script or on a canvas."
            )
        return text


def _decoded(data: bytes) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return data.decode(encoding, errors="replace")


def open_project(source: Source, *, unpack_to: Path, composition: str | None = None) -> Project:
    """Open the caller's source as a project.

    `unpack_to` is an empty folder for the contents of an archive; the caller removes it. `composition` is the file of
    the project to show, where that is another than its own.
    Raises InvalidComposition, InvalidArchive, InvalidOption, LimitExceeded or DiskFull.
    """
    if isinstance(source, WebPage):
        if source.path is None:
            raise InvalidComposition(f"{source.address} was not fetched.")
        if composition is not None:
            raise InvalidOption("composition: a page at an address has no other file.", "Give the address of the file.")
        page = _opened(source.path, unpack_to)
        return replace(page, name=source.address[:120], address=source.address)
    return _opened(source, unpack_to).of(composition)


def _opened(source: Path, unpack_to: Path) -> Project:
    if not _exists(source):
        raise InvalidComposition(f"There is no file or folder {source}.", "Check the path.")
    if source.is_dir():
        return _project_in(source, name=source.name or str(source))
    suffix = source.suffix.lower()
    if suffix == ".zip":
        unpack_archive(source, unpack_to)
        return _project_in(unpack_to, name=source.name)
    if suffix in (".html", ".htm"):
        return Project(root=source.parent.resolve(), entry=source.name, name=source.name)
    raise InvalidComposition(
        f"{source.name} is not a composition.", "Give an .html file, a folder with an index.html, or a .zip of one."
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def is_archive(start: bytes) -> bool:
    """Whether a file that begins like this is a .zip."""
    return start.startswith(b"PK\x03\x04")


def _project_in(folder: Path, *, name: str) -> Project:
    if not (folder / "index.html").is_file():
        nested = [child for child in folder.iterdir() if child.name != "__MACOSX"]
        if len(nested) == 1 and (nested[0] / "index.html").is_file():
            folder = nested[0]
        else:
            raise _without_page(name, nested)
    return Project(root=folder.resolve(), entry="index.html", name=name)


def _without_page(name: str, files: list[Path]) -> InvalidComposition:
    """The error for a project without index.html. A single page of another name is probably meant."""
    pages = sorted(file.name for file in files if file.suffix.lower() in (".html", ".htm"))
    message = f"{name} has no index.html: there is no composition in it."
    if len(pages) == 1:
        return InvalidComposition(
            f"{name} has no index.html, but {pages[0]}.", f"Name it index.html, or give the file itself: {pages[0]}."
        )
    if pages:
        return InvalidComposition(message, f"Name one of these pages index.html: {', '.join(pages[:10])}.")
    return InvalidComposition(message, "Put index.html at the top of the project.")


class _ArchiveFile(io.FileIO):
    """An archive. Its directory is not read if it is larger than MAX_DIRECTORY_BYTES."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise LimitExceeded(
                f"{Path(str(self.name)).name} has a directory of {size} bytes: the limit is {MAX_DIRECTORY_BYTES}.",
                "Leave out what the composition does not use.",
            )
        return super().read(size)


def unpack_archive(archive: Path, target: Path) -> None:
    """Unpack a .zip. Every entry must be a plain file inside `target`.

    Sizes are counted while reading: what an entry's header claims is not believed.
    Raises InvalidArchive, LimitExceeded or DiskFull; the caller removes what was written.
    """
    try:
        with _ArchiveFile(archive) as file, zipfile.ZipFile(file) as contents:
            entries = contents.infolist()
            if len(entries) > MAX_ARCHIVE_ENTRIES:
                raise LimitExceeded(
                    f"{archive.name} has {len(entries)} entries: the limit is {MAX_ARCHIVE_ENTRIES}.",
                    "Leave out what the composition does not use.",
                )
            _check_entries(archive.name, entries)
            if sum(entry.compress_size for entry in entries) > archive.stat().st_size:
                raise InvalidArchive(f"{archive.name} has entries that share their data.", "Make the archive anew.")
            left = MAX_ARCHIVE_BYTES
            for entry in entries:
                if not entry.is_dir():
                    left -= _unpack_entry(contents, entry, target / _safe_name(archive.name, entry), left)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise InvalidArchive(f"{archive.name} is not a readable .zip: {error}.", "Make the archive anew.") from None
    except OSError as error:
        if error.errno in _BAD_NAME:
            raise InvalidArchive(
                f"{archive.name} cannot be unpacked: {error.strerror}.",
                "Make the archive anew, with short names, and none for a file and a folder at once.",
            ) from None
        raise DiskFull(f"{archive.name} cannot be unpacked: {error.strerror or error}.") from error


def _check_entries(archive_name: str, entries: list[zipfile.ZipInfo]) -> None:
    seen: dict[str, str] = {}
    for entry in entries:
        if not entry.filename:
            raise InvalidArchive(f"{archive_name} holds a file without a name.", "Make the archive anew.")
        mode = entry.external_attr >> 16
        if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
            raise InvalidArchive(
                f'{archive_name} holds "{entry.filename[:100]}", which is a link or a device, not a file.',
                "Put the file itself in the archive.",
            )
        if entry.flag_bits & 0x1:
            raise InvalidArchive(f"{archive_name} is encrypted.", "Make an archive without a password.")
        if entry.compress_type not in _METHODS:
            raise InvalidArchive(
                f'{archive_name} holds "{entry.filename[:100]}", which is packed in a rare way.',
                "Pack it with deflate, as most programs do.",
            )
        if entry.is_dir():
            continue
        # Two spellings of one name are one file on some systems and two on others.
        key = unicodedata.normalize("NFC", str(_safe_name(archive_name, entry))).casefold()
        if key in seen:
            raise InvalidArchive(
                f'{archive_name} holds "{entry.filename[:100]}" twice (the other: "{seen[key][:100]}").',
                "Keep one of them.",
            )
        seen[key] = entry.filename


def _safe_name(archive_name: str, entry: zipfile.ZipInfo) -> PurePosixPath:
    name = entry.filename
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0:1] or "\0" in name or not path.parts:
        raise InvalidArchive(
            f'{archive_name} holds "{name[:100]}", which would be written outside the project.', "Use relative paths."
        )
    if len(path.parts[0]) == 2 and path.parts[0][1] == ":":
        raise InvalidArchive(f'{archive_name} holds "{name[:100]}", a path with a drive letter.', "Use relative paths.")
    return path


def _unpack_entry(contents: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, left: int) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with contents.open(entry) as source, path.open("xb") as out:
        while block := source.read(_COPY_BYTES):
            written += len(block)
            if written > left:
                raise LimitExceeded(
                    f"The archive unpacks to more than {MAX_ARCHIVE_BYTES} bytes.",
                    "Leave out what the composition does not use.",
                )
            if written > RATIO_FREE_BYTES and written > MAX_ENTRY_RATIO * max(entry.compress_size, 1):
                raise LimitExceeded(
                    f'"{entry.filename[:100]}" unpacks to more than {MAX_ENTRY_RATIO} times its packed size.',
                    "This looks like an archive bomb; pack the project anew.",
                )
            out.write(block)
    return written
