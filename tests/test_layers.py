"""The shape of the house, read off the syntax tree: who may import whom, and what a job may hold."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "reviewmine"

# A room is a folder of the package, or a module that lies in the package itself.
LAYERS = (
    {"errors", "labels", "partition", "config"},
    {"contract", "text"},
    {"model", "store"},
    {"checkpoints"},
    {"examples"},
    {"evaluation"},
    {"train", "annotate", "backfill", "warehouse", "demo"},
    {"distributed"},
    {
        "cli",
        "console",
        "checkpoint_commands",
        "table_commands",
        "table_console",
        "backfill_commands",
        "plan_console",
    },
    {"__main__"},
)
LAYER_OF = {room: layer for layer, rooms in enumerate(LAYERS) for room in rooms}
# errors.py is the one module of the lowest layer that its siblings need; cli is one room in several files.
PAIRS_ALLOWED = {
    *((room, "errors") for room in LAYERS[0]),
    ("cli", "console"),
    ("cli", "checkpoint_commands"),
    ("cli", "table_commands"),
    ("table_commands", "table_console"),
    ("table_console", "console"),
    ("cli", "backfill_commands"),
    ("backfill_commands", "console"),
    ("backfill_commands", "plan_console"),
}
MAX_LINES = 400
MAX_LINES_OF_A_JOB = 60
STATEMENTS_OF_A_JOB = (
    ast.Import,
    ast.ImportFrom,
    ast.Expr,
    ast.If,
    ast.FunctionDef,
    ast.Assign,
    ast.AnnAssign,
)
LOGIC = (ast.ClassDef, ast.For, ast.While, ast.Try, ast.Lambda, ast.ListComp, ast.DictComp, ast.GeneratorExp)


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def imports(tree: ast.Module, package: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that a module of `package` imports, wherever in the module it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def room_of(name: str) -> str | None:
    """The room that a dotted name lies in; None for the package itself (its version) and for other packages."""
    parts = name.split(".")
    return parts[1] if parts[0] == "reviewmine" and len(parts) > 1 and parts[1] in LAYER_OF else None


def wrong_imports(path: Path, tree: ast.Module) -> list[str]:
    package = ".".join(path.parent.relative_to(CHECKOUT).parts)
    here = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    wrong = []
    for line, name in imports(tree, package):
        there = room_of(name)
        if there is None or there == here or (here, there) in PAIRS_ALLOWED or here == "__init__":
            continue
        if LAYER_OF[there] >= LAYER_OF[here]:
            wrong.append(f"{path.relative_to(CHECKOUT)}:{line}: {here} imports {name}")
    return wrong


def parsed(source: str) -> ast.Module:
    return ast.parse(source)


def test_every_room_has_a_place_in_a_layer() -> None:
    found = {
        path.name.removesuffix(".py")
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path.is_dir() and modules(path))
    }
    assert found - {"__init__"} <= set(LAYER_OF)


def test_imports_point_down_and_siblings_do_not_know_each_other() -> None:
    assert [
        wrong for path in modules(PACKAGE) for wrong in wrong_imports(path, parsed(path.read_text()))
    ] == []


def test_only_distributed_imports_ray() -> None:
    found = [
        f"{path.relative_to(CHECKOUT)}:{line}"
        for path in [*modules(PACKAGE), *modules(CHECKOUT / "jobs")]
        for line, name in imports(parsed(path.read_text()), "reviewmine")
        if name.split(".")[0] == "ray" and path.relative_to(CHECKOUT).parts[1] != "distributed"
    ]
    assert found == []


def test_the_package_names_no_job_and_no_test() -> None:
    for path in modules(PACKAGE):
        roots = {name.split(".")[0] for _, name in imports(parsed(path.read_text()), "reviewmine")}
        assert not roots & {"jobs", "tests"}, path


def test_jobs_are_thin_and_hold_no_logic() -> None:
    jobs = modules(CHECKOUT / "jobs")
    assert jobs
    for path in jobs:
        source = path.read_text()
        tree = parsed(source)
        assert len(source.splitlines()) <= MAX_LINES_OF_A_JOB, path
        assert [node for node in tree.body if not isinstance(node, STATEMENTS_OF_A_JOB)] == [], path
        assert [node for node in ast.walk(tree) if isinstance(node, LOGIC)] == [], path


def test_modules_open_with_what_they_own_and_stay_under_the_hard_cap() -> None:
    for path in modules(PACKAGE):
        source = path.read_text()
        assert ast.get_docstring(parsed(source)), f"{path}: no docstring"
        assert len(source.splitlines()) <= MAX_LINES, f"{path}: split it"


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("text/clean.py", "from reviewmine.model.spec import Spec"),
        ("contract/reviews.py", "import reviewmine.text.clean"),
        ("warehouse/report.py", "from reviewmine.annotate import batching"),
        ("demo/archive.py", "def late():\n    from reviewmine.warehouse.views import views"),
        ("backfill/run.py", "from ..distributed import session"),
        ("labels.py", "from reviewmine.config import RunModel"),
        ("console.py", "from reviewmine.cli import app"),
    ],
)
def test_an_import_that_points_up_or_sideways_is_found(module: str, source: str) -> None:
    assert len(wrong_imports(PACKAGE / module, parsed(source))) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("annotate/annotator.py", "from reviewmine.model.checkpoint import load_checkpoint"),
        ("annotate/annotator.py", "from reviewmine.annotate.batching import token_budget_batches"),
        ("annotate/annotator.py", "from . import batching"),
        ("config.py", "from reviewmine.errors import ConfigError"),
        ("cli.py", "from reviewmine import __version__"),
    ],
)
def test_an_import_that_points_down_or_stays_in_its_room_is_not(module: str, source: str) -> None:
    assert wrong_imports(PACKAGE / module, parsed(source)) == []
