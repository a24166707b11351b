"""A driver with one fault: ``python meddler.py FAULT COMMAND...`` stands before a good driver and spoils what it says.

Each fault is a function below. It gets the request that an answer is for, and the answer, and returns the lines to
write in its place. The driver's own requests (`import.call`) and everything else go through untouched.
"""

import base64
import json
import subprocess
import sys
import threading
import time


def wrong_id(request, answer):
    """The answer to memory.size carries the id of another request."""
    if request["method"] == "memory.size":
        answer["id"] += 1
    return [answer]


def garbage(request, answer):
    """A debugging line on standard output."""
    return ["growing!", answer] if request["method"] == "memory.grow" else [answer]


def twice(request, answer):
    """The answer to memory.export comes twice."""
    return [answer, answer] if request["method"] == "memory.export" else [answer]


def padded_read(request, answer):
    """Short reads are filled up with zeros."""
    if request["method"] == "memory.read" and request["params"]["type"] == "bytes" and "result" in answer:
        data = base64.b64decode(answer["result"]["bytes"]).ljust(request["params"]["count"], b"\0")
        answer["result"]["bytes"] = base64.b64encode(data).decode()
    return [answer]


def big_endian(request, answer):
    """Two-byte values are read the wrong way round."""
    if (
        request["method"] == "memory.read"
        and request["params"]["type"] == "u16"
        and "value" in answer.get("result", {})
    ):
        value = answer["result"]["value"]
        value["value"] = str(int.from_bytes(int(value["value"]).to_bytes(2, "little"), "big"))
    return [answer]


def own_trap_words(request, answer):
    """Traps come in the runtime's words."""
    data = answer.get("error", {}).get("data", {})
    if request["method"] == "function.call" and data.get("kind") == "trap":
        data["message"] = "wasm trap: " + data["message"]
    return [answer]


def float_as_number(request, answer):
    """An f32 result comes as a number instead of its bits."""
    for value in answer.get("result", {}).get("values", []):
        if value["type"] == "f32":
            value["value"] = "1.5"
    return [answer]


def everything_is_a_link_error(request, answer):
    """Malformed modules are refused with the wrong kind."""
    if request["method"] == "module.compile" and "error" in answer:
        answer["error"]["data"]["kind"] = "link"
    return [answer]


def one_round(request, answer):
    """Of an agent's rounds only the last is told."""
    if request["method"] == "agents.run" and "result" in answer:
        answer["result"]["agents"] = [[rounds[-1:] for rounds in calls] for calls in answer["result"]["agents"]]
    return [answer]


def takes_turns(request, answer):
    """Agents run one after the other: who waits is not notified."""
    names = [call["name"] for agent in request["params"].get("agents", []) for call in agent["calls"]]
    if names == ["wait", "wake"]:
        for calls, value in zip(answer["result"]["agents"], "20", strict=True):
            calls[0] = [{"values": [{"type": "i32", "value": value}]}] * len(calls[0])
    return [answer]


def terse(request, answer):
    """Errors come without the runtime's own words."""
    if "error" in answer and "data" in answer["error"]:
        answer["error"]["data"].pop("text")
    return [answer]


def forgets_a_view_kind(request, answer):
    """One view kind of the manifest is not named."""
    if request["method"] == "initialize":
        answer["result"]["views"].pop()
    return [answer]


def no_views(request, answer):
    """The driver of someone who has not come to views yet."""
    if request["method"].startswith("view."):
        return [{"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32601, "message": "not yet"}}]
    return [answer]


def not_skipped(request, answer):
    """What uses a failed request is called an unknown object."""
    if answer.get("error", {}).get("data", {}).get("kind") == "skipped":
        answer["error"] = {"code": -32602, "message": "no such object"}
    return [answer]


def hangs(request, answer):
    """view.length is never answered."""
    while request["method"] == "view.length":
        time.sleep(60)
    return [answer]


def dies(request, answer):
    """view.write ends the process."""
    if request["method"] == "view.write":
        sys.stderr.write("I won't write\n")
        sys.stderr.flush()
        sys.stdout.flush()
        DRIVER.kill()
        end(3)
    return [answer]


def keeps_objects(request, answer):
    """object.release does nothing (the request never gets there: see `to_driver`)."""
    return [answer]


def bad_status(request, answer):
    """The process ends with status 5 (see `main`)."""
    return [answer]


def outlives(request, answer):
    """The process does not end with its input (see `main`)."""
    return [answer]


held = []


def swaps(request, answer):
    """Where many requests wait, two answers change places."""
    args = request["params"].get("args") or [{}]
    if args[0].get("value") == "100":  # of 200 calls that are sent at once
        held.append(answer)
        return []
    return [answer, *[held.pop() for _ in held[:]]]


def to_driver(message):
    """What the driver gets to see."""
    if FAULT is keeps_objects and message.get("method") == "object.release":
        return {**message, "params": {"objects": []}}
    return message


def relay_answers():
    """From the driver to the harness."""
    for line in DRIVER.stdout:
        message = json.loads(line)
        lines = [message] if "method" in message else FAULT(REQUESTS.pop(message["id"]), message)
        for out in lines:
            sys.stdout.write((out if isinstance(out, str) else json.dumps(out)) + "\n")
            sys.stdout.flush()


def end(status):
    """End at once, from whatever thread."""
    sys.stdout.flush()
    import os

    os._exit(status)


def main():
    """From the harness to the driver."""
    answers = threading.Thread(target=relay_answers)
    answers.start()
    for line in sys.stdin:
        message = json.loads(line)
        if "method" in message:
            REQUESTS[message["id"]] = message
        try:
            DRIVER.stdin.write(json.dumps(to_driver(message)) + "\n")
            DRIVER.stdin.flush()
        except BrokenPipeError:
            break
    DRIVER.stdin.close()
    while FAULT is outlives:
        time.sleep(60)
    status = DRIVER.wait()
    answers.join()
    end(5 if FAULT is bad_status else status)


FAULT = globals()[sys.argv[1]]
REQUESTS = {}
DRIVER = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

if __name__ == "__main__":
    main()
