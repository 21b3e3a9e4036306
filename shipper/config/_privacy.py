"""What is hidden of the lines, where, and the key of the hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, model_validator

from shipper.closed import Closed
from shipper.errors import ConfigError
from shipper.haproxy.privacy_rules import Rules

KEY_CHARS_MIN: Final = 16


class Privacy(Rules, Closed):
    """What is hidden of the lines, and where."""

    at: Literal["encode", "receive"] = "encode"
    """`encode`: the journal holds lines as they came, until they are settled. `receive`: it never does; what that
    costs is in privacy.md."""
    key: Annotated[SecretStr, Field(min_length=KEY_CHARS_MIN)] | None = None
    """The key of the hashes, of at least 16 characters: who knows it can try values."""
    key_file: Path | None = None
    """A file that holds the key."""

    @model_validator(mode="after")
    def _check(self) -> Privacy:
        if self.key is not None and self.key_file is not None:
            msg = "key and key_file exclude each other"
            raise ValueError(msg)
        if self.hashes and self.key is None and self.key_file is None:
            msg = "hash needs a key: set key_file, or SHIPPER_PRIVACY__KEY"
            raise ValueError(msg)
        return self

    def rules(self) -> Rules:
        """Give the rules alone."""
        return Rules.model_validate({name: getattr(self, name) for name in Rules.model_fields})

    def secret(self) -> SecretStr | None:
        """Give the key, read from its file where it is in one. Raises ConfigError."""
        if self.key_file is None:
            return self.key
        try:
            text = self.key_file.read_text(encoding="utf-8").strip()
        except PermissionError as error:
            todo = "let the user read it that shipper runs as"
            raise ConfigError(f"privacy.key_file {self.key_file}: {error.strerror}; {todo}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"privacy.key_file {self.key_file}: {error}") from error
        if len(text) < KEY_CHARS_MIN:
            raise ConfigError(f"privacy.key_file {self.key_file}: at least {KEY_CHARS_MIN} characters are needed")
        return SecretStr(text)
