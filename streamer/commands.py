"""All commands but ``run`` and ``analyze``: watch, enroll, config, service, pair and so on."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emotiond.exceptions import ConfigError, ProfileError, printable
from emotiond.inference.card import load_card
from emotiond.streamer.config import make_config, refuse_exposed_sources, refuse_exposure
from emotiond.streamer.outputs.websocket import WEBSOCKET
from emotiond.streamer.private_files import check_links
from emotiond.streamer.profiles import (
    delete_profile,
    make_folder,
    profile_names,
    profile_path,
    read_profile,
    write_profile,
)
from emotiond.streamer.server.access import is_unspecified
from emotiond.streamer.server.credentials import read_token


def watch(options: dict[str, Any]) -> int:
    """``emotiond watch``: show live bars in the terminal."""
    from emotiond.clients.watch import watch_stream

    file, authority = options["token_file"], options["ca"]
    if authority is not None:
        _check_authority(Path(authority))
    return watch_stream(
        options["address"],
        None if file is None else read_token(Path(file)),
        None if authority is None else Path(authority),
        options["stream"],
    )


def _check_authority(path: Path) -> None:
    """Refuse a link of another user, who could choose by it which daemon is trusted."""
    try:
        check_links(path)
    except PermissionError as error:
        problem = f"cannot read the certificate {path} ({error.strerror})"
        raise ConfigError(problem, "Name the file itself with --ca") from None


def enroll(options: dict[str, Any]) -> int:
    """``emotiond enroll``: make a voice profile from 20 seconds of speech, list or delete one."""
    is_list, deleted = options.pop("list"), options.pop("delete")
    name = options.pop("name")
    if name is not None:
        return _make_profile(name, options)
    if options:
        asked, other = "--list" if is_list else "--delete", next(iter(options))
        raise ConfigError(f"{asked} has no use for --{other}", f"Leave --{other} out")
    if is_list:
        return _list_profiles()
    path = delete_profile(deleted)
    print(
        f"the voice {deleted!r} is deleted: {printable(str(path))}; "
        "a running daemon keeps it until it ends"
    )
    return 0


def _list_profiles() -> int:
    rows = []
    for name in profile_names():
        try:
            profile = read_profile(name)
            rows.append((name, profile.model, f"{profile.speech_seconds:.0f} s"))
        except ProfileError:
            rows.append((name, "unreadable, see 'emotiond doctor'", "?"))
    if rows:
        _table(("voice", "model", "speech"), rows)
    else:
        print("no voice is kept; keep one with: emotiond enroll NAME")
    return 0


def _make_profile(name: str, options: dict[str, Any]) -> int:
    from emotiond.inference.catalog import find_model
    from emotiond.inference.classifier import Classifier
    from emotiond.streamer.interpreter_check import checked_runtime
    from emotiond.streamer.offline import enroll as enrolling
    from emotiond.streamer.sources.factory import open_source, parse_specs
    from emotiond.streamer.sources.microphone import MICROPHONE
    from emotiond.streamer.sources.source import Playback

    profile_path(name)  # report a wrong name or folder before the user speaks
    make_folder()
    config = make_config(options, os.environ)
    if len(config.source) > 1:
        raise ConfigError("a profile is of one voice", "Give one --source")
    refuse_exposed_sources(config)
    runtime = checked_runtime()
    classifier = Classifier(find_model(config.model, runtime), runtime)
    (spec,) = parse_specs(config.source or (MICROPHONE.value,))
    playback = Playback(realtime=False, loop=False)
    source = open_source(spec.source, config.settings_of, playback)
    replaces = name in profile_names()
    if source.about.device is not None:
        print("Speak as you ordinarily do, about anything.", file=sys.stderr)
    wanted, progress = enrolling.WANTED_SECONDS, _Progress(enrolling.WANTED_SECONDS)
    try:
        profile = enrolling.enroll(source, classifier, progress.show)
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # end the line of progress
    path = write_profile(name, profile)
    if profile.speech_seconds < wanted:
        print(
            f"emotiond: all speech was used: {profile.speech_seconds:.0f} s in "
            f"{progress.sound_seconds:.0f} s of sound, without the pauses between words; "
            f"{wanted:g} s make a better profile",
            file=sys.stderr,
        )
    print(
        f"the voice {name!r} is {'kept anew' if replaces else 'kept'}: {printable(str(path))} "
        f"({profile.speech_seconds:.0f} s of speech, model {profile.model!r}); "
        f"use it with: emotiond --profile {name}"
    )
    return 0


class _Progress:
    """Shows progress in one line on a terminal; elsewhere in a line for every five seconds."""

    def __init__(self, wanted_seconds: float) -> None:
        self.sound_seconds = 0.0
        self._wanted_seconds = wanted_seconds
        self._shown = -1

    def show(self, speech_seconds: float, sound_seconds: float) -> None:
        """Show how much speech there is by now."""
        self.sound_seconds, wanted_seconds = sound_seconds, self._wanted_seconds
        text = f"{speech_seconds:4.1f} of {wanted_seconds:g} s of speech, pauses not counted"
        if sys.stderr.isatty():
            bar = "█" * int(20 * min(1, speech_seconds / wanted_seconds))
            print(f"\r{bar:░<20} {text}", end="", file=sys.stderr, flush=True)
        elif int(speech_seconds // 5) > self._shown:
            self._shown = int(speech_seconds // 5)
            print(text.strip(), file=sys.stderr, flush=True)


def check_settings(file: str | None) -> int:
    """``emotiond config --check``: find what would stop ``run``, without starting anything."""
    from emotiond.streamer.daemon import app
    from emotiond.streamer.sources.factory import parse_specs

    config = make_config({} if file is None else {"config": file}, os.environ)
    refuse_exposure(config)
    parse_specs(config.source)
    app.prepare(config)
    what = "the environment" if file is None else f"{printable(file)} and the environment"
    print(f"{what}: no fault found in {len(config.given)} settings")
    return 0


def service(options: dict[str, Any]) -> int:
    """``emotiond service``: install, remove or describe the service, a line for each step."""
    from emotiond.streamer.service import systemd

    is_of_system, file = options["system"], options["config"]
    if options["what"] == "install":
        if file is not None:
            check_settings(file)
        systemd.install(None if file is None else Path(file).absolute(), is_of_system, _say)
        return 0
    if file is not None:
        raise ConfigError(f"{options['what']} has no use for --config", "Leave --config out")
    if options["what"] == "remove":
        systemd.remove(is_of_system, _say)
        return 0
    return 0 if systemd.status(is_of_system, _say) else 3


def _say(line: str) -> None:
    print(printable(line), flush=True)


def pair(options: dict[str, Any]) -> int:
    """``emotiond pair``: pair a device with a running daemon, list the devices, or revoke one."""
    from emotiond.clients import pair as client
    from emotiond.clients.websocket_client import websocket_url

    what, device, name = options["what"], options["device"], options["name"]
    if (what == "revoke") != (device is not None):
        raise ConfigError("revoke, and only that, wants a device", "emotiond pair revoke NAME")
    if what is not None and name:
        raise ConfigError("--name is for a new device", "emotiond pair --name NAME")
    given = {} if options["config"] is None else {"config": options["config"]}
    settings = make_config(given, os.environ).settings_of(WEBSOCKET)
    file, certificate = options["token_file"] or settings.token_file, options["ca"]
    certificate = certificate or settings.tls_cert
    if file is None or certificate is None:
        raise ConfigError(
            "pairing wants the token and the certificate of the daemon",
            "Give --token-file FILE and --ca FILE, or --config FILE.toml with both",
        )
    host = settings.host if not is_unspecified(settings.host) else "127.0.0.1"
    host = f"[{host.strip('[]')}]" if ":" in host else host
    try:
        url = websocket_url(options["address"] or f"{host}:{settings.port}", "wss")
    except ValueError as error:
        raise ConfigError(str(error), "Use HOST:PORT, or the address of the page") from None
    if not url.startswith("wss://"):
        raise ConfigError(
            f"{url} is not encrypted, and phones are paired by HTTPS only", "Write wss://"
        )
    tls = client.trusting_only(Path(certificate))
    with client.owner(url, read_token(Path(file)), tls) as connection:
        if what == "list":
            return client.list_devices(connection)
        if what == "revoke":
            return client.revoke(connection, device)
        return client.pair(connection, name)


def certificate(options: dict[str, Any]) -> int:
    """``emotiond certificate``: make a certificate and its key for this machine."""
    from emotiond.streamer.offline.certificate import make_certificate

    made = make_certificate(Path(options["folder"]), options["names"])
    print(f"for {', '.join(made.names)}, until {made.until:%Y-%m-%d}")
    print(f"SHA-256 {made.fingerprint}")
    cert, key = map(shlex.quote, map(str, (made.certificate, made.key)))
    print(f"emotiond --tls-cert {cert} --tls-key {key}", flush=True)
    return 0


def devices(options: dict[str, Any]) -> int:
    """``emotiond devices``: list the microphones and the rates that they support."""
    from emotiond.streamer.sources.capture import Capture
    from emotiond.streamer.sources.devices import list_microphones
    from emotiond.streamer.sources.sound_server import ServerPrograms

    with Capture() as capture:
        listed, _ = list_microphones(capture, ServerPrograms())
        found = [{**asdict(device), "rates": list(capture.rates(device))} for device in listed]
    if options["json"]:
        print(json.dumps({"devices": found}, ensure_ascii=False, indent=1))
    elif not found:
        print("no microphone")
    else:
        _table(
            ("", "device", "through", "channels", "rates (Hz)"),
            [
                (
                    f"{device['index']}{'*' if device['is_default'] else ''}",
                    device["name"],
                    device["api"],
                    device["channels"],
                    " ".join(map(str, device["rates"])),
                )
                for device in found
            ],
        )
    return 0


def models(options: dict[str, Any]) -> int:
    """``emotiond models``: the bundled models and what their cards say."""
    from emotiond.inference.catalog import bundled_models

    cards = []
    for path in bundled_models():
        card = load_card(path.with_suffix(".json"))
        cards.append((card, path.stat().st_size))
    if options["json"]:
        found = [{**asdict(card), "size_bytes": size} for card, size in cards]
        print(json.dumps({"models": found}, ensure_ascii=False, indent=1))
        return 0
    _table(
        ("model", "accuracy", "size", "weights", "description"),
        [
            (
                card.name,
                _percent(card.evaluation.get("accuracy")),
                f"{size / 1e6:.1f} MB",
                card.licence.weights,
                card.description,
            )
            for card, size in cards
        ],
    )
    return 0


def doctor(options: dict[str, Any]) -> int:
    """``emotiond doctor``: print all findings with their remedies."""
    from emotiond.streamer.offline.doctor import examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not options["json"]:
            mark = {"ok": "ok  ", "warning": "note", "error": "FAIL"}[finding.status]
            print(f"{mark}  {printable(f'{finding.check}: {finding.detail}')}", flush=True)
            if finding.remedy:
                print(f"      → {printable(finding.remedy)}", flush=True)
    if options["json"]:
        print(json.dumps({"findings": [asdict(f) for f in findings]}, ensure_ascii=False, indent=1))
    return 1 if any(finding.status == "error" for finding in findings) else 0


def _percent(share: object) -> str:
    return f"{share:.1%}" if isinstance(share, float) else "?"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(printable(str(cell)) for cell in row))
    Console(highlight=False, markup=False).print(table)
