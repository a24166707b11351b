"""Every runtime on one page, in Markdown: what it is, as its manifest says, and what a run found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from linmem.provision.manifest import Absent, Manifest, NpmPackages, Packages, Sources, SystemProgram, all_manifests
from linmem.report.answers import rows_of
from linmem.report.failures import defects
from linmem.results.document import Report, RuntimeDemands, RuntimeEntry
from linmem.text import join, one_line, plural, web_address


def page(report: Report) -> str:
    """A table of all the run's columns, and a section for each runtime that comes with linmem."""
    columns: dict[str, list[RuntimeEntry]] = defaultdict(list)
    for item in report.runtimes:
        columns[item.name].append(item)
    manifests = [
        manifest for manifest in all_manifests() if isinstance(manifest.environment, Absent) or manifest.name in columns
    ]
    sections = [
        "\n".join(
            [
                *about(manifest),
                "",
                *_found(report, [] if isinstance(manifest.environment, Absent) else columns.get(manifest.name, [])),
            ]
        ).rstrip()
        + "\n"
        for manifest in manifests
    ]
    return "\n".join([_table(report, [item for some in columns.values() for item in some]), *sections])


def about(manifest: Manifest) -> list[str]:
    """What the manifest says of a runtime, as lines of Markdown."""
    lines = [f"## {manifest.title}", "", f"`{manifest.name}`, <{manifest.homepage}>", ""]
    if isinstance(manifest.environment, Absent):
        return [*lines, f"Not played: {manifest.environment.reason}."]
    engine = [] if manifest.engine == manifest.title else [f"* Engine: {manifest.engine}"]
    api = [] if manifest.api == manifest.title else [f"* Host API: {manifest.api}"]
    variants = [f"`{name}` ({variant.about})" for name, variant in manifest.variants.items()]
    versions = f"; versions {manifest.supported} work too" if len(manifest.supported) and manifest.version else ""
    return [
        *lines,
        *engine,
        *api,
        f"* Comes from: {_origin(manifest)}{versions}",
        *([f"* Variants: {', '.join(variants)}"] if variants else []),
        f"* Ways into memory: {', '.join(f'`{view.kind}`' for view in manifest.views)}",
    ]


def _origin(manifest: Manifest) -> str:
    environment = manifest.environment
    if isinstance(environment, Packages):
        assert manifest.version is not None
        return f"PyPI, {', '.join(f'`{one}`' for one in manifest.requirements(None, manifest.version))}"
    if isinstance(environment, NpmPackages):
        return f"npm, {', '.join(f'`{one.name}`' for one in environment.packages.values())} {manifest.version}"
    if isinstance(environment, Sources):
        packages = ", ".join(f"`{one}`" for one in environment.packages)
        return f"{packages} {manifest.version}, with which linmem builds the driver by {environment.tool}"
    assert isinstance(environment, SystemProgram)
    return f"the program `{environment.name}` on the machine ({environment.remedy})"


def _table(report: Report, columns: Sequence[RuntimeEntry]) -> str:
    head = ["Runtime", "Engine", "Host API", "Meets", "Breaks", "Lacks"]
    found = report.summary.demands.runtimes
    body = [
        [
            f"`{item.label}`{item.suffix}",
            item.family or item.name,
            item.api or item.name,
            *(
                f"{count:,}"
                for count in (found[item.label].kept, found[item.label].broken, _lacking(found[item.label]))
            ),
        ]
        for item in sorted(
            (item for item in columns if item.status == "ready"), key=lambda item: (item.family or item.name).lower()
        )
    ]
    return rows_of([head, ["---"] * 3 + ["--:"] * 3, *body])


def _lacking(one: RuntimeDemands) -> int:
    return one.lacking + one.elsewhere


def _found(report: Report, columns: Sequence[RuntimeEntry]) -> Iterator[str]:
    """What the run found of a runtime's columns: one line for each, and the defects of all."""
    titles = {suite.path: suite.title for suite in report.suites}
    for item in columns:
        if item.status != "ready":
            yield f"* `{item.label}` did not take part: {item.reason}"
            continue
        one = report.summary.demands.runtimes[item.label]
        counts = f"meets {one.kept:,} requirements, breaks {one.broken:,}{_lacks(one, titles)}"
        yield f"* `{item.label}`{item.suffix}: {counts}"
    labels = {item.label for item in columns}
    who: dict[tuple[str, str | None], set[str]] = {}
    for defect in defects(report):
        if found := labels & set(defect.runtimes):
            who.setdefault((defect.known.reason, defect.known.link), set()).update(found)
    if who:
        yield ""
        yield "Known defects:"
        yield ""
    for (reason, link), found in who.items():
        where = "" if found == labels else f" ({', '.join(item.label for item in columns if item.label in found)})"
        address = web_address(link)
        yield f"* {one_line(reason, 600)}{where}" + (
            f" [{address.removeprefix('https://')}]({address})" if address else ""
        )


def _lacks(one: RuntimeDemands, titles: Mapping[str, str]) -> str:
    parts = []
    if one.features:
        parts.append(f"features of the engine: {_counted(one.features)}")
    if one.api:
        parts.append(f"ways of the host API: {_counted({titles.get(path, path): n for path, n in one.api.items()})}")
    if one.elsewhere:
        parts.append(f"{plural(one.elsewhere, 'requirement')} of another language's API")
    return f", can't be tested for {_lacking(one):,}: {'; '.join(parts)}" if parts else ""


def _counted(counts: Mapping[str, int]) -> str:
    return join([f"{name} ({count:,})" for name, count in counts.items()])
