"""start.py, as far as it can be tried without setting up: its words, and when it sets up anew."""

import importlib.util
import subprocess
import sys


def run(repository, *words):
    command = [sys.executable, str(repository / "start.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_without_words_it_says_what_it_can_do(repository):
    done = run(repository)
    assert done.returncode == 2
    assert "python3 start.py run" in done.stdout
    assert run(repository, "--help").returncode == 0
    assert run(repository, "bench").returncode == 2


def test_changed_dependencies_make_it_set_up_anew(repository, tmp_path):
    for name in ("start.py", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((repository / name).read_bytes())
    spec = importlib.util.spec_from_file_location("start_copy", tmp_path / "start.py")
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    before = start.fingerprint()
    assert start.fingerprint() == before
    (tmp_path / "constraints.txt").write_text("numpy==2.0.0\n")
    assert start.fingerprint() != before
