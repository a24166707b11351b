"""Reproducers: what they print is what the report says, in the runtime's own environment and without linmem."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from linmem import paths
from linmem.cli import main
from linmem.plugin import describe
from linmem.plugin.recording import now
from linmem.provision.manifest import load_manifest
from linmem.report import build as report
from linmem.repro.goal import Goal, ReproError
from linmem.repro.reproducer import of_result
from linmem.repro.script import STEPS, script
from linmem.repro.templates import fill, load
from linmem.repro.writer import ScriptWriter
from linmem.results import known, record, verdict
from linmem.results.outcome import StepTrace
from linmem.results.record import FORMAT, RecordWriter, Run
from linmem.run.bench import Bench
from linmem.run.guests import Guests, modules
from linmem.run.runtimes import choose
from linmem.scenario.files import walk
from linmem.scenario.loader import load_suite
from linmem.scenario.model import Agents

RUNTIMES = ("wasmtime", "wasmer", "node")
NANOSECONDS = 1_700_000_000 * 10**9  # of a day in 2023, since 1970


class Played:
    """Scenarios that were played on one runtime, as a report, and how its scripts are run."""

    def __init__(self, label, folder, wanted):
        """`wanted` says which cases of which suites: a function of a case and its runtime."""
        self.folder = folder
        (self.chosen,) = choose([label])
        bench = Bench([self.chosen], Guests([], None), 10.0, describe.answered, known.KnownDefects([]))
        self.command = self.chosen.provide().command[:-1]
        if label == "jsc":  # its drivers are started by a script that finds out the version
            self.command = ["jsc", "-m"]
        self.suffix = ".py" if load(self.chosen.manifest).language == "python" else ".mjs"
        results = []
        try:
            for path in walk(paths.SUITES):
                suite = load_suite(path, path.relative_to(paths.ROOT).as_posix())
                for scenario in suite.scenarios:
                    if scenario.package is not None:
                        continue
                    for planned in bench.cases(scenario):
                        if bench.left_out(planned):
                            continue
                        found = wanted(planned, self.chosen)
                        if found is not False:
                            results.append(self.play(bench, planned, found))
        finally:
            bench.close()
        self.report = self.written(results)

    def play(self, bench, planned, entry):
        result = bench.result(planned)
        result.known = entry.failure if entry is not None else None
        return bench.play(planned, result)

    def written(self, results):
        run = Run(format=FORMAT, linmem="0", started=now(), runtimes=[describe.runtime(self.chosen)], planned=[])
        with RecordWriter(self.folder / "record.jsonl", run) as writer:
            for line in (*results, record.End(finished=now(), complete=True)):
                writer.write(line)
        return report.build(record.read(self.folder / "record.jsonl"))

    def script(self, result):
        """The script and None, or None and why there is none."""
        try:
            return of_result(self.report, result), None
        except ReproError as error:
            return None, str(error)

    def run(self, text):
        path = self.folder / f"repro{self.suffix}"
        path.write_text(text, encoding="utf-8")
        env = {**os.environ, "TMPDIR": str(self.folder)}  # scripts leave their folders for their readers to see
        try:
            done = subprocess.run(
                [*self.command, str(path)], capture_output=True, timeout=120, cwd=self.folder, env=env
            )
        except subprocess.TimeoutExpired as hung:
            return None, (hung.stdout or b"").decode(), (hung.stderr or b"").decode()
        return done.returncode, done.stdout.decode(), done.stderr.decode()


def entry_of(defects, planned, chosen):
    manifest = chosen.manifest
    return defects.covering(planned.case, known.Engine(manifest.name, manifest.variant, planned.version))


LIMITS = (
    "no reproducer can express",
    "so it has no place for what the host does meanwhile",
    "so it has no place for what an agent's own host does",
)


@pytest.mark.slow
@pytest.mark.parametrize("label", RUNTIMES)
def test_every_known_defect_is_shown_as_the_report_has_it(label, tmp_path):
    every_known_defect_is_shown(label, tmp_path)


def every_known_defect_is_shown(label, tmp_path):
    """What `tests/claimed_reproducers.py` asks of further runtimes."""
    defects = known.KnownDefects(known.load(paths.RUNTIMES / label.partition(":")[0] / "known.yaml"))
    played = Played(label, tmp_path, lambda *case: entry_of(defects, *case) or False)
    shown = 0
    for result in played.report.results:
        if result.outcome not in ("fail", "crash"):
            assert verdict.by_chance(result.known), result.id
            continue
        text, why_not = played.script(result)
        if text is None:
            if any(limit in why_not for limit in LIMITS):
                continue
            assert "knows no step" in why_not, (result.id, why_not)  # it died when all was over, or never started
            never = result.message.startswith("the guest could not be started")
            assert never or verdict.by_chance(result.known), (result.id, why_not)
            continue
        assert "linmem" not in text
        status, said, fault = played.run(text)
        last = result.steps[-1]
        reached = f"{last.where}: {last.text}\n" in said
        actual = re.findall(r"^  actual:   (.*)$", said, re.MULTILINE)
        if verdict.by_chance(
            result.known
        ):  # freed memory may hold anything: the process may die of it, or hang, at any step
            assert status is None or status < 0 or (reached and actual), (result.id, said, fault)
            shown += 1
            continue
        assert reached, (result.id, said, fault)
        assert status is not None, (result.id, said, fault)
        if result.outcome == "crash":
            assert status < 0, (result.id, said, fault)
            assert said.rstrip().splitlines()[-1].startswith(("  expected: ", f"{last.where}: ")), (result.id, said)
        elif last.actual.isdigit() and int(last.actual) > NANOSECONDS:  # the time of the run, in place of another
            assert int(actual[-1]) > NANOSECONDS, (result.id, said, fault)
        else:
            assert actual[-1:] == [last.actual], (result.id, said, fault)
            if last.expected is not None:
                # Where the guest calls back, what those steps say stands between the two.
                # The report also has the value of a name that is expected: `5 (inode)`.
                told, _, rest = said.partition(f"{last.where}: {last.text}\n  expected: ")[2].partition("\n")
                assert last.expected in (told, last.expected.partition(" ")[0] + f" ({told})"), (result.id, said)
                assert f"  actual:   {last.actual}\n" in rest, (result.id, said)
        shown += 1
    assert shown > 0


@pytest.mark.slow
@pytest.mark.parametrize("label", RUNTIMES)
def test_observations_are_those_of_the_report(label, tmp_path):
    """A part of the cases that pass: each way of asking, through each view kind."""
    suites = ("growth", "reentrancy", "values", "bounds", "import_export")
    count = {}

    def some(planned, chosen):
        scenario = planned.scenario
        name = scenario.suite.rpartition("/")[2].removesuffix(".yaml")
        observes = any(step.observe is not None for step in scenario.steps)
        if name not in suites or not observes or scenario.program is not None:
            return False
        count[name] = count.get(name, 0) + 1
        return None if count[name] % (29 if name == "values" else 13) == 1 else False

    played = Played(label, tmp_path, some)
    shown = 0
    for result in played.report.results:
        if result.outcome != "pass":
            continue
        text, why_not = played.script(result)
        if text is None:
            assert re.search(r"has no (parts|length|way to do this)$|between two indices|at once", why_not), why_not
            continue
        status, said, fault = played.run(text)
        ids = {item.id for item in result.observations}
        found = [(name, raw) for name, raw in re.findall(r"^  ([a-z0-9-]+): +(.*)$", said, re.MULTILINE) if name in ids]
        given = [(item.id, item.raw) for item in result.observations if not item.raw.startswith("unsupported:")]
        assert found == given, (result.id, said, fault)
        assert status == 0 or label == "wasmer", (result.id, fault)
        shown += 1
    assert shown > 5


AGENTS = (
    "a-mutex-made-of-wait-and-notify-keeps-agents-apart",
    "an-agent-traps-and-others-go-on",
    "an-agent-s-memory-too-small-does-not-match",
    "three-agents-that-wait-are-woken-one-by-one",
)


def agents_that(pick):
    def wanted(planned, chosen):
        scenario = planned.scenario
        here = scenario.suite == "suites/threads/threads.yaml" and any(
            isinstance(step, Agents) for step in scenario.steps
        )
        return None if here and pick(scenario) else False

    return wanted


@pytest.mark.slow
def test_agents_do_what_they_do_in_the_suite(tmp_path):
    played = Played("wasmtime", tmp_path, agents_that(lambda scenario: scenario.slug in AGENTS))
    assert len(played.report.results) == len(AGENTS)
    for result in played.report.results:
        assert result.outcome == "pass", result.id
        text, why_not = played.script(result)
        assert text is not None, why_not
        status, said, fault = played.run(text)
        assert (status, fault) == (0, ""), result.id
        pairs = re.findall(r"^  expected: (.*)\n  actual:   (.*)$", said, re.MULTILINE)
        assert pairs, (result.id, said)
        for expected, actual in pairs:
            if expected == "link error":
                assert actual.startswith("link: "), (result.id, actual)
            elif expected.startswith("["):
                numbers = bytes(map(int, expected[1:-1].split(", ")))
                assert actual == f"bytes {numbers.hex(' ')}", (result.id, expected)
            else:
                assert actual == expected, result.id


@pytest.mark.slow
def test_agents_that_fail_together_and_agents_with_globals(tmp_path):
    """What fails where a memory can't grow, and calls that pass before a step that Wasmtime's API has no way with."""
    wanted = ("agents-grow-a-memory-at-once", "each-agent-has-the-globals")
    played = Played("wasmtime:moving", tmp_path, agents_that(lambda scenario: scenario.slug.startswith(wanted)))
    together, globals_ = played.report.results
    call = next(step for step in globals_.steps if step.text == "b calls push() 20 times")
    failed = msgspec.structs.replace(call, status="failed")
    for result in (together, msgspec.structs.replace(globals_, outcome="fail", steps=[failed])):
        text, why_not = played.script(result)
        assert text is not None, why_not
        last = result.steps[-1]
        _, said, fault = played.run(text)
        assert said.endswith(f"  expected: {last.expected}\n  actual:   {last.actual}\n"), (result.id, said, fault)


@pytest.mark.slow
def test_what_can_t_be_said_of_agents_is_told_in_one_line(tmp_path):
    many = agents_that(lambda scenario: any(getattr(step, "rounds", 1) > 1 for step in scenario.steps))
    played = Played("wasmtime", tmp_path, many)
    result = played.report.results[0]
    scenarios = load_suite(paths.ROOT / result.suite, result.suite).scenarios
    scenario = next(item for item in scenarios if item.slug == result.scenario)
    step = next(step for step in scenario.steps if isinstance(step, Agents))
    broken = StepTrace(step.text, str(step.where), "failed", "never r1 = 0", "r1 = 0 in 3 of 1000 rounds")
    result = msgspec.structs.replace(result, outcome="fail", steps=[broken])
    with pytest.raises(ReproError, match=r"rounds: a reproducer does not count what its rounds came to$"):
        of_result(played.report, result)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slug", "why"),
    [
        ("an-agent-s-host-sees-the-size-to-which-the-host-has-grown-the-memory", LIMITS[1]),
        ("the-host-hands-its-view-to-an-agent", LIMITS[2]),
    ],
)
def test_what_the_host_does_beside_agents_is_refused_with_the_reason(slug, why, tmp_path):
    played = Played("wasmtime", tmp_path, agents_that(lambda scenario: scenario.slug == slug))
    with pytest.raises(ReproError, match=f"{why}$"):
        of_result(played.report, next(one for one in played.report.results if one.outcome != "unsupported"))


# ------------------------------------------------------------------ the command


@pytest.fixture(scope="module")
def wasmtime(tmp_path_factory):
    wanted = ("the-host-grows-past-the-maximum-by-18446744073709551617-pages",)
    return Played(
        "wasmtime",
        tmp_path_factory.mktemp("played"),
        lambda planned, chosen: None if planned.case.scenario in wanted else False,
    )


def test_the_command_writes_the_script(wasmtime, tmp_path, capsys):
    (result,) = wasmtime.report.results
    assert main(["repro", result.id, str(wasmtime.folder)]) == 0
    text = capsys.readouterr().out
    assert "# python -m pip install wasmtime==50.0.1\n" in text
    assert "# actual:" in text.replace("#   actual", "# actual")
    assert '#   (memory (export "memory")' in text
    assert "memory.grow(store, 18446744073709551617)" in text
    assert main(["repro", result.id, str(wasmtime.folder), "--out", str(tmp_path / "x.py")]) == 0
    assert (tmp_path / "x.py").read_text() == text


def test_what_there_is_no_script_for_is_told_in_one_line(wasmtime, capsys):
    assert main(["repro", "suites/memory/growth.yaml::none[wasmtime]", str(wasmtime.folder)]) == 2
    said = capsys.readouterr().err
    assert (
        "has no case suites/memory/growth.yaml::none[wasmtime]: play it first: linmem run 'suites/memory/growth.yaml::none"
        in said
    )
    (result,) = wasmtime.report.results
    lacking = msgspec.structs.replace(result, outcome="unsupported")
    with pytest.raises(ReproError, match="there is nothing that a script could show"):
        of_result(wasmtime.report, lacking)
    gone = msgspec.structs.replace(result, scenario="gone")
    with pytest.raises(ReproError, match="has no scenario 'gone' any more"):
        of_result(wasmtime.report, gone)
    moved = msgspec.structs.replace(result, steps=[msgspec.structs.replace(result.steps[-1], where="x.yaml:1")])
    with pytest.raises(ReproError, match="is not in this scenario any more: run it again"):
        of_result(wasmtime.report, moved)
    with pytest.raises(ReproError, match="the report knows no step at which it came to 'fail'"):
        Goal(msgspec.structs.replace(result, steps=[]))


def test_every_repro_yaml_can_be_read():
    for path in sorted(paths.RUNTIMES.glob("*/repro.yaml")):
        if (path.parent / "runtime.yaml").exists():
            templates = load(load_manifest(path.parent.name))
            kinds = [view.kind for view in load_manifest(path.parent.name).views]
            assert all(templates.view(kind, "open") for kind in kinds)
    with pytest.raises(ReproError, match="no reproducer can be written for it yet"):
        load(dataclasses.replace(load_manifest("node"), folder=Path("/nowhere/mine")))


@pytest.mark.slow
@pytest.mark.parametrize("label", ["pywasm", "wasm3", "jsc", "gjs"])
def test_scripts_for_further_runtimes_can_be_read(label):
    """Those that the tests do not run: a script for each scenario, unless the recipe lacks something."""
    manifest, written = load_manifest(label), 0
    units = {view.kind: view.unit for view in manifest.views}
    for name in ("host_functions", "reentrancy", "identity", "growth", "lifetime"):
        (path,) = paths.SUITES.glob(f"*/{name}.yaml")
        for scenario in load_suite(path, path.name).scenarios:
            guest = next((item for item in Guests([], None).of(scenario) if item), None)
            found, view = modules(scenario, guest), manifest.views[0].kind
            try:
                writer = ScriptWriter(scenario, found, load(manifest), units, view, Goal(None), STEPS)
                text = script(writer, [scenario.title], "1.0", None)
            except ReproError:
                continue
            written += 1
            if load(manifest).language == "python":
                compile(text, f"{scenario.slug}.py", "exec")
            else:
                assert not re.search(r"node:|\b(fs|process)\.", text)
    assert written > 40


def test_templates():
    assert fill("a\n  $b\nc $d", {"b": "1\n2", "d": "3"}) == "a\n  1\n  2\nc 3"
    assert fill("a\n  $b\nc", {"b": ""}) == "a\nc"
    assert fill("$unknown", {}) == "$unknown"
