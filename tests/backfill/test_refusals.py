"""What a person is told where a store or a table refuses, and that nothing is lost by it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from backfill_world import EXPECTED, NUM_FRAGMENTS, World, two_days
from partition_world import silent
from s3_server import Answer, Environ, serving
from stores import Crash, StoppingStore

from reviewmine.backfill.garbage import Retention, collect
from reviewmine.backfill.plan import Planner
from reviewmine.backfill.status import status_of
from reviewmine.errors import EXIT_FAILED, StoreError, StoreUnavailable, TableError
from reviewmine.partition import Partition
from reviewmine.store.archive import Archive
from reviewmine.store.layout import new_run_id
from reviewmine.store.lease import Patience
from reviewmine.store.manifest import live_manifest
from reviewmine.store.rollback import PREVIOUS, roll_back
from reviewmine.store.table import Table
from reviewmine.warehouse.live import live_partitions

DAY = Partition((("dt", "2024-01-01"),))


def every(status: int, code: str) -> Answer:
    return lambda environ: (status, code)


def read_only(environ: Environ) -> tuple[int, str] | None:
    return None if environ["REQUEST_METHOD"] in ("GET", "HEAD") else (403, "AccessDenied")


REFUSALS = {
    "a wrong secret": (
        every(403, "SignatureDoesNotMatch"),
        "the secret is not that of the key; check AWS_SECRET",
    ),
    "an unknown key": (
        every(403, "InvalidAccessKeyId"),
        "the access key is unknown; check AWS_ACCESS_KEY_ID",
    ),
    "expired credentials": (every(400, "ExpiredToken"), "the session has expired; renew the credentials"),
    "clock skew": (every(403, "RequestTimeTooSkewed"), "this machine's clock is off; set it"),
    "a read-only bucket": (read_only, "AccessDenied .*: this identity may not; check its policy"),
}


@pytest.fixture
def world(tmp_path, s3_uri) -> World:
    """Two days in a bucket, by checkpoint one."""
    made = two_days(tmp_path)
    made.table = Table(f"{s3_uri}/table")
    made.run()
    return made


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_store_that_refuses_says_what_to_check_and_nothing_is_lost(refusal, world, s3_server, monkeypatch):
    answer, told = REFUSALS[refusal]
    before = dict(world.rows())
    with serving(answer) as strict:
        monkeypatch.setenv("AWS_ENDPOINT_URL", strict)
        with pytest.raises(StoreError, match=told) as refused:
            world.run(checkpoint="two")
    assert not isinstance(refused.value, StoreUnavailable)
    assert "secret-of-the-tests" not in str(refused.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    assert dict(world.rows()) == before
    world.judge(EXPECTED)
    world.run(checkpoint="two")
    world.judge(EXPECTED)


@pytest.mark.parametrize(
    ("status", "told"), [(400, "the session has expired"), (403, "this machine's clock is off")]
)
def test_a_refusal_without_a_body_as_heads_have_says_what_it_may_mean(status, told, world, monkeypatch):
    def of_heads(environ: Environ) -> tuple[int, str] | None:
        return (status, "") if environ["REQUEST_METHOD"] == "HEAD" else None

    with serving(of_heads) as strict:
        monkeypatch.setenv("AWS_ENDPOINT_URL", strict)
        with pytest.raises(StoreError, match=told):
            world.table.store.stat("table/x")


NOWHERE = r"s3://nowhere-at-all.*: NoSuchBucket .*: there is no such bucket; make it, or correct the URI"


def test_a_bucket_that_is_not_there_is_told_with_what_to_do(s3_uri, tmp_path):
    world = two_days(tmp_path)
    world.table = Table("s3://nowhere-at-all/table")
    with pytest.raises(StoreError, match=NOWHERE):
        status_of(world.table)
    with pytest.raises(StoreError, match=NOWHERE):
        world.run()


def test_an_archive_in_a_bucket_that_is_not_there_is_told_too_and_the_table_stays_as_it_is(s3_uri, tmp_path):
    world = two_days(tmp_path)
    world.run()
    before = list(world.table.store.list(""))
    absent = Archive("s3://nowhere-at-all/reviews")
    with pytest.raises(StoreError, match=NOWHERE):
        Planner(absent, world.table, columns=world.columns, partition_by=None, only=None).schemas()
    assert list(world.table.store.list("")) == before


def roll(world: World) -> object:
    table = world.table
    return roll_back(table.store, table.layout, table.live, DAY, "r", to=PREVIOUS, patience=silent())


USES: dict[str, Callable[[World], object]] = {
    "run": lambda world: world.run(),
    "status": lambda world: status_of(world.table),
    "read": lambda world: live_partitions(world.table),
    "rollback, gc and erase": lambda world: world.table.require(writing=True),
}


@pytest.mark.parametrize("use", USES)
def test_a_table_of_a_newer_contract_is_left_as_it_is_with_what_to_use(use, tmp_path):
    world = two_days(tmp_path)
    world.run()
    newer = world.table.record().model_copy(update={"contract_version": 9})
    world.table.store.put(world.table.layout.table_record, newer.encode())
    before = list(world.table.store.list(""))
    with pytest.raises(
        TableError, match="found contract version 9, expected 1; use the reviewmine that wrote it"
    ):
        USES[use](world)
    assert list(world.table.store.list("")) == before


@pytest.mark.parametrize("name", ["part-0.parquet", "dt=2024-01-01/part-0.parquet"])
def test_a_foreign_file_stops_a_run_before_anything_is_written_and_stays(name, tmp_path):
    world = two_days(tmp_path)
    world.run()
    foreign = f"{world.table.layout.table}/{name}"
    world.table.store.put(foreign, b"theirs")
    before = list(world.table.store.list(""))
    with pytest.raises(
        TableError, match=r"1 files that reviewmine did not write, such as .*part-0\.parquet; move"
    ):
        world.run(checkpoint="two")
    assert list(world.table.store.list("")) == before
    world.table.store.delete(foreign)
    world.run(checkpoint="two")
    world.judge(EXPECTED)


@pytest.mark.parametrize("body", [None, b"", b'{"partition": "dt=2024', b"\x00\xff", b'{"partition": 3}'])
def test_a_corrupt_manifest_is_named_with_what_to_do_and_doing_so_mends_it(body, tmp_path):
    world = two_days(tmp_path)
    world.run()
    store, layout = world.table.store, world.table.layout
    name = layout.manifest(DAY, live_manifest(store, layout, DAY).generation)
    store.delete(name) if body is None else store.put(name, body)
    before = world.live_files()
    found = "there is no such manifest" if body is None else "not a manifest"
    told = f"{tmp_path}/{name}: {found}.* restore it from a backup, or, if"
    assert re.search(told, world.run().partitions_failed[str(DAY)])
    for use in (roll, lambda world: live_partitions(world.table)):
        with pytest.raises(TableError, match=told):
            use(world)
    assert world.live_files() == before
    store.delete(layout.pointer(DAY))
    for manifest in list(store.list(layout.manifests(DAY))):
        store.delete(manifest.name)
    world.run()
    assert world.num_done() == 0
    world.judge(EXPECTED)


@pytest.mark.parametrize("body", [None, b"{"])
def test_a_lost_pointer_costs_no_file_and_is_put_again_as_its_error_says(body, tmp_path):
    world = two_days(tmp_path)
    world.run()
    store, layout = world.table.store, world.table.layout
    live = live_manifest(store, layout, DAY)
    store.delete(layout.pointer(DAY)) if body is None else store.put(layout.pointer(DAY), body)
    everything = Retention.of(0, timedelta(0), runs=(), now=datetime.now(UTC) + timedelta(days=30))
    with pytest.raises(TableError, match=r"(there is no such|not a) pointer.* or put .* in its place"):
        collect(store, layout, world.table.live, everything, new_run_id(), Patience())
    with pytest.raises(TableError, match="pointer"):
        live_partitions(world.table)
    assert "pointer" in world.plan(checkpoint="two").failed[DAY]
    assert "pointer" in world.run(checkpoint="two").partitions_failed[str(DAY)]
    assert world.num_done() == 1
    standing = {file.name for file in store.list("")}
    assert standing >= {*live.live_files, *(part.name for part in live.parts)}
    name = re.sub(r"-\d{5}\.parquet$", "", live.live_files[0].rsplit("/", 1)[-1])
    store.put(layout.pointer(DAY), b'{"generation": "%s", "fence": 0}' % name.encode())
    assert live_manifest(store, layout, DAY) == live
    assert world.states()[str(DAY)] == "fresh"


@pytest.mark.parametrize("kind", ["live", "manifests", "leases"])
def test_a_record_that_is_cut_off_holds_up_its_own_partition_alone(kind, tmp_path):
    world = two_days(tmp_path)
    world.run()
    store, layout = world.table.store, world.table.layout
    cut = next(f.name for f in store.list(f"{layout.meta}/{kind}") if DAY.name in f.name)
    store.put(cut, store.get(cut).body[:20])
    summary = world.run(checkpoint="two")
    assert (summary.state, summary.exit_code, summary.partitions_published) == ("failed", EXIT_FAILED, 1)
    (failed,) = summary.partitions_failed.items()
    assert failed[0] == str(DAY)
    assert re.search(rf"{tmp_path}/{cut}: not a \w+( record)? that .* delete ", failed[1])
    assert world.rows().total() == sum(map(len, EXPECTED.values()))
    store.delete(cut)
    if kind != "leases":
        store.delete(layout.pointer(DAY))
        for manifest in list(store.list(layout.manifests(DAY))):
            store.delete(manifest.name)
    world.run(checkpoint="two")
    assert world.num_done() == (0 if kind == "leases" else NUM_FRAGMENTS - 1)
    world.judge(EXPECTED)


def test_a_half_written_journal_is_named_with_what_to_do_and_doing_so_mends_it(tmp_path):
    world = two_days(tmp_path)
    world.run()
    run = world.prepare(checkpoint="two")
    inner = run._publisher._store
    run._publisher._store = StoppingStore(inner, at=5, how="after")
    with pytest.raises(Crash):
        run.run()
    store, layout = world.table.store, world.table.layout
    (journal,) = list(store.list(layout.all_journals))
    store.put(journal.name, store.get(journal.name).body[:40])
    told = f"{tmp_path}/{journal.name}: not a journal .* if no run publishes"
    assert re.search(told, world.run(checkpoint="two").partitions_failed[str(DAY)])
    with pytest.raises(TableError, match=told):
        roll(world)
    store.delete(journal.name)
    world.run(checkpoint="two")
    world.judge(EXPECTED)


def test_a_receipt_that_is_cut_off_is_named_with_what_to_do_and_doing_so_mends_it(tmp_path):
    world = two_days(tmp_path)
    world.run()
    store, layout = world.table.store, world.table.layout
    cut = next(file.name for file in store.list(layout.all_receipts))
    store.put(cut, store.get(cut).body[:20])
    for record in [*store.list(layout.pointers), *store.list(layout.all_manifests)]:
        store.delete(record.name)  # receipts are looked at where a generation is to be made
    before = world.rows()
    with pytest.raises(TableError, match=f"{tmp_path}/{cut}: not a receipt .* delete it"):
        world.run()
    assert world.rows() == before
    store.delete(cut)
    world.run()
    assert world.num_done() == 1
    world.judge(EXPECTED)
