"""The table of all outputs. The command line, the settings and the daemon go over it."""

from __future__ import annotations

from typing import Any

from emotiond.streamer.outputs.lsl import LSL
from emotiond.streamer.outputs.mqtt import MQTT
from emotiond.streamer.outputs.on_change import ON_CHANGE
from emotiond.streamer.outputs.osc import OSC
from emotiond.streamer.outputs.output import OutputKind
from emotiond.streamer.outputs.recorder import RECORDER
from emotiond.streamer.outputs.stdout import STANDARD_OUTPUT
from emotiond.streamer.outputs.webhook import WEBHOOK
from emotiond.streamer.outputs.websocket import WEBSOCKET
from emotiond.streamer.outputs.zeromq import ZEROMQ

OUTPUTS: tuple[OutputKind[Any], ...] = (
    WEBSOCKET,
    ZEROMQ,
    RECORDER,
    STANDARD_OUTPUT,
    ON_CHANGE,
    WEBHOOK,
    MQTT,
    OSC,
    LSL,
)
"""In the order in which they are opened and closed."""
