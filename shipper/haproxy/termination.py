"""Termination states in words (HAProxy manual, 8.5): for documents in one word, for people in sentences.

A state is two characters, who ended the session and what it was doing; in HTTP mode two more tell of the persistence
cookie that the client sent and of what the response did to it. Each pair has a meaning of its own where it is well
known, and otherwise one that is put together from its characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BY: Final = {
    "C": "client",
    "S": "server",
    "P": "proxy",
    "L": "local",
    "R": "resource",
    "I": "internal",
    "D": "server_down",
    "U": "backup_up",
    "K": "admin",
    "c": "client_timeout",
    "s": "server_timeout",
    "-": "normal",
}
"""The first character: who or what ended the session."""

PHASE: Final = {
    "R": "request",
    "Q": "queue",
    "C": "connect",
    "H": "headers",
    "D": "data",
    "L": "last_data",
    "T": "tarpit",
    "-": "finished",
}
"""The second character: what the session was doing when it ended."""

ERRORS: Final = frozenset("CSPRIDUKcs")
"""First characters of sessions that did not end as they should: all but `-` and `L` (HAProxy answered by itself)."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What happened, and what to look at (empty: nothing needs a look)."""

    text: str
    advice: str = ""


_BY: Final = {
    "C": Meaning("The client closed the connection", "Look at the client and the network to it."),
    "S": Meaning("The server closed or refused the connection", "Look at the server's own log at this time."),
    "P": Meaning("HAProxy itself ended it", "A limit, a rule or a check of the protocol did; look at the rules."),
    "L": Meaning("HAProxy answered by itself"),
    "R": Meaning(
        "HAProxy ran out of a resource (memory, sockets, ports)", "Serious: HAProxy's error log names which one."
    ),
    "I": Meaning(
        "HAProxy found an error in itself", "This is a bug: restart HAProxy, and report the line to its authors."
    ),
    "D": Meaning(
        "The server was found DOWN, and its sessions were closed",
        "`on-marked-down shutdown-sessions` does that. Look at why the health check failed.",
    ),
    "U": Meaning(
        "An active server came UP, and the sessions of this backup server were closed",
        "`on-marked-up shutdown-backup-sessions` does that; nothing is wrong.",
    ),
    "K": Meaning("An administrator closed the session", "Somebody used `shutdown session` on the stats socket."),
    "c": Meaning("`timeout client` expired", "Look at the network to the client, and at that timeout."),
    "s": Meaning("A timeout on the server's side expired", "Look at the server's load, and at that timeout."),
    "-": Meaning("The session ended as it should"),
}

_PHASE: Final = {
    "R": "while the request was being read or judged; no server was asked",
    "Q": "while it waited in the queue",
    "C": "while the connection to the server was being made",
    "H": "while the server's response headers were awaited",
    "D": "while data was being transferred",
    "L": "while the last data went to the client, after the server was done",
    "T": "while it was held in the tarpit",
    "-": "with everything transferred",
}

_STATES: Final = {
    "--": Meaning("All went well: both sides ended with nothing left to send."),
    "CC": Meaning(
        "The client left before a connection to the server was made.",
        "Is the server dead or slow to accept, so that the client lost patience? Compare `timeout connect`.",
    ),
    "CD": Meaning(
        "The client left in the middle of the transfer.",
        "A user who moved on, a program that crashed, or a network that broke. In bulk: look at what lies between.",
    ),
    "CH": Meaning(
        "The client left while the server was still working on its response.",
        "Compare the time it waited with what is usual: is the server slow, or was the client hasty?",
    ),
    "CL": Meaning("The client left while it was receiving the last data."),
    "CQ": Meaning(
        "The client left while its request waited in the queue.",
        "All servers were at their `maxconn`, or the one it is bound to was: add servers, or make them faster.",
    ),
    "CR": Meaning(
        "The client left before it had sent a whole request.",
        "Port scans, probes and browsers that connect ahead do that; `option http-ignore-probes` hides them.",
    ),
    "CT": Meaning(
        "The client left while it was held in the tarpit.",
        "Make sure that the tarpit rule meets no good requests; `timeout tarpit` is how long each one costs you.",
    ),
    "DC": Meaning(
        "The server was marked DOWN while the connection to it was being made.", "Look at its health check's reason."
    ),
    "DD": Meaning(
        "The server was marked DOWN in the middle of the transfer, and its sessions were closed.",
        "`on-marked-down shutdown-sessions` does that. Look at its health check's reason.",
    ),
    "DH": Meaning(
        "The server was marked DOWN while its response headers were awaited, and its sessions were closed.",
        "`on-marked-down shutdown-sessions` does that. Look at its health check's reason.",
    ),
    "KD": Meaning("An administrator closed the session in the middle of the transfer."),
    "KH": Meaning("An administrator closed the session while the server's response headers were awaited."),
    "LC": Meaning("HAProxy answered by itself before a connection to a server was made."),
    "LD": Meaning("HAProxy answered by itself, and the session ended during the transfer."),
    "LH": Meaning("The server was asked, and HAProxy put an answer of its own in the place of the server's."),
    "LR": Meaning("HAProxy answered by itself: a redirect, a `return`, the statistics page. No server was asked."),
    "PC": Meaning(
        "HAProxy did not connect to the server: the process has no socket left for it.",
        "Raise the global `maxconn`, or remove an `ulimit-n` that was set by hand.",
    ),
    "PD": Meaning(
        "HAProxy stopped the transfer: the chunked encoding of a message is broken.",
        "Most often the server's: look at the application. `show errors` on the stats socket has the bytes.",
    ),
    "PH": Meaning(
        "HAProxy refused the server's response: malformed, incomplete, or denied by a rule.",
        "`show errors` on the stats socket has the bytes. Look at `http-response` rules, and header sizes too.",
    ),
    "PR": Meaning(
        "HAProxy refused the request: malformed (400), denied by a rule (403), or not to be rewritten (500).",
        "The status tells which. `show errors` on the stats socket has the bytes of a malformed one.",
    ),
    "PT": Meaning(
        "HAProxy held the request in the tarpit and then refused it; no server was asked.",
        "Make sure that the tarpit rule meets no good requests.",
    ),
    "RC": Meaning(
        "HAProxy could not connect: memory, sockets or source ports have run out.",
        "Serious: HAProxy's error log names which. Look at the kernel's limits and the range of local ports.",
    ),
    "SC": Meaning(
        "The server, or something in front of it, refused the connection.",
        "Is the service running, and listening on that port? Is a firewall or a route in between?",
    ),
    "SD": Meaning(
        "The server's connection broke in the middle of the transfer.",
        "A server that crashed or restarted, or a device in between; look at the server's log at this time.",
    ),
    "SH": Meaning(
        "The server closed the connection before it had sent whole response headers.",
        "It crashed on this request, or was restarted: look at its log, and whether the same requests do it again.",
    ),
    "UC": Meaning("An active server came UP while a connection to this backup server was being made."),
    "UD": Meaning("An active server came UP, so that the transfer from this backup server was ended."),
    "UH": Meaning("An active server came UP while this backup server's response headers were awaited."),
    "cD": Meaning(
        "The client neither sent nor took any data for `timeout client`.",
        "Most often a client that vanished from the network; sometimes a timeout that is too short.",
    ),
    "cH": Meaning(
        "`timeout client` expired while the request's body, or the response, was awaited.",
        "Uploads that stall on a bad network, or a `timeout client` shorter than `timeout server`.",
    ),
    "cL": Meaning("The client took none of the last data for `timeout client`; it probably vanished."),
    "cR": Meaning(
        "The client did not send a whole request in time (`timeout http-request`, or `timeout client`).",
        "Connections that browsers open ahead, slow attackers, lost packets; `option http-ignore-probes` hides them.",
    ),
    "sC": Meaning(
        "The connection to the server could not be made within `timeout connect`.",
        "Is the machine up? Is a firewall dropping packets, or the server's backlog full?",
    ),
    "sD": Meaning(
        "The server neither sent nor took any data for `timeout server`, in the middle of the transfer.",
        "A server that stalls, a device in between that forgot the connection, or a timeout that is too short.",
    ),
    "sH": Meaning(
        "The server did not send response headers in time; it is saturated or stuck.",
        "Look at the server and the database behind it. A longer `timeout server` only moves the pain to the user.",
    ),
    "sQ": Meaning(
        "The request waited in the queue for longer than `timeout queue`.",
        "The servers are saturated, or their `maxconn` is too low for this load.",
    ),
}

_SENT: Final = {
    "N": Meaning("The client sent no persistence cookie."),
    "I": Meaning(
        "The client's persistence cookie names no server that is known.",
        "A server that was removed or renamed, or a cookie of another site.",
    ),
    "D": Meaning("The server that the client's persistence cookie names is DOWN."),
    "V": Meaning("The client's persistence cookie is valid, and led it to that server."),
    "E": Meaning("The client's persistence cookie was not used for longer than `maxidle`, and was ignored."),
    "O": Meaning("The client's persistence cookie is older than `maxlife`, and was ignored."),
    "U": Meaning("The client has a persistence cookie, but something else, like `use-server`, chose the server."),
    "6": Meaning("The client's persistence cookie is in a state for which HAProxy has no name."),
    "7": Meaning("The client's persistence cookie is in a state for which HAProxy has no name."),
    "-": Meaning("Persistence cookies are not in use."),
}

_SET: Final = {
    "N": "The response sets none.",
    "I": "HAProxy put a new one into the response.",
    "U": "HAProxy renewed the date in it.",
    "P": "The server set one, which went through as it is.",
    "R": "HAProxy rewrote the one that the server set.",
    "D": "HAProxy took out the one that the server set.",
    "6": "What was done to it has no name.",
    "7": "What was done to it has no name.",
    "-": "",
}

_COOKIES: Final = {
    "DI": Meaning(
        "The server that the client's persistence cookie names is DOWN: another was chosen, with a new cookie."
    ),
    "EI": Meaning("The client's persistence cookie was not used for longer than `maxidle`: it got a new one."),
    "II": Meaning(
        "The client's persistence cookie names no server that is known: it got a new one.",
        "Usual after a server was removed or renamed.",
    ),
    "NI": Meaning("The client sent no persistence cookie and got one: a visitor's first request."),
    "NN": Meaning("The client sent no persistence cookie, and got none."),
    "OI": Meaning("The client's persistence cookie is older than `maxlife`: it got a new one."),
    "VI": Meaning(
        "The server that the client's persistence cookie names could not be reached, although it is not marked DOWN: "
        "another was chosen, with a new cookie.",
        "The user's session on the first server is lost. Look at that server.",
    ),
    "VN": Meaning("The client's persistence cookie is valid, and led it to that server: the usual case."),
    "VU": Meaning("The client's persistence cookie is valid, and the date in it was renewed."),
}


def read_state(state: str) -> Meaning | None:
    """Put the first two characters into words; None where they are none of HAProxy's."""
    known = _STATES.get(state[:2])
    if known is not None:
        return known
    by, phase = _BY.get(state[:1]), _PHASE.get(state[1:2])
    return Meaning(f"{by.text}, {phase}.", by.advice) if by and phase else None


def read_cookies(state: str) -> Meaning | None:
    """Put the last two of four characters into words; None where there are none, or none of HAProxy's."""
    known = _COOKIES.get(state[2:])
    if known is not None:
        return known
    sent, kept = _SENT.get(state[2:3]), _SET.get(state[3:])
    if sent is None or kept is None or state[2:] == "--":
        return None
    return Meaning(f"{sent.text} {kept}".rstrip(), sent.advice)
