"""A folder of Python files is a folder of plugins."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest
from fake_site import GOOD, Site

from numbaloss.plugins.errors import PluginWarning
from numbaloss.plugins.loader import PluginLoader
from numbaloss.testing.plain import without_compiler


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    made = tmp_path / "plugins"
    made.mkdir()
    return made


def test_each_file_is_a_plugin_of_its_own(site: Site, folder: Path, loader: PluginLoader) -> None:
    (folder / "good.py").write_text(GOOD.format(name="file_loss"))
    (folder / "bad.py").write_text("raise RuntimeError('no')")
    (folder / "_helpers.py").write_text("raise RuntimeError('not a plugin')")
    (folder / "notes.txt").write_text("not Python")
    with pytest.warns(PluginWarning, match=r"bad\.py is left out: RuntimeError: no"):
        plugins = loader.load_folder(folder)
    assert [(plugin.name, plugin.status) for plugin in plugins] == [("bad", "broken"), ("good", "active")]
    assert plugins[1].distribution == str(folder / "good.py")
    assert loader.losses["file_loss"]([3.0], [1.0]) == 4.0
    assert "numbaloss_local.bad" not in sys.modules


def test_losses_of_a_file_can_be_pickled_and_hide_no_module(site: Site, folder: Path, loader: PluginLoader) -> None:
    (folder / "json.py").write_text(GOOD.format(name="file_loss"))
    loader.load_folder(folder)
    import json

    assert json.dumps(1) == "1"
    made = loader.losses["file_loss"].Loss(scale=3.0)
    assert pickle.loads(pickle.dumps(made)) == made


def test_a_package_in_the_folder_can_import_its_own_modules(site: Site, folder: Path, loader: PluginLoader) -> None:
    package = folder / "mine"
    package.mkdir()
    (package / "maths.py").write_text(GOOD.format(name="package_loss"))
    (package / "__init__.py").write_text("from .maths import register_losses")
    (plugin,) = loader.load_folder(folder)
    assert plugin.losses == ("package_loss",)


def test_loading_a_folder_again_changes_nothing(site: Site, folder: Path, loader: PluginLoader) -> None:
    (folder / "good.py").write_text(GOOD.format(name="file_loss"))
    assert loader.load_folder(folder) == loader.load_folder(folder)


def test_a_file_of_the_same_name_in_another_folder_is_refused(
    site: Site, folder: Path, tmp_path: Path, loader: PluginLoader
) -> None:
    (folder / "good.py").write_text(GOOD.format(name="file_loss"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "good.py").write_text(GOOD.format(name="other_loss"))
    loader.load_folder(folder)
    with pytest.warns(PluginWarning, match=r"a plugin file called 'good' is already loaded, from .*plugins.good\.py"):
        loader.load_folder(other)


def test_a_missing_folder_is_an_error_when_named_in_code(folder: Path, loader: PluginLoader) -> None:
    with pytest.raises(FileNotFoundError):
        loader.load_folder(folder / "nowhere")


def test_the_environment_names_folders(
    site: Site, folder: Path, loader: PluginLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "good.py").write_text(GOOD.format(name="file_loss"))
    missing = folder / "nowhere"
    monkeypatch.setenv("NUMBALOSS_PLUGIN_DIR", f"{folder}{':' if sys.platform != 'win32' else ';'}{missing}")
    with pytest.warns(PluginWarning, match=r"nowhere cannot be read \(No such file or directory\)"):
        loader.load()
    assert "file_loss" in loader.losses


def test_the_deny_list_holds_for_files_too(
    site: Site, folder: Path, loader: PluginLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "good.py").write_text(GOOD.format(name="file_loss"))
    monkeypatch.setenv("NUMBALOSS_BLOCK_PLUGINS", "good")
    (plugin,) = loader.load_folder(folder)
    assert plugin.status == "blocked"


def test_losses_of_a_file_are_found_by_the_process_without_a_compiler(
    site: Site, folder: Path, loader: PluginLoader
) -> None:
    (folder / "plain_file.py").write_text(GOOD.format(name="plain_file_loss"))
    loader.load_folder(folder)
    numbers = without_compiler(loader.losses["plain_file_loss"])
    assert all(numbers.values()), numbers
