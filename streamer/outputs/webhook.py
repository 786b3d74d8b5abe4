"""Sends each change of a label, and of a stream's condition, to a web address: ``--webhook``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from emotiond.exceptions import ConfigError
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import Opener, Output, OutputKind, Surroundings
from emotiond.streamer.reach import Reach, is_loopback

_OFF = "off"
_CHARACTERS = re.compile(r"[!-~]+")  # printable ASCII without spaces
_ADVICE = "Make one: (umask 077; openssl rand -hex 32 > secret)"
_REMEDY = "Use --webhook https://HOST/PATH, http://127.0.0.1:PORT/PATH or off"


@dataclass(frozen=True)
class WebHookSettings:
    """The settings of the web hook."""

    webhook: str = _OFF
    """The address, or ``off``."""
    webhook_secret_file: str | None = None
    """File with the secret that goes with each event; None for none."""


def _parts(address: str) -> SplitResult:
    """Return the parts of an address. No message repeats it: a path may be a secret.

    Raises:
        ConfigError: it is no address for a web hook.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # as a name is asked for: no part of it is empty or too long
    except ValueError:
        raise ConfigError("webhook is no address", _REMEDY) from None
    if not _CHARACTERS.fullmatch(address):
        raise ConfigError("webhook has characters that no address has", "Write them as %XX")
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise ConfigError("webhook is no address of http or https", _REMEDY)
    if "@" in parts.netloc:
        raise ConfigError(
            "webhook has a user in its address, which every user of this machine can read",
            "Put the secret into a file: --webhook-secret-file FILE",
        )
    if "#" in address:
        raise ConfigError("webhook has a fragment (#), which no server gets", "Leave it out")
    return parts


def _place(parts: SplitResult) -> str:
    """Return what may be shown of an address."""
    return f"{parts.scheme}://{parts.netloc}"


def _check(settings: WebHookSettings) -> None:
    if settings.webhook != _OFF:
        _parts(settings.webhook)
    elif settings.webhook_secret_file is not None:
        raise ConfigError("webhook_secret_file is for a web hook", "Give --webhook URL, too")


def _reach(settings: WebHookSettings) -> Reach | None:
    if settings.webhook == _OFF:
        return None
    parts = _parts(settings.webhook)
    host, is_encrypted = parts.hostname or "", parts.scheme == "https"
    if settings.webhook_secret_file is not None and not is_encrypted and not is_loopback(host):
        raise ConfigError(
            f"at {_place(parts)}, the network could read the secret", "Use https, or no secret"
        )
    return Reach(
        host,
        place=_place(parts),
        danger="events would go to another machine unencrypted",
        is_protected=is_encrypted,
        protection="Use https",
        at_home="--webhook http://127.0.0.1:PORT/PATH",
        warnings=[] if is_encrypted else [f"events go to {host} without encryption"],
    )


def _prepare(settings: WebHookSettings) -> Opener | None:
    if settings.webhook == _OFF:
        return None
    parts = _parts(settings.webhook)
    secret = None
    if settings.webhook_secret_file is not None:
        from emotiond.streamer.server.credentials import FEWEST_CHARACTERS, read_secret

        path = Path(settings.webhook_secret_file)
        secret = read_secret(path, "secret", _ADVICE, FEWEST_CHARACTERS)
        if not _CHARACTERS.fullmatch(secret):
            raise ConfigError(
                f"the secret in {settings.webhook_secret_file} has characters that no header has",
                _ADVICE,
            )

    async def open_hook(_around: Surroundings) -> Output:
        import asyncio

        from emotiond.streamer.outputs.courier import Courier
        from emotiond.streamer.outputs.web_client import WebClient

        client = await asyncio.to_thread(WebClient, parts, secret)
        return Courier(
            "webhook", "the web hook", f"web hook {_place(parts)}", client.deliver, client.end
        )

    return open_hook


WEBHOOK = OutputKind(
    "web hook",
    WebHookSettings,
    options=(
        Option(
            "--webhook",
            "send each change of a label or a status to a web address",
            "URL|off",
            after="--on-change-seconds",
        ),
        Option("--webhook-secret-file", "file with the secret that goes with each event", "FILE"),
    ),
    check=_check,
    reach=_reach,
    prepare=_prepare,
    queue="webhook_events",
    close_seconds=0.4,
)
