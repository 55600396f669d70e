"""The lab benches of docs/benches: their files load, their ports can be made, their pictures are as they are drawn."""

import importlib.util
import re

import pytest

from hil.bench import config as bench_config
from hil.bench import wiring
from hil.bench.plan import plan
from hil.bench.secrets import HIDDEN

BENCHES = ("socketcan", "laptop", "rack")


@pytest.fixture
def folder(repository):
    return repository / "docs" / "benches"


@pytest.mark.parametrize("name", BENCHES)
def test_a_lab_bench_loads_and_its_ports_can_be_made(folder, name, monkeypatch):
    """All but the devices: databases, layout, options of each port, contacts, secrets."""
    made = plan(bench_config.load(folder / f"{name}.toml"))
    assert made.resources
    monkeypatch.setattr(wiring.Vault, "reveal", reveal)
    monkeypatch.setattr("hil.cloud.tls.TlsFiles.client", lambda self: None)
    wired = wiring.Wiring(made, "seed")
    try:
        assert set(wired.buses) == {"chassis", "body"}
        assert ("relay" in wired.config.model_fields_set) == bool(wired.relays.boards)
    finally:
        wired.close()


def reveal(vault, reference, folder, where):
    """The lab's secrets aren't here; what they would be is hidden all the same."""
    if reference:
        vault.add(f"secret of {reference}")
        assert vault.hide(f"secret of {reference}") == HIDDEN
    return f"secret of {reference}" if reference else ""


@pytest.mark.parametrize("name", BENCHES)
def test_a_page_shows_its_picture_and_its_bench_file(folder, name):
    text = (folder / f"{name}.md").read_text(encoding="utf-8")
    assert f"bench-{name}.svg" in text
    assert (folder / f"{name}.toml").read_text(encoding="utf-8") in text
    for part in ("## What to buy", "## Wire", "## Configure", "## First look, first case", "## What goes wrong"):
        assert part in text


def test_the_pictures_are_as_the_tool_draws_them(repository):
    """And what is wired in them is what the bench files name."""
    spec = importlib.util.spec_from_file_location("wiring_pictures", repository / "tools" / "wiring.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert set(tool.PICTURES) == {f"bench-{name}.svg" for name in BENCHES}
    for name, draw in tool.PICTURES.items():
        drawn = draw().svg()
        assert (repository / "docs" / "pictures" / name).read_text(encoding="utf-8") == drawn
        assert drawn.count("120 Ω") == 4
        bench = (repository / "docs" / "benches" / f"{name[6:-4]}.toml").read_text()
        contacts = dict(re.findall(r'"?([\w ]+?)"? = (\d)[,} ]', bench.partition("contacts = {")[2].partition("\n")[0]))
        for contact, channel in contacts.items():
            assert f"contact {channel}: {contact.strip()}" in drawn
