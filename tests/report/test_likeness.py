from __future__ import annotations

import pytest
from report_records import header, observed, result

from linmem.report.build import took_part
from linmem.report.likeness import RuntimePair, behaviours, grouped, likeness, pairs, profile


def mixed(**views):
    return profile((None, view, value) for view, value in views.items())


ERROR, NOTHING = profile([(None, None, "an error")]), profile([(None, None, "nothing")])
GO, WAT = profile([("go", None, "17"), ("wat", None, "1")]), profile([("wat", None, "1")])


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        (ERROR, ERROR, "alike"),
        (ERROR, NOTHING, "differs"),
        (ERROR, mixed(a="an error", b="an error"), "alike"),
        (ERROR, mixed(a="an error", b="nothing"), "differs"),
        # of two minds: alike only through the same view kinds
        (mixed(a="x", b="y"), mixed(b="y", a="x"), "alike"),
        (mixed(a="x", b="y"), mixed(a="y", b="x"), "differs"),
        (mixed(a="x", b="y"), mixed(c="x", d="y"), "differs"),
        # only guests that both have count
        (GO, WAT, "alike"),
        (GO, profile([("go", None, "1")]), "differs"),
        (GO, profile([("tinygo", None, "17")]), "apart"),
        (GO, {}, "apart"),
    ],
)
def test_likeness(one, other, how):
    assert likeness(one, other) == likeness(other, one) == how


def test_groups_are_of_those_that_are_alike_the_largest_first():
    found = grouped({"a": ERROR, "b": NOTHING, "c": NOTHING, "d": ERROR, "e": NOTHING, "f": mixed(x="1", y="2")})
    assert found == [["b", "c", "e"], ["a", "d"], ["f"]]


def test_who_lacks_a_guest_joins_whom_it_does_not_contradict_unless_that_is_not_clear():
    assert grouped({"lacks": WAT, "has": GO}) == [["lacks", "has"]]
    other = profile([("go", None, "18"), ("wat", None, "1")])
    assert grouped({"lacks": WAT, "has": GO, "other": other}) == [["lacks"], ["has"], ["other"]]


def paired(report):
    return pairs(behaviours(report), [runtime.label for runtime in took_part(report)])


def counts(report):
    return {
        (pair.one, pair.other): (pair.alike, pair.deviates, pair.differs, pair.lacks, pair.apart)
        for pair in paired(report)
    }


def test_every_two_runtimes_are_compared_over_all_scenarios(records):
    answers = {"wasmtime": "an error", "wasmer": "an error", "node": "undefined"}
    results = [
        *(result("same", label) for label in answers),
        *(result("outcome", label, "crash" if label == "wasmer" else "pass") for label in answers),
        *(result("lacked", label, "unsupported" if label != "node" else "pass") for label in answers),
        *(result("asked", label, observations=[observed(answer)]) for label, answer in answers.items()),
        result("alone", "node"),
    ]
    lost = result("lost", "node")
    assert counts(records.report(results, head=header([*results, lost]))) == {
        ("wasmtime", "wasmer"): (2, 1, 0, 1, 2),  # what both lack makes them no more alike
        ("wasmtime", "node"): (2, 0, 1, 1, 2),
        ("wasmer", "node"): (1, 1, 1, 1, 2),
    }


def test_an_answer_that_one_did_not_give_is_not_called_alike(records):
    results = [result(observations=[observed("24")]), result(runtime="node")]
    (pair,) = paired(records.report(results))
    assert pair == RuntimePair("wasmtime", "node", apart=1)


def test_runtimes_whose_view_kinds_differ_in_the_same_way_don_t_differ_in_outcome(records):
    views = {"DataView": "pass", "Uint8Array": "fail"}
    one_way = [
        result("grows", label, outcome, view=view) for label in ("node", "bun") for view, outcome in views.items()
    ]
    assert records.report(one_way).differences == []
    (difference,) = records.report([*one_way, result(runtime="wasmtime", view="read_write")]).differences
    assert [group.outcome for group in difference.groups] == ["pass", "fail"]
