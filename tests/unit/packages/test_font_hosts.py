"""Style sheets of font hosts come from the pinned packages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hyperframes_render.packages.font_hosts import MAX_FAMILIES, FontSheet, font_sheet, is_font_sheet
from hyperframes_render.packages.root import packages_root

GOOGLE = "https://fonts.googleapis.com/css2?"


def sheet(url: str) -> FontSheet:
    return font_sheet(url, packages_root(), "https://fonts.test/")


def faces(url: str) -> set[tuple[str, str, int]]:
    rules = re.findall(r"@font-face\s*{(.*?)}", sheet(url).css, re.DOTALL)
    return {
        (
            re.search(r"font-family:\s*['\"]([^'\"]+)", rule)[1],  # type: ignore[index]
            re.search(r"font-style:\s*(\w+)", rule)[1],  # type: ignore[index]
            int(re.search(r"font-weight:\s*(\d+)", rule)[1]),  # type: ignore[index]
        )
        for rule in rules
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("family=Inter", {("Inter", "normal", 400)}),
        ("family=Inter:wght@400;600", {("Inter", "normal", 400), ("Inter", "normal", 600)}),
        ("family=Inter:ital,wght@0,400;1,700", {("Inter", "normal", 400), ("Inter", "italic", 700)}),
        ("family=Inter:wght@300..500", {("Inter", "normal", weight) for weight in (300, 400, 500)}),
        (
            "family=Playfair+Display&family=Roboto:wght@700&display=swap",
            {("Playfair Display", "normal", 400), ("Roboto", "normal", 700)},
        ),
        (
            "family=Roboto:400,700italic|Lato",
            {("Roboto", "normal", 400), ("Roboto", "italic", 700), ("Lato", "normal", 400)},
        ),
    ],
)
def test_the_style_sheet_has_the_requested_faces(query: str, expected: set[tuple[str, str, int]]) -> None:
    assert faces(GOOGLE + query) == expected
    assert sheet(GOOGLE + query).missing == ()


def test_a_range_is_answered_with_the_variable_font_if_there_is_one(tmp_path: Path) -> None:
    for name in (
        "@fontsource/some-sans/400",
        "@fontsource-variable/some-sans/wght",
        "@fontsource-variable/some-sans/full",
    ):
        file = tmp_path / f"{name}.css"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"@font-face {{ font-family: 'Some Sans Variable'; src: url(./files/{file.stem}.woff2); }}")

    def answer(styles: str) -> str:
        return font_sheet(f"{GOOGLE}family=Some+Sans:{styles}", tmp_path, "/p/").css

    rule = "@font-face {{ font-family: 'Some Sans'; src: url(/p/@fontsource-variable/some-sans/files/{}.woff2); }}"
    assert answer("wght@100..900") == rule.format("wght")
    assert answer("ital,wdth,wght@0,75..100,100..900") == answer("wdth@75") == rule.format("full")
    assert "@fontsource/some-sans/files/400" in answer("wght@400")


def test_font_files_are_in_the_packages() -> None:
    addresses = re.findall(r"url\(([^)]*\.woff2)\)", sheet(GOOGLE + "family=Inter:wght@500").css)
    assert addresses
    for address in addresses:
        assert (packages_root() / address.removeprefix("https://fonts.test/")).is_file()


def test_a_missing_family_is_reported() -> None:
    found = sheet(GOOGLE + "family=Nobody+Sans&family=../../etc&family=Inter")
    assert found.missing == ("Nobody Sans", "../../etc") and "Inter" in found.css


@pytest.mark.parametrize("between", ["|", "&family="])
def test_a_repeated_family_is_answered_once(between: str) -> None:
    once = sheet(GOOGLE + "family=Inter:wght@100..900")
    again = sheet(GOOGLE + "family=" + between.join(["Inter:wght@100..900", "inter:wght@400"] * 50_000))
    assert again == once
    assert len(once.css) < 100_000


def test_families_beyond_the_limit_are_left_out_and_counted() -> None:
    names = "|".join(f"F{number}:{','.join(map(str, range(1000)))}" for number in range(MAX_FAMILIES + 20))
    found = sheet(f"{GOOGLE}family={names}")
    assert len(found.missing) == MAX_FAMILIES + 1 and found.missing[-1] == "20 more"


def test_only_style_sheets_of_font_hosts_match() -> None:
    assert is_font_sheet("https://fonts.bunny.net/css?family=inter")
    assert is_font_sheet("https://fonts.googleapis.com/icon?family=Material+Icons")
    assert not is_font_sheet("https://fonts.googleapis.com/css3?family=x")
    assert not is_font_sheet("https://example.com/css2?family=Inter")


@pytest.mark.parametrize(
    ("query", "files"),
    [
        ("icon?family=Material+Icons", ["material-icons/iconfont/material-icons.woff2"]),
        (
            "css?family=Material+Icons+Round|Material+Symbols+Outlined",
            [
                "material-icons/iconfont/material-icons-round.woff2",
                "material-symbols/material-symbols-outlined.woff2",
            ],
        ),
    ],
)
def test_icon_fonts_come_from_the_package_store(query: str, files: list[str]) -> None:
    sheet = font_sheet(f"https://fonts.googleapis.com/{query}", packages_root(), "https://p/")
    assert sheet.missing == ()
    for file in files:
        assert f"https://p/{file}" in sheet.css and (packages_root() / file).is_file()
