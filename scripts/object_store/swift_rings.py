"""Swift's rings for one device on this machine; run by the Python of Swift's environment, which alone has Swift.

swift_rings.py FOLDER KIND=PORT...
"""

import sys
from pathlib import Path

from swift.common.ring import RingBuilder

PART_POWER, REPLICAS, MIN_PART_HOURS = 4, 1, 1


def main() -> None:
    folder, *kinds = sys.argv[1:]
    for kind, _, port in (given.partition("=") for given in kinds):
        builder = RingBuilder(PART_POWER, REPLICAS, MIN_PART_HOURS)
        device = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1", "weight": 1.0}
        builder.add_dev(device)
        builder.rebalance(seed=1)
        builder.get_ring().save(str(Path(folder) / f"{kind}.ring.gz"))


if __name__ == "__main__":
    main()
