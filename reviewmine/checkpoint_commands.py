"""The commands of `reviewmine checkpoint`: show, verify, push, pull, merge, export."""

import json
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from reviewmine.checkpoints import local_checkpoint
from reviewmine.checkpoints import push as push_checkpoint
from reviewmine.errors import CheckpointError

checkpoints = typer.Typer(
    help="Look at checkpoints, verify them, bring them from place to place.", no_args_is_help=True
)

Name = Annotated[
    str, typer.Argument(help="'builtin', the path of a checkpoint, or s3://bucket/prefix/DIGEST.")
]
NewFolder = Annotated[Path, typer.Argument(help="A new folder.")]


@checkpoints.command()
def show(
    name: Name,
    as_json: Annotated[bool, typer.Option("--json", help="The spec and all figures, for machines.")] = False,
) -> None:
    """Print what a checkpoint is: its card, or its spec and figures."""
    from reviewmine.model.digest import CARD_FILE, METRICS_FILE
    from reviewmine.model.inspect import inspect_checkpoint

    directory = local_checkpoint(name)
    spec, digest = inspect_checkpoint(directory)
    if as_json:
        path = directory / METRICS_FILE
        metrics: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        print(
            json.dumps({"digest": digest, "spec": spec.model_dump(mode="json"), "metrics": metrics}, indent=2)
        )
        return
    card = directory / CARD_FILE
    text = (
        card.read_text(encoding="utf-8")
        if card.is_file()
        else f"# {spec.name}\n\nCheckpoint `{digest}`; no card.\n"
    )
    if sys.stdout.isatty():
        Console().print(Markdown(text))
    else:
        print(text, end="")


@checkpoints.command()
def verify(
    name: Name,
    digest: Annotated[str | None, typer.Option(help="The digest that it has to have.")] = None,
) -> None:
    """Load a checkpoint, every file of it compared with its listing, and print its digest."""
    from reviewmine.model.checkpoint import load_checkpoint

    loaded = load_checkpoint(local_checkpoint(name, expected_digest=digest), expected_digest=digest)
    print(f"{loaded.digest}  {loaded.spec.name}: whole, loads, reads {', '.join(loaded.spec.languages)}")


@checkpoints.command()
def push(
    name: Name,
    place: Annotated[str, typer.Argument(help="s3://bucket/prefix, or a folder; the digest is added to it.")],
) -> None:
    """Put a checkpoint at PLACE/DIGEST, where every node can fetch it, and print that name."""
    print(push_checkpoint(local_checkpoint(name), place))


@checkpoints.command()
def pull(name: Name, directory: NewFolder) -> None:
    """Copy a checkpoint into a folder of its own."""
    from reviewmine.model.inspect import inspect_checkpoint

    source = local_checkpoint(name)
    _, digest = inspect_checkpoint(source)
    if directory.exists():
        raise CheckpointError(f"{directory}: is there already; a checkpoint is copied into a new folder")
    shutil.copytree(source, directory)
    print(f"{directory}\ndigest: {digest}")


@checkpoints.command()
def merge(name: Name, directory: NewFolder) -> None:
    """Fold a checkpoint's adapter into its backbone: a new checkpoint with all its weights inside."""
    from reviewmine.train.derive import merge_checkpoint

    print(f"{directory}\ndigest: {merge_checkpoint(local_checkpoint(name), directory)}")


@checkpoints.command()
def export(
    name: Name,
    directory: NewFolder,
    head: Annotated[
        str | None,
        typer.Option(help="A head of classes that becomes transformers' own classifier; wants pooling cls."),
    ] = None,
) -> None:
    """Write a checkpoint for Hugging Face transformers alone: encoder, tokenizer, heads, and code that uses them.

    Lost are the cleaning of texts, titles, the telling of languages, summaries, and the digest.
    """
    from reviewmine.train.export import export_checkpoint

    print(f"{directory}: {export_checkpoint(local_checkpoint(name), directory, head=head)}")
