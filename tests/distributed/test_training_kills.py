"""Kill -9 of a training worker, then of the driver, then the same command: the run ends as if nothing had been."""

import os
import subprocess

import boto3
import pytest
from s3_server import serving
from training_kills import train_command, train_through

from reviewmine.model.digest import digest


@pytest.mark.slow
def test_a_run_whose_worker_and_then_driver_are_killed_ends_as_an_undisturbed_one_does(tmp_path):
    undisturbed = train_through((), tmp_path / "undisturbed", seed=7)
    assert undisturbed.first_steps == (0,)
    killed = train_through(("worker", "driver"), tmp_path / "killed", seed=7)
    assert len(killed.first_steps) == 3
    assert all(step > 0 for step in killed.first_steps[1:])
    assert killed.macro_f1 == pytest.approx(undisturbed.macro_f1, abs=1e-6)
    assert killed.intensity_mae == pytest.approx(undisturbed.intensity_mae, abs=1e-6)


@pytest.mark.slow
def test_a_run_whose_examples_and_storage_are_on_s3_is_taken_up_from_there(tmp_path):
    """The second command finds the run at its end, takes no step, and makes the same checkpoint of it."""
    with serving() as address:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        s3 = boto3.client(
            "s3",
            endpoint_url=address,
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            region_name="us-east-1",
        )
        s3.create_bucket(Bucket="training")
        digests, said = [], []
        command = train_command(tmp_path / "run", storage="s3://training/runs")
        sets = tmp_path / "run" / "sets"
        s3.upload_file(str(sets / "reviews.parquet"), "training", "sets/reviews.parquet")
        command[command.index(str(sets))] = "s3://training/sets"
        for attempt in ("first", "second"):
            where = tmp_path / "run" / attempt
            done = subprocess.run(
                [*command, "--checkpoint", str(where)],
                env=environment,
                check=True,
                timeout=600,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            digests.append(digest(where))
            said.append(done.stdout)
        names = [found["Key"] for found in s3.list_objects_v2(Bucket="training")["Contents"]]
    assert digests[0] == digests[1]
    assert said[0].count(" step 4  steps 126 ") == 1
    assert " step " not in said[1]
    noise = ("State API", "Reporting training result", "Checkpoint successfully created")
    assert not any(word in said[0] + said[1] for word in noise)
    assert sum(name.startswith("runs/killed/log/") for name in names) == 1
    assert sum(name.endswith("/optimizer.pt") for name in names) == 2
