"""Child processes that never outlive their parent: start, watch, start again, reload, stop in order.

1. A child is forked. It has a pipe whose other end only the parent holds: what is written there tells it what to do,
   the pipe's end means that the parent is gone. The kernel kills it then as well (PR_SET_PDEATHSIG), before it could
   notice.
2. Children ignore SIGINT, SIGTERM and SIGHUP, so that a Ctrl-C, or a service manager that signals the whole group,
   cannot break the order of the stop. Only the parent listens to them.
3. A child that ends unasked is started again after a back-off; one that ends with EXIT_FATAL, for a
   configuration or a state folder that cannot be used, stops everything. One that ends with EXIT_DONE has nothing more
   to do: the others are asked to finish, which may take them for ever; a signal then is a stop as any other.
4. A child that is well looks every second whether it is to stop, and leaves the time of that look in memory that all
   processes share: its pulse. While one has none, the service manager is not told that all is well.
5. A reload that is accepted is told to the children that can take it while they run; the others leave, and are started
   again at once.
6. The parent has no threads and only waits. Children are stopped in the order in which they were given, each within its
   time; a second signal leaves no more time to any.
"""

from shipper.processes._child import Child, ParentGoneError, Pulse, Role, Stop, name_of
from shipper.processes._exits import EXIT_DONE, EXIT_FATAL
from shipper.processes._notifying import Notifier, notifier
from shipper.processes._supervisor import ONE_STOP_S, supervise

__all__ = [
    "EXIT_DONE",
    "EXIT_FATAL",
    "ONE_STOP_S",
    "Child",
    "Notifier",
    "ParentGoneError",
    "Pulse",
    "Role",
    "Stop",
    "name_of",
    "notifier",
    "supervise",
]
