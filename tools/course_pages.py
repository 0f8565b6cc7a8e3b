"""Executed notebooks as web pages that load nothing: formulas as MathML, pictures inside the page, no scripts.

Never in here: running notebooks. A page can be opened from a disk, mailed or printed, with no network at all; that is
why `page` raises if anything in the finished page would be loaded from somewhere else.
"""

from __future__ import annotations

import base64
import html
import mimetypes
import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import bs4
import jinja2
import latex2mathml.converter
import nbconvert
import nbformat
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

STYLE = """
:root { --ink: #1d2430; --soft: #5b6573; --line: #dde2e8; --paper: #ffffff; --code: #f5f7f9; --link: #0b5cad; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1.2rem 4rem; max-width: 70rem; color: var(--ink); background: var(--paper);
       font: 17px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 1.2rem 0 .6rem; }
h2 { font-size: 1.4rem; margin: 2.4rem 0 .5rem; padding-top: .8rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.12rem; margin: 1.6rem 0 .3rem; }
a { color: var(--link); } a.anchor-link { visibility: hidden; margin-left: .3em; text-decoration: none; }
:is(h1, h2, h3, h4):hover a.anchor-link { visibility: visible; }
nav { display: flex; gap: 1.2rem; flex-wrap: wrap; font-size: .9rem; color: var(--soft); }
.note { color: var(--soft); font-size: .9rem; } .bad { color: #a4262c; }
pre, code { font: .86em/1.5 ui-monospace, SFMono-Regular, Consolas, "DejaVu Sans Mono", monospace; }
p code, li code, td code { background: var(--code); padding: .1em .3em; border-radius: 3px; }
pre { margin: 0; padding: .6rem .8rem; overflow-x: auto; }
.jp-RenderedMarkdown { max-width: 48rem; }
.jp-Cell { margin: .7rem 0; } .jp-Collapser { display: none; }
.jp-CodeCell .jp-InputArea { background: var(--code); border-left: 3px solid #b9c4d0; border-radius: 3px; }
.jp-InputPrompt, .jp-OutputPrompt { display: none; }
.jp-OutputArea-child { margin: .3rem 0; }
.jp-OutputArea img, .jp-RenderedMarkdown img { max-width: 100%; height: auto; }
.jp-OutputArea pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: .2rem .8rem; }
[data-mime-type="application/vnd.jupyter.stderr"], [data-mime-type="application/vnd.jupyter.error"]
  { background: #fdf1f0; border-radius: 3px; }
blockquote { margin: 1rem 0; padding: .1rem 1rem; border-left: 4px solid #9db8d6; background: #f2f6fb; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .93em; display: block; overflow-x: auto; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #b9c4d0; } td.number { text-align: right; white-space: nowrap; }
math[display="block"] { margin: .8rem auto; } details { margin: .6rem 0; } summary { cursor: pointer; }
.ansi-red-fg { color: #b22b31; } .ansi-green-fg { color: #1f7a3d; } .ansi-blue-fg { color: #1d58b0; }
.ansi-cyan-fg { color: #0f7480; } .ansi-yellow-fg { color: #8a6100; } .ansi-bold { font-weight: bold; }
.missing-picture { color: var(--soft); font-style: italic; }
@media print { nav { display: none; } body { max-width: none; font-size: 11pt; } }
"""

PAGE = jinja2.Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style }}</style>
</head>
<body>
<nav>{{ links }}</nav>
{{ note }}
<main>
{{ body }}
</main>
<nav>{{ links }}</nav>
</body>
</html>
""",
    autoescape=False,
)

FUNCTIONS = {"log", "ln", "exp", "sin", "cos", "tan", "tanh", "min", "max", "det", "tr"}


class ExternalAddress(ValueError):
    """A page would load something from another place."""


def mathml(formula: str, *, block: bool) -> str:
    """A LaTeX formula as MathML, which browsers show by themselves.

    Raises:
        ValueError: the formula holds a command that the converter does not know.
    """
    known = re.sub(r"\\arg(?![A-Za-z])", r"\\operatorname{arg}", formula)  # the converter does not know \arg
    try:
        converted = latex2mathml.converter.convert(known, display="block" if block else "inline")
    except Exception as error:  # the converter has a dozen kinds of errors of its own for a malformed formula
        raise ValueError(f"The formula {formula!r} is not LaTeX that can be shown: {type(error).__name__}.") from error
    soup = bs4.BeautifulSoup(converted, "html.parser")
    unknown = re.findall(r"\\[A-Za-z]+", soup.get_text())
    if unknown:
        raise ValueError(f"The formula {formula!r} holds {unknown[0]}, which cannot be shown in a page.")
    del soup.math["xmlns"]  # HTML needs none, and nbconvert's headings would turn it into prefixed tags
    for name in soup.find_all("mi"):
        following = name.find_next_sibling()
        if name.get_text() in FUNCTIONS and following is not None and following.name != "mo":
            name.insert_after(soup.new_tag("mspace", attrs={"width": "0.17em"}))  # else "log D" reads "logD"
    if block:
        for limits in soup.find_all("msub"):
            if limits.find().get_text() in ("min", "max", "arg min", "arg max", "lim", "sup", "inf"):
                limits.name = "munder"
    return str(soup)


class _Renderer(IPythonRenderer):
    """nbconvert's renderer of Markdown with MathML in place of formulas that a script would have to set."""

    def inline_math(self, body: str) -> str:
        return mathml(body, block=False)

    def block_math(self, body: str) -> str:
        return mathml(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)

    def block_mermaidjs(self, code: str) -> str:
        return f"<pre>{html.escape(code)}</pre>"  # a diagram in words, since drawing it would take a script


class _Exporter(nbconvert.HTMLExporter):
    """The body of a page: nbconvert's own cell templates without its head, which loads scripts."""

    def _template_name_default(self) -> str:
        return "lab"

    def _template_file_default(self) -> str:
        return "base.html.j2"

    @jinja2.pass_context
    def markdown2html(self, context: jinja2.runtime.Context, source: str) -> str:
        renderer = _Renderer(escape=False, attachments=context.get("cell", {}).get("attachments", {}))
        return MarkdownWithMath(renderer=renderer).render(source)


def page(
    notebook: nbformat.NotebookNode,
    *,
    title: str,
    folder: Path,
    output: Path,
    links: Sequence[tuple[str, str]] = (),
    note: str = "",
) -> str:
    """A notebook as one page of HTML that loads nothing from anywhere.

    Args:
        notebook: with its outputs; PNG outputs, also animated ones, go into the page byte for byte.
        title: shown on the browser's tab.
        folder: where the notebook lies; its links to pictures and files are relative to it.
        output: where the page will lie; links to other files are rewritten for it.
        links: text and address of the links above and below the page.
        note: a sentence shown above the lesson.

    Raises:
        ExternalAddress: an output or a cell would load a script, a picture or a style from elsewhere.
        ValueError: a formula cannot be shown, or a cell names an attached picture that is not attached.
    """
    try:
        body, _ = _Exporter().from_notebook_node(notebook)
    except InvalidNotebook as error:
        raise ValueError(f"the page cannot be made ({error}). Attach the picture to its cell.") from error
    soup = bs4.BeautifulSoup(body, "html.parser")
    _take_pictures_in(soup, folder)
    _repair_links(soup, folder, output)
    return _whole(title, str(soup), links, note)


def index(title: str, rows: Sequence[Sequence[str]], head: Sequence[str], *, note: str, after: str = "") -> str:
    """A page with one table; the cells of `rows` are HTML."""
    cells = ["<h1>" + html.escape(title) + "</h1><table><thead><tr>"]
    cells += [f"<th>{html.escape(name)}</th>" for name in head]
    cells += ["</tr></thead><tbody>"]
    for row in rows:
        cells.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>")
    cells.append(f"</tbody></table>{after}")
    return _whole(title, "\n".join(cells), (), note)


def external_addresses(page: str) -> list[str]:
    """What a page would load from elsewhere: sources of scripts, pictures, frames and styles; links to read are fine.

    Example:
        >>> external_addresses('<a href="https://example.org">x</a><img src="https://example.org/a.png">')
        ['https://example.org/a.png']
    """
    soup = bs4.BeautifulSoup(page, "html.parser")
    found = []
    for tag in soup.find_all(True):
        names = ("src", "srcset", "data", "poster") + (("href", "xlink:href") if tag.name not in ("a", "area") else ())
        found += [str(tag[name]) for name in names if tag.get(name)]
        if tag.name == "script" and not tag.get("src"):
            found += re.findall(r"(?:https?:)?//[^\s'\"\\)]+", tag.get_text())
        styles = (tag.get_text() if tag.name == "style" else "") + " " + str(tag.get("style", ""))
        found += re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")\s;]+)", styles)
    return [address for address in found if address and not address.startswith(("data:", "#"))]


def _whole(title: str, body: str, links: Sequence[tuple[str, str]], note: str) -> str:
    anchors = "\n".join(f'<a href="{html.escape(address)}">{html.escape(text)}</a>' for text, address in links)
    style = STYLE + HtmlFormatter(style="default").get_style_defs(".highlight")
    noted = f'<p class="note">{note}</p>' if note else ""
    text = PAGE.render(title=html.escape(title), style=style, links=anchors, note=noted, body=body)
    loaded = external_addresses(text)
    if loaded:
        raise ExternalAddress(f"The page {title!r} would load {loaded[0]!r}; keep pictures and styles in the notebook.")
    return text


def _take_pictures_in(soup: bs4.BeautifulSoup, folder: Path) -> None:
    """Put local pictures into the page, and words in place of pictures on the network (badges, say)."""
    for image in soup.find_all("img"):
        source = str(image.get("src", ""))
        if source.startswith("data:"):
            continue
        path = folder / unquote(urlsplit(source).path)
        if not urlsplit(source).scheme and not source.startswith("//") and path.is_file():
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            image["src"] = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
        else:
            words = soup.new_tag("span", attrs={"class": "missing-picture"})
            words.string = str(image.get("alt") or source)
            image.replace_with(words)


def _repair_links(soup: bs4.BeautifulSoup, folder: Path, output: Path) -> None:
    """Links to other lessons lead to their pages, links to files of the repository to those files."""
    for anchor in soup.find_all("a", href=True):
        address = urlsplit(str(anchor["href"]))
        if address.scheme or address.netloc or not address.path:
            continue
        fragment = f"#{address.fragment}" if address.fragment else ""
        path = Path(unquote(address.path))
        if path.suffix == ".ipynb" and len(path.parts) == 1:
            anchor["href"] = path.stem + ".html" + fragment
        elif (folder / path).exists():
            try:
                anchor["href"] = Path(os.path.relpath(folder / path, output)).as_posix() + fragment
            except ValueError:  # on Windows, two drives
                anchor["href"] = (folder / path).resolve().as_uri() + fragment
