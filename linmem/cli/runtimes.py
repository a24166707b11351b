"""``linmem runtimes list | install | versions | check``."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from linmem.cache import VARIABLE, cache_dir
from linmem.cli.parsers import command, group, output
from linmem.errors import Unavailable, UserError
from linmem.provision import environments, names
from linmem.provision.environments import Provided, Status
from linmem.provision.manifest import Manifest, all_manifests, load_manifest
from linmem.provision.releases import releases, within
from linmem.run.runtimes import ALL, default, everyone
from linmem.text import printable, printable_json, say

WIDTH = 80
STYLES = {environments.READY: "green", environments.NOT_PROVISIONED: "yellow", environments.UNAVAILABLE: "red"}
RUNTIME = "NAME[:VARIANT][@VERSION], or a folder with a runtime.yaml"


@dataclass(frozen=True)
class Asked:
    """A runtime as the user named it, with its manifest."""

    manifest: Manifest
    variant: str | None = None
    version: str | None = None

    @property
    def name(self) -> str:
        """How it is called in what we print."""
        return str(names.RuntimeName(self.manifest.name, self.variant))

    @property
    def full(self) -> tuple[str, str | None, str | None]:
        """Name, variant and version, with the manifest's defaults."""
        return self.manifest.name, self.variant or self.manifest.variant, self.version or self.manifest.version

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.full[2] or ''}".rstrip()

    def check(self) -> Asked:
        """The same, if its manifest knows the variant and the version. Raises `UserError`."""
        self.manifest.check_variant(self.variant)
        self.manifest.check_version(self.version)
        return self

    def status(self) -> Status:
        """Whether it can be used on this machine."""
        return environments.status(self.manifest, self.variant, self.version)

    def provide(self, **how: bool) -> Provided | None:
        """Make it ready to start; None, after saying why, if it is not available. `how` is for `environments`."""
        try:
            return environments.provide(self.manifest, self.variant, self.version, progress=self.tell, **how)
        except Unavailable as problem:
            self.complain(problem)
            return None

    def tell(self, line: str) -> None:
        """Print what happens on standard error."""
        say(f"{self.title}: {line}", file=sys.stderr, flush=True)

    def complain(self, problem: Unavailable) -> None:
        """Print why it is not available."""
        self.tell(f"unavailable: {problem.reason}")
        if problem.remedy:
            say(f"  {problem.remedy}", file=sys.stderr, flush=True)


def add(commands: Any) -> None:
    """Declare the subcommands."""
    own = group(commands, "runtimes", "list, install and check the runtimes")
    output(command(own, "list", _list), ("text", "json"), out=False)

    install = command(own, "install", _install)
    install.epilog = (
        f"{install.epilog} Environments are kept in {cache_dir()}; {VARIABLE} names another folder.".replace("%", "%%")
    )
    install.add_argument("names", nargs="*", metavar="RUNTIME", help=f"{RUNTIME}, or all (default: what a run plays)")
    install.add_argument("--offline", action="store_true", help="use only what uv and npm have downloaded before")
    install.add_argument("--force", action="store_true", help="make environments again, even if they are ready")

    versions = command(own, "versions", _versions)
    versions.add_argument("name", metavar="RUNTIME", help="a name, or one with a range: 'wasmtime@>=45,<50'")

    check = command(own, "check", _check)
    check.add_argument("name", metavar="RUNTIME", help=RUNTIME)
    check.add_argument("--method", action="append", default=[], metavar="METHOD", help="test this method; repeatable")
    check.add_argument("--verbose", action="store_true", help="show every test, not only those that failed")


def _asked(text: str) -> Asked:
    name = names.parse(text)
    return Asked(load_manifest(name.name), name.variant, name.version).check()


def _everything() -> list[Asked]:
    return [Asked(manifest, name.variant, name.version) for manifest, name in everyone()]


def _list(args: argparse.Namespace) -> int:
    """Show every runtime and whether it is ready."""
    asked, manifests = _everything(), {manifest.name: manifest for manifest in all_manifests()}
    for name in environments.installed():  # the others that were asked for once, and that their manifests still know
        if name.name in manifests:
            with contextlib.suppress(UserError):
                one = Asked(manifests[name.name], name.variant, name.version).check()
                asked += [one] if one.full not in [other.full for other in asked] else []
    asked.sort(key=lambda one: one.manifest.name)
    found = [(one, one.status()) for one in asked]
    if args.format == "json":
        say(printable_json(json.dumps([_as_json(one, status) for one, status in found], indent=2)))
    else:
        _print_table(found)
    return 0


def _as_json(one: Asked, status: Status) -> dict[str, object]:
    return {
        "name": one.manifest.name,
        "variant": one.variant,
        "version": one.full[2],
        "title": one.manifest.title,
        "homepage": one.manifest.homepage,
        "variants": list(one.manifest.variants),
        "default": one.manifest.default and one.variant is None and one.version is None,
        **asdict(status),
    }


def _print_table(found: Sequence[tuple[Asked, Status]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("Runtime", "Version", "State"):
        table.add_column(column, no_wrap=True)
    table.add_column("From", overflow="fold")
    for one, status in found:
        state = Text(status.state, STYLES[status.state])
        table.add_row(one.name, printable(one.full[2] or ""), state, printable(status.origin))
    console = Console(highlight=False, markup=False)
    console.width = min(console.width, WIDTH)
    console.print(table)
    for one, status in found:
        if status.state == environments.UNAVAILABLE:
            console.print(printable(f"\n{one.title}: {status.reason}"), soft_wrap=True)
            console.print(printable(f"  {status.remedy}"), soft_wrap=True)
    if any(status.state == environments.NOT_PROVISIONED for _, status in found):
        console.print("\nNot provisioned: installed on first use, or now by linmem runtimes install")


def _install(args: argparse.Namespace) -> int:
    """Make runtimes ready ahead of time. Environments are made by uv, which follows its own settings (UV_DEFAULT_INDEX,
    UV_INDEX, UV_OFFLINE, uv.toml), not pip's: if pip.conf or PIP_INDEX_URL name an index, set UV_DEFAULT_INDEX to it.
    Exit status: 0 they are ready; 1 a runtime is not available.
    """
    usual = [Asked(manifest) for manifest, _ in default()]
    given = [(one, text == ALL) for text in args.names for one in (_everything() if text == ALL else [_asked(text)])]
    failed = False
    for one, by_all in given or [(one, False) for one in usual]:
        start = time.monotonic()
        provided = one.provide(offline=args.offline, fresh=args.force)
        if provided is not None:
            say(f"{one.title}: ready in {time.monotonic() - start:.1f} s, {provided.origin}", flush=True)
        elif not (by_all and environments.machine_lacks(one.manifest)):
            failed = True  # of all runtimes, what linmem can't provide may be missing
    return 1 if failed else 0


def _versions(args: argparse.Namespace) -> int:
    """Show which versions of a runtime there are. Exit status: 0 they are listed; 1 none is available."""
    name, wanted = names.parse_range(args.name)
    one = Asked(load_manifest(name.name))
    try:
        found = releases(one.manifest) if wanted is None else within(one.manifest, wanted)
        if not found and (where := one.status()).state == environments.UNAVAILABLE:
            raise Unavailable(where.reason, where.remedy)
    except Unavailable as problem:
        one.complain(problem)
        return 1
    if not found:
        say(f"{one.name} is the machine's own, {one.status().origin}: there are no other versions of it")
    for version in found:
        say(f"{version}  (default)" if version == one.manifest.version else version)
    return 0


def _check(args: argparse.Namespace) -> int:
    """Test a runtime's driver against the protocol. Exit status: 0 its answers are right; 1 one is wrong."""
    from linmem import check as selfcheck  # no other command needs it

    one = _asked(args.name)
    provided = one.provide()
    if provided is None:
        return 1
    say(f"{one.name} {provided.version}, {provided.origin}", flush=True)
    unknown = [method for method in args.method if method not in selfcheck.METHODS]
    if unknown:
        raise UserError(f"the protocol has no method '{unknown[0]}' (known: {', '.join(selfcheck.METHODS)})")
    report = selfcheck.check(
        provided.command,
        env=provided.env,
        variant=one.full[1],
        views=one.manifest.views,
        only=args.method,
        peculiar=one.manifest.peculiar,
    )
    say(report.text(verbose=args.verbose))
    return 0 if report.right else 1
