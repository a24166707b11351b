"""The step that lets several agents run at once, from a scenario's data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linmem.scenario import expectations, model
from linmem.scenario.expectations import Literal
from linmem.scenario.model import GUEST, Where
from linmem.scenario.parts import PartBuilder
from linmem.scenario.source import Map, Seq


class AgentParts(PartBuilder):
    """Builds `agents`."""

    def import_spec(self, item: Map) -> model.ImportSpec:
        """What stands for one of the guest's imports."""
        raise NotImplementedError

    def _agents(self, item: Map, common: dict[str, Any]) -> model.Step:
        agents = tuple(self.agent(name, spec) for name, spec in item["agents"].items())
        bound = [call.bind for agent in agents for call in agent.calls if call.bind is not None]
        twice = next((name for index, name in enumerate(bound) if name in bound[:index]), None)
        if twice is not None:
            raise self.fail(item.line, f"two calls of these agents are both bound to '{twice}'")
        rounds = item.get("rounds", 1)
        text = f"{' and '.join(agent.name for agent in agents)} run at once" + (f", {rounds} rounds" * (rounds > 1))
        allowed, forbidden = (self.combinations(item, key, bound) for key in ("allowed", "forbidden"))
        return model.Agents(**common, text=text, agents=agents, rounds=rounds, allowed=allowed, forbidden=forbidden)

    def agent(self, name: str, spec: Map) -> model.Agent:
        imports = {key: self.import_spec(value) for key, value in spec.get("imports", {}).items()}
        for key, given in imports.items():
            if isinstance(given, model.HostFunction):
                raise self.fail(
                    spec["imports"].lines[key],
                    "an agent's imports can't be host functions: it runs apart from the host",
                )
        calls = tuple(self.agent_call(name, item) for item in spec["calls"])
        return model.Agent(Where(self.file, spec.line), name, spec.get("instantiate", GUEST), imports, calls)

    def agent_call(self, agent: str, item: Map) -> model.AgentCall:
        args = tuple(self.literal(raw, item.lines["args"]) for raw in item.get("args", ()))
        times = item.get("times", 1)
        call = model.AgentCall(
            where=Where(self.file, item.line),
            text=f"{agent} calls {item['call']}({', '.join(map(str, args))})" + (f" {times} times" * (times > 1)),
            bind=item.get("as"),
            expect=self.check(item["expect"], item.lines["expect"]) if "expect" in item else None,
            observe=self.observe(item) if "observe" in item else None,
            export=item["call"],
            args=args,
            times=times,
        )
        reason = expectations.impossible(call.expect, "results") if call.expect is not None else None
        if reason is not None:
            raise self.fail(item.lines["expect"], reason)
        return call

    def combinations(self, item: Map, key: str, bound: list[str]) -> tuple[Mapping[str, Literal], ...]:
        """Results of one round, by the names that the agents' calls bind them to."""
        rows: Seq = item.get(key, Seq(item.line))
        for row in rows:
            for name in row:
                if name not in bound:
                    known = ", ".join(bound) or "none"
                    raise self.fail(
                        row.lines[name], f"no call of these agents is bound to '{name}'; bound by 'as': {known}"
                    )
        return tuple({name: self.literal(raw, row.lines[name]) for name, raw in row.items()} for row in rows)
