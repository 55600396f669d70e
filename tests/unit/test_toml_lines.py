"""The lines of keys in a TOML file, held against what Python's own reader finds in it."""

import tomllib
from pathlib import Path

import pytest

from hil.bench import config, requirements
from hil.errors import UsageError
from hil.toml_lines import line_of, lines_of

TEXT = '''# a remark with [brackets] = 1
title = "x # no remark ["  # [remark

[bench]
name = "b"
limits = [
    [1], # two ]
    ["]"],
]
odd = """a"""" # " [
note = """
name = "not a key"
[not.a.table]
quotes "" and \\""" inside """"
raw = \'\'\'
[nor.this] ''
\'\'\'
one = """on one line"""
empty = ""

[bus."odd name"]
port.kind = "sim"
port.options = { fast = true, more = [1, 2] }
'quoted' = 1

[[row]]
id = 1
[row.inner]
deep = 1

[[row]]
id = 2
[[row.part]]
p = 1
[[row.part]]
p = 2

[a.b.c]
d = 1
[[a.a]]
e = 1
[ spaced . out ]
key = 1
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("title", 2), ("bench", 4), ("bench.name", 5), ("bench.limits", 6), ("bench.limits.1", 6),
        ("bench.odd", 10), ("bench.note", 11),
        ("bench.raw", 15), ("bench.one", 18), ("bench.empty", 19), ("bus", 21), ("bus.odd name", 21),
        ("bus.odd name.port", 22), ("bus.odd name.port.options", 23), ("bus.odd name.port.options.fast", 23),
        ("bus.odd name.quoted", 24), ("row", 26), ("row.0.id", 27), ("row.0.inner.deep", 29), ("row.1", 31),
        ("row.1.id", 32), ("row.1.part.0.p", 34), ("row.1.part.1.p", 36), ("a", 38), ("a.b.c.d", 39), ("a.a.0.e", 41),
        ("spaced.out.key", 43), ("row.1.missing", 31), ("bench.nmae", 4), ("nothing", 0), ("not.a.table", 0), ("", 0),
    ],
)  # fmt: skip
def test_a_key_is_found_or_the_table_around_it(key, line):
    assert line_of(TEXT, key) == line


def keys_in(value, before=()):
    if isinstance(value, dict):
        for key, below in value.items():
            yield ".".join((*before, key))
            yield from keys_in(below, (*before, key))
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        for place, one in enumerate(value):
            yield from keys_in(one, (*before, str(place)))


FILES = sorted(Path(__file__).parents[2].glob("fixtures/**/*.toml"))


@pytest.mark.parametrize("text", [TEXT, *(path.read_text() for path in FILES)], ids=["text", *(p.stem for p in FILES)])
def test_every_key_that_python_reads_is_found_on_a_line_that_has_it(text):
    found, lines = lines_of(text), text.splitlines()
    known = set(keys_in(tomllib.loads(text)))
    assert {key for key in found if not key.rpartition(".")[2].isdecimal()} <= known
    for key in known:
        around = key
        while around not in found:
            around = around.rpartition(".")[0]
        within = [key.rpartition(".")[2]] if around == key else ["{", "["]
        assert any(word in lines[found[around] - 1] for word in within), key


def test_files_are_looked_through():
    assert len(FILES) > 10


BENCH = """[bench]
name = "b"
clock = "virtual"

[dut]
kind = "virtual"
name = "x"

[bus.cabin]
port = "sim"
bitrate = "fast"
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", ":9: the key 'bus.cabin.database' is missing"),
        ('name = "b"', 'nmae = "b"', ":2: unknown key 'bench.nmae'"),
        ('bitrate = "fast"', 'database = "x.dbc"\nbitrate = "fast"', ":12: bus.cabin.bitrate: Input should be"),
        ('bitrate = "fast"', 'database = "x.dbc"', ":11: bus.cabin.database: there is no file 'x.dbc'."),
    ],
)
def test_a_wrong_key_of_a_bench_file_is_told_with_its_line(tmp_path, old, new, said):
    path = tmp_path / "bench.toml"
    path.write_text(BENCH.replace(old, new))
    with pytest.raises(UsageError) as error:
        config.load(path)
    assert str(error.value).startswith(f"{path}{said}"), str(error.value)


def test_a_wrong_requirement_is_told_with_its_line(tmp_path):
    good = '[[requirement]]\nid = "A-1"\ntitle = "t"\nsource = "s"\n'
    (tmp_path / "r.toml").write_text(good + good.replace("A-1", "a b"))
    with pytest.raises(UsageError, match=r"r\.toml:6: requirement\.1\.id: String should match"):
        requirements.load(tmp_path)
