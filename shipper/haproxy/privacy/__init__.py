"""A line without what is nobody's business."""

from shipper.haproxy.privacy._example import example
from shipper.haproxy.privacy._lines import Hider, hider_of

__all__ = ["Hider", "example", "hider_of"]
