"""What a session says of itself: also where the disk is full the run goes on to its end."""

import errno

import pytest

from hil.bench import talk
from hil.bench.facts import amend_run_json
from hil.journal import JournalReader


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device", "run.json")


def test_a_full_disk_is_kept_and_ends_no_run(tmp_path, monkeypatch):
    journal = talk.SessionJournal(tmp_path)
    journal.say("start", "one")
    with monkeypatch.context() as disk:
        disk.setattr(journal._journal._writer, "flush", full)
        disk.setattr(talk, "amend_run_json", full)
        journal.say("end", "one", verdict="pass")
        journal.amend(dut={"part": "1"})
    assert "No space left on device" in str(journal.lost)
    journal.close()
    assert next(entry.data["event"] for entry in JournalReader(tmp_path / "session.mcap")) == "start"


def test_facts_stay_where_no_new_ones_can_be_written(tmp_path, monkeypatch):
    amend_run_json(tmp_path, dut={"part": "1"})
    before = (tmp_path / "run.json").read_text()
    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OSError, match="No space"):
        amend_run_json(tmp_path, dut={"part": "2"})
    assert (tmp_path / "run.json").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
