"""Start a driver so that neither it nor anything that it starts can outlive the harness.

``python launch.py --keep FD COMMAND [ARG ...]`` starts the command as a child, in a process group of its own. It stays.
FD is a socket to the harness. When that ends, when this process is asked to end, or when the command has ended, all
that the command has started is killed. On Linux this includes processes that left the group or the session and whose
parents have ended: this process is their "subreaper" (``prctl(2)``), so they become its children. Elsewhere it is the
process group. Lines go to FD: ``pid N`` at the start, ``stopped N`` and ``continued 0`` as signals do that, and at last
``ended STATUS``, as in `subprocess.Popen.returncode`.

``python launch.py COMMAND [ARG ...]`` becomes the command, which Linux kills when the process that started it dies.

Few modules are imported: this runs before every driver.
"""

import ctypes
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LINUX = sys.platform == "linux"
PAUSE = 0.002  # seconds until what was killed is looked for again


def main() -> None:
    """Do what ``sys.argv`` says."""
    if sys.argv[1] == "--keep":
        Keeper(int(sys.argv[2])).keep(sys.argv[3:])
    become(sys.argv[1:], os.getppid())


def bind(parent: int) -> None:
    """Have this process killed when `parent` dies, which started it."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # kept across exec
    if LINUX and os.getppid() != parent:  # it died in between
        os._exit(1)


def become(command: list[str], parent: int) -> None:
    """Replace this process by the command, bound to the life of `parent`; status 127 if it can't be started."""
    bind(parent)
    try:
        os.execvp(command[0], command)
    except (OSError, ValueError) as error:
        os.write(2, f"can't start {command[0]}: {getattr(error, 'strerror', error)}\n".encode())
        os._exit(127)


def prctl(option: int, value: int) -> None:
    """Linux's call of that name; elsewhere nothing."""
    if LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class Keeper:
    """The parent of a command, and of all that the command leaves behind."""

    def __init__(self, harness: int) -> None:
        self.harness = harness
        self.child = 0
        os.set_inheritable(harness, False)

    def keep(self, command: list[str]) -> None:
        """Start the command, and watch it."""
        self.watch(command[0], lambda parent: become(command, parent))

    def watch(self, name: str, begin: "Callable[[int], None]") -> None:
        """Fork, wait for the child's end or the harness's, then end the rest and this process.

        Returns in the child only, when `begin` has, which is given the id of this process.
        """
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        parent = os.getpid()
        try:
            self.child = os.fork()
        except OSError as error:
            os.write(2, f"can't start {name}: {error.strerror}\n".encode())
            self.tell("ended", 127)
            os._exit(127)
        if self.child == 0:
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            for descriptor in (self.harness, woken, wake):
                os.close(descriptor)
            os.setpgid(0, 0)
            begin(parent)
            return
        self.tell("keeper", parent)
        self.tell("pid", self.child)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):  # the command's end has to be the end of its pipes
            os.dup2(nothing, stream)
        poll = select.poll()
        poll.register(self.harness, select.POLLIN)
        poll.register(woken, select.POLLIN)
        status = None
        while status is None:
            ready = dict(poll.poll())
            signals = os.read(woken, 4096) if woken in ready else b""
            status = self.reap()
            if status is None and (self.harness in ready or signal.SIGTERM in signals):
                break
        self.end(status)

    def reap(self) -> "int | None":
        """Take note of what children did; the command's status, if it has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            except ChildProcessError:
                return None
            if pid == 0:
                return None
            if pid != self.child:
                continue
            if os.WIFSTOPPED(status):
                self.tell("stopped", os.WSTOPSIG(status))
            elif os.WIFCONTINUED(status):
                self.tell("continued", 0)
            else:
                return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def end(self, status: "int | None") -> None:
        """Kill the command, unless it has ended with that status, and all that is left of what it started."""
        attempt(os.killpg, self.child, signal.SIGKILL)  # for a moment after the fork, none has joined the group
        if status is None:
            os.kill(self.child, signal.SIGKILL)
        while True:
            try:
                pid, found = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == self.child:
                status = -os.WTERMSIG(found) if os.WIFSIGNALED(found) else os.WEXITSTATUS(found)
            elif pid == 0:
                for child in children():
                    attempt(os.kill, child, signal.SIGKILL)  # it may have more rights than we have
                time.sleep(PAUSE)
        self.tell("ended", status or 0)
        os._exit(0)

    def tell(self, what: str, number: int) -> None:
        """Send a line to the harness, if there still is one."""
        attempt(os.write, self.harness, f"{what} {number}\n".encode())


def attempt(call: "Callable[..., object]", *args: object) -> None:
    """Call it, whether it can do its work or not."""
    try:
        call(*args)
    except OSError:
        return


def children() -> "list[int]":
    """The children of this process."""
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        pass  # a kernel without this list, or no Linux
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(") ")[2].split()
        except OSError:
            continue
        if int(fields[1]) == me:
            found.append(int(name))
    return found


if __name__ == "__main__":
    main()
