"""``emotiond enroll``: makes a voice profile, lists or deletes them."""

from __future__ import annotations

import os
import sys
from typing import Any

from emotiond.exceptions import ConfigError, ProfileError, printable
from emotiond.streamer.arguments import ArgumentParser
from emotiond.streamer.commands.command import Command
from emotiond.streamer.commands.flags import Flag, add_each, insert_options
from emotiond.streamer.commands.table import print_table
from emotiond.streamer.profiles import (
    delete_profile,
    make_folder,
    profile_names,
    profile_path,
    read_profile,
    write_profile,
)
from emotiond.streamer.settings.config import Config
from emotiond.streamer.settings.exposure import refuse_exposed_sources
from emotiond.streamer.settings.layers import make_config


def add_flags(parser: ArgumentParser) -> None:
    """Add the flags of ``enroll``."""
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
        insert_options(flags, kind, settings)
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
    add_each(parser, flags)


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
        print_table(("voice", "model", "speech"), rows)
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


ENROLL = Command(
    "enroll",
    "make a voice profile from 20 seconds of ordinary speech; list and delete profiles",
    add_flags,
    enroll,
    (
        "emotiond enroll anna",
        "emotiond enroll anna --source recording.wav",
        "emotiond enroll --delete anna",
    ),
)
