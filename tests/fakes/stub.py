"""A driver that gets no further than `initialize`: ``python stub.py BEHAVIOUR``."""

import json
import sys
import time

BEHAVIOUR = sys.argv[1]


def answer(request, result):
    """Answer a request."""
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}) + "\n")
    sys.stdout.flush()


def main():
    """Behave."""
    if BEHAVIOUR == "dies":
        sys.exit("no runtime here")
    if BEHAVIOUR == "prints":
        print("Welcome to this driver", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if BEHAVIOUR == "silent":
            time.sleep(600)
        if request["method"] == "shutdown":
            answer(request, {})
            return
        if BEHAVIOUR == "formless":
            answer(request, {"protocol": 1})
        else:
            answer(
                request,
                {
                    "protocol": 2 if BEHAVIOUR == "of the future" else 1,
                    "runtime": {"name": "stub", "version": BEHAVIOUR, "engine": "none"},
                    "host": {"language": "Python", "version": "3", "implementation": "CPython"},
                    "views": [],
                    "default_views": {},
                    "glue": [],
                },
            )


main()
