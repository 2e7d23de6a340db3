"""Settings: what is read, and how wrong ones are told."""

from pathlib import Path

import pytest

from rowbell.config import Settings
from rowbell.errors import ConfigurationError


def test_empty_environment_gives_the_defaults() -> None:
    settings = Settings.load({})
    assert (settings.port, settings.queues, settings.lease_seconds) == (8000, ("*",), 30)
    assert settings.home == Path(".rowbell").absolute()


def test_environment_is_read_and_an_option_wins_over_it() -> None:
    settings = Settings.load({"ROWBELL_PORT": "9", "ROWBELL_SLOTS": "5"}, port=10, slots=None)
    assert (settings.port, settings.slots) == (10, 5)


def test_empty_variable_counts_as_unset() -> None:
    assert Settings.load({"ROWBELL_DATABASE_URL": ""}).database_url is None


def test_lists_are_separated_by_commas_or_blanks() -> None:
    settings = Settings.load({"ROWBELL_HANDLERS": "acme.tasks, acme.more other"})
    assert settings.handlers == ("acme.tasks", "acme.more", "other")


def test_every_problem_is_told_at_once() -> None:
    wrong = {"ROWBELL_PORT": "x", "ROWBELL_SLOTS": "0", "ROWBELL_DATABSE_URL": "postgres://"}
    with pytest.raises(ConfigurationError) as refused:
        Settings.load(wrong)
    for name in wrong:
        assert name in str(refused.value)


def test_secret_of_a_wrong_url_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.load({"ROWBELL_DATABASE_URL": "mysql://user:secret@host/"})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("queues", ["Bad-Name", "a b!", "a:b"])
def test_queue_that_is_no_name_is_refused(queues: str) -> None:
    with pytest.raises(ConfigurationError, match="ROWBELL_QUEUES"):
        Settings.load({"ROWBELL_QUEUES": queues})


def test_environment_for_another_process_gives_the_same_settings() -> None:
    settings = Settings.load(
        {"ROWBELL_HANDLERS": "acme.tasks other", "ROWBELL_SLOTS": "5", "ROWBELL_QUEUES": "a,b"}
    )
    other = Settings.load(settings.environment(processes=1))
    assert other == settings


def test_environment_for_another_process_has_the_changes_that_are_asked_for() -> None:
    settings = Settings.load({"ROWBELL_PROCESSES": "4"})
    changed = Settings.load(settings.environment(processes=1, process_slots=2))
    assert (changed.processes, changed.process_slots) == (1, 2)
