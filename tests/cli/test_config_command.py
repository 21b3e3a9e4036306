"""`shipper config`: what holds and what set it, a file to begin with, a schema for editors."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from shipper import config
from tests.cli.commands import shipper

EXAMPLE = Path(__file__).parents[2] / "docs" / "shipper.example.toml"
FILE = """
timezone = "Europe/Berlin"
[[listeners]]
url = "udp://0.0.0.0:514"
[elasticsearch]
urls = ["http://10.0.0.1:9200"]
api_key = "sesame"
[[formats]]
name = "api"
log_format = "%ci \\"%r\\" [%tr] %{+Q}hr"
[labels]
site = "fra1"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(FILE)
    return path


def shown(*arguments: str | Path, **environment: str) -> str:
    done = shipper("config", "show", *arguments, stdin=b"", **environment)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def line_of(text: str, start: str) -> str:
    (found,) = [line for line in text.splitlines() if line.startswith(start)]
    return found


def test_every_setting_says_what_set_it(file: Path) -> None:
    variables = {"SHIPPER_ELASTICSEARCH__URLS": '["http://10.0.0.2:9200"]', "SHIPPER_LABELS": '{"rack": "7"}'}
    text = shown("--config", file, "--log-level", "debug", **variables)
    assert line_of(text, "timezone = ").endswith(f"# {file}")
    assert line_of(text, "state_dir = ").endswith("# default")
    assert line_of(text, 'urls = ["http://10.0.0.2:9200"]').endswith("# SHIPPER_ELASTICSEARCH__URLS")
    assert line_of(text, 'log_level = "debug"').endswith("# a flag")
    assert line_of(text, 'site = "fra1"').endswith(f"# {file}")
    assert line_of(text, 'rack = "7"').endswith("# SHIPPER_LABELS")
    assert line_of(text, "#user =").endswith("# not set")
    assert line_of(text, "[[listeners]]").endswith(f"# {file}")


def test_secrets_are_not_shown(file: Path) -> None:
    text = shown("--config", file, SHIPPER_PRIVACY__KEY="open, and more of it")
    assert line_of(text, 'api_key = "**********"').endswith(f"# {file}")
    assert line_of(text, 'key = "**********"').endswith("# SHIPPER_PRIVACY__KEY")
    assert "sesame" not in text
    assert "and more of it" not in text


def test_what_is_shown_is_a_configuration_that_says_the_same(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.toml"
    again.write_text(shown("--config", file).replace("*" * 10, "sesame"))
    assert config.load(again).model_dump() == config.load(file).model_dump()


def test_only_what_is_not_the_default_can_be_shown(file: Path) -> None:
    assert tomllib.loads(shown("--config", file, "--changed").replace("*" * 10, "sesame")) == {
        **tomllib.loads(FILE),
        "listeners": [{**config.Listener(url="udp://0.0.0.0:514").model_dump(mode="json", exclude_none=True)}],
        "formats": config.load(file).model_dump(mode="json", include={"formats"}, exclude_none=True)["formats"],
    }
    assert not shown("--changed")


def test_a_file_to_begin_with_changes_nothing_until_a_person_does(tmp_path: Path) -> None:
    new = tmp_path / "shipper.toml"
    done = shipper("config", "init", new)
    assert done.returncode == 0
    assert config.load(new).model_dump() == config.load().model_dump()
    assert shipper("config", "init", "-").stdout == new.read_bytes()
    edited = new.read_text().replace("#linger_s = 0.2", "linger_s = 0.5")
    new.write_text(edited)
    assert config.load(new).delivery.linger_s == 0.5


def test_a_file_that_exists_is_left_as_it_is(file: Path) -> None:
    done = shipper("config", "init", file)
    assert done.returncode == 2
    assert b"exists, and is left as it is" in done.stderr
    assert file.read_text() == FILE


def test_editors_accept_by_the_schema_what_shipper_accepts(file: Path) -> None:
    schema = json.loads(shipper("config", "schema").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(tomllib.loads(EXAMPLE.read_text()))
    validator.validate(tomllib.loads(file.read_text()))


@pytest.mark.parametrize(
    "wrong", ["tmiezone = 'UTC'", "log_level = 'loud'", "[delivery]\nlinger_s = '1'", "[[listeners]]\nport = 514"]
)
def test_editors_refuse_by_the_schema_what_shipper_refuses(wrong: str) -> None:
    schema = config.Config.model_json_schema()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(wrong), schema)
