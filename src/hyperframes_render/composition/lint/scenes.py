"""Rules on the files of sub-compositions: mounted, not empty, complete."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hyperframes_render.composition.html import Element, file_of_host
from hyperframes_render.composition.lint.assets import Assets
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.problems import Problem

#: Attributes that people write in place of data-composition-src.
_OTHER_NAMES = ("data-src", "src", "data-composition", "data-composition-file", "data-href", "href")
_UNSEEN = ("style", "link", "meta", "title", "template", "html", "head", "body", "script")


def hosts_of(file: SourceFile, *, of_scene: bool) -> list[Element]:
    """The hosts of sub-compositions in a file."""
    return [
        e
        for e in file.document.elements
        if e.attributes.get("data-composition-src", "").strip() and (of_scene or not e.within("template"))
    ]


def host_faults(file: SourceFile, assets: Assets, *, of_scene: bool) -> Iterator[Problem]:
    """Hosts whose file is missing, or is named by another attribute."""
    for host in hosts_of(file, of_scene=of_scene):
        address = host.attributes["data-composition-src"]
        if re.match(r"[a-z][a-z0-9+.-]*:|//", address.strip(), re.IGNORECASE):
            continue
        if assets.resolve(file.name, file_of_host(host)) is None:
            near = assets.like(file.name, address)
            span = file.value_range(host, "data-composition-src")
            yield file.problem(
                file.attribute_offset(host, "data-composition-src"),
                "missing_or_empty_sub_composition",
                "error",
                f"The sub-composition {address[:120]} is not in the project.",
                f"Did you mean {near}?" if near else "Add the file, or remove the element.",
                element=host,
                patch=(*span, near) if near and span else None,
            )
    for element in file.document.elements:
        if "data-composition-id" not in element.attributes or "data-composition-src" in element.attributes:
            continue
        for name in _OTHER_NAMES:
            if name in element.attributes and element.attributes[name].lower().endswith((".html", ".htm")):
                at = file.attribute_offset(element, name)
                yield file.problem(
                    at,
                    "host_with_other_attribute",
                    "error",
                    f"{name} does not name a sub-composition's file.",
                    "Write data-composition-src.",
                    element=element,
                    patch=(at, at + len(name), "data-composition-src"),
                )


def scene_faults(file: SourceFile, loaded: str) -> Iterator[Problem]:
    """The faults of one sub-composition's file. `loaded`: the addresses of the scripts that the page loads."""
    document = file.document
    template = document.first("template")
    body = template or document.first("body")
    start, end = (body.open_end, body.close_start) if body else (0, len(file.text))
    inside = [e for e in document.elements if start <= e.start < end]
    has_script = any(e.name == "script" for e in document.elements)
    if not any(e.name not in _UNSEEN for e in inside) and not has_script and not _text_of(file, inside, start, end):
        yield file.problem(
            body.start if body else 0,
            "missing_or_empty_sub_composition",
            "error",
            f"The sub-composition {file.name} is empty.",
            "Put the scene's elements into its <template> or <body>.",
        )
        return
    if template is None:
        return
    for element in document.elements:
        outside = element.start >= template.end or element.end <= template.start
        # A library before the template serves the scene when it is opened by itself.
        name = re.split(r"[?#]", element.attributes.get("src", ""), maxsplit=1)[0].rsplit("/", 1)[-1]
        if name and name in loaded:
            continue
        if outside and element.name in ("script", "style") and not element.within("head") and element.parent is None:
            yield file.problem(
                element.start,
                "outside_template",
                "error",
                f"The <{element.name}> stands outside the template: only the template is taken.",
                "Move it into the template.",
                element=element,
                patch=_moved_in(file, template, element),
            )


def _moved_in(file: SourceFile, template: Element, element: Element) -> tuple[int, int, str] | None:
    """A patch that moves an element after the template to the template's end."""
    if element.start < template.end or template.close_start == template.end:
        return None
    end_tag, between = file.text[template.close_start : template.end], file.text[template.end : element.start]
    return template.close_start, element.end, file.text[element.start : element.end] + end_tag + between


def cycle_faults(file: SourceFile, assets: Assets, shows: dict[str, set[str]], *, of_scene: bool) -> Iterator[Problem]:
    """Hosts in a sub-composition whose file shows that sub-composition, directly or through others."""
    if not of_scene:
        return
    for host in hosts_of(file, of_scene=True):
        name = assets.resolve(file.name, file_of_host(host))
        if name is not None and file.name in _reached(name, shows):
            yield file.problem(
                file.attribute_offset(host, "data-composition-src"),
                "scene_shows_itself",
                "warning",
                f"The sub-composition {file.name} shows itself: it is left out here.",
                "Remove the element, or name another file.",
                element=host,
            )


def _reached(name: str, shows: dict[str, set[str]]) -> set[str]:
    found, waiting = {name}, [name]
    while waiting:
        for other in shows.get(waiting.pop(), set()) - found:
            found.add(other)
            waiting.append(other)
    return found


def _text_of(file: SourceFile, inside: list[Element], start: int, end: int) -> str:
    position, shown = start, ""
    for element in inside:
        if element.name in ("style", "title", "template") and element.start >= position:
            shown += file.text[position : element.start]
            position = element.end
    before, *comments = (shown + file.text[position:end]).split("<!--")
    text = before + "".join(comment.partition("-->")[2] for comment in comments)
    return re.sub(r"<[^<>]*+>", "", text).strip()


def unmounted(files: dict[str, SourceFile], mounted: set[str], entry: SourceFile) -> Iterator[Problem]:
    """HTML files that are sub-compositions, or whole compositions, and that nothing shows."""
    others = [file for name, file in files.items() if name not in mounted and file.is_html]
    scenes = [file for file in others if _declares(file)]
    root = next((e for e in entry.document.elements if "data-composition-id" in e.attributes), None)
    blank = root is not None and not any(
        e.parent is root and e.name not in ("script", "style") for e in entry.document.elements
    )
    if blank and root is not None and scenes and not entry.document.content_of(root).strip():
        yield entry.problem(
            root.start,
            "blank_root_with_standalone_composition",
            "error",
            f"The root is empty, and {scenes[0].name} is a composition that nothing shows.",
            f"Show it with data-composition-src, or render it: --composition {scenes[0].name}.",
            element=root,
        )
        return
    for file in scenes:
        if file.document.first("template") is not None:
            yield file.problem(
                0,
                "scene_never_shown",
                "warning",
                f"Nothing shows the sub-composition {file.name}.",
                "Add an element with data-composition-src for it, or remove the file.",
            )


def _declares(file: SourceFile) -> bool:
    return any("data-composition-id" in element.attributes for element in file.document.elements)
