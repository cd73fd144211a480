"""The image of cluster/image: the versions that are pinned, everything that it copies, nothing that it should not."""

import re
import tomllib
from fnmatch import fnmatch

from manifests import CHECKOUT, CLUSTER, HOME, document

DOCKERFILE = (CLUSTER / "image" / "Dockerfile").read_text()
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
(RAY,) = re.findall(r"^ray==(.+)$", (CHECKOUT / "constraints.txt").read_text(), re.MULTILINE)


def test_the_base_has_the_pinned_ray_cuda_and_a_python_that_the_package_takes() -> None:
    (base,) = re.findall(r"^FROM (.+)$", DOCKERFILE, re.MULTILINE)
    found = re.fullmatch(r"rayproject/ray:([0-9.]+)-py3([0-9]+)-(gpu|cu[0-9]+)", base)
    assert found is not None, base
    assert found[1] == RAY
    assert f">=3.{found[2]}" == PROJECT["requires-python"]


def test_the_package_is_installed_under_the_constraints_with_what_its_commands_and_formats_need() -> None:
    (extras,) = re.findall(r'pip install --no-cache-dir -c constraints.txt "\.\[(.+)\]"', DOCKERFILE)
    assert extras.split(",") == ["builtin", "iceberg", "tune"]
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


def test_the_image_runs_as_the_user_of_the_base_where_the_manifests_expect_the_jobs() -> None:
    lines = DOCKERFILE.splitlines()
    assert [line for line in lines if line.startswith("USER ")] == ["USER ray"]
    assert f"WORKDIR {HOME}" in lines


def test_what_the_image_copies_is_there_and_let_through_and_nothing_else_is() -> None:
    copied = [
        name
        for words in re.findall(r"^COPY --chown=\S+ (.+)$", DOCKERFILE, re.MULTILINE)
        for name in words.split()[:-1]
    ]
    assert [name for name in copied if not (CHECKOUT / name).exists()] == []
    ignored = (CLUSTER / "image" / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == sorted(copied)
    for secret in ("jobs/.env", "reviewmine/key.pem"):
        assert any(fnmatch(secret, rule) for rule in rules[1:] if not rule.startswith("!"))


def test_every_file_names_the_image_by_the_version_of_the_package() -> None:
    image = f"REGISTRY/reviewmine:{PROJECT['version']}"
    assert f"-t {image} ." in DOCKERFILE
    assert document("ray-up.yaml")["docker"]["image"] == image
