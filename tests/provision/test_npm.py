from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from linmem.cache import cache_dir
from linmem.errors import Unavailable, UserError
from linmem.provision import contents, npm
from linmem.provision.npm import NpmRecipe, last_error, unpack

ROOT = Path(__file__).parents[2]


def archive(*files: tuple[str, bytes, int], links: tuple[tuple[str, str], ...] = ()) -> bytes:
    """A package's archive."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, content, mode in files:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return data.getvalue()


def integrity(data: bytes) -> str:
    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


TOY = archive(
    ("package/package.json", b'{"name": "@toys/toy", "version": "1.0.0", "scripts": {"install": "false"}}', 0o644),
    ("package/bin/toy", b"#!/bin/sh\necho toy\n", 0o755),
)


class Registry(ThreadingHTTPServer):
    """An npm registry on the loopback interface with one package, which counts what it is asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.served: list[str] = []
        self.archive = TOY
        self.claimed = integrity(TOY)


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        self.server.served.append(self.path)
        if self.path.endswith(".tgz"):
            self.answer(200, self.server.archive)
        elif self.path in ("/@toys%2ftoy", "/@toys/toy"):
            dist = {"tarball": f"{self.server.url}@toys/toy/-/toy-1.0.0.tgz", "integrity": self.server.claimed}
            version = {"name": "@toys/toy", "version": "1.0.0", "dist": dist}
            packument = {"name": "@toys/toy", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
            self.answer(200, json.dumps(packument).encode())
        else:
            self.answer(404, b"{}")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def npm_command() -> list[str]:
    """npm as it is found, before a test moves the cache folder in which the fallback lies."""
    return npm._npm(None)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, npm_command: list[str]) -> Iterator[Registry]:
    """A registry that npm is set up to use, and a cache folder of the test's own."""
    server = Registry()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(npm, "_npm", lambda progress: npm_command)
    monkeypatch.setenv("LINMEM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_registry", server.url)
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    yield server
    server.shutdown()
    server.server_close()


def test_fetched_checked_and_unpacked(registry: Registry) -> None:
    told: list[str] = []
    folder = NpmRecipe("@toys/toy", "1.0.0", integrity(TOY)).make(progress=told.append)
    assert json.loads((folder / "package.json").read_text())["version"] == "1.0.0"
    assert subprocess.run([folder / "bin" / "toy"], capture_output=True, check=True).stdout == b"toy\n"
    assert not os.access(folder / "package.json", os.X_OK)
    assert told == ["fetching @toys/toy 1.0.0 with npm"]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["contents.json", "package", "ready.json"]


def test_used_again_without_network_or_npm(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    assert NpmRecipe("@toys/toy", "1.0.0", integrity(TOY)).find() is None
    folder = NpmRecipe("@toys/toy", "1.0.0", integrity(TOY)).make()
    asked = len(registry.served)
    monkeypatch.setattr(npm, "_npm", lambda progress: ["/nowhere/npm"])
    assert NpmRecipe("@toys/toy", "1.0.0", integrity(TOY)).make() == folder
    assert NpmRecipe("@toys/toy", "1.0.0", integrity(TOY)).find() == folder
    assert len(registry.served) == asked


@pytest.mark.slow
def test_an_unfinished_one_is_made_anew(registry: Registry) -> None:
    folder = NpmRecipe("@toys/toy", "1.0.0", integrity(TOY)).make()
    (folder.parent / "ready.json").unlink()
    (folder / "bin" / "toy").write_text("half")
    assert (NpmRecipe("@toys/toy", "1.0.0", integrity(TOY)).make() / "bin" / "toy").read_bytes().startswith(b"#!")


@pytest.mark.slow
@pytest.mark.parametrize("damage", [b"", b"#! other", None])
def test_a_damaged_one_is_made_anew(registry: Registry, damage: bytes | None) -> None:
    recipe = NpmRecipe("@toys/toy", "1.0.0", integrity(TOY))
    program = recipe.make() / "bin" / "toy"
    whole = program.read_bytes()
    if damage is None:
        program.unlink()
    else:
        program.write_bytes(damage)
    contents.looked_at.cache_clear()
    assert recipe.find() is None
    recipe.make()
    assert program.read_bytes() == whole


def test_another_package_than_was_installed_before(registry: Registry) -> None:
    recipe = NpmRecipe("@toys/toy", "1.0.0", None)
    recipe.make()
    registry.archive = archive(("package/bin/toy", b"#! other", 0o755))
    registry.claimed = integrity(registry.archive)
    shutil.rmtree(recipe.folder)
    shutil.rmtree(os.environ["npm_config_cache"])  # noqa: SIM112
    with pytest.raises(Unavailable) as caught:
        recipe.make()
    noted = cache_dir() / "installed" / "npm-@toys+toy-1.0.0.txt"
    assert str(caught.value) == (
        f"@toys/toy 1.0.0 is not what was installed before: its checksum is {registry.claimed}, not {integrity(TOY)} "
        f"(if it is to be trusted, delete {noted}; else look at the registry that npm uses)"
    )
    noted.unlink()
    assert (recipe.make() / "bin" / "toy").read_bytes() == b"#! other"


def test_fresh_is_made_anew(registry: Registry) -> None:
    folder = NpmRecipe("@toys/toy", "1.0.0", integrity(TOY)).make()
    (folder / "bin" / "toy").write_text("changed")
    NpmRecipe("@toys/toy", "1.0.0", integrity(TOY)).make(fresh=True)
    assert (folder / "bin" / "toy").read_bytes().startswith(b"#!")


@pytest.mark.slow
def test_without_a_checksum_npm_s_own_check_must_do(registry: Registry) -> None:
    assert (NpmRecipe("@toys/toy", "1.0.0", None).make() / "package.json").is_file()
    registry.claimed = integrity(b"something else")
    with pytest.raises(Unavailable, match="EINTEGRITY"):
        NpmRecipe("@toys/toy", "1.0.0", None).make(fresh=True)


def test_another_package_than_was_pinned(registry: Registry) -> None:
    pinned = integrity(b"the right one")
    with pytest.raises(Unavailable) as caught:
        NpmRecipe("@toys/toy", "1.0.0", pinned).make()
    assert caught.value.reason == (
        f"@toys/toy 1.0.0 is not the package that was pinned: its checksum is {integrity(TOY)}, not {pinned}"
    )
    assert NpmRecipe("@toys/toy", "1.0.0", pinned).find() is None


def test_a_version_that_there_is_not(registry: Registry) -> None:
    with pytest.raises(Unavailable) as caught:
        NpmRecipe("@toys/toy", "2.0.0", None).make()
    reason = caught.value.reason
    assert reason.startswith(
        "npm could not fetch @toys/toy 2.0.0: ETARGET: No matching version found for @toys/toy@2.0.0"
    )
    assert "\n" not in reason


def test_a_package_that_there_is_not(registry: Registry) -> None:
    with pytest.raises(Unavailable, match=r"npm could not fetch absent 1\.0\.0: E404: Not Found"):
        NpmRecipe("absent", "1.0.0", None).make()


def test_no_network(registry: Registry) -> None:
    registry.shutdown()
    registry.server_close()
    with pytest.raises(Unavailable, match="ECONNREFUSED") as caught:
        NpmRecipe("@toys/toy", "1.0.0", None).make()
    assert caught.value.remedy == "check the network, npm's settings and the package's name and version"


def test_offline_asks_nobody(registry: Registry) -> None:
    with pytest.raises(Unavailable, match="ENOTCACHED"):
        NpmRecipe("@toys/toy", "1.0.0", None).make(offline=True)
    assert registry.served == []


@pytest.mark.slow
def test_two_at_once_fetch_it_once(registry: Registry) -> None:
    code = (
        f"from linmem.provision.npm import NpmRecipe; print(NpmRecipe('@toys/toy', '1.0.0', {integrity(TOY)!r}).make())"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = {process.communicate(timeout=600)[0] for process in both}
    assert len(said) == 1
    assert sum(path.endswith(".tgz") for path in registry.served) == 1


@pytest.mark.parametrize(
    ("name", "version", "checksum", "said"),
    [
        ("--global", "1.0.0", None, "'--global' can't be the name of an npm package"),
        ("./here", "1.0.0", None, "'./here' can't be the name of an npm package"),
        ("toy", "latest", None, "toy: 'latest' is not an exact version, like 1.2.3"),
        ("toy", "^1.0.0", None, r"toy: '\^1.0.0' is not an exact version"),
        ("toy", "1.0.0", "sha1-abc", "toy 1.0.0: the integrity must be 'sha512-' and 88 characters of base64"),
    ],
)
def test_what_can_t_be_asked_for(name: str, version: str, checksum: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        NpmRecipe(name, version, checksum).make()


@pytest.mark.parametrize("name", ["package/../../escaped", "/escaped", "escaped", "package/..\\escaped"])
def test_no_file_lands_outside(tmp_path: Path, name: str) -> None:
    (tmp_path / "evil.tgz").write_bytes(archive((name, b"", 0o644)))
    with pytest.raises(tarfile.TarError, match="would lie outside of its folder"):
        unpack(tmp_path / "evil.tgz", tmp_path / "inner" if name != "escaped" else tmp_path / "other")
    assert not list(tmp_path.rglob("*escaped*"))


def test_links_are_left_out(tmp_path: Path) -> None:
    """Or a file behind a link would lie where the link leads."""
    (tmp_path / "evil.tgz").write_bytes(
        archive(("package/a", b"a", 0o644), ("package/out/passwd", b"x", 0o644), links=(("package/out", "/etc"),))
    )
    unpack(tmp_path / "evil.tgz", tmp_path / "inner")
    assert not (tmp_path / "inner" / "out").is_symlink()
    assert (tmp_path / "inner" / "out" / "passwd").read_bytes() == b"x"


@pytest.mark.slow
def test_an_archive_that_npm_takes_and_we_don_t(registry: Registry) -> None:
    registry.archive = archive(("package/package.json", b"{}", 0o644), ("package/../../escaped", b"", 0o644))
    registry.claimed = integrity(registry.archive)
    with pytest.raises(Unavailable, match=r"@toys/toy 1\.0\.0 can't be unpacked: the file '.*' would lie outside"):
        NpmRecipe("@toys/toy", "1.0.0", registry.claimed).make()
    assert NpmRecipe("@toys/toy", "1.0.0", registry.claimed).find() is None


@pytest.mark.slow
def test_npm_comes_with_node_where_none_is_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert npm.run_npm(["--version"], cwd=tmp_path).strip() == "8.12.1"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("npm error code E404\nnpm error 404 Not Found - GET x\nnpm error 404\n", "E404: Not Found - GET x"),
        ("npm ERR! code ETARGET\nnpm ERR! notarget No matching version.\n", "ETARGET: No matching version."),
        (
            "npm error code ENOTFOUND\nnpm error syscall getaddrinfo\nnpm error errno ENOTFOUND\n"
            "npm error network request to x failed\nnpm error network This is a problem\n",
            "ENOTFOUND: request to x failed",
        ),
        ("npm error Something\nnpm error A complete log of this run can be found in: y\n", "Something"),
        ("npm error code E1\n", "E1"),
        ("Segmentation fault\n", ""),
    ],
)
def test_npm_s_errors_in_one_line(output: str, said: str) -> None:
    assert last_error(output) == said
