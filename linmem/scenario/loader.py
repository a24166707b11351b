"""Load a scenario file: YAML → checked against the schema → typed scenarios, with `cases` and `for` expanded.

Every fault is a `SourceError`: one line with file and line. Nothing is run and no runtime is asked.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from linmem import project, reading
from linmem.scenario import keeping, schema, source, wasi
from linmem.scenario.limits import LINE, VALUES, Budget
from linmem.scenario.model import ModuleSource, Observation, Scenario, Suite
from linmem.scenario.names import name_faults
from linmem.scenario.parameters import fill
from linmem.scenario.source import Map, SourceError, Where
from linmem.scenario.steps import Building, import_specs, steps
from linmem.wasm.types import MAGIC

NO_MODULE = "{} is no binary module: it does not begin with the bytes 00 61 73 6d (a module's text goes under 'wat')"


def load_suite(path: Path, shown: str) -> Suite:
    """Load the file at `path`, named `shown` in ids and errors. Raises `SourceError`."""
    version: tuple[int, int] | None = None
    with contextlib.suppress(OSError):  # `read` says that it can't be read
        status = path.stat()
        version = (status.st_mtime_ns, status.st_size)
    return _load(path, shown, version)


@functools.lru_cache(maxsize=4096)
def _load(path: Path, shown: str, version: object) -> Suite:
    """Collecting a run and describing it both load its files; `version` tells whether a file has changed in between."""
    text = source.text(path, shown)
    kept = keeping.look_up(text, shown)
    if kept is not None:
        return kept
    data = _mapping(text, shown)
    schema.validate(data)
    loader = _Loader(path, data)
    found, faults = loader.scenarios()
    if faults:
        raise faults[0]
    if not loader.files:
        keeping.keep(found, text)
    return found


def examine(path: Path, shown: str) -> tuple[Sequence[Scenario], list[SourceError]]:
    """The scenarios of the file at `path` that are right, and all that is wrong with it: each fault of its form, and
    the first of each step of a scenario that fits the form.
    """
    try:
        data = _mapping(source.text(path, shown), shown)
    except SourceError as fault:
        return (), [fault]
    wrong = schema.faults(data)
    if wrong:
        data = schema.without_faulty(data)
    if not data["scenarios"]:
        return (), wrong
    suite, others = _Loader(path, data).scenarios()
    return suite.scenarios, sorted([*wrong, *others], key=lambda fault: fault.line or 0)


def _mapping(text: str, shown: str) -> Map:
    data = source.parse(text, shown)
    if not isinstance(data, Map):
        raise SourceError(shown, 1, "a scenario file is a mapping with 'title' and 'scenarios'")
    return data


class _Loader:
    def __init__(self, path: Path, data: Map) -> None:
        self.path, self.data = path, data
        self.checked: set[object] = set()
        self.others: list[SourceError] = []  # faults of scenarios that have one already
        self.budget = Budget()
        self.files: dict[tuple[str, str], Path] = {}
        questions: Map = data.get("observations", Map(data.file, data.line))
        self.observations = {
            name: Observation(name, item["question"], item.get("answers", {}), questions.where(name))
            for name, item in questions.items()
        }

    def scenarios(self) -> tuple[Suite, list[SourceError]]:
        """The suite with the scenarios that are right, and the faults of the others: the first of each comes first."""
        found: dict[str, Scenario] = {}
        faults: list[SourceError] = []
        for template in self.data["scenarios"]:
            try:
                for case in template.get("cases") or [{}]:
                    self.add(self.scenario(template, case), found)
            except SourceError as fault:
                faults.append(fault)
                if self.budget.spent:  # each scenario after it would say the same
                    break
        title, about = self.data["title"], self.data.get("about", "")
        return Suite(self.data.file, title, about, tuple(found.values()), self.observations), [*faults, *self.others]

    @staticmethod
    def add(scenario: Scenario, found: dict[str, Scenario]) -> None:
        """Add a scenario to those that are there, if its name is its own."""
        first = found.setdefault(scenario.slug, scenario)
        if first is not scenario and first.where == scenario.where:
            raise first.where.error(f"two of its cases have the same name, '{first.slug}'")
        if first is not scenario:
            same = f"has the same name as the one in line {first.where.line}: '{first.slug}'"
            raise scenario.where.error(f"scenario '{scenario.title}' {same}")

    def scenario(self, template: Map, case: Mapping[str, Any]) -> Scenario:
        data = fill(template, case, self.budget, skip="cases")
        self.check_filled(template, case, data)
        title = data["name"]
        if case and "$" not in template["name"]:
            title += " [" + ", ".join(f"{key}={value}" for key, value in case.items()) + "]"
        if len(title) > LINE:
            hint = "give what tells its cases apart in 'name', as $parameters"
            raise template.error(f"a name with its case may have {LINE} characters, found {len(title)}: {hint}", "name")
        slug = slugify(title)
        if not slug:
            raise template.error(f"scenario name '{title}' has no letters or digits", "name")
        building = Building(self.observations, self.budget)
        for key in ("modules", "imports", "requires"):  # which each scenario has again
            self.budget.spend(VALUES, len(self.data.get(key, ())), self.data, key)
        modules, imports = ({**self.data.get(key, {}), **data.get(key, {})} for key in ("modules", "imports"))
        program, package, guest = self.guest(data)
        setting: Map | None = data.get("wasi", self.data.get("wasi"))
        scenario = Scenario(
            suite=self.data.file,
            slug=slug,
            title=title,
            about=data.get("about", ""),
            where=template.where("name"),
            steps=steps(data["steps"], building),
            program=program,
            package=package,
            guest=guest,
            modules={name: self.source(item) for name, item in modules.items()},
            imports=import_specs(imports, building),
            requires=(*self.data.get("requires", ()), *data.get("requires", ())),
            spec=data.get("spec", self.data.get("spec")),
            host=data.get("host"),
            each_view=data.get("each_view"),
            wasi=None if setting is None else wasi.build(setting, self.budget),
            case=dict(case),
        )
        faults = building.faults or list(name_faults(scenario, data.get("imports", {})))
        if faults:
            first, *others = {str(fault): fault for fault in faults}.values()
            self.others += others
            raise first
        wasi.check(scenario)
        return scenario

    def check_filled(self, template: Map, case: Mapping[str, Any], data: Map) -> None:
        """Check a scenario against the schema again when a case's values are in it: they may be of any type.

        One number is as good as another, so this is done once for each mixture of types, not for each case.
        """
        mixture = [(key, value if isinstance(value, str) else type(value)) for key, value in case.items()]
        kind = (template.line, *mixture)
        if case and kind not in self.checked:
            schema.validate_scenario(data)
            self.checked.add(kind)

    def guest(self, data: Map) -> tuple[str | None, str | None, ModuleSource | None]:
        """The guest that the scenario names, else the one that the file names: program, package or module."""
        for holder in (data, self.data):
            named = [key for key in ("program", "package", "wat", "module") if key in holder]
            if len(named) > 1:
                message = f"a scenario has one guest, but both '{named[0]}' and '{named[1]}' are given"
                raise holder.error(message, named[1])
            if "glue" in holder and named != ["module"]:
                raise holder.error("'glue' starts the module under 'module', which is missing", "glue")
            if named:
                own = named[0] in ("wat", "module")
                return holder.get("program"), holder.get("package"), self.source(holder) if own else None
        raise data.error(f"scenario '{data['name']}' has no guest: give 'program', 'package', 'wat' or 'module'")

    def source(self, holder: Map) -> ModuleSource:
        if "wat" in holder:
            return ModuleSource(Where(holder.file, holder.starts["wat"] - 1), wat=holder["wat"])
        where = holder.where("module")
        glue = self.file(holder, "glue", reading.MAX_TEXT) if "glue" in holder else None
        return ModuleSource(where, path=self.file(holder, "module", reading.MAX_MODULE, MAGIC), glue=glue)

    def file(self, holder: Map, key: str, limit: int, magic: bytes = b"") -> Path:
        """The file that a key names, of at most `limit` bytes. A scenario file is not to be trusted with any other file
        of its user's.
        """
        name, where = holder[key], holder.where(key)
        if (key, name) not in self.files:
            self.files[key, name] = self.checked_file(key, name, where, limit, magic)
        return self.files[key, name]

    def checked_file(self, key: str, name: str, where: Where, limit: int, magic: bytes) -> Path:
        here = self.path.parent
        try:
            path = (here / name).resolve()
            places = [folder.resolve() for folder in (here, *project.find().modules)]
        except (OSError, ValueError, RuntimeError):  # a name with NUL, links in a circle
            raise where.error(f"{key} '{name}' can't be read: no file can have such a name") from None
        if not any(path.is_relative_to(place) for place in places):
            advice = f"put it there, or its folder under 'modules' in {project.NAME}"
            raise where.error(f"{key} '{name}' is outside of this file's folder: {advice}")
        try:
            with reading.opened(path, limit) as file:
                start = file.read(len(magic))
        except reading.Unreadable as error:
            missing = f"there is no {key} '{name}' beside this file"
            raise where.error(missing if error.missing else f"{key} '{name}' {error.message}") from None
        if start != magic:
            raise where.error(NO_MODULE.format(f"{key} '{name}'"))
        return path


def slugify(title: str) -> str:
    """A title as it stands in ids: lower case, everything but letters, digits, `_`, `+`, `.` and `-` becomes a
    hyphen.
    """
    signs = {"≥": " ge ", "≤": " le ", "²": "2", "³": "3"}
    for sign, word in signs.items():
        title = title.replace(sign, word)
    title = re.sub(r"(?<!\w)-(?=[0-9])", "minus ", title.lower())
    return re.sub(r"[^a-z0-9_+.]+", "-", title).strip("-.")
