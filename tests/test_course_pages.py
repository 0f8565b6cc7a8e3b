"""Pages load nothing from elsewhere and show formulas by themselves."""

import html.parser

import pytest
from course_pages import ExternalAddress, external_addresses, index, mathml, page
from nbformat import v4

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55")


def make(tmp_path, *cells, **arguments):
    notebook = v4.new_notebook(cells=list(cells))
    return page(notebook, title="T", folder=tmp_path, output=tmp_path / "out", **arguments)


def output(kind, text):
    return v4.new_code_cell("x", outputs=[v4.new_output("display_data", data={kind: text})])


class Tags(html.parser.HTMLParser):
    """All tags of a page with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_a_page_holds_no_script_and_loads_nothing(tmp_path):
    text = make(tmp_path, v4.new_markdown_cell("# T\n\n$x$\n\n```mermaid\na-->b\n```"), v4.new_code_cell("print(1)"))
    for tag, attributes in Tags(text).found:
        assert tag not in ("script", "link", "iframe")
        assert not attributes.get("src", "data:").startswith(("http", "//"))
    assert external_addresses(text) == []
    assert "a--&gt;b" in text


@pytest.mark.parametrize(
    "formula",
    [
        r"\min_G \max_D \mathbb{E}_{x \sim p}[\log D(x)] + \mathbb{E}_{z}[\log(1 - D(G(z)))]",
        r"\frac{p(x)}{p(x) + q(x)}",
        r"\hat{x} = \arg\min_{y} \lVert x - y \rVert_2^2",
        r"\begin{aligned} a &= b \\ c &= d \end{aligned}",
        r"10 \log_{10} \frac{1}{\text{MSE}}",
        r"\mathcal{L} = \lambda \sum_{i=1}^{n} \sqrt{\sigma_i}",
    ],
)
def test_formulas_become_mathml(tmp_path, formula):
    text = make(tmp_path, v4.new_markdown_cell(f"# T\n\nInline ${formula}$ and\n\n$$\n{formula}\n$$\n"))
    maths = [attributes for tag, attributes in Tags(text).found if tag == "math"]
    assert sorted(attributes["display"] for attributes in maths) == ["block", "inline"]
    assert "$" not in text.split("<main>")[1]
    assert "\\" not in text.split("<main>")[1]


def test_formulas_in_headings_and_tables(tmp_path):
    text = make(tmp_path, v4.new_markdown_cell("# With $x^2$\n\n| a | b |\n|---|---|\n| $y$ | 1 |"))
    tags = [tag for tag, _ in Tags(text).found]
    assert tags.count("math") == 2
    assert not any(":" in tag for tag in tags)


def test_dollars_in_code_stay(tmp_path):
    text = make(tmp_path, v4.new_markdown_cell("# T\n\n`echo $HOME and $PATH`\n\n```\n$a$\n```"))
    assert "<math" not in text
    assert "echo $HOME and $PATH" in text


def test_function_names_are_set_apart():
    assert "mspace" in mathml(r"\log D", block=False)
    assert "mspace" not in mathml(r"\log(D)", block=False)
    assert "munder" in mathml(r"\min_G V", block=True)


def test_an_unknown_command_is_refused(tmp_path):
    with pytest.raises(ValueError, match="nosuchcommand"):
        make(tmp_path, v4.new_markdown_cell("# T\n\n$\\nosuchcommand{x}$"))


@pytest.mark.parametrize(
    "harm",
    [
        '<script src="https://cdn.example.org/x.js"></script>',
        '<script>fetch("https://example.org")</script>',
        '<link rel="stylesheet" href="//example.org/a.css">',
        '<iframe src="https://example.org"></iframe>',
        "<style>@import 'https://example.org/a.css';</style>",
        '<div style="background: url(https://example.org/a.png)"></div>',
        '<video poster="http://example.org/a.png"></video>',
    ],
)
def test_outputs_that_load_something_are_refused(tmp_path, harm):
    with pytest.raises(ExternalAddress, match="would load"):
        make(tmp_path, output("text/html", f"<b>x</b>{harm}"))


def test_links_to_read_are_fine(tmp_path):
    text = make(tmp_path, v4.new_markdown_cell("# T\n\n[paper](https://arxiv.org/abs/1406.2661)"))
    assert 'href="https://arxiv.org/abs/1406.2661"' in text


def test_badges_become_words_and_local_pictures_come_in(tmp_path):
    (tmp_path / "figure.png").write_bytes(PNG)
    source = "# T\n\n![Open in Colab](https://example.org/badge.svg) ![a digit](figure.png) ![gone](gone.png)"
    text = make(tmp_path, v4.new_markdown_cell(source))
    images = [attributes for tag, attributes in Tags(text).found if tag == "img"]
    assert len(images) == 1
    assert images[0]["src"].startswith("data:image/png;base64,iVBOR")
    assert "Open in Colab" in text
    assert "gone" in text


def test_links_lead_to_pages_and_files(tmp_path):
    (tmp_path / "notes.md").touch()
    (tmp_path / "out").mkdir()
    source = "# T\n\n[next](02_x.ipynb#part) [notes](notes.md#a) [here](#b)"
    text = make(tmp_path, v4.new_markdown_cell(source), links=[("All", "index.html")])
    targets = {attributes["href"] for tag, attributes in Tags(text).found if tag == "a"}
    assert {"02_x.html#part", "../notes.md#a", "#b", "index.html"} <= targets


def test_a_title_cannot_break_the_page():
    text = index("<script>alert(1)</script>", [["<b>x</b>"]], ["a & b"], note="")
    assert "<script>" not in text
    assert "a &amp; b" in text
