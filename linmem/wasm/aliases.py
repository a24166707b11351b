"""Give exports of a module further names. Source: core specification, *Binary Format*, Export Section."""

from __future__ import annotations

from collections.abc import Mapping

from linmem.wasm.types import sections

_EXPORTS = 7  # the section's id


def add_names(data: bytes, names: Mapping[str, str]) -> bytes:
    """The module with more exports: `names` has, by a new export's name, that of the export which it is. All else stays
    as it is, byte by byte. Raises `UnreadableModule`, and `KeyError` for an export that is not there.
    """
    before = 8
    for number, body in sections(data):
        end = body.end
        if number == _EXPORTS:
            former = body.leb()
            at = body.at
            about: dict[str, bytes] = {}  # kind and index of each export
            for _ in range(former):
                name, begin = body.name(), body.at
                body.byte()
                body.leb()
                about[name] = data[begin : body.at]
            added = {new: about[old] for new, old in names.items() if new not in about}
            texts = [_leb(len(new.encode())) + new.encode() + what for new, what in added.items()]
            content = _leb(former + len(added)) + data[at:end] + b"".join(texts)
            return data[:before] + bytes([_EXPORTS]) + _leb(len(content)) + content + data[end:]
        before = end
    raise KeyError(next(iter(names)))


def _leb(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
