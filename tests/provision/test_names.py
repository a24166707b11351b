from __future__ import annotations

import pytest

from linmem.errors import UserError
from linmem.provision.names import RuntimeName, parse


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("wasmer", RuntimeName("wasmer")),
        ("wasmer:llvm", RuntimeName("wasmer", "llvm")),
        ("wasmtime@49.0.0", RuntimeName("wasmtime", None, "49.0.0")),
        ("wasmer:llvm@1.1.0", RuntimeName("wasmer", "llvm", "1.1.0")),
        ("node@25.0.0-rc.1", RuntimeName("node", None, "25.0.0-rc.1")),
        ("./my/runtime:fast@2", RuntimeName("./my/runtime", "fast", "2")),
        ("/opt/Runtimes/Mine", RuntimeName("/opt/Runtimes/Mine")),
    ],
)
def test_parse_and_back(text: str, name: RuntimeName) -> None:
    assert parse(text) == name
    assert str(name) == text


@pytest.mark.parametrize(
    "text",
    ["", "Wasmer", "wasmer:", "wasmer@", "wasmer@1:llvm", "wasmer:a:b", "@1.0", ":llvm", "a b", "wasmer@v1", "-x"],
)
def test_what_names_nothing(text: str) -> None:
    with pytest.raises(UserError, match=r"does not name a runtime: write name\[:variant\]\[@version\]"):
        parse(text)
