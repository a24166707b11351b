"""Draw a comparison of two reports: as text of 80 columns, Markdown, or an HTML page. Every case is named in each."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from markupsafe import Markup
from msgspec import Struct

from linmem.compare.diff import CaseChange, Diff, Kind
from linmem.report import webpage
from linmem.report.markdown import code, prose
from linmem.text import one_line, plural, printable, sentence

WIDTH = 80
_TITLES: dict[Kind, str] = {
    "outcome": "Changed outcomes",
    "observation": "Changed answers",
    "failure": "Failures that fail otherwise",
    "removed": "Removed cases",
    "not run": "Cases that were planned and not run",
    "added": "Added cases",
    "chance": "Matters of chance, which are no differences",
}


class Section(Struct):
    """The changes of one kind."""

    title: str
    changes: list[CaseChange]


def sections(diff: Diff) -> list[Section]:
    """The changes by kind, the gravest first. Those that come with a whole runtime, guest or suite stand there."""
    found = {kind: [change for change in diff.changes if change.kind == kind and not change.within] for kind in _TITLES}
    return [Section(_TITLES[kind], changes) for kind, changes in found.items() if changes]


def parts(diff: Diff) -> list[tuple[str, str]]:
    """What changed in the runtimes, guests and suites as such: a word, and what of."""
    found: list[tuple[str, str]] = []
    for runtime in diff.runtimes:
        if runtime.kind in ("version", "label"):
            found.append((runtime.kind, f"{runtime.old} → {runtime.new}"))
        else:
            found.append((runtime.kind, f"runtime {runtime.old or runtime.new} {_all(runtime.cases, runtime.reason)}"))
    for guest in diff.guests:
        if guest.kind == "module":
            found.append(("module", f"guest {guest.guest} of {guest.program} has another module"))
        else:
            found.append((guest.kind, f"guest {guest.guest} of {guest.program} {_all(guest.cases, guest.reason)}"))
    found += [(suite.kind, f"suite {suite.path} {_all(suite.cases, None)}") for suite in diff.suites]
    return found


def _all(count: int, reason: str | None) -> str:
    return f"with its {plural(count, 'case')}" + (f": {one_line(reason, 200)}" if reason else "")


def verdict(diff: Diff) -> str:
    """The comparison in one sentence."""
    counts = [plural(len(item.changes), _NOUNS[item.changes[0].kind]) for item in sections(diff) if _counts(item)]
    found: dict[str, list[str]] = {}
    for word, what in parts(diff):
        found.setdefault(word, []).append(what)
    for word, whats in found.items():
        counts.append(f"{word}: {' and '.join(whats)}" if len(whats) < 3 else f"{len(whats)} {word}")
    both = f"{plural(diff.compared, 'case')} compared"
    if diff.same:
        return f"no difference: {both}"
    return f"{', '.join(counts) or 'incomplete, and otherwise the same'}; {both}"


_NOUNS: dict[Kind, str] = {
    "outcome": "changed outcome",
    "observation": "changed answer",
    "failure": "failure that fails otherwise",
    "removed": "removed case",
    "not run": "case not run",
    "added": "added case",
}


def _counts(section: Section) -> bool:
    return section.changes[0].kind != "chance"


def details(change: CaseChange) -> list[str]:
    """What a change is, in one or two short lines."""
    if change.kind == "added":
        return [_said(change.new, change.message)]
    if change.kind in ("removed", "not run"):
        return [f"it was {change.old}"]
    if change.kind == "outcome":
        return [_said(f"{change.old} → {change.new}", change.message)]
    if change.kind == "observation":
        asks = [f"{one_line(change.asks, 200)} ({change.question})"] if change.asks else [str(change.question)]
        return [*asks, f"{_answer(change.old)} → {_answer(change.new)}"]
    return [f"was: {one_line(change.old or '', 300)}", f"now: {one_line(change.new or '', 300)}"]


def _answer(answer: str | None) -> str:
    return "no answer" if answer is None else one_line(answer, 200)


def _said(word: str | None, message: str | None) -> str:
    return f"{word}: {one_line(message, 300)}" if message else str(word)


# ----------------------------------------------------------------- text


def text(diff: Diff) -> str:
    """The comparison for a terminal: lines of 80 columns, but an id is never broken."""
    lines = [*_sides(diff)]
    if parts(diff):
        lines.append("")
    for word, what in parts(diff):
        lines += _folded(f"{word:<9}", what)
    for section in sections(diff):
        lines += ["", f"{section.title} ({len(section.changes):,})"]
        for change in section.changes:
            lines.append(f"  {printable(change.id)}")
            for line in details(change):
                lines += _folded("      ", line)
    if diff.not_compared:
        lines.append("")
    for item in diff.not_compared:
        lines += _folded("not compared: ", f"{plural(len(item.ids), 'case')}: {_whose(diff, item.side)}: {item.reason}")
    return "\n".join([*lines, "", *_folded("", sentence(verdict(diff)))]) + "\n"


def _sides(diff: Diff) -> Iterator[str]:
    for letter, side in (("A", diff.old), ("B", diff.new)):
        yield from _folded(f"{letter}  ", f"{side.name}, run {side.started} with linmem {side.linmem}")
        if not side.complete:
            yield from _folded("   ", f"INCOMPLETE: {one_line(side.reason or '', 400)}")


def _whose(diff: Diff, side: str) -> str:
    return diff.old.name if side == "old" else diff.new.name


def _folded(head: str, line: str) -> list[str]:
    return textwrap.wrap(
        printable(line),
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [head.rstrip()]


# ----------------------------------------------------------------- Markdown


def markdown(diff: Diff) -> str:
    """The comparison as GitHub-flavoured Markdown."""
    lines = [f"# {prose(sentence(verdict(diff)), 2000)}", ""]
    for letter, side in (("A", diff.old), ("B", diff.new)):
        lines.append(f"- {letter}: {code(side.name)}, run {side.started} with linmem {prose(side.linmem)}")
        if not side.complete:
            lines.append(f"  - **incomplete**: {prose(sentence(side.reason or ''), 1000)}")
    if parts(diff):
        lines += ["", *(f"- **{word}**: {prose(what, 400)}" for word, what in parts(diff))]
    for section in sections(diff):
        lines += ["", f"## {section.title} ({len(section.changes):,})", "", "| Case | |", "| --- | --- |"]
        for change in section.changes:
            said = "<br>".join(prose(line, 400) for line in details(change))
            lines.append(f"| {code(change.id, 400)} | {said} |")
    for item in diff.not_compared:
        lines += [
            "",
            f"Not compared: {plural(len(item.ids), 'case')}: {prose(_whose(diff, item.side))}: {item.reason}.",
        ]
    return "\n".join(lines) + "\n"


# --------------------------------------------------------------------- HTML


def html(diff: Diff) -> str:
    """The comparison as one self-contained page."""
    return (
        webpage.templates()
        .get_template("diff.html.j2")
        .render(
            diff=diff,
            verdict=sentence(verdict(diff)),
            parts=parts(diff),
            sections=sections(diff),
            details=details,
            anchor=_anchor,
            whose=lambda side: _whose(diff, side),
            plural=plural,
            css=Markup(webpage.style("page")),
        )
    )


def _anchor(change: CaseChange) -> str:
    """A change's id in the page, made of names, so that a link means the same in the next comparison's page."""
    name = "/".join(part for part in (change.id, change.question) if part)
    return "".join(character if character.isalnum() or character in "-_./:" else "_" for character in name)
