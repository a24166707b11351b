"""Checks that are data: the steps of ``checks.yaml``, played on a driver. That file says what they mean."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from linmem.check import modules
from linmem.check.driver import DriverUnderTest, Wrong, bits, bytes_read, imported, numbers, same, typed
from linmem.scenario import values
from linmem.wasm.types import PAGE

Step = Mapping[str, Any]

VERBS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "compile": ("module.compile", "bytes", {}),
    "instantiate": ("instance.create", "module", {"imports": {}, "glue": None}),
    "call": ("function.call", "name", {"instance": "$instance", "args": [], "results": ["i32"]}),
    "read": ("memory.read", "type", {"memory": "$memory", "view": None}),
    "write": ("memory.write", "type", {"memory": "$memory", "view": None}),
    "look": ("view.read", "type", {}),
    "put": ("view.write", "type", {}),
    "get": ("global.get", "global", {"type": "i32"}),
}
"""What steps are short for: a method, the parameter that stands under the verb, and defaults of others."""

WORDS = {"ask", "as", "refused", "says", "unknown", "may", "or_untested", "gives", "gives_one_of", "holds", "at_most"}
WORDS |= {"blame", "what", *VERBS}

PATTERN = bytes.fromhex("8192a3b4c5d6e7f8")  # what the basic module has at address 16
SAMPLES = {  # what is written for each type: every byte differs, signed ones are negative, floats are no NaN
    "u8": 0x9A,
    "s8": -0x66,
    "u16": 0x9ABC,
    "s16": -0x6544,
    "u32": 0x9ABCDEF0,
    "s32": -0x65432110,
    "u64": 0x9ABCDEF012345678,
    "s64": -0x6543210FEDCBA988,
    "f32": 0xC2F6E979,
    "f64": 0xC05EDD2F1A9FBE77,
}


def _type(name: str) -> dict[str, Any]:
    """The names that loops have for a memory type: what is read of it, and what is written."""
    width = values.MEMORY_TYPES.get(name, len(PATTERN))
    pattern = PATTERN[:width]
    if name == "bytes":
        stored, value = PATTERN[::-1], {"bytes": base64.b64encode(PATTERN[::-1]).decode()}
    else:
        stored, value = (SAMPLES[name] % (1 << 8 * width)).to_bytes(width, "little"), bits(name, SAMPLES[name])
    changed = b"\x5a" + pattern[1:]
    return {"type": name, "value": value, "pattern": pattern.hex(), "changed": changed.hex(), "stored": stored.hex()}


def _kinds(wanted: Callable[[str, int], bool]) -> Callable[[DriverUnderTest], Iterator[dict[str, Any]]]:
    """View kinds, each with each of its types that is wanted, and a place in memory of its own."""

    def loop(driver: DriverUnderTest) -> Iterator[dict[str, Any]]:
        pairs = [(view, name) for view in driver.info.views for name in view.types if wanted(name, view.unit)]
        for number, (view, name) in enumerate(pairs):
            yield {"kind": view.kind, "place": 256 + 8 * number, **_type(name)}

    return loop


LOOPS: Mapping[str, Callable[[DriverUnderTest], Iterable[dict[str, Any]]]] = {
    "default type": lambda driver: map(_type, driver.info.default_views),
    "default type of bytes": lambda driver: [{}] if "bytes" in driver.info.default_views else [],
    "view kind": lambda driver: [{"kind": view.kind, "units": PAGE // view.unit} for view in driver.info.views],
    "view kind and type": _kinds(lambda name, unit: True),
    "view kind and number type": _kinds(lambda name, unit: name != "bytes"),
    "view kind and type of larger elements": _kinds(lambda name, unit: name != "bytes" and unit > 1),
}


@dataclass
class CheckPlay:
    """The steps of one check on a driver. ``names`` are the ids and values that names stand for by now."""

    driver: DriverUnderTest
    topic: str
    objects: Mapping[str, Step]
    names: dict[str, Any] = field(default_factory=dict)

    def play(self, steps: Sequence[Step]) -> None:
        """Play steps, up to one that may be refused and is. Raises as requests to a driver do."""
        for step in steps:
            if "each" in step:
                each = step["each"]
                for names in LOOPS[each](self.driver) if isinstance(each, str) else each:
                    self.names.update({name: self._filled(value) for name, value in names.items()})
                    self.play(step["steps"])
            elif "peek" in step:
                at, expected = self._filled(step["peek"]), bytes.fromhex(self._filled(step["holds"]))
                instance = self._filled("$instance")
                found = bytes(self.driver.call(instance, "load", at + i)[0] for i in range(len(expected)))
                same(self.topic, expected, found, self._what(step))
            elif not self._request(step):
                return

    def _request(self, step: Step) -> bool:
        """Make a request and judge what came of it; False where it was refused and may be."""
        method, params = self._spelled(step)
        if "unknown" in step:
            self.driver.unknown(self.topic, method, **params)
            return True
        if "refused" in step:
            failure = self.driver.refused(method, *step["refused"], **params)
            if "says" in step and step["says"] not in failure.messages:
                same(method, step["says"], failure.message)
            return True
        if "may" in step:
            answered = self.driver.allowed(method, step["may"], **params)
            if answered is None:
                return False
            request, reply = answered
        else:
            request, reply = self.driver.request(method, params, step.get("or_untested"))
        self._judge(step, method, params, reply)
        if "as" in step:
            self.names[step["as"]] = request
        return True

    def _judge(self, step: Step, method: str, params: Mapping[str, Any], reply: Mapping[str, Any]) -> None:
        topic, what = step.get("blame", self.topic), self._what(step)
        if "holds" in step or "at_most" in step:
            data = bytes.fromhex(self._filled(step.get("holds", "")))
            given = bytes_read(method, reply, params.get("type", "bytes"), len(data))
            if len(given) > step.get("at_most", len(given)):
                most = f"at most the {step['at_most']} bytes that are there, or a host error"
                raise Wrong(topic, most, f"{len(given)} bytes")
            through = f"{params['type']} through {params['view'] or 'the default view'}" if "view" in params else ""
            if "holds" in step:
                same(topic, data, given[: len(data)] if method == "object.use" else given, what or through)
        elif "gives_one_of" in step and reply not in step["gives_one_of"]:
            raise Wrong(topic, " or ".join(map(str, step["gives_one_of"])), str(reply))
        elif "gives" in step:
            expected: Any = self._filled(step["gives"])
            found: Any = reply
            if method == "function.call":
                kinds = params["results"]
                found = numbers(method, reply, kinds)
                expected = [values.integer_bits(kind, one) for kind, one in zip(kinds, expected, strict=True)]
            elif method == "global.get":
                kind = params["type"]
                (found,) = numbers(method, {"values": [reply.get("value")]}, [kind])
                expected = values.integer_bits(kind, expected)
            same(topic, expected, found, what)

    def _spelled(self, step: Step) -> tuple[str, dict[str, Any]]:
        """The method and the parameters of a step's request."""
        verb = next(iter(step))
        given = {key: value for key, value in step.items() if key not in WORDS}
        if verb == "ask":
            return step["ask"], self._filled(given)
        method, name, defaults = VERBS[verb]
        params = self._filled({**defaults, name: step[verb], **given})
        if verb == "compile":
            params["bytes"] = modules.encoded(params["bytes"])
        elif verb == "instantiate":
            given = params["imports"]
            items = given if isinstance(given, list) else [{"name": name, **what} for name, what in given.items()]
            params["imports"] = [imported(**item) for item in items]
        elif verb == "call":
            params["args"] = [typed("i32", item) if isinstance(item, int) else item for item in params["args"]]
        elif params.get("type") == "bytes" and method.endswith("read"):
            params.setdefault("count", len(PATTERN))
        return method, params

    def _what(self, step: Step) -> str:
        """What was compared: text with names in it."""
        words = str(step.get("what", "")).split(" ")
        return " ".join(str(self.names[word[1:]]) if word.startswith("$") else word for word in words)

    def _filled(self, value: Any) -> Any:
        """Data with what its names stand for, and typed values as the protocol has them."""
        if isinstance(value, str):
            return self._named(value[1:]) if value.startswith("$") else value
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if not isinstance(value, dict):
            return value
        filled = {key: self._filled(item) for key, item in value.items()}
        if len(filled) == 1 and (kind := next(iter(filled))) in values.NUMBER_TYPES:
            return typed(kind, filled[kind])
        number = filled.get("value")
        return filled | {"value": str(number)} if isinstance(number, int) and not isinstance(number, bool) else filled

    def _named(self, name: str) -> Any:
        if name not in self.names:
            step = self.objects.get(name, {"compile": name})
            method, params = self._spelled(step)
            self.names[name] = self.driver.make(method, **params)
        return self.names[name]
