"""cluster/ray-up.yaml, as `ray up` itself reads it before it asks AWS for anything."""

import copy

import jsonschema
import pytest
from manifests import document
from ray.autoscaler._private.util import prepare_config, validate_config


def test_ray_takes_the_file() -> None:
    validate_config(prepare_config(document("ray-up.yaml")))


def test_ray_refuses_a_key_that_it_does_not_know() -> None:
    misspelt = document("ray-up.yaml") | {"max_worker": 4}
    with pytest.raises(jsonschema.ValidationError, match="max_worker"):
        validate_config(prepare_config(misspelt))


def test_nothing_of_rays_defaults_installs_another_ray() -> None:
    prepared = prepare_config(copy.deepcopy(document("ray-up.yaml")))
    commands = [
        command
        for key in (
            "initialization_commands",
            "setup_commands",
            "head_setup_commands",
            "worker_setup_commands",
        )
        for command in prepared[key]
    ]
    assert [command for command in commands if "pip install" in command] == []


def test_the_cluster_is_of_a_fixed_size_and_its_head_annotates_nothing() -> None:
    prepared = prepare_config(document("ray-up.yaml"))
    gpu = prepared["available_node_types"]["gpu"]
    assert gpu["min_workers"] == gpu["max_workers"] == prepared["max_workers"]
    head = prepared["available_node_types"][prepared["head_node_type"]]
    assert head["resources"]["CPU"] == 0


def test_every_node_names_its_machine_image_and_none_is_left_to_rays_old_default() -> None:
    prepared = prepare_config(document("ray-up.yaml"))
    images = {node["node_config"].get("ImageId") for node in prepared["available_node_types"].values()}
    assert images == {"IMAGE_ID"}


def test_the_dashboard_is_not_open_to_the_network() -> None:
    (start,) = [
        command for command in document("ray-up.yaml")["head_start_ray_commands"] if "--head" in command
    ]
    assert "--dashboard-host=127.0.0.1" in start
