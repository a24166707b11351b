"""Every committed module keeps its program's contract."""

from __future__ import annotations

from pathlib import Path

import pytest
import wasmtime

from linmem.guests import catalogue
from linmem.guests.program import programs
from linmem.play.guest import Guest
from linmem.wasm.types import read_types

GUESTS = [
    guest
    for program in programs()
    for guest in catalogue.guests(program)
    if isinstance(guest, Guest) and guest.label != "tinygo"
]


@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: f"{guest.program}-{guest.label}")
def test_exports_have_the_types_of_the_contract(guest):
    program, data = programs()[guest.program], guest.module.read_bytes()
    types = read_types(data)
    for name, function in program.exports.items():
        found = types.function(name)
        assert found is not None, name
        assert (found.params, found.results) == (function.params, function.results), name
    assert types.names("memory") == [program.languages[guest.label].memory]
    if program.maximum is not None:
        exports = {item.name: item.type for item in wasmtime.Module(wasmtime.Engine(), data).exports}
        assert exports[program.languages[guest.label].memory].limits.max == program.maximum


@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: f"{guest.program}-{guest.label}")
def test_imports_are_the_contract_s_and_what_the_language_host_serves(guest):
    host = guest.host() if guest.host is not None else None
    imports = read_types(guest.module.read_bytes()).imports
    found = {
        f"{item.module}.{item.name}": item for item in imports if not host or not host.provides(item.module, item.name)
    }
    wanted = programs()[guest.program].imports
    assert set(found) == set(wanted)
    for name, function in wanted.items():
        assert found[name].type is not None, name
        assert (found[name].type.params, found[name].type.results) == (function.params, function.results), name


@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: f"{guest.program}-{guest.label}")
def test_a_module_holds_no_path_of_the_machine_that_built_it(guest):
    data = guest.module.read_bytes()
    places = (b"/home/", b"/tmp/", b"/Users/", b"fixtures", str(Path.home()).encode())
    assert [place for place in places if place in data] == []


def test_a_program_has_three_languages_at_least_and_the_first_has_all():
    committed = {name: {guest.label for guest in GUESTS if guest.program == name} for name in programs()}
    assert committed["shared_buffer"] == {"go", "c", "zig", "rust", "assemblyscript", "wat"}
    del committed["managed"]  # about what one language's runtime does
    assert min(map(len, committed.values())) >= 3


@pytest.mark.parametrize(
    "guest", [guest for guest in GUESTS if guest.host is None], ids=lambda guest: f"{guest.program}-{guest.label}"
)
def test_a_freestanding_module_needs_no_later_proposal(guest):
    """So that runtimes of WebAssembly 1.0 can run it. Sign extension and its like can't be turned off in wasmtime."""
    config = wasmtime.Config()
    config.wasm_simd = config.wasm_relaxed_simd = config.wasm_bulk_memory = False
    config.wasm_multi_value = config.wasm_threads = False
    assert wasmtime.Module(wasmtime.Engine(config), guest.module.read_bytes()).exports
