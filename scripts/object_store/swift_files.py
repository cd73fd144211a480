"""What Swift reads when it starts: the text of its configuration files, and the names of its servers and users."""

from collections.abc import Mapping
from pathlib import Path

BACKENDS = ("account", "container", "object")
SERVERS = (*BACKENDS, "proxy")
ACCOUNT = "reviewmine"
WRITER, READER = f"{ACCOUNT}:writer", f"{ACCOUNT}:reader"
"""Access keys: the owner of every bucket, and one who may only read buckets of the ACL public-read."""

_FILTERS = "catch_errors gatekeeper listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink"
_SWIFT = """[swift-hash]
swift_hash_path_suffix = reviewmine

[storage-policy:0]
name = default
default = yes
"""
_DEFAULT = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
bind_timeout = 2
workers = 0
user = {user}
swift_dir = {root}/etc
log_level = WARNING
"""
_BACKEND = """devices = {root}/node
mount_check = false
disable_fallocate = true
recon_cache_path = {root}/cache

[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
log_requests = false
"""
# Pages of a listing are short, so that who forgets the next page is found out.
_PROXY = """
[pipeline:main]
pipeline = {filters} proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
max_bucket_listing = 100

[filter:tempauth]
use = egg:swift#tempauth
user_{account}_writer = {secret} .admin
user_{account}_reader = {secret}
"""


def configuration(root: Path, ports: Mapping[str, int], *, user: str, secret: str) -> dict[str, str]:
    """The text of every file of `root`/etc by its name, but the rings; `user` is whom the servers run as."""
    files = {"swift.conf": _SWIFT}
    for kind in BACKENDS:
        text = _DEFAULT + _BACKEND
        files[f"{kind}.conf"] = text.format(root=root, port=ports[kind], user=user, kind=kind)
    files["proxy.conf"] = (_DEFAULT + _PROXY).format(
        root=root, port=ports["proxy"], user=user, filters=_FILTERS, account=ACCOUNT, secret=secret
    )
    for name in sorted({*_FILTERS.split()} - {"s3api", "tempauth"}):
        files["proxy.conf"] += f"\n[filter:{name}]\nuse = egg:swift#{name}\n"
    return files
