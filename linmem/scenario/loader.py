"""Load a scenario file: YAML → checked against the schema → typed scenarios, with `cases` and `for` expanded.

Every fault is a `SourceError`: one line with file and line. Nothing is run and no runtime is asked.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linmem.errors import unknown
from linmem.scenario import schema, wasi
from linmem.scenario.model import ModuleSource, Observation, Scenario, Suite, Wasi, Where
from linmem.scenario.names import check_names
from linmem.scenario.source import Map, Seq, SourceError, read
from linmem.scenario.steps import StepBuilder

_PARAMETER = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_BRACED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_VERBATIM = {"wat"}  # the text format is full of $names: there only ${name} is a parameter


def load_suite(path: Path, shown: str) -> Suite:
    """Load the file at `path`, named `shown` in ids and errors. Raises `SourceError`."""
    with contextlib.suppress(OSError):  # that it can't be read is said below
        status = path.stat()
        return _load_version(path, shown, (status.st_mtime_ns, status.st_size))
    return _load(path, shown)


@functools.lru_cache(maxsize=64)
def _load_version(path: Path, shown: str, version: tuple[int, int]) -> Suite:
    """Collecting a run and describing it both load its files; `version` tells whether a file has changed in between."""
    return _load(path, shown)


def _load(path: Path, shown: str) -> Suite:
    data = read(path, shown)
    if not isinstance(data, Map):
        raise SourceError(shown, 1, "a scenario file is a mapping with 'title' and 'scenarios'")
    schema.validate(data, shown)
    return _Loader(path, shown, data).suite()


class _Loader:
    def __init__(self, path: Path, shown: str, data: Map) -> None:
        self.path, self.shown, self.data = path, shown, data
        self.checked: set[object] = set()

    def where(self, data: Any, key: str | None = None) -> Where:
        line = data.lines[key] if key is not None and key in data.lines else data.line
        return Where(self.shown, line)

    def suite(self) -> Suite:
        observations = {
            name: Observation(
                name, item["question"], item.get("answers", {}), self.where(self.data["observations"], name)
            )
            for name, item in self.data.get("observations", {}).items()
        }
        scenarios: list[Scenario] = []
        for raw in self.data["scenarios"]:
            for case in raw.get("cases") or [{}]:
                scenarios.append(self.scenario(raw, case, observations))
        seen: dict[str, Scenario] = {}
        for scenario in scenarios:
            if scenario.slug in seen:
                raise SourceError(
                    self.shown,
                    scenario.where.line,
                    self.same_name(scenario, seen[scenario.slug]),
                )
            seen[scenario.slug] = scenario
        return Suite(self.shown, self.data["title"], self.data.get("about", ""), tuple(scenarios), observations)

    def same_name(self, scenario: Scenario, first: Scenario) -> str:
        if scenario.where == first.where:
            return f"two of its cases have the same name, '{scenario.slug}'"
        return f"scenario '{scenario.title}' has the same name as the one in line {first.where.line}: '{scenario.slug}'"

    def scenario(self, template: Map, case: Mapping[str, Any], observations: Mapping[str, Observation]) -> Scenario:
        data = self.fill(template, case, skip=("cases",))
        self.check_filled(template, case, data)
        title = data["name"]
        if case and "$" not in template["name"]:
            title += " [" + ", ".join(f"{key}={value}" for key, value in case.items()) + "]"
        where = self.where(template, "name")
        slug = slugify(title)
        if not slug:
            raise SourceError(self.shown, where.line, f"scenario name '{title}' has no letters or digits")
        builder = StepBuilder(self.shown, observations, self.fill)
        modules = {**self.data.get("modules", {}), **data.get("modules", {})}
        imports = {**self.data.get("imports", {}), **data.get("imports", {})}
        program, package, guest = self.guest(data)
        scenario = Scenario(
            suite=self.shown,
            slug=slug,
            title=title,
            about=data.get("about", ""),
            where=where,
            steps=builder.steps(data["steps"]),
            program=program,
            package=package,
            guest=guest,
            modules={name: self.source(item) for name, item in modules.items()},
            imports={name: builder.import_spec(item) for name, item in imports.items()},
            requires=(*self.data.get("requires", ()), *data.get("requires", ())),
            spec=data.get("spec", self.data.get("spec")),
            host=data.get("host"),
            each_view=data.get("each_view"),
            wasi=self.wasi(data, builder),
            case=dict(case),
        )
        check_names(scenario, data.get("imports", {}))
        wasi.check(scenario)
        return scenario

    def wasi(self, data: Map, builder: StepBuilder) -> Wasi | None:
        """The scenario's own, else the file's."""
        given = data.get("wasi", self.data.get("wasi"))
        return None if given is None else wasi.build(given, builder)

    def check_filled(self, template: Map, case: Mapping[str, Any], data: Map) -> None:
        """Hold a scenario against the schema once more when a case's values are in it: they may be of any type.

        One number is as good as another, so this is done once for each mixture of types, not for each case.
        """
        mixture = [(key, value if isinstance(value, str) else type(value)) for key, value in case.items()]
        kind = (template.line, *mixture)
        if case and kind not in self.checked:
            schema.validate_scenario(data, self.shown)
            self.checked.add(kind)

    def guest(self, data: Map) -> tuple[str | None, str | None, ModuleSource | None]:
        """The guest that the scenario names, else the one that the file names: program, package or module."""
        for holder in (data, self.data):
            named = [key for key in ("program", "package", "wat", "module") if key in holder]
            if len(named) > 1:
                line = holder.lines[named[1]]
                raise SourceError(
                    self.shown, line, f"a scenario has one guest, but both '{named[0]}' and '{named[1]}' are given"
                )
            if named == ["program"]:
                return holder["program"], None, None
            if named == ["package"]:
                return None, holder["package"], None
            if named:
                return None, None, self.source(holder)
        raise SourceError(
            self.shown,
            data.line,
            f"scenario '{data['name']}' has no guest: give 'program', 'package', 'wat' or 'module'",
        )

    def source(self, holder: Map) -> ModuleSource:
        if "wat" in holder:
            return ModuleSource(Where(self.shown, holder.starts["wat"] - 1), wat=holder["wat"])
        path = (self.path.parent / holder["module"]).resolve()
        if not path.is_file():
            raise SourceError(
                self.shown, holder.lines["module"], f"there is no module '{holder['module']}' beside this file"
            )
        return ModuleSource(self.where(holder, "module"), path=path)

    def fill(self, data: Any, case: Mapping[str, Any], skip: tuple[str, ...] = ()) -> Any:
        """A copy of `data` in which ``$name`` and ``${name}`` are the case's values; lines are kept."""
        if isinstance(data, Map):
            copy = Map(data.line)
            copy.lines, copy.starts = data.lines, data.starts
            for key, value in data.items():
                if key in skip:
                    continue
                if key in _VERBATIM and isinstance(value, str):
                    copy[key] = _BRACED.sub(lambda m: str(case.get(m[1], m[0])), value)
                elif key == "answers" and isinstance(value, Map):
                    copy[key] = self.fill_answers(value, case)
                elif key == "for" and isinstance(value, Map):
                    copy[key] = value
                elif key == "steps" and "for" in data:  # its own parameter is filled when it is unrolled
                    copy[key] = self.fill(value, {**case, **{name: f"${{{name}}}" for name in data["for"]}})
                else:
                    copy[key] = (
                        self.text(value, case, data.lines[key]) if isinstance(value, str) else self.fill(value, case)
                    )
            return copy
        if isinstance(data, Seq):
            items = Seq(data.line)
            items.lines = data.lines
            items += [
                self.text(value, case, line) if isinstance(value, str) else self.fill(value, case)
                for value, line in zip(data, data.lines, strict=True)
            ]
            return items
        return data

    def fill_answers(self, answers: Map, case: Mapping[str, Any]) -> Map:
        """Here also the keys may be parameters: what is seen may differ from case to case where its meaning doesn't."""
        filled = Map(answers.line)
        for key, word in answers.items():
            line = answers.lines[key]
            name = str(self.text(key, case, line))
            if name in filled and filled[name] != word:
                raise SourceError(self.shown, line, f"'{name}' is there twice among the answers")
            filled[name] = self.text(word, case, line) if isinstance(word, str) else word
            filled.lines[name] = filled.starts[name] = line
        return filled

    def text(self, text: str, case: Mapping[str, Any], line: int) -> Any:
        if "$" not in text:
            return text

        def value(match: re.Match[str]) -> Any:
            name = match[1] or match[2]
            if name not in case:
                known = [f"${key}" for key in case]
                message = unknown("parameter", f"${name}", known, "this scenario's 'cases' and 'for'")
                raise SourceError(self.shown, line, message)
            return case[name]

        whole = _PARAMETER.fullmatch(text)
        return value(whole) if whole else _PARAMETER.sub(lambda match: str(value(match)), text)


def slugify(title: str) -> str:
    """A title as it stands in ids: lower case, everything but letters, digits, `_`, `+`, `.` and `-` becomes a
    hyphen.
    """
    signs = {"≥": " ge ", "≤": " le ", "²": "2", "³": "3"}
    for sign, word in signs.items():
        title = title.replace(sign, word)
    title = re.sub(r"(?<!\w)-(?=[0-9])", "minus ", title.lower())
    return re.sub(r"[^a-z0-9_+.]+", "-", title).strip("-.")
