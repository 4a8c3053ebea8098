"""The description that a package index shows, which is made from the README when the package is built."""

from __future__ import annotations

import zipfile
from email.parser import Parser
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from dev import wheel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from markdown_it.token import Token


@pytest.fixture(scope="module")
def description(tmp_path_factory) -> str:
    if not wheel.UV.exists():
        pytest.skip("uv, which builds the wheel, is not installed beside this release of Airflow")
    built = wheel.build_wheel(tmp_path_factory.mktemp("wheel"))
    with zipfile.ZipFile(built) as files:
        name = next(name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(files.read(name).decode())
    assert metadata["Description-Content-Type"] == "text/markdown"
    return str(metadata.get_payload())


def targets(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        yield from (str(token.attrs[name]) for name in ("href", "src") if name in token.attrs)
        yield from targets(token.children or ())


@pytest.mark.timeout(300)
def test_it_has_no_link_and_no_picture_that_only_the_repository_has(description):
    found = list(targets(MarkdownIt().parse(description)))
    assert found
    assert [target for target in found if not target.startswith(("https://", "#"))] == []


@pytest.mark.timeout(300)
def test_what_was_a_link_says_where_the_file_is(description, request):
    root: Path = request.config.rootpath
    readme = (root / "README.md").read_text()
    paths = {target for target in targets(MarkdownIt().parse(readme)) if not target.startswith(("https://", "#"))}
    assert paths
    for path in paths:
        assert f"`{path}`" in description
        assert (root / path).exists()
    assert "source distribution" in description
