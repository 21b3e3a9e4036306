"""What of a line is nobody's business: rules, and the line without it."""

from shipper.haproxy.privacy._example import example
from shipper.haproxy.privacy._lines import Hider
from shipper.haproxy.privacy._rules import Action, Rules

__all__ = ["Action", "Hider", "Rules", "example"]
