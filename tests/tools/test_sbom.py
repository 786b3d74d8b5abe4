"""``make sbom``: what the daemon installs, as CycloneDX."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.support.programs import ROOT

EPOCH = "1790000000"
LOCK = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
PINS = re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE)


def write(folder: Path, **variables: str) -> str:
    subprocess.run(
        [sys.executable, ROOT / "tools" / "sbom", folder],
        cwd=folder.parent,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, **variables},
        capture_output=True,
        check=True,
    )
    (path,) = folder.glob("emotiond-*.cdx.json")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("sbom"))


@pytest.fixture(scope="module")
def components(text: str) -> Mapping[str, Mapping[str, Any]]:
    return {component["bom-ref"]: component for component in json.loads(text)["components"]}


def test_it_is_valid(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_is_the_same_each_time(text: str, tmp_path: Path) -> None:
    other = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    assert write(tmp_path / "again", **other) == text
    assert json.loads(text)["metadata"]["timestamp"] == "2026-09-21T14:13:20+00:00"


def test_it_has_each_locked_version_with_its_hashes_and_a_licence(
    components: Mapping[str, Mapping[str, Any]],
) -> None:
    packages = {ref for ref in components if ref.startswith("pkg:")}
    assert packages == {f"pkg:pypi/{name}@{version}" for name, version in PINS}
    found = set()
    for package in packages:
        assert components[package]["licenses"]
        (files,) = components[package]["externalReferences"]
        found |= {its["content"] for its in files["hashes"]}
    assert found == set(re.findall(r"--hash=sha256:(\w+)", LOCK))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("models/lite.tflite", "machine-learning-model"),
        ("models/full.tflite", "machine-learning-model"),
        ("streamer/sources/demo.flac", "data"),
    ],
)
def test_it_has_what_is_bundled_with_digest_and_licence(
    components: Mapping[str, Mapping[str, Any]], path: str, kind: str
) -> None:
    component = components[f"emotiond/{path}"]
    digest = hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
    assert component["type"] == kind
    assert component["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert component["licenses"] == [{"license": {"id": "CC-BY-NC-SA-4.0"}}]


def test_all_that_runs_is_required_by_something(
    text: str, components: Mapping[str, Mapping[str, Any]]
) -> None:
    edges = {each["ref"]: each.get("dependsOn", []) for each in json.loads(text)["dependencies"]}
    reached, waiting = set(), ["emotiond"]
    while waiting:
        new = set(edges[waiting.pop()]) - reached
        reached |= new
        waiting += new
    excluded = {ref for ref, its in components.items() if its.get("scope") == "excluded"}
    assert reached == set(components) - excluded
    assert {components[ref]["name"] for ref in excluded} == {"setuptools"}


def test_the_lock_describes_each_of_its_packages() -> None:
    """``make lock`` writes both."""
    described = json.loads((ROOT / "requirements" / "run.json").read_text(encoding="utf-8"))
    assert sorted(described) == sorted(f"{name}=={version}" for name, version in PINS)
