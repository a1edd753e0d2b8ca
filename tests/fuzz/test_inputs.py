"""Every text, JSON or byte input is accepted, or refused with an error message of one line."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import strategies as st

from hyperframes_render.composition.compile import PageSpec, compile_page
from hyperframes_render.composition.declared import read_declared
from hyperframes_render.composition.html import Document
from hyperframes_render.composition.lint import lint
from hyperframes_render.composition.scoping import Names, scope_css
from hyperframes_render.errors import InputError, PageError, RenderError, SetupIncomplete, error_tree
from hyperframes_render.functions.support import settings as function_settings
from hyperframes_render.functions.support.settings import Settings, read_settings
from hyperframes_render.input import DEFAULT_FPS, RenderInput, parse_render_input
from hyperframes_render.network import fetch
from hyperframes_render.network.post import read_retry_after
from hyperframes_render.packages.cdn import find_in_packages, find_missing_gsap, is_page_runtime
from hyperframes_render.packages.font_hosts import font_sheet, is_font_sheet
from hyperframes_render.packages.root import packages_root
from hyperframes_render.paths import file_inside
from hyperframes_render.tasks.finish import read_failure
from hyperframes_render.tasks.submission import parse_run, parse_sidecar
from hyperframes_render.tasks.webhooks import check_webhook
from tests.fuzz.effort import bounded, case, fuzz
from tests.fuzz.inputs import (
    ANY,
    BODY,
    CORPUS,
    HTML,
    INPUT,
    MARKUP,
    NUMBER_TEXT,
    PAGE_ADDRESS,
    STYLE_SHEET,
    TEXT,
    corpus,
    mutated,
)

SIDECARS = corpus("sidecar")
FUNCTIONS = [kind for kind in vars(function_settings).values() if isinstance(kind, type) and issubclass(kind, Settings)]


def check_accepted_or_refused(read: Callable[[], Any]) -> None:
    """Call `read`. Verify that it returns, or raises an input error of one line."""
    try:
        read()
    except (InputError, PageError) as error:
        assert str(error) and "\n" not in str(error)


@fuzz("run body", body=BODY)
def test_a_run_body(body: Any) -> None:
    with case("run body"):
        check_accepted_or_refused(lambda: parse_run(body))


@fuzz("sidecar", data=st.binary(max_size=80) | INPUT.map(lambda v: json.dumps(v).encode()) | mutated(SIDECARS))
def test_a_sidecar(data: bytes) -> None:
    with case("sidecar"):
        check_accepted_or_refused(lambda: parse_sidecar(data, "promo.render.json"))


@pytest.mark.parametrize("path", sorted((CORPUS / "sidecar").iterdir()), ids=lambda path: path.name)
def test_a_saved_sidecar(path: Path) -> None:
    with bounded():
        check_accepted_or_refused(lambda: parse_sidecar(path.read_bytes(), path.name))


@fuzz("render input", values=INPUT)
def test_accepted_render_input_can_be_stored_and_read_again(values: dict[str, Any]) -> None:
    with case("render input"):
        try:
            accepted = parse_render_input(values)
        except InputError as error:
            assert "\n" not in str(error)
            return
        assert RenderInput.model_validate(json.loads(accepted.model_dump_json())) == accepted


@fuzz("variables", values=st.dictionaries(TEXT, ANY, max_size=3), declared=ANY | TEXT, strict=st.booleans())
def test_variables(values: dict[str, Any], declared: Any, strict: bool, tmp_path_factory: Any) -> None:
    text = declared if isinstance(declared, str) else json.dumps(declared)
    quoted = text.replace("&", "&amp;").replace("'", "&#39;")
    html = HTML.replace("<div ", f"<div data-composition-variables='{quoted}' ", 1)
    with case("variables"):
        check_accepted_or_refused(lambda: prepare(html, tmp_path_factory.getbasetemp(), values, strict))


def prepare(html: str, project: Path, values: dict[str, Any] | None = None, strict: bool = False) -> str:
    """Compile the markup as a render does."""
    document = Document(html)
    declared = read_declared(document, name="promo.html")
    page = PageSpec(64, 36, declared.fps or DEFAULT_FPS, None, variables=values or {}, strict_variables=strict)
    return compile_page(document, declared, page, project=project, packages=packages_root()).html


@fuzz("markup", html=MARKUP)
def test_markup(html: str, tmp_path_factory: Any) -> None:
    project = tmp_path_factory.getbasetemp()
    (project / "part.html").write_text(html)
    with case("markup"):
        lint(Document(html))
        check_accepted_or_refused(lambda: prepare(html, project))


@fuzz("style sheet", css=STYLE_SHEET)
def test_a_style_sheet(css: str) -> None:
    with case("style sheet"):
        scope_css(css, Names('[data-composition-id="main"]', "main", "main"))


ADDRESS = TEXT | st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["https://", "http://", "https:", "//", "HTTPS://", "gopher://"]),
    st.sampled_from(["", "me@", "me:you@", "[", "::1]", "[::1]", "[::ffff:127.0.0.1]", "[v1.x]", "%00"]),
    st.sampled_from(["host", "127.1", "0x7f.1", "2130706433", "localhost.", "a..b", "ⓛocalhost", "1" * 300]) | TEXT,
    st.sampled_from(["", ":", ":0", ":443", ":99999999", ":-1", ":x", "]"]),
    TEXT,
)


@fuzz("webhook address", url=ADDRESS, private=st.booleans())
def test_a_webhook_address(url: str, private: bool) -> None:
    with case("webhook address"):
        check_accepted_or_refused(lambda: check_webhook(url, allow_private=private))


@fuzz("page address", url=PAGE_ADDRESS)
def test_an_address_that_a_page_requests(url: str) -> None:
    packages = packages_root()
    with case("page address"):
        path = unquote(urlsplit(url).path)
        is_page_runtime(url)
        found = [find_in_packages(url, packages), find_missing_gsap(path, packages)]
        if is_font_sheet(url):
            font_sheet(url, packages, "https://composition.local/")
        file = file_inside(packages, path)
    assert all(answer.path.is_relative_to(packages.resolve()) for answer in found if answer)
    assert file is None or file.is_relative_to(packages.resolve())


def test_an_address_that_a_server_redirects_to(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = "https://host.example/"

    async def first(method: str, url: str, *more: Any) -> Any:
        return await request(method, url, *more) if url != sent else (302, [("location", redirect)], b"")

    async def nowhere(host: str, port: int) -> str:
        socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
        raise fetch.FetchRefused("tests do not use the network")

    request, redirect = fetch._request, ""
    monkeypatch.setattr(fetch, "_request", first)
    monkeypatch.setattr(fetch, "resolve_public", nowhere)

    @fuzz("redirect", location=PAGE_ADDRESS | ADDRESS | st.text(st.characters(max_codepoint=255), max_size=40))
    def one(location: str) -> None:
        nonlocal redirect
        redirect = location.encode("utf-8").decode("latin-1")
        with case("redirect"):
            try:
                asyncio.run(fetch.fetch_public(sent))
            except fetch.FetchRefused as refusal:
                assert str(refusal)

    one()


@fuzz(
    "Retry-After",
    text=st.text(max_size=30)
    | NUMBER_TEXT
    | st.builds(
        "{}, {} {} {} {}:{}:{} {}".format,
        st.sampled_from(["Mon", "", "Xyz"]),
        *[st.integers(-1, 40) | NUMBER_TEXT, st.sampled_from(["Jan", "Feb", "Foo"]), st.integers() | NUMBER_TEXT],
        *[st.integers(-1, 70) for _ in range(3)],
        st.sampled_from(["GMT", "-0000", "+9999", "+99999999999999", "-2400", "EST", ""]),
    ),
)
def test_a_receivers_retry_after(text: str) -> None:
    with case("Retry-After"):
        seconds = read_retry_after(text)
        assert seconds is None or seconds >= 0


@fuzz(
    "environment",
    kind=st.sampled_from(FUNCTIONS),
    values=st.dictionaries(st.sampled_from(sorted({n.upper() for kind in FUNCTIONS for n in kind.model_fields})), TEXT),
)
def test_an_environment(kind: type[Settings], values: dict[str, str]) -> None:
    with case("environment"):
        try:
            read_settings(kind, values)
        except SetupIncomplete as error:
            assert "\n" not in str(error)


@fuzz(
    "failure of a workflow",
    error=st.fixed_dictionaries(
        {},
        optional={
            "Error": st.sampled_from(
                [
                    *(found.__name__ for found in error_tree()),
                    "States.Timeout",
                    "States.ExceedToleratedFailureThreshold",
                ]
            )
            | ANY,
            "Cause": ANY.map(json.dumps) | TEXT | ANY.map(lambda v: json.dumps({"errorMessage": json.dumps(v)})),
        },
    ),
    noted=st.dictionaries(st.sampled_from(["class", "message", "action", "chunk"]), ANY),
)
def test_the_failure_of_a_workflow(error: dict[str, Any], noted: dict[str, Any]) -> None:
    with case("failure of a workflow"):
        found = read_failure(error, noted)
        assert isinstance(found, RenderError)
        json.dumps(found.as_dict())
