"""Dead letters: what Elasticsearch refused for good, with the reason and the exact bytes."""

from shipper.dead_letter._choice import Choice
from shipper.dead_letter._copies import Copied, Letters, open_letters
from shipper.dead_letter._files import DeadLetters, at_or_past
from shipper.dead_letter._letter import DeadLetter, files, read, read_file, refused_again
from shipper.dead_letter._revision import revise

__all__ = [
    "Choice",
    "Copied",
    "DeadLetter",
    "DeadLetters",
    "Letters",
    "at_or_past",
    "files",
    "open_letters",
    "read",
    "read_file",
    "refused_again",
    "revise",
]
