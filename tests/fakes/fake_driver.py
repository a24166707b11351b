"""A driver without a runtime, for tests of the harness: ``python fake_driver.py [FAULT-AT-START]``.

It answers every request of the protocol with something of the right form, and commits a fault when a function of the
fault's name is called. Its memory is a page of zeros that nothing changes.
"""

import json
import os
import signal
import subprocess
import sys
import time

MEGABYTE = 1 << 20


def send(message):
    """Write one message at once."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(request, result):
    """Answer a request."""
    send({"jsonrpc": "2.0", "id": request["id"], "result": result})


class Faults:
    """What a called function does. Where it returns, the call is answered with the values asked for."""

    def plain(self, request):
        """No fault."""

    def sigkill(self, request):
        os.kill(os.getpid(), signal.SIGKILL)

    def sigsegv(self, request):
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)

    def exits(self, request):
        sys.stderr.write("I had enough\n")
        sys.stderr.flush()
        os._exit(3)

    def says_commands(self, request):
        sys.stderr.write("no\n::stop-commands::x\n  ::error file=a::b\n##[error]c\n")
        sys.stderr.flush()
        os._exit(3)

    def finds_a_defect_of_its_own(self, request):
        os._exit(70)

    def exits_after_the_answer(self, request):
        answer(request, {"values": []})
        os._exit(0)

    def hangs(self, request):
        time.sleep(600)

    def naps(self, request):
        """Comes back late, and, once the process has napped as often as it may, never."""
        NAPS.append(request["id"])
        time.sleep(600 if len(NAPS) > int(os.environ.get("FAKE_NAPS", "1000000")) else 0.1)

    def never_answers(self, request):
        """Takes in all requests, and says nothing more."""
        while sys.stdin.readline():
            pass

    def ignores_everything(self, request):
        """Outlives its input and every polite signal."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(600)

    def leaves_a_child(self, request):
        """Dies; its child lives on, with the pipes in its hands."""
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        os._exit(4)

    def leaves_a_daemon(self, request):
        """Starts what is in another session and environment and has no parent any more, and then does what is asked."""
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for stream in range(3):
                    os.close(stream)
                os.execve(sys.executable, [sys.executable, "-c", DAEMON], {"FAKE_DAEMON": os.environ["FAKE_DAEMON"]})
            os._exit(0)
        os.wait()

    def leaves_a_daemon_and_dies(self, request):
        self.leaves_a_daemon(request)
        os._exit(4)

    def stops_itself(self, request):
        os.kill(os.getpid(), signal.SIGSTOP)

    def stops_its_parent(self, request):
        os.kill(os.getppid(), signal.SIGSTOP)

    def closes_stdout(self, request):
        os.close(1)
        time.sleep(600)

    def closes_stdin(self, request):
        os.close(0)
        time.sleep(600)

    def prints(self, request):
        """A debugging line on standard output."""
        print("growing the memory!", flush=True)

    def binary(self, request):
        sys.stdout.buffer.write(bytes(range(256)) * 4 + b"\n")
        sys.stdout.buffer.flush()

    def half_a_line(self, request):
        sys.stdout.write('{"jsonrpc":"2.0","id":')
        sys.stdout.flush()
        time.sleep(600)

    def half_a_line_and_dies(self, request):
        sys.stdout.write('{"jsonrpc":"2.0","id":')
        sys.stdout.flush()
        os._exit(5)

    def nested_deeply(self, request):
        sys.stdout.write('{"id":1,"result":{"values":' + "[" * 100_000 + "]" * 100_000 + "}}\n")
        sys.stdout.flush()

    def wrong_id(self, request):
        send({"jsonrpc": "2.0", "id": request["id"] + 1, "result": {"values": []}})

    def no_id(self, request):
        send({"jsonrpc": "2.0", "result": {"values": []}})

    def twice(self, request):
        answer(request, {"values": []})

    def no_result(self, request):
        send({"jsonrpc": "2.0", "id": request["id"]})

    def list_as_result(self, request):
        send({"jsonrpc": "2.0", "id": request["id"], "result": [1, 2]})

    def text_as_error(self, request):
        send({"jsonrpc": "2.0", "id": request["id"], "error": "no"})

    def asks_for_the_moon(self, request):
        send({"jsonrpc": "2.0", "id": "h1", "method": "moon.get", "params": {}})

    def calls_with(self, request):
        """A host function with arguments that are none; the request says which."""
        send({"id": "h1", "method": "import.call", "params": {"func": "0.tick", **request["params"]["call"]}})
        time.sleep(30)

    def calls_nobody(self, request):
        send({"jsonrpc": "2.0", "id": "h1", "method": "import.call", "params": {"func": "none", "args": []}})
        while "method" in json.loads(sys.stdin.readline()):
            pass

    def calls_for_ever(self, request):
        """A guest that calls a host function in an endless loop."""
        for number in range(10**9):
            params = {"func": FUNC[0], "args": []}
            send({"jsonrpc": "2.0", "id": f"h{number}", "method": "import.call", "params": params})
            if "error" in json.loads(sys.stdin.readline()):
                break

    def calls_in_a_storm(self, request):
        """Host functions, called again and again without a look at what they return."""
        line = json.dumps({"id": "h", "method": "import.call", "params": {"func": FUNC[0], "args": []}}) + "\n"
        while True:
            os.write(1, line.encode() * 100)

    def has_a_million_messages(self, request):
        error = {"code": -32000, "message": "no", "data": {"kind": "trap", "messages": [f"m{n}" for n in range(10**6)]}}
        send({"jsonrpc": "2.0", "id": request["id"], "error": error})
        return "answered"

    def gives_empty_values(self, request):
        """12 MB of them, which take twenty times as much when they are decoded."""
        os.write(1, b'{"jsonrpc": "2.0", "id": %d, "result": {"values": [' % request["id"])
        sys.stdout.write("{},[]," * 2_000_000 + "0]}}\n")
        sys.stdout.flush()
        return "answered"

    def gives_a_megabyte(self, request):
        answer(request, {"values": [], "more": "x" * MEGABYTE})
        return "answered"

    def floods_stdout(self, request):
        """100 MB without an end of line."""
        for _ in range(100):
            os.write(1, b"x" * MEGABYTE)

    def floods_stdout_with_lines(self, request):
        """100 MB of lines."""
        for _ in range(100):
            os.write(1, b"x" * (MEGABYTE - 1) + b"\n")

    def floods_stderr(self, request):
        """100 MB on standard error, then the right answer."""
        for _ in range(100):
            os.write(2, b"x" * (MEGABYTE - 1) + b"\n")
        os.write(2, b"the last words\n")

    def huge_error(self, request):
        """A refusal in ten million words."""
        data = {"kind": "host", "type": "Verbose", "message": "x" * 10_000_000, "text": "\x1b[31m" * 1_000_000}
        send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32000, "message": "no", "data": data}})
        return "answered"

    def half_a_pair(self, request):
        """A refusal whose texts have halves of surrogate pairs, a whole pair, and what only looks like an escape."""
        data = r'{"kind": "host", "type": "E\ud800", "message": "a\uDBFF\uDFFFb\\ud800c\udfff\ud800", "text": "none"}'
        head = '{"jsonrpc": "2.0", "id": ' + str(request["id"])
        sys.stdout.write(head + ', "error": {"code": -32000, "data": ' + data + "}}\n")
        sys.stdout.flush()
        return "answered"

    def asks_for_much(self, request):
        send({"jsonrpc": "2.0", "id": "h1", "method": "m" * 500_000, "params": {}})

    def speaks(self, request):
        """A refusal with the words of the file FAKE_WORDS in every part."""
        data = {"kind": WORDS, "type": WORDS, "message": WORDS, "text": WORDS, "messages": [WORDS]}
        send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32000, "message": WORDS, "data": data}})
        return "answered"

    def traps(self, request):
        data = {"kind": "trap", "type": WORDS, "message": WORDS, "text": WORDS}
        send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32000, "message": WORDS, "data": data}})
        return "answered"

    def lacks(self, request):
        data = {"kind": "unsupported", "message": WORDS, "text": WORDS}
        send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32000, "message": WORDS, "data": data}})
        return "answered"

    def prints_and_exits(self, request):
        sys.stderr.buffer.write(WORDS.encode("utf-8", "surrogatepass"))
        sys.stderr.flush()
        os._exit(3)

    def prints_its_words(self, request):
        sys.stdout.buffer.write(WORDS.encode("utf-8", "surrogatepass") + b"\n")
        sys.stdout.flush()

    def asks_in_its_words(self, request):
        send({"jsonrpc": "2.0", "id": WORDS, "method": WORDS, "params": {WORDS: WORDS}})

    def gives_its_words(self, request):
        answer(request, {"values": [{"type": WORDS, "value": WORDS} for _ in request["params"]["results"]]})
        return "answered"

    def wrong_values(self, request):
        answer(request, {"values": [24]})
        return "answered"


DAEMON = "import time; time.sleep(600)"
WORDS = ""
if "FAKE_WORDS" in os.environ:
    with open(os.environ["FAKE_WORDS"], encoding="utf-8") as file:
        WORDS = json.load(file)
FUNC = []
NAPS = []
RESULTS = {
    "memory.size": {"pages": 1},
    "memory.grow": {"pages": 1},
    "memory.read": {"bytes": "AA=="},
    "view.length": {"length": 65536},
    "view.read": {"bytes": "AA=="},
}
INFO = {
    "protocol": 1,
    "runtime": {"name": "fake", "version": "1.0", "engine": "none"},
    "host": {"language": "Python", "version": "3", "implementation": "CPython"},
    "views": [{"kind": "bytewise", "unit": 1, "types": ["u8", "bytes"]}],
    "default_views": {"u8": "bytewise", "bytes": "bytewise"},
    "glue": [],
}
if WORDS:
    INFO["runtime"].update(version=WORDS, engine=WORDS)
    INFO["host"].update(version=WORDS, implementation=WORDS)
    RESULTS.update(
        {"memory.size": {"pages": WORDS}, "memory.read": {"nothing": WORDS}, "view.length": {"length": WORDS}}
    )


def call(request):
    """Call a function: commit the fault it is named after."""
    if getattr(Faults(), request["params"]["name"])(request) != "answered":
        answer(request, {"values": [{"type": kind, "value": "0"} for kind in request["params"]["results"]]})


def main():
    """Answer requests until input ends."""
    start = sys.argv[1] if len(sys.argv) > 1 else ""
    if start == "dies once it is known to work":
        # The first start is the harness's look at the version.
        state = os.environ["FAKE_STATE"]
        with open(state, "a") as file:
            file.write("started\n")
        if os.path.getsize(state) > len("started\n") * int(os.environ.get("FAKE_STARTS", "1")):
            sys.exit("no more today")
    elif start == "views of no bytes":
        INFO["views"][0]["unit"] = 0
    elif start == "speaks no language":
        INFO["host"] = {}
    elif start == "says much":
        INFO["runtime"]["engine"] = INFO["host"]["version"] = "x" * 500_000
    elif start:
        getattr(Faults(), start)({"id": 1})
    for line in sys.stdin:
        request = json.loads(line)
        method = request["method"]
        if method == "initialize":
            answer(request, INFO)
        elif method == "function.call":
            call(request)
        elif method == "shutdown":
            answer(request, {})
            return
        else:
            if method == "module.compile":
                time.sleep(float(os.environ.get("FAKE_COMPILING", "0")))
            if method == "instance.create":
                FUNC[:] = [item["func"] for item in request["params"]["imports"] if "func" in item]
            answer(request, RESULTS.get(method, {}))


if __name__ == "__main__":
    main()
