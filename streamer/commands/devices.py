"""``emotiond devices``: lists the microphones."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from emotiond.streamer.commands.command import Command
from emotiond.streamer.commands.flags import add_json
from emotiond.streamer.commands.table import print_table


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
        print_table(
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


DEVICES = Command("devices", "list the microphones", add_json, devices)
