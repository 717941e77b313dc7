"""Imports point down, also those hidden in functions and under TYPE_CHECKING."""

from __future__ import annotations

import re

import carekit
from tests.house._source import (
    CORE,
    PLUGINS,
    ROOT,
    Import,
    core_files,
    imports,
    listing,
    module_name,
    plugin_files,
    plugin_folders,
)

# What each folder of core may know besides itself. A new folder fails until it has a line here.
_BELOW_EDGES = {"ground", "facts", "rules", "seams", "builtin", "service"}
MAY_KNOW = {
    "ground": set[str](),
    "facts": {"ground"},
    "rules": {"ground", "facts"},
    "seams": {"ground", "facts", "rules"},
    "builtin": {"ground", "facts", "rules", "seams"},
    "service": _BELOW_EDGES - {"service"},
    "testing": _BELOW_EDGES,
    "web": _BELOW_EDGES,
    "cli": _BELOW_EDGES | {"web"},
}

# Not in a folder: the package root and the list behind it, which only give names, and the command line's other door.
ASIDE = {
    "carekit": {"_public"},
    "carekit._public": {"ground", "facts", "rules", "seams"},
    "carekit.__main__": {"cli"},
}


def layer_of(module: str) -> str:
    """The folder of core that *module* lies in, empty for the package root."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def core_imports() -> list[Import]:
    """Every import of a carekit module by core, each naming the module that is meant."""
    known = {module_name(path) for path in core_files()}
    found = []
    for path in core_files():
        for one in imports(path):
            if one.module.split(".")[0] != "carekit" or one.level:
                continue
            whole = f"{one.module}.{one.name}"
            found.append(one._replace(module=whole, name="") if one.name and whole in known else one)
    return found


def test_every_module_has_a_layer() -> None:
    """A module without a layer fails until someone decides what it may know."""
    homeless = [name for name in map(module_name, core_files()) if name not in ASIDE and layer_of(name) not in MAY_KNOW]
    assert not homeless, listing(homeless, "give these a layer in MAY_KNOW, or move them into one")


def test_imports_point_down() -> None:
    """A module of core imports from its own layer or from lower ones."""
    wrong = []
    for one in core_imports():
        importer, target = module_name(one.path), layer_of(one.module)
        mine = layer_of(importer)
        allowed = ASIDE[importer] if importer in ASIDE else MAY_KNOW.get(mine, set()) | {mine}
        if target and target not in allowed:
            wrong.append(f"{one} ({mine or importer} may not know {target})")
    assert not wrong, listing(wrong, "imports point down; if a type is needed above, it belongs lower")


def test_core_imports_modules_and_not_the_package_root() -> None:
    """Inside core a name is imported from where it is made, never from the facade (its version apart)."""
    wrong = [str(one) for one in core_imports() if one.module == "carekit" and one.name != "__version__"]
    assert not wrong, listing(wrong, "import from the module that defines the name")


def test_nothing_imports_relatively() -> None:
    """An import says in full what it means."""
    wrong = [str(one) for path in [*core_files(), *plugin_files()] for one in imports(path) if one.level]
    assert not wrong, listing(wrong, "relative imports hide where a thing comes from")


def test_no_modules_are_knotted() -> None:
    """No two modules of core depend on one another, however many steps it takes."""
    needs: dict[str, set[str]] = {module_name(path): set() for path in core_files()}
    for one in core_imports():
        if one.module in needs and one.module != module_name(one.path):
            needs[module_name(one.path)].add(one.module)
    for _ in range(len(needs)):  # take away what depends on nothing that is left, until nothing goes
        free = [name for name, wants in needs.items() if not wants & needs.keys()]
        for name in free:
            del needs[name]
        if not free:
            break
    assert not needs, listing(
        [f"{name} <- {', '.join(sorted(needs[name] & needs.keys()))}" for name in needs], "a knot"
    )


def test_core_imports_no_plugin() -> None:
    """Core does not know that any plugin exists."""
    packages = {folder.name.replace("-", "_") for folder in plugin_folders()}
    wrong = [str(one) for path in core_files() for one in imports(path) if one.module.split(".")[0] in packages]
    assert not wrong, listing(wrong, "core imports no plugin")


def _foreign_to_plugins(one: Import, own: str, *, testing: bool) -> bool:
    root = one.module.split(".")[0]
    if re.fullmatch(r"carekit_\w+", root):
        return root != own
    if root != "carekit":
        return False
    if testing and re.match(r"carekit\.testing(\.|$)", f"{one.module}.{one.name}".rstrip(".")):
        return False
    return one.module != "carekit" or (one.name != "" and one.name not in carekit.__all__)


def test_plugins_use_public_names_only() -> None:
    """A plugin imports from carekit only what the facade lists, and no other plugin."""
    wrong = [
        str(one)
        for folder in plugin_folders()
        for path in sorted((folder / "src").rglob("*.py"))
        for one in imports(path)
        if _foreign_to_plugins(one, folder.name.replace("-", "_"), testing=False)
    ]
    assert not wrong, listing(wrong, "a plugin has only carekit.__all__ to build on, as a stranger's would")


def test_plugins_tests_use_public_names_and_the_test_kit() -> None:
    """A plugin's tests use what a stranger's could: the facade and carekit.testing."""
    wrong = [
        str(one)
        for folder in plugin_folders()
        for path in sorted((folder / "tests").rglob("*.py"))
        for one in imports(path)
        if _foreign_to_plugins(one, folder.name.replace("-", "_"), testing=True)
    ]
    assert not wrong, listing(wrong, "a plugin's tests have carekit.__all__ and carekit.testing")


def test_this_test_reads_the_repository() -> None:
    """The walk finds core and the plugins, so that the tests above cannot pass on nothing."""
    assert len(core_files()) > 20
    assert CORE.is_dir() and PLUGINS.is_dir()
    assert (ROOT / "pyproject.toml").is_file()
    assert len(core_imports()) > 50
