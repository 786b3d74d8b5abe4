"""A hook of MkDocs: brings files that lie outside docs/ to the site, and leads links to them.

Pages link as they do in the repository (``../SECURITY.md``). A Markdown file that the navigation
names becomes a page; any other file that a page links to is copied.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PAGES = (
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "models/README.md",
    "benchmarks/README.md",
    "benchmarks/results.md",
)
"""Files of the repository that are pages of the site, under the same path."""
ICON = "clients/web/icon.svg"
PLACES = {ICON: "assets/icon.svg", "README.md": "index.md"}
LINK = re.compile(r"(\]\()([^)#\s:]+)((?:#[^)\s]*)?\))")


def place(path: str) -> str:
    """Where a file of the repository is on the site."""
    if path in PLACES:
        return PLACES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return path if path in PAGES else f"files/{path}"


def origin(uri: str) -> str:
    """Where a page of the site is in the repository; the opposite of :func:`place`."""
    return uri if uri in PAGES else f"docs/{uri}"


def linked(path: str) -> set[str]:
    """The files outside docs/ to which a Markdown file of the repository links."""
    text = (ROOT / path).read_text("utf-8")
    targets = {
        posixpath.normpath(posixpath.join(posixpath.dirname(path), found[2]))
        for found in LINK.finditer(text)
    }
    # The README's place is the first page, which has its own text.
    return {target for target in targets if not target.startswith(("docs/", "..", "README.md"))}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, the icon, and what they and the pages of docs/ link to."""
    pages = [origin(file.src_uri) for file in files.documentation_pages()]
    wanted = {ICON, *PAGES}.union(*(linked(path) for path in (*pages, *PAGES)))
    for path in sorted(wanted):
        if (ROOT / path).is_file():  # MkDocs complains of a link to anything else
            files.append(File.generated(config, place(path), abs_src_path=os.fspath(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Let links to files of the repository lead to their places on the site."""
    here = posixpath.dirname(page.file.src_uri)
    there = posixpath.dirname(origin(page.file.src_uri))

    def lead(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(there, found[2]))
        return f"{found[1]}{posixpath.relpath(place(target), here or '.')}{found[3]}"

    return LINK.sub(lead, markdown)
