"""A forked program is what a fresh one would be: arguments, folder, environment, streams, status, and its end."""

import os
import re

import forked
import pytest

PROBE = """
import atexit, os, sys, threading

def last():
    print("last words")

atexit.register(last)
print(sys.argv[1:], os.getcwd(), os.environ.get("WORD"), os.environ.get("HOME"), __name__, sys.stdin.read())
print("é", sys.path[0], "beside" in sys.modules, file=sys.stderr)
import beside
threading.Timer(0.01, print, ("from a thread",)).start()
how = sys.argv[1]
if how == "raise":
    raise ValueError("a mistake")
if how == "kill":
    sys.stdout.flush()
    os.kill(os.getpid(), 9)
sys.exit({"text": "no good", "none": None}.get(how, how.isdigit() and int(how)))
"""


@pytest.fixture
def both(tmp_path):
    """Run the probe both ways."""
    (tmp_path / "probe.py").write_text(PROBE)
    (tmp_path / "beside.py").write_text("")
    (tmp_path / "folder").mkdir()

    def run(*words, **more):
        env = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONUTF8": "1", "WORD": "spoken"} | more
        env.pop("HOME", None)
        return [
            forked.run("probe", *words, cwd=tmp_path / "folder", env=env, input="told\n", fresh=fresh)
            for fresh in (False, True)
        ]

    return run


def without_traceback(text):
    """The frames of a traceback name the way in which the program was started."""
    return re.sub(r"Traceback.*?\n(?=\S+: )", "Traceback\n", text, flags=re.DOTALL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("words", "status"),
    [(("0",), 0), (("7", "a b"), 7), (("none",), 0), (("text",), 1), (("raise",), 1), (("kill",), -9)],
)
def test_a_forked_program_does_as_a_fresh_one(both, words, status):
    ours, fresh = both(*words)
    assert ours.returncode == fresh.returncode == status
    assert ours.stdout == fresh.stdout
    assert without_traceback(ours.stderr) == without_traceback(fresh.stderr)
    assert ours.stdout.endswith("told\n\n" if status == -9 else "last words\n")


def test_nothing_of_one_program_is_left_in_the_next(both):
    first, _ = both("3")
    second, _ = both("3")
    assert first.stdout == second.stdout
    assert first.stderr == second.stderr


def test_another_hash_seed_needs_another_interpreter(tmp_path):
    (tmp_path / "seed.py").write_text("import sys; print(sys.flags.hash_randomization, hash('word'))")
    said = [
        forked.run("seed", cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": seed}).stdout for seed in ("5", "5", "6")
    ]
    assert said[0] == said[1] != said[2]
