"""Web origins whose pages may use the API (CORS)."""

from __future__ import annotations

from fastapi.testclient import TestClient

from hyperframes_render.api.app import create_app

SHOP, OTHER = "https://shop.example", "https://other.example"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def _fail() -> None:
    raise AssertionError("a preflight must not use a key or a service")


def client(*origins: str) -> TestClient:
    app = create_app(_fail, _fail, _fail, origins)  # type: ignore[arg-type]  # never called here
    return TestClient(app, raise_server_exceptions=False)


def test_a_preflight_of_an_allowed_origin_needs_no_key() -> None:
    answer = client(SHOP).options("/apps/run", headers={"Origin": SHOP, **ASKED})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert {"GET", "POST", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert "authorization" in answer.headers["access-control-allow-headers"]


def test_other_origins_are_not_allowed() -> None:
    refused = client(SHOP).options("/files", headers={"Origin": OTHER, **ASKED})
    assert "access-control-allow-origin" not in refused.headers
    assert "access-control-allow-origin" not in client(SHOP).get("/health", headers={"Origin": OTHER}).headers
    assert "access-control-allow-origin" not in client().get("/health", headers={"Origin": SHOP}).headers


def test_a_page_can_read_an_internal_error() -> None:
    answer = client("*").get("/tasks", headers={"Origin": OTHER, "Authorization": "Bearer x"})
    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
