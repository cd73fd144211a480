"""The files of cluster/ as tests read them: their documents, their pods, and the commands that a shell makes of them.

What checks them: lightkube's typed models for all that Kubernetes itself defines, by a round trip that must bring back
every key; models of our own, made after the reference of KubeRay 1.7, for the keys of ray.io/v1 that the files use.
KubeRay's own schema is not in this repository: a key that it has and these models lack is added here first.
"""

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import msgspec
import pytest
import typer
import yaml
from lightkube.models import batch_v1, core_v1
from pydantic import BaseModel, ConfigDict, PositiveInt

import reviewmine.cli

CHECKOUT = Path(__file__).parents[1]
CLUSTER = CHECKOUT / "cluster"
HOME = PurePosixPath("/home/ray/reviewmine")
"""Where the image has the checkout."""

PROGRAMS = ("python", "reviewmine")
NOTE = """#!/bin/sh
for word in "$(basename "$0")" "$@"; do printf '%s\\n' "$word"; done >>"$NOTES"
"""


def document(name: str) -> dict[str, Any]:
    return yaml.safe_load((CLUSTER / name).read_text(encoding="utf-8"))


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AuthOptions(Strict):
    mode: Literal["token", "disabled"]
    secretName: str  # noqa: N815 (so it is written)


class HeadGroup(Strict):
    rayStartParams: dict[str, str]  # noqa: N815
    template: dict[str, Any]


class WorkerGroup(HeadGroup):
    groupName: str  # noqa: N815
    replicas: PositiveInt
    minReplicas: PositiveInt  # noqa: N815
    maxReplicas: PositiveInt  # noqa: N815


class RayClusterSpec(Strict):
    rayVersion: str  # noqa: N815
    authOptions: AuthOptions  # noqa: N815
    headGroupSpec: HeadGroup  # noqa: N815
    workerGroupSpecs: list[WorkerGroup]  # noqa: N815


class SubmitterConfig(Strict):
    backoffLimit: int  # noqa: N815


class RayJobSpec(Strict):
    entrypoint: str
    activeDeadlineSeconds: PositiveInt  # noqa: N815
    backoffLimit: int  # noqa: N815
    submitterConfig: SubmitterConfig  # noqa: N815
    shutdownAfterJobFinishes: Literal[True]  # noqa: N815
    ttlSecondsAfterFinished: int  # noqa: N815
    rayClusterSpec: RayClusterSpec  # noqa: N815


class RayCronJobSpec(Strict):
    schedule: str
    timeZone: str  # noqa: N815
    suspend: bool
    jobTemplate: RayJobSpec  # noqa: N815


class Named(Strict):
    name: str


class RayObject(Strict):
    apiVersion: Literal["ray.io/v1"]  # noqa: N815
    kind: str
    metadata: Named
    spec: dict[str, Any]


RAY_KINDS = {"RayCluster": RayClusterSpec, "RayJob": RayJobSpec, "RayCronJob": RayCronJobSpec}
KINDS = {"CronJob": batch_v1.CronJob, "ServiceAccount": core_v1.ServiceAccount}


def check(manifest: Mapping[str, Any]) -> None:
    """Raise what the models say of a key that is unknown or missing, or of a value of another type."""
    if spec := RAY_KINDS.get(manifest["kind"]):
        spec.model_validate(RayObject.model_validate(manifest).spec)
        for template in pod_templates(manifest):
            round_trip(template, core_v1.PodTemplateSpec)
    else:
        round_trip(manifest, KINDS[manifest["kind"]])


def round_trip(written: Mapping[str, Any], model: type) -> None:
    """Raise what `model` says; a key that it does not know is lost on the way through it."""
    kept = msgspec.to_builtins(msgspec.convert(written, model))
    if lost := sorted(keys(written) - keys(kept)):
        raise ValueError(f"{model.__name__} knows nothing of {', '.join(lost)}")


def keys(value: Any, path: str = "") -> set[str]:
    """The path of every key, however deep."""
    pairs = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    return {path} | {found for key, below in pairs for found in keys(below, f"{path}/{key}")}


def pod_templates(manifest: Any) -> Iterator[dict[str, Any]]:
    if isinstance(manifest, dict):
        if "containers" in manifest.get("template", {}).get("spec", {}):
            yield manifest["template"]
        for below in manifest.values():
            yield from pod_templates(below)
    elif isinstance(manifest, list):
        for below in manifest:
            yield from pod_templates(below)


def commands_of(script: str, notes: Path, **variables: str) -> list[str]:
    """What a shell makes of `script`: the program and arguments of the one command of ours that it runs."""
    programs = notes.parent / "programs"
    programs.mkdir(exist_ok=True)
    for name in PROGRAMS:
        (programs / name).write_text(NOTE)
        (programs / name).chmod(0o755)
    notes.write_text("")
    environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "NOTES": str(notes), **variables}
    subprocess.run(["sh", "-euc", script], env=environment, check=True)
    return notes.read_text().splitlines()


def parse(command: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    """The command of the command line that `command` comes to, through a job if need be, and its parameters.

    Raises UsageError of click for an argument or option that there is none of.
    """
    program, *arguments = command
    if program == "python":
        job = CHECKOUT / PurePosixPath(arguments[0]).relative_to(HOME)
        return parse(["reviewmine", *arguments_of(job, arguments[1:], monkeypatch)], monkeypatch)
    group = typer.main.get_command(reviewmine.cli.app)
    name, *rest = arguments
    context = group.commands[name].make_context(name, rest)
    if name == "submit":
        return parse(
            ["python", str(HOME / "jobs" / f"{context.params['job']}.py"), *context.args], monkeypatch
        )
    return name, context.params


def arguments_of(job: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the job at `job` hands to the command line."""
    handed: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(reviewmine.cli, "main", handed.extend)
        patched.setattr(sys, "argv", [str(job), *arguments])
        runpy.run_path(str(job), run_name="__main__")
    return handed
