from __future__ import annotations

import pytest
import wasmtime

from linmem.guests import probes

# wasmtime's switch for a feature, after the switches of what builds on it: an engine with the latter alone aborts.
SWITCHES = {
    "bulk-memory": ["wasm_bulk_memory"],
    "custom-page-sizes": ["wasm_custom_page_sizes"],
    "memory64": ["wasm_memory64"],
    "multi-memory": ["wasm_multi_memory"],
    "multi-value": ["wasm_multi_value"],
    "simd": ["wasm_relaxed_simd", "wasm_simd"],
    "threads": ["wasm_threads"],
}
# Where wasmtime has no switch, or one that Python can't turn: what is new, as the binary format has it.
INSTRUCTIONS = {
    "extended-const": b"\x41\x80\x08\x41\x02\x41\x08\x6c\x6a\x0b",  # 1024 + 2 * 8, in a constant expression
    "reference-types": b"\x04\x04\x01\x6f\x00\x01",  # a table of externref
    "saturating-float-to-int": b"\xfc\x00",  # i32.trunc_sat_f32_s
    "sign-extension": b"\xc1\xc0",  # i32.extend16_s, i32.extend8_s
}


def compiles(module: bytes, **switches: bool) -> bool:
    config = wasmtime.Config()
    config.wasm_custom_page_sizes = True  # the only one of them that is off by default
    for name, value in switches.items():
        setattr(config, name, value)
    try:
        wasmtime.Module(wasmtime.Engine(config), module)
    except wasmtime.WasmtimeError:
        return False
    return True


def test_every_probe_is_checked_here():
    assert set(probes.names()) == {*SWITCHES, *INSTRUCTIONS}
    assert set(probes.features()) == set(probes.names())


@pytest.mark.parametrize("feature", probes.names())
def test_a_probe_is_valid(feature):
    assert compiles(probes.features()[feature])


@pytest.mark.parametrize("feature", sorted(SWITCHES))
def test_a_probe_needs_its_feature(feature):
    assert not compiles(probes.features()[feature], **dict.fromkeys(SWITCHES[feature], False))


@pytest.mark.parametrize("feature", probes.names())
def test_a_probe_needs_no_other_feature(feature):
    others = {switch: False for other in SWITCHES if other != feature for switch in SWITCHES[other]}
    assert compiles(probes.features()[feature], **others)


@pytest.mark.parametrize("feature", sorted(INSTRUCTIONS))
def test_a_probe_has_its_instructions(feature):
    assert INSTRUCTIONS[feature] in probes.features()[feature]
