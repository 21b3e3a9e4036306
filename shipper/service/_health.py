"""Health, for whoever starts, restarts and routes: is it alive, and is it ready for lines.

1. Alive is a shipper whose two processes move. One that does not is to be killed and started again.
2. Ready is one that takes lines and keeps them. An Elasticsearch that is away is no reason against that: lines wait in
   the journal, and who sent them elsewhere would lose them. It is said all the same, as ``attention``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipper.limits import PULSE_AGE_S_MAX, STATUS_AGE_S_MAX

if TYPE_CHECKING:
    from shipper.service._status import Status


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is known of the processes: ages in seconds, and the newest status."""

    receiver_age_s: float
    """Since the receiving process last looked at its sources."""
    status_age_s: float
    """Since the newest status was made; infinite where there is none yet."""
    status: Status | None


def faults_of_life(vitals: Vitals) -> list[str]:
    """Say which process hangs, each in a sentence."""
    faults = []
    if vitals.receiver_age_s > PULSE_AGE_S_MAX:
        faults.append("the receiving process does not move: it hangs, or is being started again")
    if vitals.status is not None and vitals.status_age_s > STATUS_AGE_S_MAX:
        faults.append("the shipping process does not move: it is stopping, or hangs")
    return faults


def faults_of_readiness(vitals: Vitals) -> list[str]:
    """Say why lines had better go elsewhere, each in a sentence."""
    status = vitals.status
    if status is None:
        return ["it is starting", *faults_of_life(vitals)]
    faults = faults_of_life(vitals)
    if status.full:
        faults.append("the journal or its disk is full: datagrams are dropped")
    return faults
