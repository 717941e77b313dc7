"""``carekit faq`` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from carekit import ConfigError
from carekit_faqbot.command import faq

DATA = Path(__file__).parent / "data"


def run(*arguments: str) -> str:
    return CliRunner().invoke(faq, list(arguments), catch_exceptions=False).output


def test_figures_faults_and_table_are_printed() -> None:
    """One command tells how good the answers are, which are wrong and where the threshold may stand."""
    output = run(str(DATA / "library"), str(DATA / "development.json"))
    assert "72 questions in scope, 40 out of scope" in output
    assert "wants fines" in output
    assert "the middle is 0.66" in output


def test_the_confidence_can_be_fitted_anew() -> None:
    """With --fit the numbers for the index come last."""
    output = run(str(DATA / "library"), str(DATA / "development.json"), "--fit")
    assert output.splitlines()[-1].startswith("intercept -4.38, coefficients 0.66")


def test_targets_out_of_reach_are_said_to_be(tmp_path: Path) -> None:
    """Where no threshold will do, the output says so."""
    questions = tmp_path / "questions.json"
    questions.write_text('{"in_scope": {"fines": ["zeppelin"]}, "out_of_scope": []}')
    assert "at no threshold do all targets hold" in run(str(DATA / "library"), str(questions))


def test_a_bad_folder_is_explained(tmp_path: Path) -> None:
    """Its error is one of ours, which the command line shows without a traceback."""
    with pytest.raises(ConfigError, match="no article found"):
        run(str(tmp_path), str(DATA / "development.json"))
