"""renovate.json covers every pinned version."""

from __future__ import annotations

import json
import re
import subprocess

from tests.template import PROJECT

CONFIGURATION = json.loads((PROJECT / "renovate.json").read_text())


def test_every_lock_of_pip_is_kept_up_to_date() -> None:
    (pattern,) = CONFIGURATION["pip_requirements"]["managerFilePatterns"]
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    locks = [name for name in tracked.splitlines() if name.endswith(".lock")]
    assert locks and all(re.search(pattern.strip("/"), name) for name in locks)
    assert {"pip_requirements", "npm", "dockerfile"} == set(CONFIGURATION["enabledManagers"])


def test_the_base_image_is_dated_as_its_rule_reads_it() -> None:
    (rule,) = (rule for rule in CONFIGURATION["packageRules"] if rule.get("matchDepNames") == ["debian"])
    tag = re.search(r"^ARG DEBIAN=debian:(\S+)$", (PROJECT / "layers/renderer/Dockerfile").read_text(), re.MULTILINE)
    pattern = rule["versioning"].removeprefix("regex:").replace("(?<", "(?P<")
    assert tag and re.fullmatch(pattern, tag[1])


def test_packages_with_a_special_rule_exist() -> None:
    package = json.loads((PROJECT / "layers/renderer/package.json").read_text())
    for rule in CONFIGURATION["packageRules"]:
        if rule.get("matchFileNames") == ["layers/renderer/package.json"]:
            assert set(rule.get("matchDepNames", [])) <= package["dependencies"].keys()
