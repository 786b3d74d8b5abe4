"""The core of Home Assistant with its MQTT integration, without its page. Not for this Python:

``tools/with-home-assistant`` has an environment for it. Arguments: the port of a broker on this
machine, and a file of automations. It prints a line of JSON for each new state of an entity, and
for each warning. It reads a line of JSON for each action: ``{"calls": [[DOMAIN, SERVICE, DATA]]}``
or ``{"enable": [ENTITY, …]}``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

from homeassistant import config_entries, loader
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import (
    area_registry,
    category_registry,
    device_registry,
    entity,
    entity_registry,
    floor_registry,
    frame,
    issue_registry,
    label_registry,
    restore_state,
    template,
    translation,
)
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml

REGISTRIES = (
    area_registry,
    category_registry,
    device_registry,
    entity_registry,
    floor_registry,
    issue_registry,
    label_registry,
)


def tell(kind: str, content: Any) -> None:
    sys.stdout.write(json.dumps({kind: content}, default=str) + "\n")
    sys.stdout.flush()


class Warnings(logging.Handler):
    """Prints what Home Assistant warns of, but for the faults of its own code."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != frame.__name__:
            tell("warning", record.getMessage())


def tell_state(event: Event[Any]) -> None:
    state = event.data["new_state"]
    value = None if state is None else state.state
    tell("state", [event.data["entity_id"], value, {} if state is None else dict(state.attributes)])


async def started(folder: str) -> HomeAssistant:
    """Start the core, without any integration."""
    Path(folder, "configuration.yaml").touch()
    hass = HomeAssistant(folder)
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    for helper in (frame, entity, template, translation):
        helper.async_setup(hass)
    for registry in REGISTRIES:
        if hasattr(registry, "async_setup"):
            registry.async_setup(hass)
        await registry.async_load(hass)
    await restore_state.async_load(hass)
    await hass.config_entries.async_initialize()
    hass.config.components.update({"http", "file_upload"})  # for the page, which is left out
    hass.bus.async_listen("state_changed", tell_state)
    await hass.async_start()
    return hass


async def connected(hass: HomeAssistant, port: int) -> config_entries.ConfigEntry[Any]:
    """Connect to the broker, as its page does."""
    entry = config_entries.ConfigEntry(
        data={"broker": "127.0.0.1", "port": port},
        options={},
        domain="mqtt",
        title="mqtt",
        version=2,
        minor_version=1,
        source="user",
        unique_id=None,
        discovery_keys={},
        subentries_data=None,
        entry_id="mqtt",
    )
    await hass.config_entries.async_add(entry)
    return entry


async def act(hass: HomeAssistant, action: dict[str, Any]) -> None:
    for domain, service, data in action.get("calls", ()):
        await hass.services.async_call(domain, service, data, blocking=True)
    if "enable" in action:
        for name in action["enable"]:
            entity_registry.async_get(hass).async_update_entity(name, disabled_by=None)
        await hass.config_entries.async_reload("mqtt")


async def main(port: int, automations: str) -> None:
    logging.basicConfig(handlers=[Warnings(logging.WARNING)])
    with tempfile.TemporaryDirectory() as folder:
        hass = await started(folder)
        entry = await connected(hass, port)
        tell("connected", entry.state.value)
        assert await async_setup_component(
            hass, "automation", {"automation": load_yaml(automations)}
        )
        tell("ready", [each.name for each in device_registry.async_get(hass).devices.values()])
        while line := await asyncio.to_thread(sys.stdin.readline):
            await act(hass, json.loads(line))
        await hass.async_stop(force=True)


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
