"""A driver of the Python kit without a runtime, to be forked: ``FORKABLE`` says what importing its runtime does."""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.environ["KIT"])

from linmem_driver import Channel, Driver, ViewKind
from linmem_session import serve

CHANNEL = Channel()
if os.environ.get("FORKABLE") == "starts a thread":
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
if os.environ.get("FORKABLE") == "fails":
    sys.exit("no runtime here")


class Forkable(Driver):
    """Functions are named after what they do."""

    def __init__(self, variant, cache):
        self.runtime = {"name": "forkable", "version": "1.0", "engine": "none"}
        self.views = {"bytewise": ViewKind(1, ("u8", "bytes"))}
        self.default_views = {"u8": "bytewise", "bytes": "bytewise"}
        self.calls = 0

    def module_compile(self, data):
        return data

    def instance_create(self, module, imports):
        return module

    def function_call(self, instance, name, args, results):
        self.calls += 1
        if name == "tell":
            told = {"folder": os.environ["TMPDIR"], "temporary": tempfile.gettempdir(), "pid": os.getpid()}
            told.update(group=os.getpgrp(), calls=self.calls, random=random.random())
            sys.stderr.write(json.dumps(told))
            sys.stderr.flush()
        elif name == "leaves a daemon":
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        elif name == "hangs":
            time.sleep(600)
        elif name == "dies":
            os.abort()
        return ()

    def release_all(self):
        pass


if __name__ == "__main__":
    serve(Forkable, CHANNEL)
