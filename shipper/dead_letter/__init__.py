"""Dead letters: what Elasticsearch refused for good, with the reason and the exact bytes."""

from shipper.dead_letter._files import DeadLetters, at_or_past
from shipper.dead_letter._letter import DeadLetter, read

__all__ = ["DeadLetter", "DeadLetters", "at_or_past", "read"]
