"""The protocol's methods for agents: threads that run at once, each with an instance of its own."""

from __future__ import annotations

import threading
from typing import Any, Callable, NamedTuple, Sequence

from linmem_driver import Import, Refused
from linmem_memories import MemoryMethods
from linmem_requests import HOOKS, Failed, Requests, Skipped
from linmem_values import typed_json

_OWN_STEPS = "memory.read memory.write memory.size memory.grow view.open view.length view.read view.write".split()


class _Call(NamedTuple):
    """What is called, and what it gave in each round: values, or the exception that came out of it."""

    name: str
    args: list[int | float]
    results: Sequence[str]
    times: int
    given: list[Any]


class _HostStep(NamedTuple):
    """What an agent's host asks of the API, and the answers, as JSON without braces."""

    ident: int
    method: str
    params: dict[str, Any]
    given: list[Any]


class _AgentHost:
    """What an agent's thread asks of memories and views. It has those of the session, and views of its own."""

    def __init__(self, session: Requests) -> None:
        self._requests = Requests(session.channel)
        self._memories = MemoryMethods(self._requests)
        self._requests.driver, self._requests.failed = session.driver, set(session.failed)
        for kind in ("memory", "view"):
            self._requests.objects[kind] = dict(session.objects[kind])

    def ask(self, asked: _HostStep) -> str:
        """The answer to one step."""
        ident, method = asked.ident, asked.method
        if method not in _OWN_STEPS:
            raise ValueError("agents have no step %s" % method)
        try:
            if not hasattr(self._requests.driver, HOOKS[method]):
                raise Refused("the driver has no %s" % method)
            return str(getattr(self._memories, "_" + method.replace(".", "_"))(ident, asked.params))
        except Failed as failed:
            refusal = self._requests.error_json(failed.method, failed.error)
        except Refused as refused:
            refusal = self._requests.error_json(method, refused)
        except Skipped as skipped:
            refusal = skipped.json()
        self._requests.failed.add(ident)
        return '{"error":%s}' % refusal


class _Agent:
    """One agent: its thread and its instance."""

    def __init__(self, driver: Any, host: _AgentHost, module: Any, imports: list[Import], calls: list[Any]) -> None:
        self.driver, self.host, self.module, self.imports, self.calls = driver, host, module, imports, calls
        self.instance: Any = None
        self.failure: BaseException | None = None  # why there is no instance
        self.fault: BaseException | None = None  # of the driver's own
        self.made, self.go = threading.Event(), threading.Event()
        self.thread: threading.Thread | None = None

    def start(self, meeting: threading.Barrier, rounds: int) -> None:
        """Start the thread; give it the time to make its instance."""
        self.thread = threading.Thread(target=self.live, args=(meeting, rounds), daemon=True)
        self.thread.start()
        self.made.wait()

    def end(self) -> None:
        """Wait for the thread's end."""
        if self.thread is not None:
            self.thread.join()

    def live(self, meeting: threading.Barrier, rounds: int) -> None:
        """The thread's whole life."""
        try:
            self.instance = self.driver.agent_create(self.module, self.imports)
        except BaseException as error:
            self.failure = error.with_traceback(None)  # which would keep this frame, and so the instance
        self.made.set()
        self.go.wait()
        try:
            for _ in range(rounds):
                meeting.wait()
                for call in self.calls:
                    call.given.append(self.play(call))
        except threading.BrokenBarrierError:
            pass
        except BaseException as error:
            self.fault = error
            meeting.abort()

    def play(self, call: _Call | _HostStep) -> Any:
        """What a call gave, or the exception that came out of it; what the API answered to a step of the host."""
        if isinstance(call, _HostStep):
            return self.host.ask(call)
        try:
            for _ in range(call.times):
                values = self.driver.agent_call(self.instance, call.name, call.args, call.results)
        except BaseException as error:
            return error.with_traceback(None)
        return values


class AgentMethods:
    """What can be asked of agents. `make_import` makes an import of what a request gives for it."""

    def __init__(self, requests: Requests, make_import: Callable[[dict[str, Any]], Import]) -> None:
        self._requests, self._make_import = requests, make_import

    def _agents_run(self, ident: int, params: dict[str, Any]) -> str:
        return self._ended(self._begun(params))

    def _agents_start(self, ident: int, params: dict[str, Any]) -> str:
        self._requests.objects["agents"][ident] = self._begun(params)
        return "{}"

    def _agents_finish(self, ident: int, params: dict[str, Any]) -> str:
        agents = self._requests.object("agents", params["agents"])
        del self._requests.objects["agents"][params["agents"]]
        return self._ended(agents)

    def _begun(self, params: dict[str, Any]) -> list[_Agent]:
        """Agents that have begun; if one has no instance, none does."""
        agents = [self._agent(item) for item in params["agents"]]
        rounds = self._requests.integer(params.get("rounds", 1))
        meeting = threading.Barrier(len(agents))
        for agent in agents:  # one instance after the other is made
            agent.start(meeting, rounds)
            if agent.failure is not None:
                meeting.abort()
                break
        for agent in agents:
            agent.go.set()
        failure = next((agent.failure for agent in agents if agent.failure is not None), None)
        if failure is None:
            return agents
        for agent in agents:
            agent.end()
        if isinstance(failure, Refused):
            raise failure
        raise Failed("instance.create", failure)

    def _ended(self, agents: list[_Agent]) -> str:
        """What agents came to, when all have ended."""
        for agent in agents:
            agent.end()
        for agent in agents:
            if agent.fault is not None:
                raise agent.fault
        return '{"agents":[%s]}' % ",".join(map(self._played, agents))

    def end(self) -> None:
        """Wait for agents that nobody has asked for."""
        for agents in self._requests.objects["agents"].values():
            for agent in agents:
                agent.end()
        self._requests.objects["agents"].clear()

    def _agent(self, item: dict[str, Any]) -> _Agent:
        calls = [self._agent_call(call) for call in item["calls"]]
        imports = [self._agent_import(one) for one in item["imports"]]
        return _Agent(
            self._requests.driver,
            _AgentHost(self._requests),
            self._requests.object("module", item["module"]),
            imports,
            calls,
        )

    def _agent_call(self, item: dict[str, Any]) -> _Call | _HostStep:
        if "method" in item:
            return _HostStep(self._requests.integer(item["id"]), item["method"], item["params"], [])
        return _Call(
            item["name"], [self._requests.argument(arg) for arg in item["args"]], item["results"], item["times"], []
        )

    def _agent_import(self, item: dict[str, Any]) -> Import:
        """A new global is made for each agent, where its instance is."""
        if "global" not in item:
            return self._make_import(item)
        new = item["global"]
        return Import(item["module"], item["name"], "new", (new["type"], self._requests.argument(new), new["mutable"]))

    def _played(self, agent: _Agent) -> str:
        return "[%s]" % ",".join(
            "[%s]" % ",".join(self._outcome(call, given) for given in call.given) for call in agent.calls
        )

    def _outcome(self, call: _Call | _HostStep, given: Any) -> str:
        if isinstance(call, _HostStep):
            return str(given)
        if isinstance(given, BaseException):
            return '{"error":%s}' % self._requests.error_json("function.call", given)
        if len(given) != len(call.results):
            raise ValueError("%s gave %d values for %s" % (call.name, len(given), call.results))
        return '{"values":[%s]}' % ",".join(map(typed_json, call.results, given))
