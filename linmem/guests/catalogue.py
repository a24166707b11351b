"""The guests there are: a program's own, in every language available here, published ones, and the user's modules.

Nothing is installed here. Go's committed module needs no compiler, and its ``wasm_exec.js`` is looked for when a driver
is about to run it. TinyGo's modules are not committed, so where `tinygo` is on PATH the first collection builds them,
and later ones find them in the cache.
"""

from __future__ import annotations

import functools
import os
import re
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

import filelock

from linmem import cache, reading
from linmem.errors import Unavailable, UserError
from linmem.guests import lockfile
from linmem.guests.gojs import GojsHost, is_go
from linmem.guests.packages import LABEL, Package
from linmem.guests.program import Program, find_program, programs
from linmem.guests.tinygo import TinyGoHost, is_tinygo
from linmem.guests.toolchains import TOOLCHAINS, BuildError, Go, TinyGo
from linmem.guests.wasi import WasiHost, entry
from linmem.play.guest import Glue, Guest, LanguageHost, MissingGuest
from linmem.wasm.types import MAGIC, ModuleTypes, UnreadableModule, read_types

__all__ = ["Program", "guests", "programs", "user_guest"]

_ELSEWHERE = "or name a module that was built elsewhere: --guest {program}=main.wasm --glue wasm_exec.js"


@functools.cache
def guests(program: str) -> tuple[Guest | MissingGuest, ...]:
    """A program's implementations, in the order of its languages. Raises `UserError` for no such program."""
    description = find_program(program)
    return tuple(_guest(description, language) for language in description.languages)


def user_guest(text: str, glue: Path | None = None, taken: Collection[str] = ()) -> Guest:
    """The guest that ``PROGRAM=PATH`` names, with the user's own `glue` script if there is one.

    Its label is the file's stem, made fit for item ids and different from the program's languages and from
    the labels `taken` by other modules of the user's. Raises `UserError`.
    """
    name, equals, path = text.partition("=")
    if not equals or not name or not path:
        raise UserError(f"--guest {text}: expected PROGRAM=PATH, such as --guest shared_buffer=build/main.wasm")
    program = find_program(name)
    module = Path(path).expanduser().absolute()
    types, sha256 = _read_module(module, f"--guest {text}")
    host, fallback = _hosts(types)
    return Guest(
        program=program.name,
        label=_label(module.stem, {*program.languages, *taken}),
        module=module,
        glue=_user_glue(glue) if glue is not None else None,
        host=host,
        fallback=fallback if glue is not None else None,
        toolchain=path,
        sha256=sha256,
    )


def scenario_guest(module: Path, glue: Path) -> Guest:
    """The guest of a scenario that gives a module and its glue. It has no label: such a scenario has one guest only."""
    types, sha256 = _read_module(module, "module")
    host, fallback = _hosts(types)
    return Guest("", "", module, Glue("go", lambda: glue), host, fallback, sha256=sha256)


def package_guest(package: Package) -> Guest | None:
    """The guest in a package; None while the package is not in the cache. Raises `UserError` for a file that is no
    module.
    """
    folder = package.folder()
    return _packaged(package, folder) if folder is not None else None


@functools.cache
def _packaged(package: Package, folder: Path) -> Guest:
    module = folder / package.module
    types, sha256 = _read_module(module, package.origin)
    host, fallback = _hosts(types)
    script = package.glue
    glue = Glue("go", lambda: folder / script) if script is not None else None
    return Guest(package.name, LABEL, module, glue, host, fallback if glue else None, package.origin, sha256)


def _guest(program: Program, language: str) -> Guest | MissingGuest:
    toolchain = TOOLCHAINS[language]
    try:
        if isinstance(toolchain, TinyGo):
            module, version, wanted = _build_once(program, language, toolchain), toolchain.version(), None
        else:
            module, entry = _committed(program, language), _lock().get(f"{program.name}/{language}")
            version, wanted = (entry.toolchain, entry.sha256) if entry is not None else ("", "")
    except Unavailable as error:
        elsewhere = _ELSEWHERE.format(program=program.name)
        return MissingGuest(program.name, language, error.reason, f"{error.remedy}, {elsewhere}")
    except BuildError as error:
        remedy = f"build it by hand in {program.source(language)}: {toolchain.command()} ."
        return MissingGuest(program.name, language, str(error), remedy)
    types, sha256 = _read_module(module, f"{program.name}/{language}")
    if wanted not in (None, sha256):
        remedy = f"restore it, or build it: linmem guests build {program.name}/{language} --write"
        raise UserError(f"{module} is not the module that {lockfile.LOCK.name} names by its SHA-256; {remedy}")
    host, fallback = _hosts(types)
    glue = Glue("go", toolchain.glue) if isinstance(toolchain, Go | TinyGo) else None
    return Guest(program.name, language, module, glue, host, fallback if glue else None, version, sha256)


def _committed(program: Program, language: str) -> Path:
    module = program.module(language)
    if not module.exists():
        raise Unavailable(f"{module} is missing", f"linmem guests build {program.name}/{language} --write")
    return module


_lock = functools.cache(lockfile.read_lock)


def _build_once(program: Program, language: str, toolchain: TinyGo) -> Path:
    """The module, built by this version of the compiler from this source, in the cache."""
    source, version = program.source(language), toolchain.version()
    key = lockfile.sha256(repr((lockfile.sources(source), version, toolchain.command())).encode())
    folder = cache.subfolder(f"guests/{key[:16]}")
    module, kept = folder / f"{program.name}.wasm", folder / f"{program.name}.sum-wasm"
    try:
        with filelock.FileLock(folder / "lock"):
            made = cache.read_summed(kept)
            if made is None or not module.is_file() or module.read_bytes() != made:
                with tempfile.TemporaryDirectory(dir=folder) as draft:
                    built = Path(draft) / module.name
                    toolchain.build(source, built)
                    cache.write_summed(kept, built.read_bytes())
                    os.replace(built, module)
    except OSError as error:
        raise cache.unusable(error) from error
    return module


def _read_module(path: Path, asked: str) -> tuple[ModuleTypes, str]:
    """The imports and exports of the module in a file, and the file's SHA-256. Raises `UserError`, naming what the user
    `asked`.
    """
    try:
        data = reading.read_bytes(path, reading.MAX_MODULE)
    except reading.Unreadable as error:
        raise UserError(f"{asked}: {path} {error.message}") from None
    if not data.startswith(MAGIC):
        raise UserError(f"{asked}: {path} is not a WebAssembly module: it does not begin with the bytes 00 61 73 6d")
    try:
        return read_types(data), lockfile.sha256(data)
    except UnreadableModule as error:
        raise UserError(f"{asked}: {path} is damaged or no core module: {error}") from None


Factory = Callable[[], LanguageHost]


def _hosts(types: ModuleTypes) -> tuple[Factory | None, Factory | None]:
    """The language host a module needs where no glue runs it, and the one that helps its glue out.

    Today's glue scripts have no ``wasi_unstable``, which only modules of old TinyGo versions import.
    """
    imports = [(item.module, item.name) for item in types.imports]
    if is_go(types):
        return GojsHost, None
    if is_tinygo(types):
        host: Factory = functools.partial(TinyGoHost, types)
    elif (first := entry(types)) is None and not any(WasiHost().provides(*item) for item in imports):
        return None, None
    else:
        host = functools.partial(WasiHost, first)
    return host, host if any(module == "wasi_unstable" for module, _ in imports) else None


def _user_glue(path: Path) -> Glue:
    script = path.expanduser().absolute()
    if not script.is_file():
        raise UserError(f"--glue {path}: there is no such file")
    return Glue("go", lambda: script)


def _label(stem: str, taken: Collection[str]) -> str:
    """`stem` as a label: letters, digits, dot and underscore, and a number behind it while it is taken."""
    plain = label = re.sub(r"[^0-9A-Za-z_.]+", "_", stem).strip("_.") or "guest"
    number = 2
    while label in taken:
        label, number = f"{plain}_{number}", number + 1
    return label
