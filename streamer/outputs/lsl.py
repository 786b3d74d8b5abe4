"""The Lab Streaming Layer as an output: its setting, its reach, and how it is opened."""

from __future__ import annotations

from dataclasses import dataclass

from emotiond.exceptions import ConfigError, ServeError, install
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import Opener, Output, OutputKind, Surroundings
from emotiond.streamer.reach import Reach


@dataclass(frozen=True)
class LslSettings:
    """The setting of LSL."""

    lsl: bool = False
    """Whether to publish the streams by LSL: on this machine, or everywhere with ``insecure``."""


def _reach(settings: LslSettings) -> Reach | None:
    """Return this machine: it is the output that keeps to it, unless ``insecure`` is given."""
    if not settings.lsl:
        return None
    return Reach(
        "127.0.0.1",
        place="--lsl",
        danger="other machines could listen",
        at_home="--lsl without --insecure",
        local_danger="every user of this machine could listen without the token",
        local_protection="Leave out --lsl, since LSL knows no token",
    )


def _prepare(settings: LslSettings) -> Opener | None:
    async def open_outlets(around: Surroundings) -> Output:
        try:
            from emotiond.streamer.outputs.lsl_outlets import open_lsl
        except ModuleNotFoundError:
            raise ConfigError("--lsl needs the package pylsl", install("pylsl")) from None
        except (OSError, RuntimeError):  # pylsl is there without its library, as on ARM
            raise ServeError(
                "the library liblsl is missing, or cannot be loaded",
                "Install it (github.com/sccn/liblsl/releases), or name it by PYLSL_LIB",
            ) from None
        return await open_lsl(around.name, around.insecure)

    return open_outlets if settings.lsl else None


LSL = OutputKind(
    "LSL",
    LslSettings,
    options=(
        Option(
            "--lsl",
            "publish scores and changes by LSL, on this machine unless --insecure is given",
            after="--osc",
        ),
    ),
    reach=_reach,
    prepare=_prepare,
    queue="lsl_samples",
    close_seconds=0.4,
)
