"""Five of the kills of scripts/bench/kills: a backfill on Swift whose node, actor, writer, proxy and driver die."""

import pytest
from backfill_kills import kills, run_through
from disturbed import Disturbed
from nodes import Nodes
from proxy_process import ProxyProcess

pytestmark = [pytest.mark.slow, pytest.mark.object_store]
SEED = 14
"""By this the actor dies at the 9th change of the table, the node at the 15th, the writer at the 18th."""


@pytest.mark.parametrize(
    ("victims", "earlier"),
    [(("node", "actor", "writer"), False), (("proxy", "driver"), True)],
    ids=["workers of a first backfill", "proxy and driver of an overwrite"],
)
def test_a_backfill_whose_parts_are_killed_is_mended_and_receipts_that_stood_are_used_again(
    victims, earlier, object_store_uri, object_store, tiny_checkpoint, tmp_path, monkeypatch
):
    with ProxyProcess(object_store["AWS_ENDPOINT_URL"]) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        with Nodes() as nodes:
            case = Disturbed(object_store_uri, tmp_path, tiny_checkpoint, nodes.address, earlier=earlier)
            killer = run_through(case, nodes, proxy, kills(SEED, victims), SEED)
            case.broken += case.places_of_secrets(nodes.logs)
    assert case.broken == []
    assert killer.pending == []
    assert case.num_reused == case.num_due
