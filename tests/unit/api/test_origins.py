"""Which web pages may use the API."""

from __future__ import annotations

from fastapi.testclient import TestClient

from hyperframes_render.api.app import create_app

SHOP, OTHER = "https://shop.example", "https://other.example"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def _fail() -> None:
    raise AssertionError("a preflight has no key and asks no service")


def client(*origins: str) -> TestClient:
    app = create_app(_fail, _fail, _fail, origins)  # type: ignore[arg-type]  # never called here
    return TestClient(app, raise_server_exceptions=False)


def test_a_page_of_an_allowed_origin_may_ask_without_a_key() -> None:
    answer = client(SHOP).options("/apps/run", headers={"Origin": SHOP, **ASKED})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert {"GET", "POST", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert "authorization" in answer.headers["access-control-allow-headers"]


def test_a_page_of_another_origin_may_not() -> None:
    refused = client(SHOP).options("/files", headers={"Origin": OTHER, **ASKED})
    assert "access-control-allow-origin" not in refused.headers
    assert "access-control-allow-origin" not in client(SHOP).get("/health", headers={"Origin": OTHER}).headers
    assert "access-control-allow-origin" not in client().get("/health", headers={"Origin": SHOP}).headers


def test_a_fault_of_ours_can_be_read_by_the_page_too() -> None:
    answer = client("*").get("/tasks", headers={"Origin": OTHER, "Authorization": "Bearer x"})
    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
