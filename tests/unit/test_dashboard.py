"""The operations page: its files fit together, its questions fit the schema."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

import rowbell.api
from rowbell.api.documents import Documents
from rowbell.api.limits import Limits
from rowbell.api.schema import build

DASHBOARD = Path(rowbell.api.__file__).parent / "dashboard"
VENDOR = DASHBOARD / "vendor"
INDEX = (DASHBOARD / "index.html").read_text()
MODULES = sorted(
    file.relative_to(DASHBOARD).as_posix()
    for file in DASHBOARD.rglob("*.js")
    if not file.is_relative_to(VENDOR) and file.name != "theme.js"
)
STYLES = sorted(file.relative_to(DASHBOARD).as_posix() for file in DASHBOARD.rglob("*.css"))
DOCUMENT = re.compile(r"([`\"])((?:query|mutation|subscription)\b[^`\"]*?\{.*?)\1", re.DOTALL)
DOCUMENTS = [
    pytest.param(found[2], id=f"{module} {number}")
    for module in MODULES
    for number, found in enumerate(DOCUMENT.finditer((DASHBOARD / module).read_text()), 1)
]


def listed(link: str) -> list[str]:
    """The files that the page links in this way, in order."""
    return re.findall(rf'<link rel="{link}" href="dashboard/([^"]+)"', INDEX)


def test_every_style_is_linked() -> None:
    assert sorted(listed("stylesheet")) == STYLES


def test_every_module_is_fetched_with_the_page_and_not_one_after_the_other() -> None:
    mapped = re.findall(r'"\./dashboard/([^"]+)"', INDEX)
    inner = [file for file in listed("modulepreload") if file.startswith("vendor/")]
    assert sorted(set(listed("modulepreload")) - set(inner)) == MODULES
    assert set(mapped) <= set(inner)
    assert all((VENDOR.parent / file).exists() for file in inner)


def test_the_page_has_no_inline_code_but_the_map_of_modules() -> None:
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", INDEX) == ['<script type="importmap">']
    assert not re.search(r"<style|\sstyle=|\son\w+=|https?://", INDEX)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_renders_text_as_text(module: str) -> None:
    text = (DASHBOARD / module).read_text()
    assert not re.search(r"innerHTML|dangerouslySet|insertAdjacentHTML|\beval\(|\bstyle=", text)


@pytest.fixture(scope="module")
def documents() -> Documents:
    return Documents(build(), Limits())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_the_page_asks_is_in_the_schema_and_within_the_limits(
    documents: Documents, document: str
) -> None:
    read = documents.read(document)
    variables = {"first": 100}
    assert all(each.price.of(variables) <= Limits().cost for each in read.operations.values())


def test_the_page_asks_something_in_every_view() -> None:
    assert len(DOCUMENTS) > 5


def test_vendored_files_are_those_that_the_list_names() -> None:
    text = (VENDOR / "README.md").read_text()
    named = {name: digest for digest, name in re.findall(r"^(\w{64})  (\S+)$", text, re.MULTILINE)}
    files = {
        file.relative_to(VENDOR).as_posix(): sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.rglob("*")
        if file.is_file() and not file.name.startswith(("LICENSE", "README"))
    }
    assert named == files


def test_each_vendored_package_has_its_version_and_its_licence() -> None:
    text = (VENDOR / "README.md").read_text()
    listed = re.findall(r"^\| ([a-z-]+) \| ([\d.]+) \| (?:MIT|Apache-2.0) \|", text, re.MULTILINE)
    folders = [folder for folder in VENDOR.iterdir() if folder.is_dir()]
    assert {f"{name}-{version}" for name, version in listed} == {each.name for each in folders}
    assert all(any(folder.glob("LICENSE*")) for folder in folders)


def test_the_map_of_modules_names_the_versions_that_are_there() -> None:
    mapped = re.findall(r'"\./dashboard/vendor/([^"/]+)/', INDEX)
    assert set(mapped) == {folder.name for folder in VENDOR.iterdir() if folder.is_dir()}
