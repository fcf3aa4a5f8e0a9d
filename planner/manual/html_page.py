"""The manual as one page of HTML that needs no network."""

from __future__ import annotations

import html
from base64 import b64encode

from planner.manual.pages import FOLDER, PAGES, text, title

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1rem; }
section { border-top: 1px solid #8888; margin-top: 3rem; }
pre { font-size: 0.75rem; line-height: 1.25; overflow-x: auto; padding: 0.5rem; background: #8881; }
code { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid #8886; padding: 0.2rem 0.5rem; text-align: left; vertical-align: top; }
img { max-width: 100%; }
"""


def html_page() -> str:
    """All pages one after another under a table of contents; links between pages stay within the page."""
    contents = "".join(_entry(name, line) for name, line in PAGES.items())
    sections = "".join(f'<section id="{name}">\n{_body(name)}</section>\n' for name in PAGES)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>The manual of planner</title>\n<style>{_STYLE}</style>\n</head>\n"
        "<body>\n<h1>The manual of planner</h1>\n"
        f"<nav><ol>\n{contents}</ol></nav>\n{sections}</body>\n</html>\n"
    )


def _entry(name: str, line: str) -> str:
    """A page in the table of contents."""
    return f'<li><a href="#{name}">{html.escape(title(name))}</a>: {html.escape(line)}</li>\n'


def _body(name: str) -> str:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(without_notes(text(name)))
    for token in (inner for outer in tokens for inner in outer.children or []):
        if token.type == "link_open":
            token.attrSet("href", _within(str(token.attrGet("href"))))
        if token.type == "image":
            token.attrSet("src", _carried(str(token.attrGet("src"))))
    return str(reader.renderer.render(tokens, reader.options, {}))


def without_notes(page: str) -> str:
    """A page without the lines that say which command printed a block."""
    return "".join(line for line in page.splitlines(keepends=True) if not line.startswith("<!-- "))


def _within(address: str) -> str:
    """Where a link leads within the page: another page of the manual becomes its section."""
    name = address.partition("#")[0].removesuffix(".md")
    return f"#{name}" if name in PAGES else address


def _carried(address: str) -> str:
    """A picture of the manual as part of the page itself."""
    return "data:image/png;base64," + b64encode((FOLDER / address).read_bytes()).decode("ascii")
