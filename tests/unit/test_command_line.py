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
        (["run", "--jobs", "many"], "hil run: argument --jobs: invalid int value: 'many'. 'hil run --help' says more."),
        (["look", "here"], "hil look: 'here' is one word too many. 'hil look --help' says more.\n"),
        (["look", "--after"], "hil look: argument --after: expected one argument. 'hil look --help' says more.\n"),
        (["ecu", "srve"], "hil ecu: "),
    ],
)
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
