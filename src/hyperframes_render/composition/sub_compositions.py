"""Inserts sub-compositions into the page before it loads, as the official renderer does.

The page runtime could fetch them, but only after the page's scripts have run, without the files that they name, and
one level deep. Here every host gets the content of its file, at any depth. The style sheets and scripts of the files
follow those of the page, and each sheet is scoped to its own composition.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from itertools import groupby
from pathlib import Path

from hyperframes_render.composition.html import Document, Element, file_of_host, read_json, with_attributes
from hyperframes_render.composition.marks import with_marks
from hyperframes_render.composition.scoping import (
    AUTHORED_ID,
    INNER_ROOT,
    Names,
    composition_selector,
    rewrite_urls,
    scope_css,
    with_imports_first,
)
from hyperframes_render.composition.scripts import CLASSIC_TYPES, delayed_type, name_place
from hyperframes_render.composition.source import MAX_TAGS
from hyperframes_render.composition.svg_ids import changed_attributes, own_svg_ids, with_new_names
from hyperframes_render.errors import InvalidComposition, LimitExceeded
from hyperframes_render.paths import file_inside

#: Elements that are not seen themselves.
_UNSEEN_TEXT = ("style", "title", "template")
_UNSEEN = (*_UNSEEN_TEXT, "html", "head", "body", "link", "meta")
#: Sub-compositions that one error names.
MAX_NAMED = 10
#: Nesting depth of sub-compositions; the official renderer has the same limit.
MAX_DEPTH = 20
#: Maximum hosts of a page, and maximum bytes of their contents: a file that shows another one twice doubles the
#: content at every level.
MAX_HOSTS = 2000
MAX_INLINED_BYTES = 32 * 1024**2
#: Characters of all prefixes that scope selectors to their sub-composition.
MAX_SCOPE_CHARACTERS = 64 * 1024**2
_SCRIPT_TYPES = CLASSIC_TYPES | {"module"}
_IMPORT_MAP = "importmap"
#: A script that waits for the fonts.
_DELAYED = f'<script type="{delayed_type("")}">'
#: Attributes that decide when a style element applies.
_STYLE_ATTRIBUTES = ("media", "title")
#: Addresses that are valid in an import map; others get "./" before them.
_IS_URL = re.compile(r"/|\.\.?/|[a-z][a-z0-9+.-]*:", re.IGNORECASE)
#: Attributes that a host takes from the root of its content, and attributes that this root then loses.
_SIZES = ("data-width", "data-height")
_NOT_INNER = ("data-composition-id", "data-start", "data-duration", "data-end", "data-track-index", "data-layer")


@dataclass(frozen=True)
class _Style:
    """A style sheet, and the attributes that its element has in the page."""

    css: str
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def plain(self) -> bool:
        """Whether the sheet is CSS. Sheets of other types, such as Tailwind's, are not changed."""
        return dict(self.attributes).get("type", "").lower() in ("", "text/css")


@dataclass
class _Collected:
    root: Path
    #: Whether elements say where they stand in their file.
    marks: bool = False
    warnings: list[str] = field(default_factory=list)
    #: Files that cannot be used: each with the reason, and what to do.
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: Links to style sheets: the tag, and the address in it.
    links: list[tuple[str, str]] = field(default_factory=list)
    styles: list[_Style] = field(default_factory=list)
    #: Import maps, each with its file.
    import_maps: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    #: Scripts from other hosts by address. They come first, once each.
    libraries: dict[str, str] = field(default_factory=dict)
    #: Inline scripts and script files of the sub-compositions, in order: (address or "", element).
    scripts: list[tuple[str, str]] = field(default_factory=list)
    #: Modules written in the files: the browser runs them after all other scripts anyway.
    modules: list[str] = field(default_factory=list)
    variables: dict[str, dict[str, object]] = field(default_factory=dict)
    #: How many hosts ask for each composition id.
    asked: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    #: Ids of the page and of the inserted content.
    ids: set[str] = field(default_factory=set)
    hosts: int = 0
    size: int = 0
    tags: int = 0
    scopes: int = 0

    def count(self, text: str) -> None:
        """Count `text` as the content of one more host. Raises LimitExceeded."""
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
        """Count the prefixes of the selectors of `css`, `names` characters each. Raises LimitExceeded."""
        self.scopes += (css.count(",") + css.count("{")) * names
        if self.scopes > MAX_SCOPE_CHARACTERS:
            raise LimitExceeded(
                "The style sheets of the sub-compositions have too many selectors, or their ids are too long: "
                f"the limit is {MAX_SCOPE_CHARACTERS} characters of names before selectors.",
                "Use fewer selectors, and short ids.",
            )


def insert_sub_compositions(document: Document, root: Path, *, marks: bool = False) -> tuple[Document, tuple[str, ...]]:
    """Put the content of each `data-composition-src` into its host: the page with its sub-compositions, and warnings.

    Files are looked for below `root`. `marks`: their elements say where they stand in them (marks.py). A page without
    sub-compositions is the same document, with its edits. Raises InvalidComposition where a file is missing or empty,
    LimitExceeded where there are too many; a file that contains itself is left out with a warning.
    """
    hosts = _hosts(document)
    if not hosts:
        return document, ()
    collected = _Collected(root, marks, ids={e.attributes["id"] for e in document.elements if e.attributes.get("id")})
    for host in hosts:
        name = host.attributes.get("data-composition-id", "")
        collected.asked[name] = collected.asked.get(name, 0) + 1
    kept = _expand(document, collected, ())
    if collected.faults:
        raise _unusable(list(collected.faults.values()))
    _merge_import_maps(collected, document, kept)
    document.insert(end_of(document, "head"), _head_additions(collected, document, kept))
    document.insert(end_of(document, "body"), _body_additions(collected, kept))
    return document.applied(), tuple(collected.warnings)


def _hosts(document: Document) -> list[Element]:
    return [
        element
        for element in document.elements
        if not element.within("template") and _is_local(element.attributes.get("data-composition-src", ""))
    ]


def hosts_of_sub_compositions(document: Document, *, of_file: bool = False) -> list[Element]:
    """The hosts of sub-compositions in a page, or with `of_file` in a sub-composition's file, whose template counts."""
    if not of_file:
        return _hosts(document)
    return [e for e in document.elements if _is_local(e.attributes.get("data-composition-src", ""))]


def _is_local(address: str) -> bool:
    return bool(address.strip()) and not re.match(r"[a-z][a-z0-9+.-]*:|//|#", address.strip(), re.IGNORECASE)


def end_of(document: Document, name: str) -> int:
    """The offset of the end of head or body; without the element, the offset at which a browser ends it."""
    if (found := document.first(name)) is not None:
        return found.close_start
    if name == "body":
        whole = document.first("html")
        return whole.close_start if whole is not None else len(document.text)
    return _begin_of_head(document)


def _begin_of_head(document: Document) -> int:
    """The offset of the start of the head's content; without a head, the offset at which a browser starts it."""
    head = document.first("head")
    if head is not None:
        return head.open_end
    doctype = re.match(r"\s*<!doctype[^>]*>", document.text, re.IGNORECASE)
    whole = document.first("html")
    return whole.open_end if whole is not None else (doctype.end() if doctype else 0)


def _expand(document: Document, collected: _Collected, ancestry: tuple[str, ...]) -> list[Element]:
    """Replace the content of every host of `document` by its sub-composition, to any depth.

    Returns the elements that stay: those outside the replaced contents.
    """
    kept: list[Element] = []
    hosts = {id(host) for host in _hosts(document)}
    replaced: Element | None = None
    for host in document.elements:
        if replaced is not None and replaced.holds(host):
            continue
        kept.append(host)
        if id(host) not in hosts:
            continue
        source = _file_shown(collected.root, file_of_host(host), ancestry)
        if source in ancestry or len(ancestry) >= MAX_DEPTH:
            why = "it contains itself" if source in ancestry else f"it lies more than {MAX_DEPTH} deep"
            collected.warnings.append(f"The sub-composition {source} is left out: {why}.")
            document.set_attributes(host, {"data-composition-src": None})
            continue
        replaced = host
        try:
            attributes, content = _insert(host, source, collected)
        except InvalidComposition as fault:
            collected.faults[source] = (fault.message, fault.action)
            continue
        if "data-composition-src" in content.lower():
            inner = Document(content)
            _expand(inner, collected, (*ancestry, source))
            content = inner.result()
        tag = with_attributes(document.result(host.start, host.open_end), host.name, attributes)
        document.replace_all(host.start, host.close_start, tag + content)
    return kept


def _file_shown(root: Path, name: str, ancestry: tuple[str, ...]) -> str:
    """The file that a host shows: from the project's folder, as in the official renderer, else beside its own file."""
    if ancestry and file_inside(root, name) is None:
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(ancestry[-1]), name))
        if file_inside(root, beside) is not None:
            return beside
    return name


def _insert(host: Element, source: str, collected: _Collected) -> tuple[dict[str, str | None], str]:
    """Collect styles and scripts of the file `source`. Returns the attributes for its host, and its content."""
    text = _read(collected.root, source)
    collected.count(text)
    if collected.marks:
        text = with_marks(text, source)
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
    return path.read_text("utf-8-sig", errors="replace")


def _unusable(faults: Sequence[tuple[str, str]]) -> InvalidComposition:
    """One error that names all sub-compositions that cannot be used."""
    if len(faults) == 1:
        return InvalidComposition(*faults[0])
    messages = " ".join(message for message, _ in faults[:MAX_NAMED])
    more = f" {len(faults) - MAX_NAMED} more cannot be used." if len(faults) > MAX_NAMED else ""
    return InvalidComposition(f"{messages}{more}", " ".join(dict.fromkeys(action for _, action in faults)))


class _Part:
    """The file of a sub-composition while it is put into one host."""

    def __init__(self, text: str, source: str, collected: _Collected, host: Element) -> None:
        self._text, self._source, self._collected, self._host = text, source, collected, host
        self._document = Document(text)
        self._elements = self._document.elements
        self._template = next((e for e in self._elements if e.name == "template"), None)
        body = self._template or next((e for e in self._elements if e.name == "body"), None)
        start, end = (body.open_end, body.close_start) if body else (0, len(text))
        self._range = (start, end)
        self._inside = [e for e in self._elements if start <= e.start and e.end <= end]
        if self._shows_nothing():
            raise InvalidComposition(
                f"The sub-composition {source} is empty.",
                "Put the scene's elements into its <template> or <body>, or remove the host that names it.",
            )
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
        sheets = sheets_of(self._document)
        self._renamed = own_svg_ids(self._inside, sheets, self._runtime_id or source, collected.ids)
        self._names = Names(self._scope, self._composition_id, self._root_id, self._renamed)

    def _shows_nothing(self) -> bool:
        """Whether the file has neither text nor elements that can be seen, nor a script that could make some."""
        if any(e.name not in _UNSEEN for e in self._inside) or any(map(_is_script, self._elements)):
            return False
        position, end = self._range
        shown = ""
        for element in self._inside:
            if element.name in _UNSEEN_TEXT and element.start >= position:
                shown += self._text[position : element.start]
                position = element.end
        before, *comments = (shown + self._text[position:end]).split("<!--")
        text = before + "".join(comment.partition("-->")[2] for comment in comments)
        return not re.sub(r"<[^<>]*+>", "", text).strip()

    def _nested(self, element: Element) -> bool:
        return "data-composition-src" in element.attributes

    def _unique(self, name: str) -> str:
        """A composition id for one host: several hosts of one composition must not share theirs."""
        collected = self._collected
        number = collected.used[name] = collected.used.get(name, 0) + 1
        return f"{name}__hf{number}" if collected.asked.get(name, 0) > 1 or number > 1 else name

    def collect(self) -> None:
        """Collect styles, links and scripts of the file, those of its head first. A template's file has no head."""
        for element in self._elements:
            inside, in_head = self._place(element)
            if element.name == "link" and (in_head or (inside and _is_sheet(element))) and "href" in element.attributes:
                address = self._address(element.attributes["href"])
                tag = with_attributes(self._document.tag_of(element), "link", {"href": address})
                self._collected.links.append((tag, address))
            elif not inside and (not in_head or self._template is not None):
                continue
            elif element.name == "style":
                self._collect_style(element)
            elif _is_import_map(element):
                self._collect_import_map(element)
            elif _is_script(element):
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
        longest = max(map(len, self._renamed), default=0)
        self._collected.count_selectors(css, len(self._scope) + len(self._root_id or "") + longest)
        return scope_css(with_new_names(css, self._renamed), self._names)

    def _place(self, element: Element) -> tuple[bool, bool]:
        """Whether an element is part of the file's content, and whether it stands in its head."""
        inside = self._range[0] <= element.start < self._range[1]
        return inside, not inside and element.within("head")

    def _collect_style(self, element: Element) -> None:
        css = self._text[element.open_end : element.close_start]
        own = element.attributes
        kind = own.get("type", "")
        style = _Style(css, (("type", kind),) if kind else ())
        if style.plain:
            css = rewrite_urls(css, self._address)
            if self._composition_id:
                css = self._scoped(css)
            style = _Style(css, tuple((name, own[name]) for name in _STYLE_ATTRIBUTES if own.get(name)))
        if style.plain or style not in self._collected.styles:
            self._collected.styles.append(style)

    def _collect_import_map(self, element: Element) -> None:
        found = read_json(self._text[element.open_end : element.close_start])
        if not isinstance(found, dict):
            self._collected.warnings.append(f"An import map of {self._source} is not valid JSON: it is left out.")
            return
        scopes = {self._module_address(prefix): self._entries(inner) for prefix, inner in _items(found.get("scopes"))}
        self._collected.import_maps.append(
            (self._source, {"imports": self._entries(found.get("imports")), "scopes": scopes})
        )

    def _entries(self, entries: object) -> dict[str, object]:
        return {
            name: self._module_address(address) if isinstance(address, str) else address
            for name, address in _items(entries)
        }

    def _module_address(self, address: str) -> str:
        new = self._address(address)
        if new == address and address.endswith("/") and _is_local(address) and not address.startswith("/"):
            folder = posixpath.normpath(posixpath.join(posixpath.dirname(self._source), address))
            new = folder if (self._collected.root / folder).is_dir() else address
        if new == address:
            return address
        new = new if _IS_URL.match(new) else f"./{new}"
        return f"{new}/" if address.endswith("/") and not new.endswith("/") else new

    def _collect_script(self, element: Element) -> None:
        collected = self._collected
        names = {
            "composition": self._script_id,
            "runtime": self._runtime_id or self._script_id,
            "selector": self._scope,
            "rootId": self._root_id,
            "authoredIds": [*self._renamed],
        }
        tag = self._text[element.start : element.open_end]
        body = self._text[element.open_end : element.close_start]
        if "src" in element.attributes:
            address = self._address(element.attributes["src"])
            marked = {"type": delayed_type(_type_of(element))}
            tag = with_attributes(with_attributes(tag, "script", {"src": address}), "script", marked)
            script = f"{tag}{body}</script>"
            if _is_local(address):
                collected.scripts.append((address, script))
            else:
                collected.libraries.setdefault(address, script)
        elif _type_of(element) == "module":
            # In the first line, before its text, so that errors have the lines of the file.
            own = f"const __hyperframes = __hyperframesRenderScope.hyperframes({_script_json(names)});"
            named = name_place(body, self._source, element.line)
            tag = with_attributes(tag, "script", {"type": delayed_type("module")})
            collected.modules.append(f"{tag}{own if self._script_id else ''}{named}</script>")
        else:
            # A line break before the end: the script may end in a comment.
            script = (
                f"__hyperframesRenderScope.run({_script_json(names)}, "
                f"function (document, gsap, window, __hyperframes) {{{body}\n}});"
            )
            collected.scripts.append(("", f"{_DELAYED}{name_place(script, self._source, element.line)}</script>"))

    def host_attributes(self) -> dict[str, str | None]:
        """The attributes that the host gets with its content."""
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
        document = self._document
        removed: Element | None = None
        for element in self._inside:
            # Elements come in the text's order, so that only the last removed one can hold another.
            if not start <= element.start < end or (removed is not None and removed.holds(element)):
                continue
            if (
                element.name == "style"
                or _is_script(element)
                or _is_import_map(element)
                or (element.name == "link" and _is_sheet(element))
            ):
                document.replace(element.start, min(element.end, end), "")
                removed = element
            else:
                self._edit_tag(element)
        return document.result(start, end) + self._data_outside()

    def _data_outside(self) -> str:
        """Script elements that hold data (shaders, JSON) and stand in the head or beside the root."""
        found = []
        for element in self._elements:
            inside, in_head = self._place(element)
            wanted = (in_head and self._template is None) or (
                inside and self._root is not None and not self._root.start <= element.start < self._root.end
            )
            if wanted and element.name == "script" and not _is_script(element) and not _is_import_map(element):
                found.append(self._text[element.start : element.end])
        return "".join(found)

    def _edit_tag(self, element: Element) -> None:
        changed: dict[str, str | None] = dict(changed_attributes(element, self._renamed)) if self._renamed else {}
        if (authored := element.attributes.get("id", "")) in self._renamed:
            changed |= {"id": self._renamed[authored], AUTHORED_ID: authored}
        for name in ("src", "href", "poster"):
            value = element.attributes.get(name) if name not in changed else None
            if value and (new := self._address(value)) != value:
                changed[name] = new
        style = changed.get("style") or element.attributes.get("style", "")
        if "url(" in style:
            changed["style"] = rewrite_urls(style, self._address)
        if element is self._root:
            changed.update(self._inner_root(changed.get("style") or style))
        if changed:
            self._document.set_attributes(element, changed)

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
        """The address, seen from the page, of what the file calls `address`."""
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


def _type_of(element: Element) -> str:
    return element.attributes.get("type", "").strip().lower()


def _is_script(element: Element) -> bool:
    return element.name == "script" and _type_of(element) in _SCRIPT_TYPES and "nomodule" not in element.attributes


def _is_import_map(element: Element) -> bool:
    return element.name == "script" and _type_of(element) == _IMPORT_MAP


def _items(value: object) -> list[tuple[str, object]]:
    return list(value.items()) if isinstance(value, dict) else []


def _script_json(value: object) -> str:
    """JSON that can be put into a script element."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _json_object(text: str) -> dict[str, object]:
    value = read_json(text)
    return value if isinstance(value, dict) else {}


def declared_variables(text: str) -> dict[str, object]:
    """The defaults that a `data-composition-variables` attribute declares; empty if it cannot be read."""
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


def sheets_of(document: Document) -> str:
    """The style elements of the document, as one text."""
    return "\n".join(document.content_of(e) for e in document.elements if e.name == "style")


def not_authored(values: Mapping[str, object], css: str) -> dict[str, object]:
    """The variables that no style sheet of the page sets: the author's own values win, as in the official renderer."""
    authored = set(re.findall(r"(--[\w-]+)\s*+:", css))
    return {name: value for name, value in values.items() if authored.isdisjoint(property_names(name))}


def property_names(variable: str) -> list[str]:
    """The custom properties that hold a variable's value."""
    plain = re.sub(r"[^a-z0-9]+", "-", variable.lower()).strip("-")
    return list(dict.fromkeys([f"--{variable}", f"--{plain or 'node'}"]))


def _merge_import_maps(collected: _Collected, document: Document, kept: list[Element]) -> None:
    """Merge the files' import maps into the page's first one, or put one first in the head. Earlier entries win."""
    if not collected.import_maps:
        return
    there = next((e for e in kept if _is_import_map(e) and not e.within("template")), None)
    own = _json_object(document.content_of(there)) if there else {}
    imports = dict(_items(own.get("imports")))
    scopes = {prefix: dict(_items(entries)) for prefix, entries in _items(own.get("scopes"))}
    for source, found in collected.import_maps:
        pairs = [(imports, found["imports"])]
        pairs += [(scopes.setdefault(prefix, {}), entries) for prefix, entries in _items(found["scopes"])]
        for known, entries in pairs:
            for name, address in _items(entries):
                if known.setdefault(name, address) != address:
                    collected.warnings.append(
                        f"The import map of {source} gives {name[:100]} another address than an earlier one: "
                        f"{str(known[name])[:100]} stays."
                    )
    merged = _script_json({**own, "imports": imports, **({"scopes": scopes} if scopes else {})})
    if there:
        document.replace(there.open_end, there.close_start, merged)
    else:
        document.insert(_begin_of_head(document), f'<script type="{_IMPORT_MAP}">{merged}</script>')


def _head_additions(collected: _Collected, document: Document, kept: list[Element]) -> str:
    there = {element.attributes.get("href") for element in kept if element.name == "link"}
    links = [tag for tag, address in dict(collected.links).items() if address not in there]
    authored = "\n".join(
        [*(document.content_of(e) for e in kept if e.name == "style"), *(style.css for style in collected.styles)]
    )
    styles = [
        *collected.styles,
        *(
            _Style(variables_style(composition_selector(name), not_authored(values, authored)))
            for name, values in collected.variables.items()
        ),
    ]
    sheets: list[str] = []
    for attributes, group in groupby((style for style in styles if style.css.strip()), lambda style: style.attributes):
        run = list(group)
        css = with_imports_first([style.css for style in run]) if run[0].plain else "\n".join(s.css for s in run)
        tag = with_attributes("<style>", "style", dict(attributes))
        sheets.append(f"{tag}{css}</style>")
    return "".join(links + sheets)


def _body_additions(collected: _Collected, kept: list[Element]) -> str:
    there = {element.attributes.get("src") for element in kept if element.name == "script"}
    scripts = [script for address, script in collected.libraries.items() if address not in there]
    if collected.variables:
        table = _script_json(collected.variables)
        scripts.append(
            f"{_DELAYED}window.__hfVariablesByComp = "
            f"Object.assign(window.__hfVariablesByComp || {{}}, {table});</script>"
        )
    for address, script in collected.scripts:
        if not address or address not in there:
            scripts.append(script)
            there.add(address)
    return "".join(scripts + collected.modules)
