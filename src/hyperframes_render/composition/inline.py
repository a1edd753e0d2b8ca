"""Sub-compositions brought into the page before it loads, as the official renderer does.

The page runtime can fetch them by itself, but later than the page's own scripts run, without the files beside them
and one level deep: pictures differ. Here every host gets its file's content, and the style sheets and scripts of the
files follow those of the page, each kept to its own composition.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

from hyperframes_render.composition.markup import Edits, Element, read_json, scan, with_attributes
from hyperframes_render.composition.scoping import (
    AUTHORED_ID,
    INNER_ROOT,
    composition_selector,
    rewrite_urls,
    scope_css,
)
from hyperframes_render.composition.source import MAX_TAGS, file_inside
from hyperframes_render.errors import InvalidComposition, LimitExceeded

#: Sub-compositions in sub-compositions: the official renderer's own limit.
MAX_DEPTH = 20
#: Hosts in all, and bytes that their contents may have: a file that shows another twice doubles it at every level.
MAX_HOSTS = 2000
MAX_INLINED_BYTES = 32 * 1024**2
#: Characters of the names that are put before selectors, in all: every selector of a file gets its composition's.
MAX_SCOPE_CHARACTERS = 64 * 1024**2
_SCRIPT_TYPES = {"", "text/javascript", "application/javascript", "module"}
#: What a host takes from its content's root, and what that root then no longer is.
_SIZES = ("data-width", "data-height")
_NOT_INNER = ("data-composition-id", "data-start", "data-duration", "data-end", "data-track-index", "data-layer")


@dataclass(frozen=True)
class Inlined:
    """The page with its sub-compositions in, and what was noticed on the way."""

    html: str
    warnings: tuple[str, ...]


@dataclass
class _Collected:
    root: Path
    warnings: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    #: A set in the order of its members: thousands of them are not to be compared with each other.
    libraries: dict[str, None] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)
    variables: dict[str, dict[str, object]] = field(default_factory=dict)
    #: How often each composition id was asked for by a host.
    asked: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    hosts: int = 0
    size: int = 0
    tags: int = 0
    scopes: int = 0

    def count(self, text: str) -> None:
        """One more host gets `text`. Raises LimitExceeded."""
        self.hosts += 1
        self.size += len(text)
        self.tags += text.count("<")
        if self.hosts > MAX_HOSTS or self.size > MAX_INLINED_BYTES or self.tags > MAX_TAGS:
            raise LimitExceeded(
                f"The sub-compositions are too many or too large: the limit is {MAX_HOSTS} "
                f"with {MAX_INLINED_BYTES} bytes and {MAX_TAGS} tags in all.",
                "Show fewer, or make them smaller.",
            )

    def count_selectors(self, css: str, names: int) -> None:
        """The selectors of `css` get `names` characters each. Raises LimitExceeded."""
        self.scopes += (css.count(",") + css.count("{")) * names
        if self.scopes > MAX_SCOPE_CHARACTERS:
            raise LimitExceeded(
                "The style sheets of the sub-compositions have too many selectors, or their ids are too long: "
                f"the limit is {MAX_SCOPE_CHARACTERS} characters of names before selectors.",
                "Use fewer selectors, and short ids.",
            )


def inline_sub_compositions(html: str, root: Path) -> Inlined:
    """Put the content of each `data-composition-src` of `html` into its host. Files are looked for below `root`.

    Raises InvalidComposition where a file is missing or empty, LimitExceeded where there are too many; a file that
    contains itself is left out with a warning.
    """
    hosts = _hosts(scan(html))
    if not hosts:
        return Inlined(html, ())
    collected = _Collected(root)
    for host in hosts:
        name = host.attributes.get("data-composition-id", "")
        collected.asked[name] = collected.asked.get(name, 0) + 1
    html = _expand(html, collected, ())
    elements = scan(html)
    edits = Edits(html)
    edits.insert(end_of(elements, "head", html), _head_additions(collected, elements))
    edits.insert(end_of(elements, "body", html), _body_additions(collected, elements))
    return Inlined(edits.result(), tuple(collected.warnings))


def _hosts(elements: list[Element]) -> list[Element]:
    return [
        element
        for element in elements
        if not element.within("template") and _is_local(element.attributes.get("data-composition-src", ""))
    ]


def _is_local(address: str) -> bool:
    return bool(address.strip()) and not re.match(r"[a-z][a-z0-9+.-]*:|//|#", address.strip(), re.IGNORECASE)


def end_of(elements: list[Element], name: str, html: str) -> int:
    """Where the content of head or body ends; where there is neither, the place that a browser would take."""
    for element in elements:
        if element.name == name:
            return element.close_start
    if name == "body":
        return next((element.close_start for element in elements if element.name == "html"), len(html))
    doctype = re.match(r"\s*<!doctype[^>]*>", html, re.IGNORECASE)
    whole = next((element.open_end for element in elements if element.name == "html"), None)
    return whole if whole is not None else (doctype.end() if doctype else 0)


def _expand(html: str, collected: _Collected, ancestry: tuple[str, ...]) -> str:
    """`html` with the content of every host in it put in, to any depth."""
    edits = Edits(html)
    done: Element | None = None
    for host in _hosts(scan(html)):
        if done is not None and done.holds(host):
            continue  # the content that a host had before is replaced
        done = host
        source = posixpath.normpath(host.attributes["data-composition-src"].strip().lstrip("/").split("?")[0])
        if source in ancestry or len(ancestry) >= MAX_DEPTH:
            why = "it contains itself" if source in ancestry else f"it lies more than {MAX_DEPTH} deep"
            collected.warnings.append(f"The sub-composition {source} is left out: {why}.")
            tag = with_attributes(html[host.start : host.open_end], host.name, {"data-composition-src": None})
            edits.replace(host.start, host.open_end, tag)
            continue
        attributes, content = _take_in(host, source, collected)
        content = _expand(content, collected, (*ancestry, source))
        tag = with_attributes(html[host.start : host.open_end], host.name, attributes)
        edits.replace(host.start, host.close_start, tag + content)
    return edits.result()


def _take_in(host: Element, source: str, collected: _Collected) -> tuple[dict[str, str | None], str]:
    """Collect styles and scripts of the file `source`; the attributes that its host gets, and its content."""
    text = _read(collected.root, source)
    collected.count(text)
    part = _Part(text, source, collected, host)
    part.collect()
    return part.host_attributes(), part.content()


def _read(root: Path, source: str) -> str:
    path = file_inside(root, source)
    if path is None:
        raise InvalidComposition(
            f"The sub-composition {source} is not in the project.",
            "Add the file, or remove the element whose data-composition-src names it.",
        )
    text = path.read_text("utf-8-sig", errors="replace")
    if not re.search(r"<\w", text):
        raise InvalidComposition(f"The sub-composition {source} is empty.", "Give it a <template> or a <body>.")
    return text


class _Part:
    """One file of a sub-composition on its way into one host."""

    def __init__(self, text: str, source: str, collected: _Collected, host: Element) -> None:
        self._text, self._source, self._collected, self._host = text, source, collected, host
        self._elements = scan(text)
        self._template = next((e for e in self._elements if e.name == "template"), None)
        body = self._template or next((e for e in self._elements if e.name == "body"), None)
        start, end = (body.open_end, body.close_start) if body else (0, len(text))
        self._range = (start, end)
        self._inside = [e for e in self._elements if start <= e.start and e.end <= end]
        asked = host.attributes.get("data-composition-id", "").strip()
        roots = [e for e in self._inside if "data-composition-id" in e.attributes and not self._nested(e)]
        self._root = next((e for e in roots if e.attributes["data-composition-id"] == asked or not asked), None)
        declared = (self._root or (roots[0] if roots else None)) if roots else None
        declared_id = declared.attributes["data-composition-id"].strip() if declared else ""
        self._composition_id = asked or declared_id
        self._script_id = declared_id or asked
        self._runtime_id = self._unique(self._composition_id)
        self._scope = composition_selector(self._runtime_id)
        self._root_id = (self._root.attributes.get("id") or None) if self._root else None

    def _nested(self, element: Element) -> bool:
        return "data-composition-src" in element.attributes

    def _unique(self, name: str) -> str:
        """Each host of a composition that occurs several times has a name of its own."""
        collected = self._collected
        number = collected.used[name] = collected.used.get(name, 0) + 1
        return f"{name}__hf{number}" if collected.asked.get(name, 0) > 1 or number > 1 else name

    def collect(self) -> None:
        """Take styles, links and scripts out of the file: those of its head first, unless it has a template."""
        first, last = self._range
        for element in self._elements:
            inside = first <= element.start < last
            in_head = not inside and element.within("head")
            if element.name == "link" and (in_head or (inside and _is_sheet(element))) and "href" in element.attributes:
                tag = self._text[element.start : element.open_end]
                self._collected.links.append(
                    with_attributes(tag, "link", {"href": self._address(element.attributes["href"])})
                )
            elif element.name == "style" and (inside or (in_head and self._template is None)):
                css = rewrite_urls(self._text[element.open_end : element.close_start], self._address)
                self._collected.styles.append(self._scoped(css) if self._composition_id else css)
            elif _is_script(element) and (inside or (in_head and self._template is None)):
                self._collect_script(element)
        values: dict[str, object] = {}
        whole = next((e for e in self._elements if e.name == "html"), None)
        for carrier in (whole, self._root):
            if carrier is not None:
                values.update(declared_variables(carrier.attributes.get("data-composition-variables", "")))
        values.update(_json_object(self._host.attributes.get("data-variable-values", "")))
        if values:
            self._collected.variables[self._runtime_id] = values

    def _scoped(self, css: str) -> str:
        self._collected.count_selectors(css, len(self._scope) + len(self._root_id or ""))
        return scope_css(css, self._composition_id, scope=self._scope, root_id=self._root_id)

    def _collect_script(self, element: Element) -> None:
        if "src" in element.attributes or element.attributes.get("type", "") == "module":
            tag = self._text[element.start : element.open_end]
            if "src" in element.attributes:
                tag = with_attributes(tag, "script", {"src": self._address(element.attributes["src"])})
            script = f"{tag}{self._text[element.open_end : element.close_start]}</script>"
            self._collected.libraries[script] = None
            return
        names = {
            "composition": self._script_id,
            "runtime": self._runtime_id or self._script_id,
            "selector": self._scope,
            "rootId": self._root_id,
        }
        # A line break before the end: the script may end in a comment.
        body = self._text[element.open_end : element.close_start]
        self._collected.scripts.append(
            f"__hyperframesRenderScope.run({_script_json(names)}, function (document, gsap, window, __hyperframes) "
            f"{{\n{body}\n}});"
        )

    def host_attributes(self) -> dict[str, str | None]:
        """What the host's tag says once its content is in."""
        attributes: dict[str, str | None] = {"data-composition-src": None, "data-composition-file": self._source}
        own = self._host.attributes
        if own.get("data-composition-id") and self._runtime_id != self._composition_id:
            attributes["data-composition-id"] = self._runtime_id
            attributes["data-hf-original-composition-id"] = self._composition_id
        for name in _SIZES:
            if not own.get(name) and self._root is not None and self._root.attributes.get(name):
                attributes[name] = self._root.attributes[name]
        style = own.get("style", "").strip().rstrip(";")
        for name in _SIZES:
            side = name.removeprefix("data-")
            size = attributes.get(name) or own.get(name)
            if size and side not in own.get("style", ""):
                style = f"{style};{side}:{size}px" if style else f"{side}:{size}px"
        if style != own.get("style", "").strip().rstrip(";"):
            attributes["style"] = style
        return attributes

    def content(self) -> str:
        """The file's content without styles and scripts, addresses as seen from the page."""
        start, end = (self._root.start, self._root.end) if self._root else self._range
        edits = Edits(self._text[:end])
        removed: Element | None = None
        for element in self._inside:
            # Elements come in the text's order, so that only the last removed one can hold another.
            if not start <= element.start < end or (removed is not None and removed.holds(element)):
                continue
            if element.name == "style" or _is_script(element) or (element.name == "link" and _is_sheet(element)):
                edits.replace(element.start, element.end, "")
                removed = element
            else:
                self._edit_tag(element, edits)
        return edits.result()[start:]

    def _edit_tag(self, element: Element, edits: Edits) -> None:
        changed: dict[str, str | None] = {}
        for name in ("src", "href", "poster"):
            value = element.attributes.get(name)
            if value and (new := self._address(value)) != value:
                changed[name] = new
        style = element.attributes.get("style", "")
        if "url(" in style:
            changed["style"] = rewrite_urls(style, self._address)
        if element is self._root:
            changed.update(self._inner_root(changed.get("style") or style))
        if changed:
            tag = with_attributes(self._text[element.start : element.open_end], element.name, changed)
            edits.replace(element.start, element.open_end, tag)

    def _inner_root(self, style: str) -> dict[str, str | None]:
        assert self._root is not None
        own = self._root.attributes
        width, height = (f"{own[name]}px" if own.get(name) else "100%" for name in _SIZES)
        changed: dict[str, str | None] = dict.fromkeys(name for name in _NOT_INNER if name in own)
        changed[INNER_ROOT] = "true"
        changed["data-composition-file"] = self._source
        changed["style"] = ";".join(filter(None, [style.strip().rstrip(";"), f"width:{width};height:{height}"]))
        if not self._host.attributes.get("data-composition-id") and self._composition_id:
            changed["data-composition-id"] = self._runtime_id
        if self._root_id:
            changed["id"] = None
            changed[AUTHORED_ID] = self._root_id
        return changed

    def _address(self, address: str) -> str:
        """Where the page finds what the file calls `address`."""
        bare = unescape(address).strip()
        if not _is_local(bare) or bare.startswith("/"):
            return address
        path, mark, rest = re.match(r"([^?#]*)([?#]?)(.*)", bare, re.DOTALL).groups()  # type: ignore[union-attr]
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(self._source), path))
        if path.startswith("../") or file_inside(self._collected.root, beside):
            return re.sub(r"^(\.\./)+", "", beside) + mark + rest
        return address


def _is_sheet(element: Element) -> bool:
    return element.attributes.get("rel", "").lower() in ("stylesheet", "preconnect")


def _is_script(element: Element) -> bool:
    return element.name == "script" and element.attributes.get("type", "").strip().lower() in _SCRIPT_TYPES


def _script_json(value: object) -> str:
    """JSON that may stand in a script element."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _json_object(text: str) -> dict[str, object]:
    value = read_json(text)
    return value if isinstance(value, dict) else {}


def declared_variables(text: str) -> dict[str, object]:
    """The defaults that a `data-composition-variables` attribute declares; nothing where it is not readable."""
    declarations = read_json(text)
    if not isinstance(declarations, list):
        return {}
    return {
        str(entry["id"]): entry["default"]
        for entry in declarations
        if isinstance(entry, dict) and entry.get("id") and "default" in entry
    }


def variables_style(selector: str, values: Mapping[str, object]) -> str:
    """A rule that gives each variable as a custom property, so that styles and tweens made at load see it.

    As in the official renderer texts and numbers only; there the property's name is in small letters and hyphens at
    compile time, and as declared later: it has both here.
    """
    properties = []
    for name, value in values.items():
        text = re.sub(r"[\r\n]+", " ", str(value))
        given = isinstance(value, (str, int, float)) and not isinstance(value, bool) and text
        if given and re.fullmatch(r"[\w-]+", name) and not re.search(r"[;{}<>\\]", text):
            properties += [f"{each}:{text}" for each in property_names(name)]
    return f"{selector} {{{';'.join(properties)}}}" if properties else ""


def property_names(variable: str) -> list[str]:
    """The custom properties that hold a variable's value."""
    plain = re.sub(r"[^a-z0-9]+", "-", variable.lower()).strip("-")
    return list(dict.fromkeys([f"--{variable}", f"--{plain or 'node'}"]))


def _head_additions(collected: _Collected, elements: list[Element]) -> str:
    there = {element.attributes.get("href") for element in elements if element.name == "link"}
    links = [link for link in dict.fromkeys(collected.links) if scan(link)[0].attributes.get("href") not in there]
    styles = [
        *collected.styles,
        *(variables_style(composition_selector(name), values) for name, values in collected.variables.items()),
    ]
    sheet = "\n".join(style for style in styles if style.strip())
    return "".join(links) + (f"<style>{sheet}</style>" if sheet else "")


def _body_additions(collected: _Collected, elements: list[Element]) -> str:
    there = {element.attributes.get("src") for element in elements if element.name == "script"}
    libraries = [script for script in collected.libraries if scan(script)[0].attributes.get("src", "\0") not in there]
    scripts = []
    if collected.variables:
        table = _script_json(collected.variables)
        scripts.append(f"window.__hfVariablesByComp = Object.assign(window.__hfVariablesByComp || {{}}, {table});")
    scripts += collected.scripts
    return "".join(libraries) + "".join(f"<script>{script}</script>" for script in scripts)
