"""``make audit``: what it says of PyPI's answers, and without one. PyPI is a server of our own."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.support.programs import ROOT

FAULT = {
    "id": "PYSEC-1",
    "aliases": ["CVE-1"],
    "fixed_in": ["2.0"],
    "summary": "A fault",
    "withdrawn": None,
}


class Pypi(BaseHTTPRequestHandler):
    """The way to PyPI, and PyPI: packages and their known faults; or a status for all."""

    protocol_version = "HTTP/1.1"
    tls: ssl.SSLContext
    answers: Mapping[str, list[Mapping[str, Any]]] | int

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def do_GET(self) -> None:
        name = self.path.split("/")[2]
        known = self.answers if isinstance(self.answers, dict) else {}
        body = json.dumps({"vulnerabilities": known.get(name)}).encode()
        status = self.answers if isinstance(self.answers, int) else 404
        self.send_response(200 if name in known else status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """With it, ``tools/audit`` asks ``Pypi``; its answers are kept nowhere."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    Pypi.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("pypi.org").configure_cert(Pypi.tls)
    with ThreadingHTTPServer(("127.0.0.1", 0), Pypi) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        trusted = {"REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem")}
        yield {**variables(tmp_path, server.server_port), **trusted}
        server.shutdown()


def variables(folder: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    own = {"HOME": str(folder), "PIP_CACHE_DIR": str(folder), "XDG_CACHE_HOME": str(folder)}
    return {**kept, **own, "HTTPS_PROXY": f"http://127.0.0.1:{port}"}


def audit(
    environment: Mapping[str, str], packages: str = "one==1.0\ntwo==1.5\n"
) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, ROOT / "tools" / "audit"],
        input=packages,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


def test_nothing_known_is_status_0(environment: dict[str, str]) -> None:
    Pypi.answers = {"one": [], "two": []}
    status, said = audit(environment)
    assert status == 0
    assert said == "audit: 2 packages, 0 known vulnerabilities, 0 that could not be asked for\n"


def test_a_vulnerability_is_named_with_its_remedy(environment: dict[str, str]) -> None:
    Pypi.answers = {"one": [FAULT], "two": []}
    status, said = audit(environment)
    assert status == 1
    assert said.splitlines()[0] == "audit: one 1.0: PYSEC-1, CVE-1; fixed in 2.0"


def test_a_package_that_cannot_be_asked_for_is_an_error(environment: dict[str, str]) -> None:
    Pypi.answers = {"two": []}
    status, said = audit(environment)
    assert status == 1
    assert said.startswith("audit: one: Dependency not found on PyPI")


def test_no_packages_are_an_error(environment: dict[str, str]) -> None:
    assert audit(environment, "") == (1, "audit: there is no package to ask for\n")


@pytest.mark.parametrize(
    ("answer", "reason"), [(404, "it knows none of 2 packages"), (503, "ServiceError")]
)
def test_a_database_that_answers_nothing_has_a_status_of_its_own(
    environment: dict[str, str], answer: int, reason: str
) -> None:
    Pypi.answers = answer
    assert audit(environment) == (69, sentence(reason))


def test_without_a_network_it_says_so_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        assert audit(variables(tmp_path, deaf.getsockname()[1])) == (69, sentence("ProxyError"))


def test_a_fault_of_its_own_is_no_status_of_the_database(environment: dict[str, str]) -> None:
    status, said = audit({**environment, "REQUESTS_CA_BUNDLE": "/nowhere.pem"})
    assert status == 1
    assert "/nowhere.pem" in said
    assert "Traceback" not in said


def sentence(reason: str) -> str:
    return (
        f"audit: PyPI's vulnerability database gave no answer ({reason}), so nothing was audited: "
        "check the network, then try again\n"
    )
