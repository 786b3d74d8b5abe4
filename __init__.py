"""Recognizes the emotion in a voice, live. This folder is the package, whatever its own name is.

From Python, without a daemon: :func:`analyze` analyzes a recording, :func:`listen` gives the events
of a microphone or another source.
"""

__version__ = "0.1.0"

__all__ = [
    "Analysis",
    "CardError",
    "Change",
    "ConfigError",
    "DeviceError",
    "Emotion",
    "EmotiondError",
    "InterpreterError",
    "Listening",
    "ModelError",
    "NoMicrophoneError",
    "ProfileError",
    "SourceError",
    "Span",
    "Status",
    "analyze",
    "listen",
]

TYPE_CHECKING = False  # like that of typing, which is not imported for it

if TYPE_CHECKING:
    from emotiond.exceptions import (
        CardError,
        ConfigError,
        DeviceError,
        EmotiondError,
        InterpreterError,
        ModelError,
        NoMicrophoneError,
        ProfileError,
        SourceError,
    )
    from emotiond.streamer.api import analyze, listen
    from emotiond.streamer.offline.analyze import Analysis
    from emotiond.streamer.offline.listen import Listening
    from emotiond.streamer.protocol.events import Change, Emotion, Status
    from emotiond.streamer.results.rows import Span
else:
    _PLACES = {
        "Analysis": "streamer.offline.analyze",
        "Change": "streamer.protocol.events",
        "Emotion": "streamer.protocol.events",
        "Listening": "streamer.offline.listen",
        "Span": "streamer.results.rows",
        "Status": "streamer.protocol.events",
        "analyze": "streamer.api",
        "listen": "streamer.api",
    }

    def __getattr__(name):  # noqa: ANN001, ANN202 - a type checker sees the imports above
        """Import a public name when it is first used; ``import emotiond`` itself is cheap."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(f"{__name__}.{_PLACES.get(name, 'exceptions')}"), name)
        globals()[name] = value
        return value

    def __dir__():  # noqa: ANN202
        return sorted({*globals(), *__all__})
