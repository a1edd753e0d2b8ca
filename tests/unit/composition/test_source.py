"""Projects from files, folders and archives; archives are not trusted."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hyperframes_render.composition import source
from hyperframes_render.composition.source import open_project
from hyperframes_render.errors import InvalidArchive, InvalidComposition, LimitExceeded, RenderError
from hyperframes_render.paths import file_inside
from tests.attack import recipes

Build = Callable[[zipfile.ZipFile], None]


def _link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("index.html")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def _twice(archive: zipfile.ZipFile) -> None:
    archive.writestr("index.html", "<p>")
    archive.writestr("INDEX.html", "<p>")


def _bomb(archive: zipfile.ZipFile) -> None:
    archive.writestr("index.html", b"0" * (8 * 1024**2), zipfile.ZIP_DEFLATED)


HOSTILE: dict[str, tuple[Build, type[RenderError], str]] = {
    "parent": (lambda a: a.writestr("../../evil.txt", "x"), InvalidArchive, "evil"),
    "backslash-parent": (lambda a: a.writestr("..\\evil.txt", "x"), InvalidArchive, "evil"),
    "absolute": (lambda a: a.writestr("/etc/evil", "x"), InvalidArchive, "evil"),
    "drive": (lambda a: a.writestr("C:/evil", "x"), InvalidArchive, "evil"),
    "link": (_link, InvalidArchive, "link"),
    "same-name-twice": (_twice, InvalidArchive, "twice"),
    "bomb": (_bomb, LimitExceeded, "index.html"),
    "no-index": (lambda a: a.writestr("main.html", "<p>"), InvalidComposition, "index.html"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_writes_nothing_outside_and_is_named(name: str, tmp_path: Path) -> None:
    build, error, word = HOSTILE[name]
    with zipfile.ZipFile(tmp_path / "project.zip", "w") as archive:
        build(archive)
    target = tmp_path / "jail" / "unpacked"
    target.mkdir(parents=True)
    with pytest.raises(error, match=word):
        open_project(tmp_path / "project.zip", unpack_to=target)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["jail", "project.zip"]
    assert [p.name for p in (tmp_path / "jail").iterdir()] == ["unpacked"]


@pytest.mark.parametrize("name", ["n" * 300 + ".html", "a\0b.html", "missing.html"])
def test_a_name_that_no_file_has_is_said_to_be_missing(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidComposition, match="There is no file"):
        open_project(tmp_path / name, unpack_to=tmp_path)
    assert file_inside(tmp_path, name) is None


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_ARCHIVE_ENTRIES", 3)
    with zipfile.ZipFile(tmp_path / "project.zip", "w") as archive:
        for number in range(4):
            archive.writestr(f"{number}.txt", "")
    with pytest.raises(LimitExceeded, match="4 entries"):
        open_project(tmp_path / "project.zip", unpack_to=tmp_path)


def test_too_many_bytes_are_refused_whatever_the_header_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_ARCHIVE_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "project.zip", "w") as archive:
        archive.writestr("index.html", "x" * 1001)
    with pytest.raises(LimitExceeded, match="1000 bytes"):
        open_project(tmp_path / "project.zip", unpack_to=tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"<html>"])
def test_a_broken_archive_is_a_clear_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "project.zip").write_bytes(content)
    with pytest.raises(InvalidArchive, match=r"project\.zip"):
        open_project(tmp_path / "project.zip", unpack_to=tmp_path)


def test_an_archive_of_a_folder_is_a_project(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "project.zip", "w") as archive:
        archive.writestr("promo/index.html", "<p>")
        archive.writestr("__MACOSX/x", "")
    (tmp_path / "u").mkdir()
    project = open_project(tmp_path / "project.zip", unpack_to=tmp_path / "u")
    assert project.root.name == "promo"


def test_binary_data_is_no_composition(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_bytes(b"\x89PNG\0\0\0")
    with pytest.raises(InvalidComposition, match="not HTML"):
        open_project(tmp_path, unpack_to=tmp_path).read_html()


@pytest.mark.parametrize("name", ["missing.html", "notes.txt"])
def test_what_is_no_composition_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InvalidComposition, match=name):
        open_project(tmp_path / name, unpack_to=tmp_path)


def test_a_directory_of_a_million_entries_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded, match="directory"):
        open_project(recipes.million_entries(tmp_path), unpack_to=tmp_path / "unpacked")


def test_entries_that_share_their_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArchive, match="share"):
        open_project(recipes.bomb_overlapping(tmp_path), unpack_to=tmp_path / "unpacked")


def test_more_tags_than_can_be_read_in_time_are_refused(tmp_path: Path) -> None:
    project = open_project(recipes.many_tags(tmp_path), unpack_to=tmp_path / "unpacked")
    with pytest.raises(LimitExceeded, match="tags"):
        project.read_html()
