"""A broken plugin, of whatever kind, leaves the host and all other plugins whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from fake_site import GOOD, Site

from numbaloss.plugins.errors import PluginError, PluginWarning
from numbaloss.plugins.loader import PluginInfo, PluginLoader

SOUND = GOOD.format(name="sound_loss")

# Kind of defect -> (source of the module, what the reason must say)
BROKEN = {
    "import error": ("import a_module_that_nobody_has", "ModuleNotFoundError: No module named"),
    "syntax error": ("def broken(:", "SyntaxError"),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "base exception": ("class Odd(BaseException): pass\nraise Odd('odd')", "Odd: odd"),
    "recursion": ("def f(): f()\nf()", "RecursionError"),
    "unknown argument": (
        SOUND.replace("register_losses(register)", "register_losses(register, colour)"),
        "PluginValidationError",
    ),
    "no argument": (
        SOUND.replace("register_losses(register)", "register_losses()").replace("register(sound_loss)", "pass"),
        "must take the argument register",
    ),
    "misspelt hook": (SOUND.replace("def register_losses", "def register_loses"), "no hook called 'register_loses'"),
    "no hookimpl": (SOUND.replace("@nl.hookimpl", ""), "not marked with @numbaloss.hookimpl"),
    "no hook": ("answer = 42", "has no register_losses"),
    "half registered": (SOUND + "    raise RuntimeError('half-way')", "RuntimeError: half-way"),
    "exits in the hook": (SOUND + "    raise SystemExit('goodbye')", "SystemExit: goodbye"),
    "not a loss": (SOUND.replace("register(sound_loss)", "register(len)"), "register takes a loss function"),
    "twice": (SOUND + "    register(sound_loss)", "registers the loss 'sound_loss' twice"),
    "built-in name": (GOOD.format(name="mse_loss"), "has the name of a built-in loss; those are reserved"),
    "built-in name but for its end": (GOOD.format(name="huber"), r"built-in loss (as 'huber_loss')"),
    "later api": (SOUND + "\nrequires_api = 2\n", "needs version 2 of the plugin API; this numbaloss has version 1"),
    "later apis": (SOUND + "\nrequires_api = (3, 2)\n", "needs version 2 or 3"),
    "api of no kind": (SOUND + "\nrequires_api = 'one'\n", "requires_api must be an integer or several"),
    "facts that fail": (SOUND.replace("@nl.pointwise", "@nl.pointwise(domain=1/0)"), "ZeroDivisionError"),
}


def by_package(plugins: tuple[PluginInfo, ...]) -> dict[str, PluginInfo]:
    """The plugins of the test's own packages."""
    return {plugin.distribution: plugin for plugin in plugins}


@pytest.mark.parametrize("kind", BROKEN)
def test_each_kind_of_defect_is_reported_once_and_harms_no_other_plugin(
    kind: str, site: Site, loader: PluginLoader
) -> None:
    source, reason = BROKEN[kind]
    site.install_good("aa-good", "first_loss")
    site.install("mm-bad", source)
    site.install_good("zz-good", "last_loss")
    with pytest.warns(PluginWarning) as caught:
        plugins = by_package(loader.load())
    assert len(caught) == 1
    assert str(caught[0].message).startswith("the plugin 'mm_bad' of mm-bad 1.0 is left out: ")
    assert plugins["mm-bad"].status == "broken"
    assert reason in plugins["mm-bad"].reason
    assert "\n" not in plugins["mm-bad"].reason
    assert "Traceback" in plugins["mm-bad"].traceback
    assert {"first_loss", "last_loss"} <= set(loader.losses)
    assert not {"sound_loss", "mse_loss", "huber"} & set(loader.losses)
    assert plugins["aa-good"].status == plugins["zz-good"].status == "active"


def test_loading_again_does_and_says_nothing_more(site: Site, loader: PluginLoader) -> None:
    site.install("mm-bad", "raise RuntimeError('once')")
    with pytest.warns(PluginWarning):
        first = loader.load()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loader.load() == first


def test_a_keyboard_interrupt_is_no_defect_of_the_plugin(site: Site, loader: PluginLoader) -> None:
    site.install("mm-slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        loader.load()


def test_a_clash_of_names_breaks_the_later_plugin_and_names_both_packages_and_versions(
    site: Site, loader: PluginLoader
) -> None:
    site.install_good("bb-second", "same_loss", version="2.1")
    site.install_good("aa-first", "same_loss", version="1.3")
    with pytest.warns(PluginWarning, match="same_loss"):
        plugins = by_package(loader.load())
    assert plugins["aa-first"].status == "active"
    assert plugins["bb-second"].reason == "the loss 'same_loss' of bb-second 2.1 is already registered by aa-first 1.3"
    assert loader.origins["same_loss"] == "aa-first 1.3"


def test_names_that_differ_only_by_their_end_clash(site: Site, loader: PluginLoader) -> None:
    site.install_good("aa-first", "same")
    site.install_good("bb-second", "same_loss")
    with pytest.warns(PluginWarning, match=r"already registered by aa-first 1\.0 \(as 'same'\)"):
        loader.load()


def test_two_packages_may_use_the_same_entry_point_name(site: Site, loader: PluginLoader) -> None:
    site.install_good("aa-twin", "one_loss", point="losses")
    site.install_good("bb-twin", "two_loss", point="losses")
    plugins = by_package(loader.load())
    assert plugins["aa-twin"].key == "aa-twin:losses"
    assert plugins["aa-twin"].losses == ("one_loss",)
    assert plugins["bb-twin"].losses == ("two_loss",)


def test_one_package_may_not(site: Site, loader: PluginLoader) -> None:
    site.install("aa-odd", SOUND, entry_points="[numbaloss]\nlosses = aa_odd\nlosses = aa_odd\n")
    with pytest.warns(PluginWarning, match="states 2 entry points called 'losses'"):
        loader.load()


def test_metadata_that_cannot_be_read_concern_their_package_alone(site: Site, loader: PluginLoader) -> None:
    site.install_good("aa-good", "first_loss")
    site.install("mm-bad", SOUND, entry_points="[numbaloss]\nno equals sign here\n")
    site.install("nn-other", SOUND, entry_points="[console_scripts]\nno equals sign, and not ours\n")
    with pytest.warns(PluginWarning, match=r"its entry_points\.txt cannot be read"):
        plugins = by_package(loader.load())
    assert plugins["aa-good"].status == "active"
    assert plugins["mm-bad"].status == "broken"
    assert "nn-other" not in plugins


def test_the_first_of_a_package_installed_twice_hides_the_second(
    site: Site, loader: PluginLoader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install_good("aa-good", "old_loss", version="1.0")
    newer = tmp_path / "newer"
    newer.mkdir()
    monkeypatch.syspath_prepend(str(newer))
    Site(newer).install_good("AA_good", "new_loss", version="2.0", module="aa_good")
    assert [plugin.version for plugin in loader.load() if plugin.name == "aa_good"] == ["2.0"]
    assert "new_loss" in loader.losses
    assert "old_loss" not in loader.losses


def test_plugins_load_in_the_order_of_their_packages_names(site: Site, loader: PluginLoader) -> None:
    for name in ("cc-three", "AA-one", "bb-two"):
        site.install_good(name, f"{name.replace('-', '_').lower()}_loss")
    mine = [plugin.distribution for plugin in loader.load() if plugin.distribution[:3] in ("AA-", "bb-", "cc-")]
    assert mine == ["AA-one", "bb-two", "cc-three"]


def test_registering_after_the_hook_has_returned_is_an_error(site: Site, loader: PluginLoader) -> None:
    site.install("aa-late", SOUND + "    global kept\n    kept = register\n")
    loader.load()
    with pytest.raises(PluginError, match=r"aa-late 1\.0 registers a loss after its hook has returned"):
        sys.modules["aa_late"].kept(None)


def test_a_plugin_may_ask_for_losses_while_it_is_loaded(site: Site, tmp_path: Path) -> None:
    source = "import numbaloss\nnumbaloss.list_losses()\ntry: numbaloss.get('nobody')\nexcept LookupError: pass\n"
    site.install("aa-curious", source + SOUND)
    assert run(site, "import numbaloss; print(numbaloss.get('sound'))") == "SoundLoss()"


# ---- what the environment says


@pytest.mark.parametrize(
    ("variable", "value", "active"),
    [
        ("LOAD", "aa-one", {"aa-one"}),
        ("LOAD", "AA_One, bb_two", {"aa-one", "bb-two"}),
        ("LOAD", "aa-one:aa_one", {"aa-one"}),
        ("LOAD", "", set()),
        ("BLOCK", "aa-one", {"bb-two"}),
        ("BLOCK", "bb-two:bb_two", {"aa-one"}),
        ("BLOCK", "", {"aa-one", "bb-two"}),
    ],
)
def test_allow_and_deny_lists(
    variable: str, value: str, active: set[str], site: Site, loader: PluginLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install_good("aa-one", "one_loss")
    site.install_good("bb-two", "two_loss")
    monkeypatch.setenv(f"NUMBALOSS_{variable}_PLUGINS", value)
    plugins = by_package(loader.load())
    for name in ("aa-one", "bb-two"):
        assert plugins[name].status == ("active" if name in active else "blocked")
        assert plugins[name].reason == ("" if name in active else plugins[name].reason)
        assert (f"NUMBALOSS_{variable}_PLUGINS" in plugins[name].reason) == (name not in active)


def test_a_blocked_plugin_is_not_even_imported(
    site: Site, loader: PluginLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("mm-bad", "raise RuntimeError('imported')")
    monkeypatch.setenv("NUMBALOSS_BLOCK_PLUGINS", "mm-bad")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loader.load()
    assert "mm_bad" not in sys.modules


def test_strict_raises_and_names_the_plugin(
    site: Site, loader: PluginLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("mm-bad", "import sys; sys.exit(1)")
    monkeypatch.setenv("NUMBALOSS_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match=r"the plugin 'mm_bad' of mm-bad 1\.0: SystemExit: 1") as caught:
        loader.load()
    assert isinstance(caught.value.__cause__, SystemExit)


def test_tracing_tells_what_is_loaded_and_where_it_fails(
    site: Site, loader: PluginLoader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.install_good("aa-one", "one_loss")
    site.install("mm-bad", "raise RuntimeError('here')")
    monkeypatch.setenv("NUMBALOSS_TRACE_PLUGINS", "1")
    with pytest.warns(PluginWarning):
        loader.load()
    told = capsys.readouterr().err
    assert re.search(r"aa-one:aa_one active after [\d.]+ ms: one_loss", told)
    assert "mm-bad:mm_bad broken:\nTraceback" in told


# ---- in a process of its own


def run(site: Site, code: str, *, rc: int = 0, **environment: str) -> str:
    """What a fresh interpreter prints, with the site's packages installed."""
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(site.folder), str(root)])
    done = subprocess.run(
        [sys.executable, "-W", "ignore::numbaloss.plugins.errors.PluginWarning", "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == rc, done.stderr
    return done.stdout.strip()


def test_a_builtin_loads_no_plugin_and_a_plugins_name_does(site: Site) -> None:
    site.install("aa-loud", "print('imported')\n" + SOUND)
    assert run(site, "import numbaloss; numbaloss.get('mse_loss'); numbaloss.MSELoss()") == ""
    code = "import numbaloss as nl; print(nl.get('SoundLoss', scale=2.0)); print(nl.get('sound_loss')([3.0], [1.0]))"
    assert run(site, code).splitlines() == ["imported", "SoundLoss(scale=2.0)", "4.0"]


def test_an_unknown_name_is_a_lookup_error_with_a_plain_message(site: Site) -> None:
    site.install_good("aa-good", "brilliant_loss")
    site.install("mm-bad", "raise RuntimeError")
    code = """
import numbaloss
try: numbaloss.get("briliant")
except LookupError as error: print(error)
"""
    told = run(site, code)
    assert told.startswith("no loss is called 'briliant'; did you mean 'brilliant_loss'")
    assert "1 of " in told
    assert "see `numbaloss plugins`" in told


def test_plugin_losses_are_listed_used_in_mixes_and_pickled(site: Site) -> None:
    site.install_good("aa-good", "plugin_loss")
    code = """
import pickle, numbaloss as nl
print("plugin_loss" in [facts.name for facts in nl.list_losses()])
mix = nl.from_expression("0.5*plugin(scale=4) + 0.5*mse_loss")
print(mix([3.0], [1.0]))
print(pickle.loads(pickle.dumps(mix)) == mix)
"""
    assert run(site, code).split() == ["True", "10.0", "True"]


def test_uninstalling_leaves_nothing(site: Site) -> None:
    site.install_good("aa-good", "brief_loss")
    code = "import numbaloss; print('brief_loss' in [facts.name for facts in numbaloss.list_losses()])"
    assert run(site, code) == "True"
    for path in site.folder.glob("aa_good-*.dist-info/*"):
        path.unlink()
    for path in site.folder.glob("aa_good-*.dist-info"):
        path.rmdir()
    assert run(site, code) == "False"
