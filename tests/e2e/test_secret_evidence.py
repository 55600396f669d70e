"""A secret that a port, an ECU and an error repeat: it stands in no file of the run and in nothing that is printed."""

import os

import forked

from hil.journal import JournalReader

WORD = "correct-horse-battery"
PORT = '''
"""A port that repeats its password wherever it can."""

from hil.bench.ports import Options
from hil.bench.secrets import Secret
from hil.errors import BenchError


class LeakyOptions(Options):
    password: Secret


class Leaky:
    Options = LeakyOptions
    real = False

    @staticmethod
    def resources(options):
        return []

    @staticmethod
    def make(site, options):
        return LeakyLine(site, site.reveal(options.password, "console.leaky.password"))


class LeakyLine:
    def __init__(self, site, password):
        self.name, self._site, self._password = site.name, site, password

    async def open(self, on_data, on_lost):
        self._say = lambda text: on_data(self._site.clock.now_ns, text.encode())

    def write(self, data):
        if data == b"break\\n":
            word = self._password
            raise BenchError(f"refused {word}", where=f"line {word}", remedy=f"try {word}.")
        self._say(f"{data.decode().strip()}, password {self._password} accepted\\n")

    async def close(self):
        pass
'''
SUITE = """
import pytest


@pytest.mark.requirement("CLU-TT-001")
def test_a_check_that_fails_beside_it(bench):
    bench.console("leaky").send_line("login")
    bench.console("leaky").expect("root prompt", within="100 ms")


@pytest.mark.requirement("CLU-TT-001")
def test_a_bench_fault_with_it(bench):
    bench.console("leaky").send_line("break")
"""


def test_a_secret_is_in_no_evidence(repository, tmp_path):
    """Journal, page, JUnit, run.json, the runner's own output: two cases, one failed, one a bench fault."""
    bench = (repository / "fixtures/benches/virtual.toml").read_text()
    bench = bench.replace('"../../', f'"{repository}/').replace('"../', f'"{repository}/fixtures/')
    bench = bench.replace(
        "[console.main]", '[console.leaky]\nport = "leaky:Leaky"\npassword = "env:LEAK_WORD"\n\n[console.main]'
    )
    (tmp_path / "bench.toml").write_text(bench)
    (tmp_path / "leaky.py").write_text(PORT)
    (tmp_path / "test_leaky.py").write_text(SUITE)
    words = ["run", str(tmp_path / "test_leaky.py"), "--bench", str(tmp_path / "bench.toml")]
    words += ["--results", str(tmp_path / "results")]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "LEAK_WORD": WORD}
    done = forked.run("hil.cli.main", *words, cwd=repository, env=environment)
    assert done.returncode == 3, done.stdout + done.stderr
    assert WORD not in done.stdout + done.stderr
    files = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    assert [str(path) for path in files if WORD.encode() in path.read_bytes()] == []
    said = [str(entry.data) for path in files if path.suffix == ".mcap" for entry in JournalReader(path)]
    assert not any(WORD in text for text in said)
    hidden = [path.name for path in files if b"(secret)" in path.read_bytes()]
    assert {"index.html", "junit.xml"} <= set(hidden)  # what was to be seen was there, without the secret
    assert any("password (secret) accepted" in text for text in said)
    assert any("refused (secret)" in text for text in said)
