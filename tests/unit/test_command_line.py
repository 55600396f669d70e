"""Mistakes on the command line: one line, with the nearest word, and exit status 2."""

import pytest

from hil.cli.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runn"], "hil: no command 'runn'; did you mean 'run'? 'hil --help' says more.\n"),
        (["xyz"], "hil: no command 'xyz'. 'hil --help' says more.\n"),
        (["--versoin"], "hil: no option '--versoin'"),
        (["run", "--bech=x"], "hil run: no option '--bech'; did you mean '--bench'? 'hil run --help' says more.\n"),
        (["run", "--sed", "3"], "hil run: no option '--sed'; did you mean '--seed'?"),
        (["run", "--jobs", "two"], "hil run: --jobs: 'two' is not a whole number. Remedy: write '--jobs N' with a "
         "whole number. 'hil run --help' says more.\n"),
        (["run", "--re", "x"], "hil run: --re: may be --results or --requirement. Remedy: write it in full."),
        (["report"], "hil report: RESULTS is missing. Remedy: give it. 'hil report --help' says more.\n"),
        (["report", "x", "--traces", "al"], "hil report: --traces: 'al' is none of its values. Remedy: did you mean "
         "'all'? It is one of failed, all, none. 'hil report"),
        (["report", "x", "--traces", "zz"], "hil report: --traces: 'zz' is none of its values. Remedy: it is one of "),
        (["history", "--last", "x"], "hil history: --last: "),
        (["mutate", "--cases", "--matrix"], "hil mutate: --matrix: can't stand beside --cases. Remedy: leave one out."),
        (["look", "here"], "hil look: 'here' is one word too many. 'hil look --help' says more.\n"),
        (["look", "--after"], "hil look: --after: its value is missing. Remedy: write '--after TIME'. 'hil look"),
        (["ecu", "srve"], "hil ecu: "),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith(said)
    assert written.err.count("\n") == 1


def test_help_says_that_a_seed_is_any_text(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run", "--help"])
    assert ended.value.code == 0
    assert "any text" in capsys.readouterr().out
