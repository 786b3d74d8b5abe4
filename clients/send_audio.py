"""Send sound to a remote emotiond, and print the labels and the result. Copy this file.

python send_audio.py recording.wav
python send_audio.py mic raspberrypi.local:8765
python send_audio.py mic --publish kitchen

It needs ``websockets``; for the microphone, ``sounddevice``; for files, emotiond or ``soundfile``.
``EMOTIOND_TOKEN_FILE`` names the file with the daemon's token. ``SSL_CERT_FILE`` names a
certificate that no authority has signed.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import logging
import os
import queue
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

_CHUNK_BYTES = 64_000  # of a file: just below the limit of a message
_BLOCK_SECONDS = 0.05  # of the microphone
_CLOSE_SECONDS = 0.5  # for the closing handshake: the daemon may still be busy with the sound
_PORT = 8765
_MOST_BLOCKS = 200  # that wait for a slow network before the oldest is dropped


class _Connection(ClientConnection):
    """A connection that says why it was refused, even if the answer comes before the request."""

    def handshake(self, *arguments: Any, **options: Any) -> None:
        try:
            super().handshake(*arguments, **options)
        except (AssertionError, ConnectionClosed) as error:
            raise self.protocol.handshake_exc or error from None


def websocket_url(address: str, scheme: str = "ws") -> str:
    """Return the URL of a daemon's WebSocket.

    Args:
        address: that URL, the page's, or only ``HOST``, ``HOST:PORT`` or ``HOST:PORT/PATH``.
        scheme: ``ws`` or ``wss``, for an address without one.

    Raises:
        ValueError: this is no such address.
    """
    is_bare, encrypted = "://" not in address, None
    with contextlib.suppress(ValueError):  # an invalid port, or a missing bracket
        parts = urlsplit(f"{scheme}://{address}" if is_bare else address)
        if parts.hostname and parts.port != 0:
            encrypted = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}.get(parts.scheme)
    if encrypted is None:
        raise ValueError(f"{address!r} is no address like 127.0.0.1:{_PORT}")
    place = f"{parts.netloc}:{_PORT}" if is_bare and parts.port is None else parts.netloc
    path, is_whole = parts.path.rstrip("/"), parts.scheme == encrypted and not is_bare
    if not path or not (is_whole or path.endswith("/ws")):
        path += "/ws"
    return urlunsplit((encrypted, place, path, parts.query, ""))


def events(
    url: str, start: dict[str, Any], chunks: Iterable[bytes], token: str | None = None
) -> Iterator[dict[str, Any]]:
    """Send one stream; yield its events as they come, and last its ``analysis`` or an ``error``.

    A thread sends while the caller reads. Both must happen at once: the daemon reads a file only as
    fast as the client reads the events.

    Args:
        url: the URL of the daemon's WebSocket.
        start: the fields of the ``start`` message, see docs/protocol.md.
        chunks: the sound, in chunks of 65,536 bytes at most.
        token: the token of the daemon; None if it requires none.

    Raises:
        OSError: there is no daemon, or it ended.
        websockets.exceptions.WebSocketException: the handshake failed, or the connection broke.
    """
    stream = None
    options: dict[str, Any] = {"compression": None, "max_size": 2**20, "proxy": None}
    options |= {"close_timeout": _CLOSE_SECONDS, "create_connection": _Connection}
    with connect(url, **options) as connection:
        if token is not None:
            connection.send(json.dumps({"type": "auth", "token": token}))
        connection.send(json.dumps({"type": "start", **start}))
        threading.Thread(target=_send, args=(connection, chunks), daemon=True).start()
        for text in connection:
            message = json.loads(text)
            if message["type"] == "started":
                stream = message["stream"]
            elif message["type"] in ("analysis", "error"):
                yield message
                return
            elif stream is not None and message.get("stream") == stream:
                yield message
                if message.get("status") == "ended" and start["purpose"] == "live":
                    return
        raise ConnectionError("the daemon closed the connection")


def _send(connection: ClientConnection, chunks: Iterable[bytes]) -> None:
    with contextlib.suppress(ConnectionClosed):  # the reader gets the error
        for chunk in chunks:
            connection.send(chunk)
        connection.send('{"type":"end"}')


def file(path: str) -> tuple[dict[str, Any], Iterator[bytes]]:
    """Return the fields of ``start`` for a sound file, and its samples.

    Raises:
        OSError: the file cannot be read.
        RuntimeError: soundfile cannot read it.
    """
    rate, channels, read = _reader(path)
    start = {
        "purpose": "file",
        "sample_rate": rate,
        "format": "f32le",
        "channels": channels,  # the daemon mixes them
        "name": Path(path).name,
    }

    def chunks() -> Iterator[bytes]:
        length = _CHUNK_BYTES // 4 // channels
        while (block := read(length)).size:
            yield block.astype("<f4").tobytes()

    return start, chunks()


def _reader(path: str) -> tuple[int, int, Callable[[int], Any]]:
    """Return sample rate, channels, and what reads the next samples, ``(n, channels)``, of a file.

    emotiond's own reader reads to the end, whatever the file's header counts. Where emotiond is not
    installed, soundfile reads as much as the header says.
    """
    try:
        from emotiond.exceptions import EmotiondError
        from emotiond.streamer.readers.sound_file import open_sound_file
    except ImportError:
        return _soundfile_reader(path)

    def raising_errors_of_files(call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except EmotiondError as error:
            raise OSError(str(error)) from None

    sound = raising_errors_of_files(open_sound_file, path)
    read = functools.partial(raising_errors_of_files, sound.read)
    return sound.sample_rate, sound.channels, read


def _soundfile_reader(path: str) -> tuple[int, int, Callable[[int], Any]]:
    import soundfile

    if not Path(path).is_file():
        raise OSError(f"{path}: there is no such file")

    class ReadThrough(soundfile.SoundFile):  # type: ignore[misc]  # untyped
        """A file that cannot seek: soundfile seeks after every read, which damages an MP3."""

        def seekable(self) -> bool:
            return False

    sound = ReadThrough(path)
    read = functools.partial(sound.read, dtype="float32", always_2d=True)
    return sound.samplerate, sound.channels, read


def microphone() -> tuple[dict[str, Any], Iterator[bytes]]:
    """Return the fields of ``start`` for the microphone, and its sound without end.

    Raises:
        OSError: there is none, or it cannot be opened.
    """
    import sounddevice

    blocks: queue.Queue[bytes] = queue.Queue(_MOST_BLOCKS)

    def capture(block: Any, *_: Any) -> None:
        if blocks.full():
            with contextlib.suppress(queue.Empty):  # it was taken a moment ago
                blocks.get_nowait()
        blocks.put_nowait(bytes(block))

    try:
        rate = round(sounddevice.query_devices(kind="input")["default_samplerate"])
        stream = sounddevice.RawInputStream(
            rate, round(rate * _BLOCK_SECONDS), channels=1, dtype="int16", callback=capture
        )
        stream.start()
    except sounddevice.PortAudioError as error:
        raise OSError(f"no microphone ({error})") from None

    def chunks() -> Iterator[bytes]:
        with stream:
            while True:
                yield blocks.get()

    return {"purpose": "live", "sample_rate": rate, "format": "s16le", "name": "mic"}, chunks()


def main(arguments: argparse.Namespace) -> int:
    """Print each change of the label, and the result of a file."""
    token_file = os.environ.get("EMOTIOND_TOKEN_FILE")
    token = Path(token_file).read_text("utf-8").strip() if token_file else None
    url = websocket_url(arguments.address)
    start, chunks = microphone() if arguments.sound == "mic" else file(arguments.sound)
    if arguments.publish is not None:
        start |= {"publish": True, "name": arguments.publish}
    for message in events(url, start, chunks, token):
        if message["type"] == "change":
            print(f"{message['at']:8.2f} s  {message['from']} → {message['to']}", flush=True)
        elif message["type"] == "analysis":
            share = "" if message["label"] is None else f" {message['confidence']:.0%} on average"
            result = f"{message['label'] or 'no speech'}{share}, {message['duration']:.1f} s"
            print(f"{message['name']}: {result}")
            for label, part in (message["shares"] or {}).items():
                print(f"{part:8.0%} of the time {label}")
        elif message["type"] == "error":
            print(message["detail"], file=sys.stderr)
            return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sound", metavar="FILE|mic", help="sound file, or the microphone")
    parser.add_argument(
        "address",
        nargs="?",
        default="127.0.0.1:8765",
        metavar="HOST:PORT|URL",
        help="the daemon, or its page (default: %(default)s)",
    )
    parser.add_argument(
        "--publish",
        metavar="NAME",
        help="let all clients of the daemon have the events, of a stream of this name",
    )
    return parser


if __name__ == "__main__":
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # the messages below report errors
    try:
        sys.exit(main(_parser().parse_args()))
    except ConnectionRefusedError:
        sys.exit("send_audio: no daemon answers there; is emotiond running?")
    except InvalidStatus as refused:  # the response says what to do
        sys.exit(f"send_audio: {bytes(refused.response.body or b'').decode() or refused}")
    except ssl.SSLCertVerificationError as refused:
        reason = f"the daemon's certificate is refused ({refused.verify_message})"
        sys.exit(f"send_audio: {reason}; SSL_CERT_FILE names the file with it or its authority's")
    except (OSError, RuntimeError, ValueError, WebSocketException) as error:  # Runtime: soundfile's
        sys.exit(f"send_audio: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
