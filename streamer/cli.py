"""The command line: ``emotiond`` and ``python -m emotiond``."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from emotiond import __version__
from emotiond.exceptions import EmotiondError, printable, shortage_of
from emotiond.streamer import commands
from emotiond.streamer.arguments import ArgumentParser, did_you_mean
from emotiond.streamer.background import run_in_background
from emotiond.streamer.batch.command import analyze_files
from emotiond.streamer.config import (
    ENVIRONMENT_PREFIX,
    Config,
    all_settings,
    make_config,
    refuse_exposure,
)
from emotiond.streamer.options import Option, Part
from emotiond.streamer.private_files import leave_no_core
from emotiond.streamer.report.command import report
from emotiond.streamer.results.kinds import FORMATS, LEVELS
from emotiond.streamer.settings_file import example
from emotiond.streamer.signals import Stopped, stoppable
from emotiond.streamer.sources.factory import open_sources
from emotiond.streamer.standard_streams import say

Flag = tuple[str, dict[str, Any]]
"""A flag, and its details for argparse."""

_COMMANDS = (
    "run",
    "analyze",
    "report",
    "watch",
    "enroll",
    "config",
    "service",
    "pair",
    "certificate",
    "devices",
    "models",
    "doctor",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status: 0, 1 after an error (printed in one line), 2 for wrong usage.
    """
    leave_no_core()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it is closed: discard what goes there
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
            setattr(sys, name, nowhere)
    for name in ("COLUMNS", "LINES"):  # rich takes any digit of Unicode for a number
        if not os.environ.get(name, "").isascii():
            del os.environ[name]
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):  # any file name can be printed
            output.reconfigure(encoding="utf-8", errors="backslashreplace")
    logging.basicConfig(format="emotiond: %(message)s", level=logging.WARNING)
    logging.raiseExceptions = False  # a log that cannot be written is no reason for tracebacks
    for handler in logging.getLogger().handlers:
        handler.addFilter(_make_printable)
    for name in ("emotiond.websockets", "emotiond.zeromq"):  # they log clients' mistakes
        logging.getLogger(name).setLevel(logging.CRITICAL)  # in the clients' own words
    given = _with_command(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    if not given[0].startswith("-") and given[0] not in _COMMANDS:
        remark = did_you_mean(given[0], _COMMANDS) or f" (choose from {', '.join(_COMMANDS)})"
        parser.error(f"there is no command {given[0]!r}{remark}")
    options = vars(parser.parse_args(given))
    command: Callable[[dict[str, Any]], int] = options.pop("command")
    status = 0
    try:
        with stoppable():
            status = command(options)
        sys.stdout.flush()
        return status
    except EmotiondError as error:
        say(f"emotiond: {error}")
        return 1
    except Stopped as stopped:
        return stopped.status
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        if "start new thread" not in str(error):
            raise
        say("emotiond: this user may have no more threads. End other programs, or: ulimit -u.")
        return 1
    except MemoryError:
        say("emotiond: this machine has no memory left. End other programs.")
        return 1
    except OSError as error:
        found = shortage_of(error)
        if found is None and error.filename is not None:
            found = f"{error.filename}: {error.strerror}", "Check this file"
        if found is not None:
            say(f"emotiond: {found[0]}. {found[1]}.")
            return 1
        # Python flushes standard output once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # the reader of our output is gone
            return status
        say(f"emotiond: {error.strerror or error}. Check where its output goes.")
        return 1


def _make_printable(record: logging.LogRecord) -> bool:
    """Escape what a terminal would obey; always True, since every line is logged."""
    record.msg, record.args = printable(record.getMessage()), None
    return True


def _with_command(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the command that they may leave out."""
    first = arguments[0] if arguments else "--"
    is_command = not first.startswith("-") or first in ("-h", "--help", "--version")
    return [*arguments] if is_command else ["run", *arguments]


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="emotiond",
        description="Recognise emotion in a voice, live. Without a command, it runs as 'run'.",
        examples=(
            "emotiond                               listen; open the page that it names",
            "emotiond analyze recording.wav         say which emotions a recording holds",
            "emotiond watch raspberrypi.local:8765  show what another machine hears",
        ),
    )
    parser.add_argument("--version", action="version", version=f"emotiond {__version__}")
    group = parser.add_subparsers(metavar="{" + ",".join(_COMMANDS) + "}", required=True)
    _add_run(group)
    _add_analyze(group)
    _add_report(group)
    watch = _add(
        group,
        "watch",
        commands.watch,
        "show a daemon's stream in the terminal",
        "emotiond watch",
        "emotiond watch --stream kitchen | tee labels.txt",
        "emotiond watch raspberrypi.local:8765 --token-file token --ca cert.pem",
    )
    watch.add_argument(
        "address",
        nargs="?",
        default="127.0.0.1:8765",
        metavar="HOST:PORT|URL",
        help="the daemon, or its page (default: %(default)s)",
    )
    watch.add_argument(
        "--stream", metavar="NAME", help="stream to show (default: the daemon's first one)"
    )
    watch.add_argument(
        "--ca", metavar="FILE", help="certificate that no authority has signed, or its authority's"
    )
    watch.add_argument(
        "--token-file",
        metavar="FILE",
        default=os.environ.get(f"{ENVIRONMENT_PREFIX}TOKEN_FILE"),
        help="file with the token of the daemon",
    )
    _add_enroll(group)
    _add_config(group)
    _add_service(group)
    _add_pair(group)
    _add_certificate(group)
    for name, command, text in (
        ("devices", commands.devices, "list the microphones"),
        ("models", commands.models, "list the models"),
        ("doctor", commands.doctor, "check this machine and suggest fixes"),
    ):
        _add(group, name, command, text).add_argument(
            "--json", action="store_true", help="print one JSON object"
        )
    return parser


def _add(
    group: Any, name: str, command: Callable[[dict[str, Any]], int], text: str, *examples: str
) -> ArgumentParser:
    description = text[0].upper() + text[1:] + "."
    parser: ArgumentParser = group.add_parser(
        name, help=text, description=description, examples=examples
    )
    parser.set_defaults(command=command)
    return parser


def _add_run(group: Any) -> None:
    parser = _add(
        group,
        "run",
        _run,
        "listen and publish emotions (the default)",
        "emotiond --device 'USB Audio' --model lite",
        "emotiond --source desk=mic --source radio=radio.wav --json",
        "arecord -t raw -f S16_LE -r 16000 | emotiond --source -",
    )
    _add_flags(parser, _run_flags())


def _add_flags(parser: ArgumentParser, flags: Sequence[Flag]) -> None:
    for flag, details in flags:
        parser.add_argument(flag, default=argparse.SUPPRESS, **details)


def _run_flags() -> list[Flag]:
    """Return the flags of ``run`` with their details: the daemon's, and those of all parts."""
    default = Config()
    flags: list[Flag] = [
        (
            "--source",
            {
                "action": "append",
                "metavar": "[NAME=]" + "|".join(kind.value for kind, _ in default.source_kinds),
                "help": "audio source; repeat it for several (default: mic, or demo without one)",
            },
        ),
    ]
    for source, settings in default.source_kinds:
        _insert_options(flags, source, settings)
    flags += [
        (
            "--speed",
            {
                "metavar": "1|max|FACTOR",
                "help": "play files and '-' in real time, or as fast as possible; recorded events "
                "(session:FILE) also 0.1 to 100 times as fast (default: 1)",
            },
        ),
        (
            "--once",
            {"action": "store_true", "help": "exit when the sources end; do not loop files"},
        ),
        ("--model", {"metavar": "NAME|PATH", "help": "model, see 'emotiond models'"}),
        ("--profile", {"metavar": "NAME", "help": "voice profile, see 'emotiond enroll'"}),
        (
            "--stride",
            {
                "type": float,
                "metavar": "SECONDS",
                "help": f"seconds between inferences (default: {default.stride})",
            },
        ),
        (
            "--config",
            {"metavar": "FILE.toml", "help": "read settings from a file, named like these flags"},
        ),
        (
            "--name",
            {
                "metavar": "NAME",
                "help": "what other programs call this daemon (default: the host's name)",
            },
        ),
        (
            "--follow",
            {
                "action": "append",
                "metavar": "wss://HOST:PORT",
                "help": "show another daemon's streams on the page, too; repeat it for several",
            },
        ),
        (
            "--follow-token-file",
            {"metavar": "FILE", "help": "file with the tokens of those daemons"},
        ),
        (
            "--follow-ca",
            {
                "metavar": "FILE",
                "help": "their certificate, or its authority's, if this machine knows none of them",
            },
        ),
        (
            "--insecure",
            {"action": "store_true", "help": "let outputs reach other machines without protection"},
        ),
        (
            "--max-client-streams",
            {
                "type": int,
                "metavar": "N",
                "help": f"most uploads at a time (default: {default.max_client_streams})",
            },
        ),
        (
            "--history",
            {
                "metavar": "FILE|postgresql://…|off",
                "help": "file or database for the results of uploaded files, never their sound",
            },
        ),
        (
            "--keep-hours",
            {
                "type": float,
                "metavar": "N",
                "help": "hours of events that the page finds after a reload, in memory alone; "
                f"0: none (default: {default.keep_hours:g})",
            },
        ),
    ]
    for output, settings in default.outputs:
        _insert_options(flags, output, settings)
    return flags


def _insert_options(flags: list[Flag], part: Part[Any], settings: object) -> None:
    """Insert the flags of a part behind those that they name, or else at the end."""
    before: str | None = None
    for option in part.options:
        names = [flag for flag, _ in flags]
        before = option.after or before
        index = len(flags) if before is None else names.index(before) + 1
        flags.insert(index, (option.flag, _details(option, settings)))
        before = option.flag


def _details(option: Option, settings: object) -> dict[str, Any]:
    """Return the arguments for argparse. The default determines the type of the values."""
    details: dict[str, Any] = {"help": option.help}
    if option.metavar is not None:
        details["metavar"] = option.metavar
    value = getattr(settings, option.key)
    if isinstance(value, bool):
        details["action"] = "store_true"
    elif isinstance(value, tuple):
        details["action"] = "append"
    elif isinstance(value, int | float):
        details["type"] = type(value)
    return details


def _run(options: dict[str, Any]) -> int:
    config = make_config(options, os.environ)
    refuse_exposure(config)
    # Devices and decoders open slowly, and so do the daemon's imports: do both at once.
    sources = run_in_background(
        lambda: open_sources(
            config.source,
            config.settings_of,
            replace(config.playback, waits=True),
            config.demo_may_stand_in,
        )
    )
    from emotiond.streamer.daemon import app

    return app.run(config, sources.result)


def _add_analyze(group: Any) -> None:
    parser = _add(
        group,
        "analyze",
        analyze_files,
        "analyze whole recordings",
        "emotiond analyze interview.mp4 --profile anna",
        "emotiond analyze recordings --format csv --level segments --output emotions.csv",
        "emotiond analyze recordings --format textgrid --output labels",
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE|FOLDER|'PATTERN'|@LIST",
        help="recordings: files, folders and all below them, patterns such as '**/*.wav', lists of "
        "paths (@list.txt) or tables of segments (@table.csv, @table.parquet); '-' is standard "
        "input",
    )
    parser.add_argument("--model", metavar="NAME|PATH", help="model, see 'emotiond models'")
    parser.add_argument("--profile", metavar="NAME", help="voice profile, see 'emotiond enroll'")
    parser.add_argument(
        "--format", choices=tuple(FORMATS), default=next(iter(FORMATS)), help="(default: text)"
    )
    parser.add_argument(
        "--level",
        choices=LEVELS,
        help="what has a row: a file (the default of tables), a span of one label, or a stride",
    )
    parser.add_argument(
        "--output",
        metavar="PATH",
        help="file for the table, or folder for formats with a file for each recording "
        "(default: standard output)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that are there already"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with an output whose run ended early; what was analyzed is not analyzed again",
    )
    parser.add_argument(
        "--channels",
        choices=("mixed", "separate"),
        default="mixed",
        help="mix the channels, or judge each by itself, as one speaker (default: mixed)",
    )
    parser.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help="recordings at a time, a process for each (default: one for each core)",
    )
    parser.add_argument(
        "--dask",
        metavar="tls://HOST:PORT",
        help="let the workers of a Dask cluster analyze; they read the same paths",
    )
    parser.add_argument(
        "--ship",
        action="store_true",
        help="send the recordings to the cluster, whose workers see the voices",
    )
    parser.add_argument("--dask-ca", metavar="FILE", help="certificate of the cluster's authority")
    parser.add_argument("--dask-cert", metavar="FILE", help="certificate for the cluster")
    parser.add_argument("--dask-key", metavar="FILE", help="its key")
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="let paths and results go to a cluster on other machines without encryption",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _add_report(group: Any) -> None:
    parser = _add(
        group,
        "report",
        report,
        "make a page of results or recorded sessions, to look at in any browser",
        "emotiond report results.jsonl --output report.html",
        "emotiond report session.jsonl --output session.html --sound",
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="what 'emotiond analyze --format json' printed, or the FILE.jsonl of a recording",
    )
    parser.add_argument("--output", required=True, metavar="FILE.html", help="the page to write")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a page that is there already"
    )
    parser.add_argument(
        "--sound",
        action="store_true",
        help="put the sound into the page: 14 MB for each hour, and the voices with it",
    )


def _add_enroll(group: Any) -> None:
    text = "make a voice profile from 20 seconds of ordinary speech; list and delete profiles"
    parser = _add(
        group,
        "enroll",
        commands.enroll,
        text,
        "emotiond enroll anna",
        "emotiond enroll anna --source recording.wav",
        "emotiond enroll --delete anna",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="name for --profile; an existing profile is replaced",
    )
    what.add_argument("--list", action="store_true", help="list the voice profiles")
    what.add_argument("--delete", metavar="NAME", help="delete a voice profile")
    kinds = Config().source_kinds
    values = "|".join(kind.value for kind, _ in kinds if kind.is_voice)
    flags: list[Flag] = [
        (
            "--source",
            {
                "action": "append",
                "metavar": values,
                "help": "audio source of the voice (default: mic)",
            },
        )
    ]
    for kind, settings in kinds:
        _insert_options(flags, kind, settings)
    flags += [
        (
            "--model",
            {"metavar": "NAME|PATH", "help": "model of the profile, see 'emotiond models'"},
        ),
        (
            "--config",
            {
                "metavar": "FILE.toml",
                "help": "read settings from a file, named like the flags of 'run'",
            },
        ),
    ]
    _add_flags(parser, flags)


def _add_config(group: Any) -> None:
    parser = _add(
        group,
        "config",
        _config,
        "write an example of a settings file, or check the settings",
        "emotiond config --example > emotiond.toml",
        "emotiond config --check emotiond.toml",
        "EMOTIOND_STRIDE=0.5 emotiond config --check",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--example", action="store_true", help="print a file with every setting and its default"
    )
    what.add_argument(
        "--check",
        nargs="?",
        const=True,
        metavar="FILE.toml",
        help="check a file and the environment, with the keys and the model that they name; "
        "start nothing",
    )


def _config(options: dict[str, Any]) -> int:
    """``emotiond config``: print an example, or check what ``run`` would check before it starts."""
    if options["example"]:
        flags = [(flag, details) for flag, details in _run_flags() if flag != "--config"]
        print(example(flags, all_settings()()), end="")
        return 0
    return commands.check_settings(None if options["check"] is True else options["check"])


def _add_service(group: Any) -> None:
    parser = _add(
        group,
        "service",
        commands.service,
        "let systemd start emotiond by itself",
        "emotiond service install",
        "emotiond service status",
        "sudo /opt/emotiond/bin/emotiond service install --system --config /etc/emotiond.toml",
    )
    parser.add_argument("what", choices=("install", "remove", "status"))
    parser.add_argument(
        "--system",
        action="store_true",
        help="for the whole machine: at boot, with ALSA alone, under an account of its own",
    )
    parser.add_argument(
        "--config", metavar="FILE.toml", help="settings of the service (with install)"
    )


def _add_pair(group: Any) -> None:
    parser = _add(
        group,
        "pair",
        commands.pair,
        "let a phone listen to a running daemon, by a QR code",
        "emotiond pair --config emotiond.toml",
        "emotiond pair --name 'kitchen tablet' --token-file token --ca cert.pem",
        "emotiond pair list --token-file token --ca cert.pem",
        "emotiond pair revoke 'kitchen tablet' --token-file token --ca cert.pem",
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("list", "revoke"),
        help="list the paired devices, or revoke one; without it, show a code for a new one",
    )
    parser.add_argument("device", nargs="?", metavar="NAME", help="name of the device to revoke")
    parser.add_argument("--name", default="", help="name of the new device (default: phone)")
    parser.add_argument(
        "--address",
        metavar="HOST:PORT|URL",
        help="the daemon, or its page (default: this machine, with the port of the settings)",
    )
    parser.add_argument("--token-file", metavar="FILE", help="file with the token of the daemon")
    parser.add_argument("--ca", metavar="FILE", help="the certificate of the daemon")
    parser.add_argument(
        "--config",
        metavar="FILE.toml",
        help="settings of the daemon, which name its port, token and certificate",
    )


def _add_certificate(group: Any) -> None:
    parser = _add(
        group,
        "certificate",
        commands.certificate,
        "make a certificate of your own for this machine, for --tls-cert",
        "emotiond certificate ~/emotiond-tls",
        "emotiond certificate ~/emotiond-tls --for emotion.home --for 192.168.1.5",
    )
    parser.add_argument("folder", metavar="FOLDER", help="where to put cert.pem and key.pem")
    parser.add_argument(
        "--for",
        dest="names",
        action="append",
        default=[],
        metavar="NAME|ADDRESS",
        help="further name or address of this machine; repeat it for several",
    )
