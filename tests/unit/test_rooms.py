"""The library's rooms stand in one order: a module imports from its own room and those below, never above."""

import ast
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "workflow/scripts/atmodist"
ROOMS = ("core", "data", "samples", "learning", "evaluation", "figures")
BESIDE = LIBRARY / "configuration"
TESTS = sorted(Path(__file__).parent.glob("*/test_*.py"))
MODULES = sorted(path for path in LIBRARY.rglob("*.py") if path.parent not in (LIBRARY, BESIDE))


def rooms_of(path):
    """Rooms that a module imports from."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("atmodist."))


def test_every_module_is_in_a_room():
    assert {path.parent.relative_to(LIBRARY).parts[0] for path in MODULES} == set(ROOMS)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_no_room_imports_upward(module):
    room = module.relative_to(LIBRARY).parts[0]
    above = set(rooms_of(module)) - set(ROOMS[: ROOMS.index(room) + 1])
    assert not above, f"{module.relative_to(LIBRARY)} imports from {above}, above {room}"


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_a_module_and_its_test_have_one_name(test):
    assert (LIBRARY / test.parent.name / f"{test.stem.removeprefix('test_')}.py").exists()


def test_test_modules_have_names_of_their_own():
    """Pytest cannot collect two modules of one base name in the same run."""
    names = [path.name for path in Path(__file__).parents[1].rglob("test_*.py")]
    assert len(names) == len(set(names))
