from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from linmem import paths
from linmem.errors import UserError
from linmem.provision.manifest import (
    Absent,
    Manifest,
    NpmPackage,
    NpmPackages,
    Packages,
    SystemProgram,
    all_manifests,
    load_manifest,
)
from linmem.scenario import source

GOOD = """\
name: mine
title: Mine
homepage: https://example.org
version: 1.2.3
variant: fast
variants:
  fast: {about: quick}
  slow: {about: thorough, requirements: ["mine-slow=={version}"]}
environment:
  pip:
    python: ">=3.8,<3.13"
    requirements: ["mine=={version}"]
launch: ["{python}", "{folder}/driver.py", --site, "{site}/mine"]
versions:
  0.9.0: {requirements: [old-mine==0.9.0.post1], launch: ["{site}/bin/mine"]}
views:
  - {kind: bytes_view, unit: 1, types: [u8, bytes]}
  - {kind: words, unit: 4, types: [u32]}
"""
PROGRAM = """\
name: mine
title: Mine
homepage: https://example.org
environment:
  program: {name: mine-run, remedy: see example.org}
launch: ["{program}", "{folder}/driver.txt"]
views:
  - {kind: bytes_view, unit: 1, types: [u8]}
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mine"
    folder.mkdir()

    def write(text: str) -> Path:
        (folder / "runtime.yaml").write_text(text, encoding="utf-8")
        return folder

    return write


def errors(folder: Path) -> list[str]:
    with pytest.raises(UserError) as caught:
        load_manifest(folder)
    return str(caught.value).splitlines()


def test_a_manifest_of_packages(write: Write) -> None:
    mine = load_manifest(write(GOOD))
    assert (mine.name, mine.title, mine.version, mine.variant) == ("mine", "Mine", "1.2.3", "fast")
    assert mine.environment == Packages(">=3.8,<3.13", ("mine=={version}",), None)
    assert [(view.kind, view.unit, view.types) for view in mine.views] == [
        ("bytes_view", 1, ("u8", "bytes")),
        ("words", 4, ("u32",)),
    ]


def test_requirements_by_variant_and_version(write: Write) -> None:
    mine = load_manifest(write(GOOD))
    assert mine.requirements(None, "1.2.3") == ("mine==1.2.3",)
    assert mine.requirements("slow", "2.0") == ("mine==2.0", "mine-slow==2.0")
    assert mine.requirements("fast", "0.9.0") == ("old-mine==0.9.0.post1",)


def test_command_by_version(write: Write) -> None:
    folder = write(GOOD)
    mine = load_manifest(folder)
    places = {"python": "/p", "site": "/s", "folder": str(folder)}
    assert mine.command("1.2.3", places) == ["/p", f"{folder}/driver.py", "--site", "/s/mine"]
    assert mine.command("0.9.0", places) == ["/s/bin/mine"]


def test_a_manifest_of_a_program(write: Write) -> None:
    mine = load_manifest(write(PROGRAM))
    assert mine.environment == SystemProgram("mine-run", "see example.org")
    assert mine.version is None
    assert mine.command(None, {"program": "/usr/bin/mine-run", "folder": "/f"})[0] == "/usr/bin/mine-run"


NPM = """\
name: mine
title: Mine
homepage: https://example.org
version: 1.2.3
environment:
  npm:
    packages:
      linux-x86_64: {name: "@mine/linux", integrity: sha512-%s==}
      any: {name: mine}
launch: ["{package}/bin/mine", "{folder}/driver.txt"]
default: true
also: ["@1.1.0", ":slow", ":slow@1.1.0"]
supported: ">=1.1,<2"
variants: {slow: {about: thorough, remedy: be patient}}
views:
  - {kind: bytes_view, unit: 1, types: [u8]}
""" % ("A" * 86)


def test_a_manifest_of_an_npm_package(write: Write) -> None:
    mine = load_manifest(write(NPM))
    assert mine.environment == NpmPackages(
        {
            "linux-x86_64": NpmPackage("@mine/linux", f"sha512-{'A' * 86}=="),
            "any": NpmPackage("mine", None),
        }
    )
    assert mine.command("1.2.3", {"package": "/p", "folder": "/f"}) == ["/p/bin/mine", "/f/driver.txt"]


def test_a_manifest_of_what_can_t_be_had(write: Write) -> None:
    head = NPM.partition("version:")[0]
    mine = load_manifest(write(head + "environment: {absent: {reason: nobody sells it, remedy: make one}}\n"))
    assert mine.environment == Absent("nobody sells it", "make one")
    assert (mine.launch, mine.views) == ((), ())
    text = head + "environment: {program: {name: mine}}\n"
    assert errors(write(text)) == [
        "mine/runtime.yaml:1: the manifest needs the key 'launch'",
        "mine/runtime.yaml:1: the manifest needs the key 'views'",
    ]


def test_who_takes_part_when(write: Write) -> None:
    mine = load_manifest(write(NPM))
    assert mine.default
    assert mine.also == ((None, "1.1.0"), ("slow", None), ("slow", "1.1.0"))
    assert not load_manifest(write(PROGRAM)).default


def test_the_versions_that_a_driver_copes_with(write: Write) -> None:
    mine = load_manifest(write(NPM))
    for version in (None, "1.1.0", "1.9.9rc1"):
        mine.check_version(version)
    for version in ("1.0.9", "2.0", "odd"):
        with pytest.raises(UserError, match=f"mine's driver copes with versions <2,>=1.1, not with {version}"):
            mine.check_version(version)


def test_what_to_do_where_a_variant_does_not_start(write: Write) -> None:
    mine = load_manifest(write(NPM))
    assert mine.remedy_for("slow", "do this") == "be patient"
    assert mine.remedy_for(None, "do this") == "do this"
    mine = load_manifest(write(NPM + "remedy: pray\n"))
    assert (mine.remedy_for("slow", "do this"), mine.remedy_for(None, "do this")) == ("be patient", "pray")


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("version: 1.2.3\n", ""), 1, "the manifest needs the key 'version', because its packages have one"),
        (("integrity: sha512-", "integrity: sha1-"), 8, "'integrity' must be a checksum like sha512-…==, found 'sha1-"),
        (("{name: mine}", "{}"), 9, "'any' needs the key 'name'"),
        (("{name: mine}", "{name: ./mine}"), 9, "'name' must be the name of an npm package, found './mine'"),
        (("{package}/", "{site}/"), 10, "unknown placeholder {site} (known here: {folder}, {package})"),
        (("default: true", "default: 'yes'"), 11, "'default' must be true or false, found 'yes'"),
        (('":slow@1.1.0"', '":fast@1.1.0"'), 12, "'fast' is not among 'variants'"),
        (('"@1.1.0", ', '"1.1.0", '), 12, "an item of 'also' must be a variant, a version or both, like"),
        (('">=1.1,<2"', "1.1 to 2"), 13, "'1.1 to 2' is not a version specifier"),
    ],
)
def test_errors_in_a_manifest_of_an_npm_package(write: Write, change: tuple[str, str], line: int, message: str) -> None:
    assert change[0] in NPM
    found = errors(write(NPM.replace(*change)))
    assert any(error.startswith(f"mine/runtime.yaml:{line}: {message}") for error in found), found


def test_load_by_path_as_text(write: Write) -> None:
    write(GOOD)
    assert load_manifest("./mine").name == "mine"


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("title: Mine\n", ""), 1, "the manifest needs the key 'title'"),
        (("title:", "titel:"), 2, "unknown key 'titel' in the manifest; did you mean 'title'?"),
        (("version: 1.2.3", "version: 1.2"), 4, "'version' must be a version, like 1.2.3, found 1.2; put it in quotes"),
        (("version: 1.2.3\n", ""), 1, "the manifest needs the key 'version', because its packages have one"),
        (
            ("homepage: https://example.org", "homepage: example"),
            3,
            "'homepage' must be a web address, found 'example'",
        ),
        (("variant: fast", "variant: fats"), 5, "'fats' is not among 'variants'; did you mean 'fast'?"),
        (("slow: {about: thorough, ", "slow: {"), 8, "'slow' needs the key 'about'"),
        (('">=3.8,<3.13"', "3.8 to 3.13"), 11, "'3.8 to 3.13' is not a version specifier"),
        (('["mine=={version}"]', '["mine = 1"]'), 12, "'mine = 1' is not a requirement"),
        (('["mine=={version}"]', "mine==1"), 12, "'requirements' must be a list, found 'mine==1'"),
        (('["mine=={version}"]', "[]"), 12, "'requirements' must not be empty"),
        (
            ('["mine=={version}"]', '["mine=={version}"]\n    lock: lock.txt'),
            13,
            "there is no file lock.txt beside the manifest",
        ),
        (
            ("{folder}/driver.py", "{here}/driver.py"),
            13,
            "unknown placeholder {here} (known here: {bin}, {folder}, {python}, {site})",
        ),
        (("{site}/bin/mine", "{program}"), 15, "unknown placeholder {program}"),
        (("{site}/bin/mine", "a\\0b"), 15, "an item of 'launch' must be text without NUL"),
        (("title: Mine", 'title: Mine\nenv: {"A=B": x}'), 3, "the key must be the name of an environment variable"),
        (("title: Mine", 'title: Mine\nenv: {"A\\0": x}'), 3, "the key must be the name of an environment variable"),
        (("title: Mine", 'title: Mine\nenv: {A: "a\\0b"}'), 3, "'A' must be text without NUL"),
        (("unit: 4", "unit: 3"), 18, "'unit' must be one of 1, 2, 4, 8, found 3"),
        (("types: [u32]", "types: [u32, u9]"), 18, "an item of 'types' must be one of u8, s8, "),
        (("kind: words", "kind: bytes_view"), 18, "view kind 'bytes_view' stands here twice"),
        (("name: mine", "name: yours"), 1, "the name is 'yours', but the folder is called 'mine'"),
        (("  pip:", "  pipp:"), 10, "unknown key 'pipp' in 'environment'; did you mean 'pip'?"),
        (("title: Mine", "title: [Mine"), 3, "is not YAML"),
        (("title: Mine", "title: Mine\ntitle: Yours"), 3, "key 'title' stands twice"),
        (
            ("title: Mine", "title: !!python/name:os.system"),
            2,
            "tag '!!python/name:os.system' is not allowed",
        ),
    ],
)
def test_an_error_names_file_line_and_fault(write: Write, change: tuple[str, str], line: int, message: str) -> None:
    assert change[0] in GOOD
    found = errors(write(GOOD.replace(*change)))
    assert any(error.startswith(f"mine/runtime.yaml:{line}: {message}") for error in found), found


def test_every_fault_is_told_each_in_one_line(write: Write) -> None:
    found = errors(write(GOOD.replace("unit: 4", "unit: 3").replace("title: Mine", "title: 5")))
    assert [error.split(" ")[0] for error in found] == ["mine/runtime.yaml:2:", "mine/runtime.yaml:18:"]


@pytest.mark.parametrize("text", ["", "[]", "just text"])
def test_a_file_that_is_no_mapping(write: Write, text: str) -> None:
    (error,) = errors(write(text))
    assert re.match(r"mine/runtime\.yaml:1: (is empty|the manifest must be a mapping, found )", error)


def test_an_environment_is_of_one_kind(write: Write) -> None:
    text = PROGRAM.replace("environment:\n", "environment:\n  pip: {python: '>=3', requirements: [mine]}\n")
    assert errors(write(text)) == [
        "mine/runtime.yaml:4: 'environment' must have one key only, found 'pip' and 'program'"
    ]


def test_an_unknown_name_gets_the_nearest_or_all() -> None:
    with pytest.raises(UserError, match=r"there is no runtime 'wasmtim'; did you mean 'wasmtime'\?"):
        load_manifest("wasmtim")
    with pytest.raises(UserError, match=r"there is no runtime 'xyz'; known: .*node.*wasmer"):
        load_manifest("xyz")


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no runtime\.yaml in this folder"):
        load_manifest(tmp_path)


def test_an_unknown_variant(write: Write) -> None:
    mine = load_manifest(write(GOOD))
    mine.check_variant(None)
    mine.check_variant("slow")
    with pytest.raises(UserError, match=r"mine has no variant 'slo'; did you mean 'slow'\?"):
        mine.check_variant("slo")
    with pytest.raises(UserError, match="mine has no variants, so 'mine:slow' names nothing"):
        load_manifest(write(PROGRAM)).check_variant("slow")


@pytest.fixture(params=["node", "wasmer", "wasmtime"])
def delivered(request: pytest.FixtureRequest) -> Manifest:
    return load_manifest(str(request.param))


def test_all_manifests_are_found() -> None:
    assert {"node", "wasmer", "wasmtime"} <= {one.name for one in all_manifests()}


def test_the_lock_is_of_the_default_version_and_names_no_host(delivered: Manifest) -> None:
    assert isinstance(delivered.environment, Packages)
    assert delivered.version is not None
    assert delivered.environment.lock is not None
    lock = delivered.environment.lock.read_text(encoding="utf-8")
    pinned = set(re.findall(r"^(\S+==\S+) \\$", lock, re.MULTILINE))
    assert set(delivered.requirements(None, delivered.version)) <= pinned
    assert all(
        line.startswith("    --hash=sha256:")
        for line in lock.splitlines()
        if not line.endswith(tuple(f"{pin} \\" for pin in pinned))
    )
    assert "://" not in lock


def test_a_driver_stands_in_the_folder(delivered: Manifest) -> None:
    assert any((delivered.folder / name).is_file() for name in ("driver.py", "driver.mjs"))


def test_manifests_are_found_by_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "runtime.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(paths, "RUNTIMES", tmp_path)
    assert [one.name for one in all_manifests()] == ["mine"]
    assert load_manifest("mine").title == "Mine"


def test_a_manifest_is_read_once_and_again_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "toy"
    folder.mkdir()
    text = "name: toy\ntitle: Toy\nhomepage: https://example.org\nenvironment: {absent: {reason: none, remedy: wait}}\n"
    (folder / "runtime.yaml").write_text(text)
    reads = []
    read = source.read
    monkeypatch.setattr(source, "read", lambda *given: reads.append(given) or read(*given))
    assert [load_manifest(folder).title for _ in range(3)] == ["Toy"] * 3
    assert len(reads) == 1
    (folder / "runtime.yaml").write_text(text.replace("Toy", "Other"))
    assert load_manifest(folder).title == "Other"
