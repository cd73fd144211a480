"""The manifests of cluster/kubernetes: known to Kubernetes and KubeRay, in step with the pins, without a credential."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests import CHECKOUT, CLUSTER, HOME, check, document, pod_templates

from reviewmine.config import refuse_secrets

NAMES = sorted(f"kubernetes/{path.name}" for path in (CLUSTER / "kubernetes").iterdir())
JOBS = {"kubernetes/rayjob.yaml": ("spec",), "kubernetes/raycronjob.yaml": ("spec", "jobTemplate")}
CRON_JOBS = ("kubernetes/cronjob-daily.yaml", "kubernetes/cronjob-backfill.yaml")
DAY_S = 24 * 3600
IMAGE = (
    "REGISTRY/reviewmine:" + tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
)


def pin(name: str) -> str:
    (version,) = re.findall(rf"^{name}==(.+)$", (CHECKOUT / "constraints.txt").read_text(), re.MULTILINE)
    return version


def at(manifest: dict[str, Any], *path: str) -> Any:
    for key in path:
        manifest = manifest[key]
    return manifest


def strings(value: Any) -> list[str]:
    """Every string, without its key: `secretName` is the name of a Secret, and none itself."""
    if isinstance(value, str):
        return [value]
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for one in below for found in strings(one)]


def pods(name: str) -> list[dict[str, Any]]:
    return [template["spec"] for template in pod_templates(document(name))]


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_known_and_of_its_type(name: str) -> None:
    check(document(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_sed_of_the_readme_leaves_no_placeholder_in_a_manifest(name: str) -> None:
    (sed,) = re.findall(r"^sed '[^']+'", (CLUSTER / "README.md").read_text(), re.MULTILINE)
    replaced = subprocess.run(
        [*shlex.split(sed), CLUSTER / name], check=True, capture_output=True, encoding="utf-8"
    ).stdout
    assert replaced != (CLUSTER / name).read_text()
    assert [line for line in replaced.splitlines() if re.search(r"REGISTRY|BUCKET|ACCOUNT", line)] == []


def test_files_that_are_joined_for_kubectl_stay_documents_of_their_own() -> None:
    joined = "".join((CLUSTER / name).read_text() for name in NAMES)
    assert [manifest["kind"] for manifest in yaml.safe_load_all(joined)] == [
        document(name)["kind"] for name in NAMES
    ]


@pytest.mark.parametrize(
    ("name", "path", "key"),
    [
        ("kubernetes/cronjob-daily.yaml", ("spec",), "concurencyPolicy"),
        (
            "kubernetes/cronjob-daily.yaml",
            ("spec", "jobTemplate", "spec", "template", "spec"),
            "serviceAcount",
        ),
        ("kubernetes/raycluster.yaml", ("spec", "headGroupSpec"), "rayStartParam"),
        ("kubernetes/raycluster.yaml", ("spec", "headGroupSpec", "template", "spec"), "serviceAcount"),
        ("kubernetes/raycronjob.yaml", ("spec",), "concurrencyPolicy"),
    ],
)
def test_a_key_that_is_not_known_is_found(name: str, path: tuple[str, ...], key: str) -> None:
    manifest = document(name)
    at(manifest, *path)[key] = "Forbid"
    with pytest.raises(ValueError, match=key):
        check(manifest)


def test_the_three_ways_of_getting_a_cluster_get_the_same_one() -> None:
    standing = document("kubernetes/raycluster.yaml")["spec"]
    for name, path in JOBS.items():
        assert at(document(name), *path)["rayClusterSpec"] == standing, name


def test_the_cluster_is_of_the_pinned_ray_and_of_a_fixed_size_with_a_gpu_for_each_worker_and_none_for_the_head() -> (
    None
):
    spec = document("kubernetes/raycluster.yaml")["spec"]
    assert spec["rayVersion"] == pin("ray")
    head = spec["headGroupSpec"]
    assert head["rayStartParams"]["num-cpus"] == "0"
    assert "nvidia.com/gpu" not in head["template"]["spec"]["containers"][0]["resources"]["limits"]
    for group in spec["workerGroupSpecs"]:
        assert group["minReplicas"] == group["replicas"] == group["maxReplicas"]
        assert group["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


@pytest.mark.parametrize("name", [name for name in NAMES if pods(name)])
def test_pods_run_the_image_of_this_version_as_nobody_special_under_the_service_account(name: str) -> None:
    account = document("kubernetes/service-account.yaml")["metadata"]["name"]
    for pod in pods(name):
        assert pod["serviceAccountName"] == account
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert (container["image"], container["workingDir"]) == (IMAGE, str(HOME))
            assert container["securityContext"]["allowPrivilegeEscalation"] is False


@pytest.mark.parametrize("name", ["ray-up.yaml", *NAMES])
def test_a_credential_is_named_and_never_given(name: str) -> None:
    for value in strings(document(name)):
        refuse_secrets(value, where=name)
    given = [
        variable["name"]
        for template in pod_templates(document(name))
        for container in template["spec"]["containers"]
        for variable in container.get("env", ())
        if "value" in variable
    ]
    assert set(given) <= {"RAY_AUTH_MODE", "RAY_JOB_STOP_WAIT_TIME_S"}


def test_who_submits_to_the_standing_cluster_takes_the_token_that_it_asks_for() -> None:
    secret = document("kubernetes/raycluster.yaml")["spec"]["authOptions"]["secretName"]
    for name in CRON_JOBS:
        (pod,) = pods(name)
        env = {variable["name"]: variable for variable in pod["containers"][0]["env"]}
        assert env["RAY_AUTH_MODE"]["value"] == "token"
        assert env["RAY_AUTH_TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": secret, "key": "auth_token"}


def test_every_try_of_the_daily_job_fits_into_its_day() -> None:
    """RayCronJob would start the next beside it."""
    job = document("kubernetes/raycronjob.yaml")["spec"]["jobTemplate"]
    assert job["activeDeadlineSeconds"] * (job["backoffLimit"] + 1) < DAY_S


@pytest.mark.parametrize("name", list(JOBS))
def test_a_run_is_told_to_stop_before_its_cluster_is_taken_away(name: str) -> None:
    job = at(document(name), *JOBS[name])
    (soft_hours, grace_minutes) = re.findall(r"--kill-after=([0-9]+)m ([0-9]+)h", job["entrypoint"])[0][::-1]
    assert int(soft_hours) * 3600 + int(grace_minutes) * 60 < job["activeDeadlineSeconds"]


@pytest.mark.parametrize("name", CRON_JOBS)
def test_a_cron_job_never_meets_itself_and_ends_within_its_day(name: str) -> None:
    spec = document(name)["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < DAY_S
    assert (
        "backoffLimit" in spec["jobTemplate"]["spec"] or "backoffLimitPerIndex" in spec["jobTemplate"]["spec"]
    )


@pytest.mark.parametrize("name", CRON_JOBS)
def test_a_cron_job_gives_up_at_once_on_wrong_use_and_tries_again_what_is_resumable(name: str) -> None:
    job = document(name)["spec"]["jobTemplate"]["spec"]
    rules = job["podFailurePolicy"]["rules"]
    final = {code for rule in rules for code in rule.get("onExitCodes", {}).get("values", ())}
    assert final == {2, 3}
    assert (
        next(rule["action"] for rule in rules if 2 in rule.get("onExitCodes", {}).get("values", ()))
        == "FailJob"
    )
    assert job["template"]["spec"]["restartPolicy"] == "Never"  # what a pod failure policy asks for


def test_a_pod_that_is_told_to_stop_is_given_the_time_that_the_job_may_take_to() -> None:
    head = document("kubernetes/raycluster.yaml")["spec"]["headGroupSpec"]["template"]["spec"]
    env = {variable["name"]: variable["value"] for variable in head["containers"][0]["env"]}
    for name in CRON_JOBS:
        (pod,) = pods(name)
        assert pod["terminationGracePeriodSeconds"] > int(env["RAY_JOB_STOP_WAIT_TIME_S"])


def test_the_readme_names_every_file() -> None:
    readme = (CLUSTER / "README.md").read_text()
    files = [path for path in CLUSTER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert [
        path.name for path in files if path.name not in readme and path != Path(CLUSTER / "README.md")
    ] == []
