"""The text of a record: what a template writes is what the encoder would have written."""

import json
import random

import pytest

from hil import records

SIGNAL = {"signal": "body::M.S", "value": 5.0, "unit": "km/h", "label": "", "by": "bench"}
CHECK = {
    "name": "signal", "target": "body::M.S", "expected": "5 \xb0C", "seen": 'a "quoted" \\ \n\t\x00\u2028', "ok": True,
    "since_ns": 12, "within_ns": 2_000_000_000, "origin": "sim", "bound_ns": 0, "detail": "",
}  # fmt: skip


def plain(fields):
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("signal", SIGNAL),
        *(("signal", SIGNAL | {"value": value}) for value in (0.1, -0.0, 1e300, 5e-324, float("nan"), float("inf"), 7)),
        ("signal", SIGNAL | {"label": None}),
        ("signal", {"signal": "a"}),
        ("check", CHECK),
        ("check", CHECK | {"ok": False, "since_ns": 10**18}),
        ("check", CHECK | {"score": 0.5, "margin": -0.25}),
        ("check", CHECK | {"since_ns": 1.5}),
        ("check", CHECK | {"ok": 1}),
        ("check", CHECK | {"bound_ns": True}),
        ("check", CHECK | {"seen": 5}),
        ("check", {}),
        ("note", {"text": "x", "b": [1, {"z": None, "a": 2.5}]}),
    ],
)
def test_a_record_reads_as_the_encoder_writes_it(kind, fields):
    assert records.text(kind, fields) == plain(fields)
    turned = dict(reversed(fields.items()))
    assert records.text(kind, turned) == plain(fields)


def test_any_text_is_escaped_as_the_encoder_does_it():
    rng = random.Random(3)
    for _ in range(300):
        texts = ["".join(chr(rng.choice((rng.randrange(128), rng.randrange(0xD800)))) for _ in range(9)) for _ in "abc"]
        fields = CHECK | {"seen": texts[0], "expected": texts[1], "detail": texts[2]}
        assert records.text("check", fields) == plain(fields)


def test_what_each_case_writes_needs_no_encoder(monkeypatch):
    monkeypatch.setattr(records, "_parts", None)
    assert json.loads(records.text("signal", SIGNAL)) == SIGNAL
    assert json.loads(records.text("check", CHECK)) == CHECK
