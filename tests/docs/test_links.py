"""Every link of the repository's pages leads to a file, and to a heading in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *(ROOT / name / "README.md" for name in ("models", "benchmarks")),
    *sorted((ROOT / "docs").glob("*.md")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """The page without blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub and the site make them."""
    found: set[str] = set()
    for title in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        found.add(re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", [path.relative_to(ROOT).as_posix() for path in PAGES])
def test_every_link_leads_somewhere(page: str) -> None:
    broken = []
    for link in LINK.findall(prose(ROOT / page)):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_readme_leads_to_every_how_to() -> None:
    """What a newcomer can do stands in the README or on the site's first page."""
    reached = {
        Path(link.partition("#")[0]).name
        for page in (ROOT / "README.md", ROOT / "docs" / "index.md")
        for link in LINK.findall(prose(page))
    }
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - reached <= {"index.md"}


def test_the_navigation_of_the_site_has_every_page() -> None:
    """The strict build of ``test_site.py`` says so, too, where MkDocs is installed."""
    named = re.findall(r"^ +- (?:.+: )?([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M)
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert pages - {*named} == set(), "add these to 'nav' of mkdocs.yml"
