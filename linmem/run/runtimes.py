"""Which runtimes a run is about: those asked for by name, the default ones, or all there are; their known defects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from linmem import paths
from linmem.drivers.limits import Limits
from linmem.errors import Unavailable, UserError
from linmem.provision import environments, names
from linmem.provision.environments import Provided
from linmem.provision.manifest import Manifest, all_manifests, load_manifest
from linmem.provision.names import RuntimeName
from linmem.provision.releases import within
from linmem.provision.uvtool import Progress
from linmem.results import known
from linmem.results.commandline import options
from linmem.results.known import KnownDefects
from linmem.run.session import Session

ALL = "all"


@dataclass
class Chosen:
    """A runtime of this run. ``label`` is how it was asked for; ``unavailable`` says why it can't take part here."""

    label: str
    manifest: Manifest
    variant: str | None
    version: str | None
    asked: bool
    unavailable: Unavailable | None = None
    origin: str = ""
    _provided: Provided | None = field(default=None, repr=False)

    def provide(self, progress: Progress | None = None) -> Provided:
        """Its environment, made if needed; `progress` is called with what takes time. Raises `Unavailable`."""
        if self._provided is None:
            self._provided = environments.provide(self.manifest, self.variant, self.version, progress=progress)
            self.version, self.origin = self._provided.version, self._provided.origin
        return self._provided

    def try_to_provide(self, progress: Progress | None = None) -> bool:
        """Whether it can take part; the reason is kept where it can't."""
        try:
            self.provide(progress)
        except Unavailable as reason:
            self.unavailable = reason
        return self.unavailable is None

    @property
    def shown_version(self) -> str:
        """Its version, as far as it is known without asking it."""
        return self.version or "unknown"

    def view_kinds(self, memory_type: str) -> list[str]:
        """Its view kinds that read and write this memory type."""
        return [view.kind for view in self.manifest.views if memory_type in view.types]

    def takes_long(self, scenario: str, guest: str | None) -> str | None:
        """Why the scenario (``suite.yaml::slug``) takes it minutes with this guest; None where it does not."""
        variant = self.variant or self.manifest.variant
        return next((slow.reason for slow in self.manifest.slow if slow.covers(scenario, guest, variant)), None)

    def session(self, probes: Mapping[str, bytes], timeout: float, limits: Limits | None = None) -> Session:
        """A driver for it; started on first use."""
        variant = self.variant or self.manifest.variant
        provide: Callable[[], Provided] = self.provide
        return Session(self.label, variant, provide, probes, timeout, limits)


def given(command: Sequence[str]) -> list[str]:
    """The runtimes that a run's command line names, as written there."""
    return names.split(word.partition("=")[2] for word in options(command, ("--runtime",)))


def manifest_of(name: str, command: Sequence[str]) -> Manifest:
    """The manifest of a runtime of a run, by its name and the run's command line. Raises `UserError`."""
    folder = _given_folders(command).get(name)
    return load_manifest(folder if folder is not None and folder.is_dir() else name)


def everyone() -> Iterator[tuple[Manifest, RuntimeName]]:
    """What ``all`` means: each runtime, and those of its versions and variants that its manifest names."""
    for manifest in all_manifests():
        yield manifest, RuntimeName(manifest.name)
        for variant, version in manifest.also:
            yield manifest, RuntimeName(manifest.name, variant, version)


def default() -> Iterator[tuple[Manifest, RuntimeName]]:
    """The runtimes of a run that names none."""
    return ((manifest, RuntimeName(manifest.name)) for manifest in all_manifests() if manifest.default)


def choose(wanted: Sequence[str]) -> list[Chosen]:
    """The runtimes named (comma-separated names are split), ``all``, or the default ones. Raises `UserError`.

    A range of versions means each that exists; one that is not available is left out, as with ``all``.
    """
    texts = names.split(wanted)
    if wanted and not texts:
        raise UserError(f"--runtime '{wanted[0]}' names no runtime ('linmem runtimes list' shows those there are)")
    if not texts:
        return [_chosen(manifest, name, asked=False) for manifest, name in default()]
    chosen: dict[str, Chosen] = {}
    for one in (one for text in texts for one in _named(text)):
        known = chosen.get(one.label)
        if known is not None and known.manifest.folder != one.manifest.folder:
            raise UserError(f"two different runtimes are called '{one.label}'")
        if known is None or one.asked:
            chosen[one.label] = one
    return list(chosen.values())


def _named(text: str) -> Iterator[Chosen]:
    if text == ALL:
        for manifest, name in everyone():
            yield _chosen(manifest, name, asked=False)
        return
    name, versions = names.parse_range(text)
    manifest = load_manifest(name.name)
    manifest.check_variant(name.variant)
    manifest.check_version(name.version)
    if versions is not None:
        for version in within(manifest, versions):
            yield _chosen(manifest, RuntimeName(manifest.name, name.variant, version), asked=False)
        return
    yield _chosen(manifest, RuntimeName(manifest.name, name.variant, name.version), asked=True)


def _chosen(manifest: Manifest, name: RuntimeName, *, asked: bool) -> Chosen:
    return Chosen(str(name), manifest, name.variant, name.version or manifest.version, asked)


# --------------------------------------------------------------------------------------- their lists of known defects


def load_known(runtimes: Iterable[Chosen], further: Iterable[Path]) -> KnownDefects:
    """The known defects of a run: those of the `further` lists, then each runtime's own. Raises `KnownError`."""
    folders = [chosen.manifest.folder for chosen in runtimes]
    return KnownDefects(known.load_all(_known_files(further, folders)))


def known_lists(further: Iterable[Path], command: Sequence[str]) -> list[Path]:
    """The lists that a run with this command line used."""
    return _known_files(further, _given_folders(command).values())


def own_list(name: str, command: Sequence[str]) -> Path:
    """The list in the folder of a runtime that a run with this command line played. Raises `UserError`."""
    folder = _given_folders(command).get(name)
    if folder is None and paths.IN_CLONE:
        folder = paths.RUNTIMES / name
    if folder is None or not folder.is_dir():
        raise UserError(f"{name} comes with linmem, whose lists are not yours to change: give --known FILE")
    return folder / known.FILE


def _known_files(further: Iterable[Path], folders: Iterable[Path]) -> list[Path]:
    every = dict.fromkeys([*(manifest.folder for manifest in all_manifests()), *folders])
    return [*further, *(place for folder in every if (place := folder / known.FILE).is_file())]


def _given_folders(command: Sequence[str]) -> dict[str, Path]:
    """The folders that runtimes were given as on a command line, by the runtimes' names."""
    folders = [Path(text.rpartition("@")[0] or text) for text in given(command) if "/" in text]
    return {folder.name.partition(":")[0]: folder.parent / folder.name.partition(":")[0] for folder in folders}
