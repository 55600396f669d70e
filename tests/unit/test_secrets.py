"""Secrets: references are resolved, plain ones refused without being shown, and what was resolved stays hidden."""

import pytest
from pydantic import ValidationError

from hil.bench import config
from hil.bench.ports import Options
from hil.bench.secrets import HIDDEN, Secret, Vault, refuse_plain, resolve
from hil.bench.sections import explain
from hil.errors import BenchError, UsageError

WORD = "correct horse battery"


class Port(Options):
    login: Secret = ""


@pytest.fixture
def vault(monkeypatch):
    monkeypatch.setenv("BENCH_WORD", WORD)
    return Vault()


def test_references_are_resolved_from_environment_and_file(vault, tmp_path):
    (tmp_path / "word.txt").write_text("a file's own word\r\n")
    assert vault.reveal("env:BENCH_WORD", tmp_path, "mqtt.cloud.password") == WORD
    assert vault.reveal("file:word.txt", tmp_path, "mqtt.cloud.password") == "a file's own word"
    assert vault.reveal("", tmp_path, "mqtt.cloud.password") == ""


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("env:NOT_SET_ANYWHERE", ("the environment has no NOT_SET_ANYWHERE", "export NOT_SET_ANYWHERE")),
        ("file:missing.txt", ("missing.txt", "No such file", "only line")),
        ("file:binary", ("no text",)),
        ("file:short", ("too short",)),
        ("plain", ("no reference",)),
    ],
)
def test_what_cannot_be_resolved_says_which_key_and_how_to_mend(vault, tmp_path, reference, words):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "short").write_text("abc\n")
    with pytest.raises(UsageError) as refusal:
        vault.reveal(reference, tmp_path, "mqtt.cloud.password")
    for word in ("mqtt.cloud.password", *words):
        assert word in str(refusal.value)


@pytest.mark.parametrize("given", [WORD, 123456, ["env:A"], "environment:A"])
def test_an_option_takes_references_only_and_shows_nothing_else(given):
    with pytest.raises(ValidationError) as refusal:
        Port.model_validate({"login": given})
    told = explain(refusal.value, "bench.toml", Port, "mqtt.cloud")
    assert "mqtt.cloud.login: a secret must not stand in a bench file" in str(told)
    assert "env:NAME" in str(told)
    assert WORD not in str(told)
    assert "123456" not in str(told)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"mqtt": {"cloud": {"password": WORD}}}, "mqtt.cloud.password"),
        ({"bus": {"a": {"options": {"api_key": WORD}}}}, "bus.a.options.api_key"),
        ({"console": {"m": {"url": f"rfc2217://lab:{WORD.replace(' ', '')}@host:1"}}}, "console.m.url"),
        ({"process": {"x": {"command": ["x", "https://u:horse@h/"]}}}, "process.x.command[1]"),
    ],
)
def test_plain_secrets_in_a_bench_file_are_refused_and_not_repeated(table, key):
    with pytest.raises(UsageError) as refusal:
        refuse_plain(table, "bench.toml")
    assert key in str(refusal.value)
    assert "horse" not in str(refusal.value)


def test_what_only_looks_like_one_is_let_through():
    refuse_plain(
        {
            "mqtt": {"password": "env:A", "token": "file:b", "key_password": "", "url": "mqtt://host:1883/a@b"},
            "diag": {"security": "virtual", "secret_level": 3, "url": "http://host/x?mail=a:b@c"},
        },
        "bench.toml",
    )


def test_loading_a_bench_file_refuses_a_plain_secret_also_under_a_misspelt_section(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text(f'[bench]\nname = "x"\nclock = "real"\n[mqt.cloud]\npassword = "{WORD}"\n')
    with pytest.raises(UsageError, match=r"mqt\.cloud\.password") as refusal:
        config.load(path)
    assert WORD not in str(refusal.value)


def test_what_was_resolved_is_hidden_wherever_it_stands(vault, tmp_path):
    vault.reveal("env:BENCH_WORD", tmp_path, "key")
    fields = {"text": f"login {WORD}\n", "list": [f"{WORD}!", {"deep": WORD}], "number": 3, "blob": b"x"}
    assert vault.hide_in(fields) == {
        "text": f"login {HIDDEN}\n", "list": [f"{HIDDEN}!", {"deep": HIDDEN}], "number": 3, "blob": b"x",
    }  # fmt: skip
    error = BenchError(f"refused {WORD}", where=WORD, remedy=f"try {WORD}")
    vault.hide_error(error)
    assert WORD not in f"{error} {error!r} {error.args}"


def test_a_secret_within_another_leaves_no_rest(vault):
    vault.add("horse")
    vault.add(WORD)
    assert vault.hide(f"{WORD} and horse") == f"{HIDDEN} and {HIDDEN}"


def test_without_secrets_records_pass_untouched(vault):
    fields = {"text": "any"}
    assert vault.hide_in(fields) is fields


def test_resolve_takes_a_relative_path_from_where_it_is_told(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "word").write_text("four\n")
    assert resolve("file:word", tmp_path / "a", "key") == "four"
