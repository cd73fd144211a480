"""A Ray cluster of several nodes on this machine, any of which but the head may be lost."""

import random
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from processes import children
from ray._common.utils import reset_ray_address
from ray.cluster_utils import Cluster

_OBJECT_BYTES = 100 << 20
_NUM_NODES = 2
_CPUS = 2
"""Of each node: any one of them has room for an actor beside reading and writing."""


class Nodes:
    """A head without processors, which drivers are attached to, and two nodes that do the work.

    Workers have the environment that this process has when their node is added.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # sockets want short paths
        self._nodes: list = []

    def __enter__(self) -> "Nodes":
        self._on_sigterm = signal.getsignal(signal.SIGTERM)
        head = {"num_cpus": 0, "include_dashboard": False, "temp_dir": str(self._folder)}
        self._cluster = Cluster(
            initialize_head=True, head_node_args=head | {"object_store_memory": _OBJECT_BYTES}
        )
        self.fill()
        return self

    def __exit__(self, *_: object) -> None:
        """Without Cluster.shutdown, which would cut another Ray of this process off from its key-value store."""
        for node in self._cluster.list_all_nodes()[::-1]:
            self._cluster.remove_node(node, allow_graceful=False)
        reset_ray_address()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def address(self) -> str:
        return self._cluster.address

    @property
    def logs(self) -> Path:
        """Where everything is that its processes wrote down."""
        return self._folder

    def fill(self, *, wait: bool = True) -> None:
        """Add what nodes are missing; without waiting until the cluster knows them, if so asked."""
        while len(self._nodes) < _NUM_NODES:
            node = self._cluster.add_node(wait=wait, num_cpus=_CPUS, object_store_memory=_OBJECT_BYTES)
            self._nodes.append(node)
        signal.signal(signal.SIGTERM, self._on_sigterm)  # each node would have this process drain it first

    def lose(self, chance: random.Random) -> None:
        """Kill one of the nodes, raylet, workers and objects, without a warning."""
        node = self._nodes.pop(chance.randrange(len(self._nodes)))
        self._cluster.remove_node(node, allow_graceful=False)

    def workers(self, title: str) -> Iterator[int]:
        """The processes of workers whose title begins with `title`."""
        raylets = {info.process.pid for node in self._nodes for info in node.all_processes["raylet"]}
        return children(raylets, title)
