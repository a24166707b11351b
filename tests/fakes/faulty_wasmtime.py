"""Wasmtime's driver, into which a test plants faults: ``python faulty_wasmtime.py DRIVER``.

Besides the protocol's requests it answers ``fault.plant``: ``at`` names a function of the driver or of wasmtime-py
(``wasmtime.Memory.read``), and ``with`` is a Python expression for what takes its place, in which ``real`` is the
function itself and ``quiet`` the one below. What was planted before is lifted first; without parameters nothing takes its place.
"""

import contextlib
import json
import runpy
import sys

names = runpy.run_path(sys.argv[1], run_name="driver")
channel = names["CHANNEL"]
receive = channel.receive
planted = []


def lift():
    """Put the real function back."""
    while planted:
        owner, name, real = planted.pop()
        setattr(owner, name, real)


def quiet(function, *args):
    """What a function gives; nothing where it raises."""
    with contextlib.suppress(Exception):
        return function(*args)


def plant(at, code):
    """Put what `code` says in the place of the function at `at`."""
    path, _, name = at.rpartition(".")
    owner = eval(path, names)
    real = getattr(owner, name)
    planted.append((owner, name, real))
    setattr(owner, name, eval(code, {**names, "real": real, "quiet": quiet}))


def watched():
    """The next request that is not ours."""
    while True:
        request = receive()
        if request.get("method") != "fault.plant":
            return request
        lift()
        if request["params"]:
            plant(request["params"]["at"], request["params"]["with"])
        channel.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {}}) + "\n")


channel.receive = watched
names["serve"](names["WasmtimeDriver"], channel)
