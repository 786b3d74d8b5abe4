"""Modules become one script, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import pytest

from emotiond.streamer.report.bundle import join_modules


def joined(files: Mapping[str, str], entry: str = "page/main.js") -> str:
    return join_modules(entry, files.__getitem__)


def test_each_module_is_there_once_after_what_it_imports() -> None:
    script = joined(
        {
            "page/main.js": 'import { b } from "./b.js";\n'
            'import { c, d } from "../web/c.js";\nb(c);',
            "page/b.js": 'import { c } from "../web/c.js";\nexport function b() {}',
            "web/c.js": "export const c = 1;\nexport class d {}\nexport async function e() {}",
        }
    )
    assert script.count("const c = 1;") == 1
    assert script.index("const c = 1;") < script.index("function b()") < script.index("b(c);")
    assert "return {c, d, e};" in script
    assert "const { c, d } = module0;" in script
    assert "export" not in script


@pytest.mark.parametrize(
    "line",
    [
        'import "./b.js";',
        'import * as b from "./b.js";',
        'import b from "./b.js";',
        'import { b as c } from "./b.js";',
        "export default 3;",
        "export let b = 3;",
        'export { b } from "./b.js";',
    ],
)
def test_other_forms_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"page/main\.js: cannot join"):
        joined({"page/main.js": line, "page/b.js": "export const b = 1;"})


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match=r"page/main.js imports itself, through page/main.js, "):
        joined(
            {
                "page/main.js": 'import { b } from "./b.js";\nexport const a = 1;',
                "page/b.js": 'import { a } from "./main.js";\nexport const b = 1;',
            }
        )


def test_what_is_said_of_types_stays_a_remark() -> None:
    text = '/** @typedef {import("./other.js").Other} Other */'
    assert text in joined({"page/main.js": text})


def test_no_module_ends_the_block_of_the_script() -> None:
    root = resources.files("emotiond")
    script = join_modules(
        "streamer/report/page/report.js", lambda path: root.joinpath(path).read_text("utf-8")
    )
    assert "</script" not in script.lower()
    assert "<!--" not in script
