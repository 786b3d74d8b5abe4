"""The folders of the package, and which may import which."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# From the lowest layer to the highest. A room imports only from itself and from lower layers.
LAYERS = (
    {"exceptions"},
    {"dsp"},
    {"inference"},
    {
        "streamer.announcement",
        "streamer.arguments",
        "streamer.background",
        "streamer.bounded_answer",
        "streamer.child_processes",
        "streamer.connecting",
        "streamer.daemon_names",
        "streamer.folders",
        "streamer.foreign_database",
        "streamer.options",
        "streamer.private_files",
        "streamer.reach",
        "streamer.service_manager",
        "streamer.sparing_log",
        "streamer.signals",
        "streamer.standard_streams",
    },
    {"streamer.protocol", "streamer.audio"},
    {"streamer.readers", "streamer.recordings"},
    {"streamer.profiles", "streamer.interpreter_check", "streamer.sources"},
    {"streamer.streams"},
    {"streamer.hub", "streamer.results"},
    {"streamer.server"},
    {"streamer.past", "streamer.rooms", "streamer.sessions", "streamer.uploads"},
    {"streamer.outputs"},
    {"streamer.settings"},
    {"streamer.daemon", "streamer.offline", "streamer.service"},
    {"clients", "streamer.api", "streamer.batch"},
    {"streamer.report"},
    {"streamer.commands"},
    {"streamer.cli"},
    {"models.training.common"},
    {"models.training.data"},
    {"models.training.networks"},
    {"models.training.fitting"},
    {"models.training.evaluation"},
    {"models.training"},
)
# The command line reads these at every start, even for --help. The examples are models for them.
TABLES = (
    "emotiond.streamer.outputs.kinds",
    "emotiond.streamer.sources.kinds",
    "emotiond.streamer.readers.kinds",
    "emotiond.streamer.results.kinds",
)
EXAMPLES = ("tests.support.beacon", "tests.support.wire")
# A part imports these when it opens. numpy is not among them: the settings need it themselves,
# for the sample rate in ``inference.card``.
SLOW = {
    "ai_edge_litert",
    "asyncio",
    "multiprocessing",
    "pylsl",
    "pythonosc",
    "paho",
    "socket",
    "sounddevice",
    "soundfile",
    "sqlite3",
    "ssl",
    "tensorflow",
    "tflite_runtime",
    "websockets",
    "zmq",
}
LEVELS = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

Arrows = Mapping[str, Set[str]]
"""Each module with the modules that it imports."""


def modules(root: Path) -> dict[str, Path]:
    """Every module of the rooms, by its name below the package; packages' own files apart."""
    found = {}
    for top in {room.partition(".")[0] for room in LEVELS}:
        for path in (root / f"{top}.py", *(root / top).rglob("*.py")):
            if path.is_file() and path.name != "__init__.py":
                found[".".join(path.relative_to(root).with_suffix("").parts)] = path
    return found


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield all imports from the package: at the top, in a function, or for types alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows(files: Mapping[str, Path]) -> Arrows:
    """Which module imports which."""
    found: dict[str, Set[str]] = {}
    for name, path in files.items():
        tree = ast.parse(path.read_text("utf-8"))
        below = {dotted[9:] for dotted in imported(tree) if dotted.startswith("emotiond.")}
        # ``exceptions`` is a module, ``exceptions.ConfigError`` something in it.
        targets = {dotted if dotted in files else dotted.rpartition(".")[0] for dotted in below}
        found[name] = (targets & files.keys()) - {name}
    return found


def room(module: str) -> str:
    """The folder of a module; in ``streamer`` a file that is in no further folder is a room."""
    parts = module.split(".")
    if parts[0] == "models":
        return ".".join(parts[:-1])
    return ".".join(parts[:2]) if parts[0] == "streamer" else parts[0]


def circle(found: Arrows) -> list[str]:
    """The modules of one circle, in order; empty where there is none."""
    done: set[str] = set()

    def follow(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for target in sorted(found[module]):
            if there := follow(target, [*path, module]):
                return there
        done.add(module)
        return []

    return next((there for module in sorted(found) if (there := follow(module, []))), [])


def upward(found: Arrows) -> list[str]:
    """The arrows to another room that is not in a lower layer."""
    return sorted(
        f"{module} -> {target}"
        for module, targets in found.items()
        for target in targets
        if room(module) != room(target) and LEVELS[room(target)] >= LEVELS[room(module)]
    )


def test_every_room_has_its_layer() -> None:
    assert {room(module) for module in modules(ROOT)} == LEVELS.keys()


def test_no_arrow_points_back_up() -> None:
    assert upward(arrows(modules(ROOT))) == []


def test_no_imports_go_round_in_a_circle() -> None:
    assert circle(arrows(modules(ROOT))) == []


@pytest.mark.parametrize(
    "line",
    [
        "from emotiond.streamer.daemon.app import Daemon",
        "from emotiond.streamer.daemon import app",
        "import emotiond.streamer.daemon.app",
        "def late():\n    from emotiond.streamer.daemon.app import run",
    ],
)
def test_an_arrow_back_up_is_found(tmp_path: Path, line: str) -> None:
    for name, text in (("audio/ring.py", line), ("daemon/app.py", "")):
        path = tmp_path / "streamer" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    assert upward(arrows(modules(tmp_path))) == ["streamer.audio.ring -> streamer.daemon.app"]


def test_a_circle_in_a_room_is_found(tmp_path: Path) -> None:
    (tmp_path / "dsp").mkdir()
    for name, other in ("ab", "bc", "cb"):
        (tmp_path / "dsp" / f"{name}.py").write_text(f"from emotiond.dsp.{other} import x")
    assert circle(arrows(modules(tmp_path))) == ["dsp.b", "dsp.c", "dsp.b"]


@pytest.mark.parametrize("module", [*TABLES, *EXAMPLES])
def test_the_tables_of_kinds_and_the_examples_import_nothing_slow(module: str) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(ended.stdout.split())
    assert module in loaded
    assert loaded & SLOW == set()


def test_packages_import_nothing_of_their_own() -> None:
    for top in ("dsp", "inference", "streamer", "clients"):
        for path in (ROOT / top).rglob("__init__.py"):
            names = imported(ast.parse(path.read_text("utf-8")))
            assert not [name for name in names if name.startswith("emotiond")], path


def test_tests_lie_where_the_tree_has_a_room() -> None:
    for folder in ("dsp", "inference", "streamer"):
        for path in (ROOT / "tests" / folder).rglob("test_*.py"):
            assert (ROOT / path.relative_to(ROOT / "tests").parent).is_dir(), path


def test_tests_and_benchmarks_import_nothing_of_each_other() -> None:
    for folder, other in (("tests", "benchmarks"), ("benchmarks", "tests")):
        paths = [*(ROOT / folder).rglob("*.py")]
        assert paths
        for path in paths:
            names = imported(ast.parse(path.read_text("utf-8")))
            assert not [name for name in names if name.partition(".")[0] == other], path


def test_the_run_with_tflite_runtime_tests_all_that_meets_it_or_numpy() -> None:
    """Its numpy is older; the other modules meet neither."""
    rule = "tested: ; @printf '%s\\n' $(TFLITE)"
    listed = subprocess.run(
        ["make", "-s", "--eval", rule, "tested"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    tested = {ROOT / name for name in listed if name.startswith("tests/")}
    assert [path for path in tested if not path.exists()] == []
    meeting = ("numpy", "emotiond.inference.runtime")
    for module, path in modules(ROOT).items():
        if module.partition(".")[0] not in ("dsp", "inference", "streamer"):
            continue
        if any(name.startswith(meeting) for name in imported(ast.parse(path.read_text("utf-8")))):
            test = ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")
            assert tested & {test, *test.parents}, f"{test} is not in TFLITE of the Makefile"


def test_every_module_of_the_training_code_has_a_test_of_its_name() -> None:
    training = ROOT / "models" / "training"
    for path in training.rglob("*.py"):
        test = ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")
        assert path.name == "__init__.py" or test.is_file(), test


def test_every_package_is_installed() -> None:
    listed = (ROOT / "setup.cfg").read_text("utf-8").partition("packages =")[2]
    for top in ("dsp", "inference", "streamer", "clients"):
        for path in (ROOT / top).rglob("__init__.py"):
            package = ".".join(("emotiond", *path.parent.relative_to(ROOT).parts))
            assert f"\n    {package}\n" in listed
