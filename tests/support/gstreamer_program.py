"""Runs GStreamer's RTSP server, by ctypes: its Python bindings are made for one Python alone.

Standard input has one line of JSON: ``port``, ``pipeline``, and perhaps ``user``, ``password``,
``basic`` and ``certificate``. It answers ``ready`` once it listens.
"""

from __future__ import annotations

import ctypes
import json
import sys
from ctypes import CDLL, c_char_p, c_int, c_size_t, c_uint, c_void_p
from typing import Any

_BOOLEAN, _STRING = c_size_t(5 << 2), c_size_t(16 << 2)  # GLib's types
_BASIC, _DIGEST = 1, 2
_ROLE = b"listener"
_GSTREAMER, _RTSP = CDLL("libgstreamer-1.0.so.0"), CDLL("libgstrtspserver-1.0.so.0")
_GLIB, _GIO = CDLL("libglib-2.0.so.0"), CDLL("libgio-2.0.so.0")


def _call(library: CDLL, name: str, *arguments: Any) -> Any:
    function = getattr(library, name)
    function.restype = c_void_p
    return function(*arguments)


def _pointer(library: CDLL, name: str, *arguments: Any) -> c_void_p:
    made = c_void_p(_call(library, name, *arguments))
    assert made, name
    return made


def _permit(factory: c_void_p) -> None:
    what = (b"media.factory.access", _BOOLEAN, c_int(1), b"media.factory.construct", _BOOLEAN)
    _call(_RTSP, "gst_rtsp_media_factory_add_role", factory, _ROLE, *what, c_int(1), c_void_p(None))


def _doorkeeper(settings: dict[str, Any]) -> c_void_p:
    keeper = _pointer(_RTSP, "gst_rtsp_auth_new")
    token = _pointer(
        _RTSP, "gst_rtsp_token_new", b"media.factory.role", _STRING, _ROLE, c_void_p(None)
    )
    if "certificate" in settings:
        path, error = settings["certificate"].encode(), c_void_p()
        made = _pointer(_GIO, "g_tls_certificate_new_from_file", path, ctypes.byref(error))
        _call(_RTSP, "gst_rtsp_auth_set_tls_certificate", keeper, made)
    if "user" not in settings:
        _call(_RTSP, "gst_rtsp_auth_set_default_token", keeper, token)
        return keeper
    user, password = settings["user"].encode(), settings["password"].encode()
    if settings.get("basic"):
        _call(_RTSP, "gst_rtsp_auth_set_supported_methods", keeper, c_int(_BASIC))
        pair = _pointer(_RTSP, "gst_rtsp_auth_make_basic", user, password)
        _call(_RTSP, "gst_rtsp_auth_add_basic", keeper, pair, token)
    else:
        _call(_RTSP, "gst_rtsp_auth_set_supported_methods", keeper, c_int(_DIGEST))
        _call(_RTSP, "gst_rtsp_auth_add_digest", keeper, user, password, token)
    return keeper


def main() -> None:
    """Serve until the process is killed."""
    settings = json.loads(sys.stdin.readline())
    _call(_GSTREAMER, "gst_init", c_void_p(None), c_void_p(None))
    server = _pointer(_RTSP, "gst_rtsp_server_new")
    _call(_RTSP, "gst_rtsp_server_set_address", server, b"127.0.0.1")
    _call(_RTSP, "gst_rtsp_server_set_service", server, str(settings["port"]).encode())
    factory = _pointer(_RTSP, "gst_rtsp_media_factory_new")
    _call(_RTSP, "gst_rtsp_media_factory_set_launch", factory, settings["pipeline"].encode())
    _call(_RTSP, "gst_rtsp_media_factory_set_shared", factory, c_int(1))
    if {"user", "certificate"} & settings.keys():
        _permit(factory)
        _call(_RTSP, "gst_rtsp_server_set_auth", server, _doorkeeper(settings))
    mounts = _pointer(_RTSP, "gst_rtsp_server_get_mount_points", server)
    _call(_RTSP, "gst_rtsp_mount_points_add_factory", mounts, c_char_p(b"/live"), factory)
    attached = _RTSP.gst_rtsp_server_attach
    attached.restype = c_uint
    assert attached(server, c_void_p(None)), "the port is taken"
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    _call(_GLIB, "g_main_loop_run", _pointer(_GLIB, "g_main_loop_new", c_void_p(None), c_int(0)))


if __name__ == "__main__":
    main()
