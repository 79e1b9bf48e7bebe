"""A fault of our own is one line, unless the traceback is asked for."""

import pytest

from nuncius.broker.cli import say_fault


@pytest.mark.parametrize(("asked", "lines"), [("", 1), ("1", 4)])
def test_a_fault_of_our_own(
    asked: str, lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NUNCIUS_TRACEBACK", asked)
    with pytest.raises(KeyError) as caught:
        raise KeyError("two\nlines")
    say_fault(KeyError, caught.value, caught.tb)
    said = capsys.readouterr().err
    assert ("Traceback" in said) is bool(asked)
    assert "KeyError" in said
    assert said.count("\n") == lines
