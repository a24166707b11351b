"""A runtime that can be started, how a runtime stands, and what a runtime's driver says of its version."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from linmem import paths
from linmem.drivers.client import Driver
from linmem.errors import Unavailable, last_words
from linmem.protocol import CallFailed, DriverFault
from linmem.provision.manifest import Manifest
from linmem.provision.names import RuntimeName

READY = "ready"
NOT_PROVISIONED = "not provisioned"
UNAVAILABLE = "unavailable"
START_SECONDS = 60.0


@dataclass(frozen=True)
class Provided:
    """A runtime that can be started: its driver's command, and variables for it over the harness's own.

    ``version`` is what the runtime says of itself; ``origin`` says in words where it comes from.
    """

    command: list[str]
    env: dict[str, str]
    version: str
    origin: str


@dataclass(frozen=True)
class Status:
    """How a runtime stands on this machine: ``ready``, ``not provisioned`` or ``unavailable``."""

    state: str
    reason: str
    remedy: str
    origin: str


def spelled(manifest: Manifest, variant: str | None, version: str | None) -> str:
    """The runtime as a user names it on the command line."""
    name = manifest.name if manifest.folder.parent == paths.RUNTIMES else str(manifest.folder)
    return str(RuntimeName(name, variant, version))


def install_command(manifest: Manifest, variant: str | None, version: str | None) -> str:
    """The command that makes the runtime ready."""
    return f"linmem runtimes install {spelled(manifest, variant, version)}"


def versions_command(manifest: Manifest) -> str:
    """The command that lists the runtime's versions."""
    return f"linmem runtimes versions {spelled(manifest, None, None)}"


def notes(manifest: Manifest, variant: str | None, version: str) -> dict[str, object]:
    """What is kept with an environment, for `environments.installed`."""
    return {"runtime": [manifest.name, variant, version]} if manifest.folder.parent == paths.RUNTIMES else {}


def version_of(command: list[str], manifest: Manifest, variant: str | None) -> str:
    """The version that the driver says its runtime has. Raises `Unavailable` where it does not start."""
    driver = Driver(command, label=manifest.name, env=manifest.env)
    try:
        return driver.start(variant or manifest.variant, None, timeout=START_SECONDS).runtime["version"]
    except (DriverFault, CallFailed, KeyError) as error:
        what = "it names no version" if isinstance(error, KeyError) else str(error)
        words = last_words(driver.take_stderr())
        reason = f"the driver does not start: {what}{f' ({words})' if words else ''}"
        raise Unavailable(reason, manifest.remedy(variant, f"look at {manifest.folder}")) from error
    finally:
        driver.close()


def check_version(said: str, wanted: str, remedy: str) -> None:
    """Raise `Unavailable` where the runtime says another version than the one that was asked for."""
    try:
        same = Version(said) == Version(wanted)
    except InvalidVersion:
        same = said == wanted
    if not same:
        raise Unavailable(f"the runtime says that it is version {said}, not {wanted}", remedy)
