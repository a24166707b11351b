"""A driver without a runtime that breaks at one message of one scenario: ``python breaking.py``.

``BREAKS`` is JSON: the ``scenario`` (the number that is in its module's name), the ``message`` of it that is the last to
go well (0 is the compilation, the release of all objects comes last), the ``fault``, and whether it comes ``after`` the
answer to that message. With a file ``once``, only the first process breaks.
"""

import base64
import json
import os
import re
import signal
import sys

BREAKS = json.loads(os.environ["BREAKS"])
ANSWERS = {
    "initialize": {
        "protocol": 1,
        "runtime": {"name": "breaking", "version": "1.0", "engine": "none"},
        "host": {"language": "Python", "version": "3", "implementation": "CPython"},
        "views": [{"kind": "bytewise", "unit": 1, "types": ["u8", "bytes"]}],
        "default_views": {"u8": "bytewise", "bytes": "bytewise"},
        "glue": [],
    },
    "memory.size": {"pages": 1},
    "memory.grow": {"pages": 1},
    "memory.read": {"bytes": "AA=="},
    "function.call": {"values": [{"type": "i32", "value": "7"}]},
}


def write(text):
    """Write at once."""
    os.write(1, text.encode())


def breaks():
    """Do what this process is here for."""
    once = BREAKS.get("once")
    if once is not None:
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
    fault = BREAKS["fault"]
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    if fault == "exit":
        os._exit(3)
    if fault == "says":
        os.write(2, b"my last words\n")
        os._exit(3)
    if fault == "half":
        write('{"jsonrpc":"2.0","id":')
        os._exit(3)
    if fault == "words":
        write("growing the memory!\n")
    if fault == "wrong id":
        write('{"jsonrpc":"2.0","id":999999,"result":{}}\n')
    if fault == "calls":
        write('{"jsonrpc":"2.0","id":"h1","method":"import.call","params":{"func":"0.tick","args":[]}}\n')


def main():
    """Answer requests until input ends."""
    scenario, message = None, 0
    modules = {}
    for line in sys.stdin:
        request = json.loads(line)
        method, params, ident = request.get("method"), request.get("params", {}), request["id"]
        if method == "module.compile":
            found = re.search(rb"scenario([0-9]+)", base64.b64decode(params["bytes"]))
            modules[ident] = int(found.group(1)) if found else None
            scenario, message = modules[ident], -1
        elif method == "instance.create" and modules.get(params["module"]) != scenario:
            scenario, message = modules[params["module"]], 0
        message += 1
        broken = scenario == BREAKS["scenario"] and message == BREAKS["message"]
        if broken and not BREAKS["after"]:
            breaks()
        if modules.get(ident) == BREAKS.get("refuses", -1):
            error = {"code": -32000, "message": "bad", "data": {"kind": "compile", "message": "bad", "text": "bad"}}
            write(json.dumps({"jsonrpc": "2.0", "id": ident, "error": error}) + "\n")
        else:
            write(json.dumps({"jsonrpc": "2.0", "id": ident, "result": ANSWERS.get(method, {})}) + "\n")
        if broken and BREAKS["after"]:
            breaks()


main()
