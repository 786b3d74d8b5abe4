"""The command line: ``emotiond`` and ``python -m emotiond``."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from pathlib import Path
from typing import Any

from emotiond import __version__
from emotiond.exceptions import EmotiondError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer import commands
from emotiond.streamer.background import run_in_background
from emotiond.streamer.config import ENVIRONMENT_PREFIX, Config, make_config, refuse_exposure
from emotiond.streamer.sources.factory import SourceSettings, open_sources

_COMMANDS = ("run", "analyze", "watch", "enroll", "devices", "models", "doctor")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status: 0, 1 after an error (printed in one line), 2 for wrong usage.
    """
    if sys.stdout is None:  # standard output is closed: discard the output
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):  # any file name can be printed
            output.reconfigure(encoding="utf-8", errors="backslashreplace")
    logging.basicConfig(format="emotiond: %(message)s", level=logging.WARNING)
    for name in ("emotiond.websockets", "emotiond.zeromq"):  # they log clients' mistakes
        logging.getLogger(name).setLevel(logging.CRITICAL)  # in the clients' own words
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help", "--version")):
        given.insert(0, "run")
    options = vars(_parser().parse_args(given))
    command: Callable[[dict[str, Any]], int] = options.pop("command")
    status = 0
    try:
        status = command(options)
        sys.stdout.flush()
        return status
    except EmotiondError as error:
        print(f"emotiond: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        # Python flushes standard output once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # the reader of our output is gone
            return status
        print(f"emotiond: {error.strerror or error}. Check where its output goes.", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emotiond", description="Hear the emotion in a voice, live."
    )
    parser.add_argument("--version", action="version", version=f"emotiond {__version__}")
    group = parser.add_subparsers(metavar="{" + ",".join(_COMMANDS) + "}", required=True)
    _add_run(group)
    _add_analyze(group)
    watch = _add(group, "watch", commands.watch, "show a daemon's stream in the terminal")
    watch.add_argument("url", nargs="?", default="ws://127.0.0.1:8765/ws")
    watch.add_argument(
        "--token-file",
        metavar="FILE",
        default=os.environ.get(f"{ENVIRONMENT_PREFIX}TOKEN_FILE"),
        help="holds the token that the daemon wants",
    )
    _add_enroll(group)
    for name, command, text in (
        ("devices", commands.devices, "list the microphones"),
        ("models", commands.models, "list the models"),
        ("doctor", commands.doctor, "check this machine and say what to mend"),
    ):
        _add(group, name, command, text).add_argument(
            "--json", action="store_true", help="as one JSON object"
        )
    return parser


def _add(
    group: Any, name: str, command: Callable[[dict[str, Any]], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = group.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False
    )
    parser.set_defaults(command=command)
    return parser


def _add_run(group: Any) -> None:
    parser = _add(group, "run", _run, "listen, and send what is heard (the default)")
    default = Config()

    def option(*flags: str, **details: Any) -> None:
        parser.add_argument(*flags, default=argparse.SUPPRESS, **details)

    option(
        "--source",
        action="append",
        metavar="[NAME=]mic|demo|-|FILE",
        help="what to hear; may be repeated (default: mic, without one demo)",
    )
    _add_capture(parser)
    option("--speed", choices=("1", "max"), help="of files and '-' (default: 1)")
    option("--once", action="store_true", help="end with the sources, play no file again")
    option("--wait-clients", type=int, metavar="N", help="start with the Nth WebSocket client")
    option("--model", metavar="NAME|PATH", help="see 'emotiond models'")
    option("--profile", metavar="NAME", help="of the voice, see 'emotiond enroll'")
    option(
        "--stride",
        type=float,
        metavar="SECONDS",
        help=f"between inferences (default: {default.stride})",
    )
    option(
        "--record",
        action="append",
        metavar="[NAME=]FILE.wav",
        help="keep a stream's sound, and its events beside it; may be repeated",
    )
    option("--json", action="store_true", help="print every event as a line, too")
    option("--config", metavar="FILE.toml", help="settings, named like these flags")
    option("--host", help=f"to listen on (default: {default.host})")
    option("--port", type=int, help=f"of page and WebSocket (default: {default.port})")
    option("--zmq", metavar="ENDPOINT|off", help=f"ZeroMQ (default: {default.zmq})")
    option("--allow-origin", action="append", metavar="URL", help="a web page that may listen")
    option("--allow-host", action="append", metavar="NAME", help="a further name of this host")
    option("--token-file", metavar="FILE", help="holds the token that clients have to know")
    option("--tls-cert", metavar="FILE", help="certificate in PEM: https and wss")
    option("--tls-key", metavar="FILE", help="the certificate's key in PEM")
    option("--zmq-curve", metavar="FOLDER", help="keys of ZeroMQ: the daemon's and subscribers'")
    option("--insecure", action="store_true", help="let other machines listen without either")
    option(
        "--max-connections",
        type=int,
        metavar="N",
        help=f"of pages and WebSocket clients (default: {default.max_connections})",
    )
    option(
        "--max-client-streams",
        type=int,
        metavar="N",
        help=f"of sound that clients send (default: {default.max_client_streams})",
    )
    option("--history", metavar="FILE|off", help="keeps what clients' files held; never sound")


def _run(options: dict[str, Any]) -> int:
    config = make_config(options, os.environ)
    refuse_exposure(config)
    settings = SourceSettings(config.device, config.rate, not config.lossless, not config.once)
    # Devices and decoders open slowly, and so do the daemon's imports: do both at once.
    sources = run_in_background(lambda: open_sources(config.source, settings))
    try:
        from emotiond.streamer.daemon import app

        return app.run(config, sources.result)
    finally:
        wait([sources])  # PortAudio redirects standard error while it starts


def _add_analyze(group: Any) -> None:
    parser = _add(group, "analyze", commands.analyze_files, "judge whole recordings")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--model", metavar="NAME|PATH", help="see 'emotiond models'")
    parser.add_argument("--profile", metavar="NAME", help="of the voice, see 'emotiond enroll'")
    parser.add_argument("--format", choices=("text", "json", "csv"), default="text")


def _add_enroll(group: Any) -> None:
    text = "learn how a voice ordinarily sounds, from 20 seconds of speech"
    parser = _add(group, "enroll", commands.enroll, text)
    parser.add_argument("name", metavar="NAME", help="for --profile; replaces one of that name")
    parser.add_argument(
        "--source",
        action="append",
        default=argparse.SUPPRESS,
        metavar="mic|-|FILE",
        help="who speaks (default: mic)",
    )
    _add_capture(parser)
    for flag, metavar, meaning in (
        ("--model", "NAME|PATH", "that the profile is for, see 'emotiond models'"),
        ("--config", "FILE.toml", "settings, named like the flags of 'run'"),
    ):
        parser.add_argument(flag, default=argparse.SUPPRESS, metavar=metavar, help=meaning)


def _add_capture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        default=argparse.SUPPRESS,
        metavar="NAME|INDEX",
        help="the microphone, see 'emotiond devices'",
    )
    parser.add_argument(
        "--rate",
        type=int,
        default=argparse.SUPPRESS,
        metavar="HZ",
        help=f"of '--source -' (default: {SAMPLE_RATE})",
    )
