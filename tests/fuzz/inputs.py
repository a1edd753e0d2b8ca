"""Strategies for untrusted input: JSON of every shape, archives, markup, and mutations of saved examples."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from hyperframes_render.tasks.submission import FIELD_NAMES

CORPUS = Path(__file__).parent / "corpus"

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
NUMBER = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -1, 1e308, 5e-324, 10**400, 2**63, -(2**63) - 1])
)
#: Numbers as text, including short ones that are expensive to compute.
NUMBER_TEXT = st.sampled_from(
    ["1e999999999", "1e-999999999", "9" * 5000, "1/0", "30000/1001", "29.97", "١٢", "1_0", " 30 ", "+30", "0x1e", "nan"]
) | st.from_regex(r"[-+]?[0-9]{1,5}([./][0-9]{1,5})?(e[-+]?[0-9]{1,9})?", fullmatch=True)
LEAF = st.none() | st.booleans() | NUMBER | TEXT | NUMBER_TEXT
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def _nested(depth: int, mapping: bool) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value} if mapping else [value]
    return value


#: JSON with a depth near the limit of the parser.
DEEP = st.builds(_nested, st.integers(1, 300) | st.integers(300, 990), st.booleans())
ANY = JSON | DEEP

HTML = '<div data-composition-id="main" data-width="64" data-height="36" data-fps="25" data-duration="2"></div>'
NAMES = st.sampled_from([*FIELD_NAMES, "html", "metadata", "dry_run", "widht"]) | TEXT
FIELDS = st.dictionaries(NAMES, ANY, max_size=5)
#: Values for every field, some of them valid.
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "width": st.integers(-1, 10_000),
    "height": st.integers(-1, 10_000),
    "fps": NUMBER_TEXT | NUMBER,
    "duration": st.floats(allow_nan=False),
    "codec": st.sampled_from(["h264", "h265", "vp8", "vp9", "prores", "gif", "av1", "png", "H264", ""]),
    "quality": st.sampled_from(["draft", "standard", "high"]) | st.integers(-5, 90) | NUMBER_TEXT,
    "scale_factor": st.floats(0, 5),
    "transparent": st.booleans() | st.sampled_from(["true", "no", 1]),
    "audio_url": st.sampled_from(["https://host/a.mp3", "s3://b/k", "file:///etc/passwd"]) | TEXT,
    "from": st.floats(-1, 10),
    "to": st.floats(-1, 10),
    "variables": st.dictionaries(TEXT, ANY, max_size=3) | TEXT,
    "network": st.sampled_from(["public", "none", "a.example,*.b.example"]) | st.lists(TEXT, max_size=3) | TEXT,
}
INPUT = st.fixed_dictionaries({}, optional=LIKELY) | FIELDS
TOP = st.sampled_from(["app", "input", "webhook", "metadata", "session", "wait", "setup", "wehbook", "extra"]) | TEXT
BODY = (
    ANY
    | st.dictionaries(TOP, ANY, max_size=5)
    | INPUT.map(lambda fields: {"input": {"html": HTML, **fields}})
    | st.fixed_dictionaries(
        {"input": INPUT.map(lambda fields: {"html": HTML, **fields})},
        optional={"webhook": TEXT, "metadata": ANY, "session": TEXT},
    )
)


def corpus(kind: str) -> list[bytes]:
    """The saved examples of a kind, from the corpus."""
    return [path.read_bytes() for path in sorted((CORPUS / kind).iterdir())]


@st.composite
def mutated(draw: st.DrawFn, saved: list[bytes]) -> bytes:
    """One of the saved examples with some bytes changed, removed, doubled or inserted."""
    data = bytearray(draw(st.sampled_from(saved)))
    for _ in range(draw(st.integers(1, 6))):
        if not data:
            break
        at = draw(st.integers(0, len(data) - 1))
        what = draw(st.sampled_from(["set", "cut", "double", "insert", "number"]))
        if what == "set":
            data[at] = draw(st.integers(0, 255))
        elif what == "cut":
            del data[at : at + draw(st.integers(1, 40))]
        elif what == "double":
            data[at:at] = data[at : at + draw(st.integers(1, 200))]
        elif what == "insert":
            data[at:at] = draw(st.binary(max_size=8))
        else:
            data[at : at + 4] = draw(st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"]))
    return bytes(data)


_PART = st.sampled_from(["..", ".", "a", "A", "index.html", "ﬁ", "é", "é", "a" * 300, "C:", "con", "~", " ", ""]) | TEXT
_ENTRY_NAME = st.lists(_PART, min_size=1, max_size=6).map("/".join) | st.sampled_from(
    ["index.html", "index.html/x", "a\\..\\..\\b", "/etc/passwd", "a/" * 3000 + "b", "a\0b", "p/index.html", "\u2215"]
)
_METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """A valid .zip with entries of unusual names, types and sizes."""
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w") as archive:
        warnings.simplefilter("ignore")  # duplicate names
        for name in draw(st.lists(_ENTRY_NAME, max_size=6)):
            entry = zipfile.ZipInfo("x")
            entry.filename = name  # set directly, because the constructor corrects it
            entry.external_attr = draw(st.sampled_from([0, 0o100644, 0o120777, 0o060644, 0o040755])) << 16
            content = draw(st.binary(max_size=60)) * draw(st.sampled_from([1, 1, 1, 50_000]))
            archive.writestr(entry, content, draw(st.sampled_from(_METHODS)))
    return packed.getvalue()


_ATTRIBUTE = st.sampled_from(
    [
        *("data-composition-id", "data-width", "data-height", "data-fps", "data-duration", "data-start", "data-end"),
        *("data-composition-src", "data-composition-variables", "data-variable-values", "data-automation", "id"),
        *("src", "href", "style", "class", "rel", "type", "data-no-timeline", "data-has-audio", "muted"),
    ]
)
_VALUE = (
    TEXT
    | NUMBER_TEXT
    | st.sampled_from(["main", "part.html", "../part.html", "a\0b", "x" * 5000, "url(a.png)", "text/javascript"])
    | ANY.map(json.dumps)
    | DEEP.map(json.dumps)
)
_TAG_NAME = st.sampled_from(
    [*("html", "head", "body", "div", "template", "style", "script", "link", "title", "video", "audio", "svg", "br")]
)
_CSS_PIECE = (
    st.sampled_from(
        [
            *(
                "@media screen",
                "@font-face",
                "@import url(",
                "@keyframes k",
                "{",
                "}",
                ";",
                ":",
                ",",
                "(",
                ")",
                "[",
                "]",
            ),
            *('"', "'", "\\", "/*", "*/", "html", "body", "#main", "[data-composition-id=main]", "--a", "var(--a"),
            *("font-family", "Inter", "url(a.woff2)", "!important", "<!--", "-->", "\n"),
        ]
    )
    | TEXT
)
STYLE_SHEET = st.lists(_CSS_PIECE, max_size=40).map("".join) | st.integers(1, 400).map(lambda n: "@media x{" * n)


@st.composite
def _tags(draw: st.DrawFn) -> str:
    name = draw(_TAG_NAME)
    attributes = draw(st.dictionaries(_ATTRIBUTE, _VALUE, max_size=4))
    quoted = {key: value.replace("&", "&amp;").replace('"', "&quot;") for key, value in attributes.items()}
    inside = draw(STYLE_SHEET) if name == "style" else draw(TEXT)
    shown = "".join(f' {key}="{value}"' for key, value in quoted.items())
    return f"<{name}{shown}>{inside}" + draw(st.sampled_from([f"</{name}>", "", "</div>", "/>"]))


#: URLs that a page may request: those of pinned packages, and others.
PAGE_ADDRESS = st.builds(
    "https://{}/{}".format,
    st.sampled_from(
        [
            *("cdn.jsdelivr.net/npm", "unpkg.com", "cdnjs.cloudflare.com/ajax/libs", "d3js.org", "cdn.tailwindcss.com"),
            *("fonts.googleapis.com", "fonts.bunny.net", "composition.local", f"{'a' * 70}.example", "host.example"),
        ]
    ),
    st.lists(
        st.sampled_from(
            [
                *(
                    "gsap",
                    "@",
                    "3.12",
                    "/",
                    "dist",
                    "gsap.min.js",
                    "..",
                    "%2e%2e",
                    "%00",
                    "three.js",
                    "r128",
                    "d3.v7.js",
                ),
                *(
                    "css2?family=",
                    "css?family=",
                    "Inter",
                    ":wght@",
                    "ital,",
                    "100..900",
                    "9" * 5000,
                    ";",
                    "|",
                    "²",
                    "400i",
                ),
                *("a" * 300, "+esm", "@fontsource/inter", "package.json", "^", "~", "latest", "x" * 20),
            ]
        )
        | TEXT.map(quote),
        max_size=8,
    ).map("".join),
)

_NOISE = st.sampled_from(
    ["<!--", "-->", "<![CDATA[", "<!", "</", "<", "&", "&#0;", "<?", "\0", "]]>", "<!doctype html>"]
)
#: Markup of a composition, mostly with a root.
MARKUP = st.lists(_tags() | _NOISE | TEXT, max_size=8).map(lambda parts: "".join([HTML[:-6], *parts, "</div>"])) | (
    st.lists(_tags() | _NOISE | TEXT, max_size=8).map("".join)
)

#: The body of POST /files.
UPLOADS = st.fixed_dictionaries(
    {
        "files": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "filename": TEXT | st.sampled_from(["../../x.html", "a\r\nb.zip", "." * 300]),
                    "content_type": TEXT | st.sampled_from(["text/html", "text/html\n", "text/html; charset=utf-8"]),
                    "size": st.integers() | NUMBER_TEXT,
                    "sha256": st.from_regex(r"[0-9a-f]{64}") | TEXT,
                    "path": ANY,
                },
            )
            | ANY,
            max_size=3,
        )
    }
)
