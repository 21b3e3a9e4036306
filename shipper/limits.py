"""Every bound, with its unit and its reason.

1. A bound that a user may want to move is a setting; what stands here is then its default.
2. What a sender controls is bounded here, never by the memory that happens to be free.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

# -- receive ---------------------------------------------------------------------------------------------------------
LINE_BYTES_MAX: Final = 64 * KIB
"""A UDP datagram holds at most 65,507 bytes; HAProxy's `len` goes to 65,535."""

RECEIVE_BUFFER_BYTES: Final = 16 * MIB
"""Asked of the kernel for each socket: 7,000 lines of 300 bytes a second, for several seconds of a busy disk."""

RECEIVE_BATCH_LINES: Final = 1536
"""Datagrams taken between two looks at the other sockets and the clock."""

RECEIVE_CALL_DATAGRAMS: Final = 256
"""Datagrams of one system call of the native engine: 16 MB of addresses, of which only long datagrams use memory."""

DATAGRAM_LINES_MAX: Final = 1024
"""Lines in one datagram; what comes after stays together as the last. HAProxy sends one, and none is so short."""

RECEIVE_BUSY_DATAGRAMS: Final = 64
"""So many in one turn are read on at once, where the kernel may not hold many times more."""

RECEIVE_LINGER_S_MIN: Final = 0.005
"""Lines wait so long in the kernel for others to share an entry; a small buffer takes 40,000 a second for as long."""

RECEIVE_LINGER_S_MAX: Final = 0.02
"""So long where the kernel granted all of RECEIVE_BUFFER_BYTES, of which 200,000 lines a second then fill a third."""

RECEIVE_STOP_S_MAX: Final = 2.0
"""How long a stop reads on while senders go on sending; what the kernel held at its start is read long before."""

UNIX_DATAGRAMS_MIN: Final = 512
"""What the kernel should hold for a unix datagram socket: 70 ms of 7,000 lines a second. Its own default is ten."""

STREAM_READ_BYTES: Final = 64 * KIB
"""Read from one connection before the next has its turn."""

FRAME_COUNT_DIGITS_MAX: Final = 7
"""Of a message's length before it (RFC 6587): 10 MB; more digits are the beginning of a line."""

CONNECTIONS_MAX: Final = 512
"""Of one listener: half of the files that a process may usually open; each holds at most a line and what is read."""

CONNECTION_IDLE_S: Final = 600.0
"""So long quiet, a connection gives way to a new one when there are too many; otherwise it may stay for ever."""

FILE_LOOK_S: Final = 0.25
"""Between two looks whether followed files have grown."""

FILE_SCAN_S: Final = 1.0
"""Between two looks at the names in the folders of followed files."""

FILE_READ_BYTES: Final = 256 * KIB
"""Read from one file before the next has its turn."""

FILE_HEAD_BYTES: Final = KIB
"""Of a file's first line, what tells it from another: HAProxy's lines begin with their time."""

FILE_QUIET_S: Final = 60.0
"""A file that was rotated away is read until it was quiet for so long: the writer still has it open for a while."""

FILES_OPEN_MAX: Final = 256
"""Of one listener: more that match are opened in turn. A quarter of the files that a process may usually open."""

FILES_FOLLOWED_MAX: Final = 512
"""Of one listener, the last that were written: more than a year of daily ones. All others are left alone."""

FILES_REMEMBERED_MAX: Final = 1024
"""Files whose cursors are kept, rotated ones among them: each new segment repeats them."""

SENDERS_REMEMBERED_MAX: Final = 1024
"""Distinct sender addresses in one entry, and in the counters; further ones are counted together."""

# -- processes -------------------------------------------------------------------------------------------------------
RESTART_DELAY_S_MIN: Final = 0.1
"""A child that ended unasked is started again after this long; the kernel's buffers bridge it."""

RESTART_DELAY_S_MAX: Final = 30.0
"""The longest pause between two starts of a child that keeps ending."""

STEADY_S: Final = 60.0
"""A child that ran for so long is well again: its next pause is the shortest."""

# -- journal ---------------------------------------------------------------------------------------------------------
SEGMENT_BYTES: Final = 16 * MIB
"""A segment is the unit of deletion: large against the cost of a file, small enough that the next takes its memory."""

JOURNAL_BYTES_MAX: Final = 8 * GIB
"""About an hour of 7,000 lines a second; never more than half of what is free at the start."""

JOURNAL_COUNTS_BYTES: Final = MIB
"""The end of the journal's bound, kept from lines: what a full journal drops is still said, each second for hours."""

JOURNAL_COUNTS_SHARE: Final = 16
"""Of a small bound, at most this part is kept for counts."""

DISK_FREE_SHARE_MIN: Final = 0.05
"""The share of the disk that stays free for everything else on it."""

RECEIVE_BATCH_BYTES: Final = MIB
"""An entry is written once it holds this much, however few its lines are."""

ENTRY_BYTES_MAX: Final = 8 * MIB
"""A length above this in an entry's header is damage, not data."""

INTERPRETATION_BYTES_MAX: Final = MIB
"""A length above this in a segment's header is damage; a configuration is a few kilobytes."""

COMMIT_INTERVAL_S: Final = 0.2
"""Between two commit records: a kill costs at most so much that is sent again, and answered with 409."""

QUARANTINE_BYTES_MAX: Final = 16 * MIB
"""Damaged journal bytes that are kept aside for a look."""

# -- haproxy.cfg -----------------------------------------------------------------------------------------------------
HAPROXY_CFG_BYTES_MAX: Final = 16 * MIB
"""All files together; HAProxy itself reads no more than 10 MB from a pipe."""

HAPROXY_CFG_WORDS_MAX: Final = 64
"""Words in a line: HAProxy's own bound."""

HAPROXY_CFG_EXPANDED_CHARS_MAX: Final = 16 * KIB
"""What the variables of one line may expand to: a value that holds itself twice would double with each line."""

# -- encode ----------------------------------------------------------------------------------------------------------
BATCH_LINES_MAX: Final = 2 * RECEIVE_BATCH_LINES
"""Lines encoded in one go: large enough that the cost per batch vanishes, small enough for memory."""

BATCH_BYTES_MAX: Final = 2 * MIB
"""Raw bytes encoded in one go; a document is about four times its line."""

VALUES_REMEMBERED_MAX: Final = 4_096
"""Distinct values of a field whose rendering is remembered: some 30 fields of at most 1 MB."""

VALUES_REMEMBERED_MIN: Final = 64
"""So many at least, when the bound is shared by hundreds of formats."""

VALUE_REMEMBERED_BYTES_MAX: Final = 256
"""A longer value is rendered each time: what is long is seldom seen twice."""

ZONE_YEARS_MAX: Final = 1_024
"""Years of zones that the native engine knows: some 100 kB. A sender can name any year; the rest is Python's."""

UNDATED_LINES_MAX: Final = 10_000
"""Lines at the front of a captured file that wait for a dated one; then its time of change dates them."""

UNDATED_BYTES_MAX: Final = 2 * MIB
"""Their bytes: no more than one batch has."""

LABELS_MAX: Final = 64
"""Labels in one document, and characters in a label's name: what a mapping can hold for ever."""

ENRICHED_REMEMBERED_MAX: Final = 16_384
"""Addresses, and user agents, of which is remembered what they were found to be: some 10 MB of each."""

PRIVACY_NAMES_MAX: Final = 256
"""Names in one table of `[privacy]`: each journal segment carries them."""

# -- deliver ---------------------------------------------------------------------------------------------------------
BULK_BYTES_MAX: Final = 8 * MIB
"""A body is split above this; Elasticsearch's own bound (`http.max_content_length`) is 100 MB."""

BULK_BYTES_MIN: Final = 256 * 1024
"""However slow the answers are, bodies are not made smaller than this: a request has costs of its own."""

REQUESTS_IN_FLIGHT_MAX: Final = 8
"""The bound of the window, which is as large as answers come without queueing; more wait in the journal."""

UNSETTLED_BYTES_MAX: Final = 9 * MIB
"""Bodies that are sent or wait to be sent again: two batches of BATCH_LINES_MAX usual lines; a larger one goes
alone. This bound is what keeps memory flat in an outage."""

RETRY_DELAY_S_MIN: Final = 0.2
"""The first back-off: about one refill of Elasticsearch's write queue."""

RETRY_DELAY_S_MAX: Final = 30.0
"""The longest back-off: a returning cluster is found within half a minute."""

PAUSE_DELAY_S: Final = 10.0
"""Between two tries while delivery is paused for a reason that a person has to mend."""

PARK_AFTER_S: Final = 300.0
"""An item that is refused for this long while others settle is parked, so that the commit can move."""

PARKED_BYTES_MAX: Final = 256 * MIB
"""Documents parked on disk; at the bound delivery waits instead of parking more."""

FUSE_WINDOW_ITEMS: Final = 1_000
"""The last items the fuse looks at."""

FUSE_SHARE_MAX: Final = 0.5
"""The share of them that may become dead letters for one reason before their index is held."""

REASON_CHARS_MAX: Final = 4 * KIB
"""Of a reason that Elasticsearch gives: it may quote the document, and is kept with every dead letter."""

PARKED_BATCH_BYTES: Final = MIB
"""Parked documents tried in one request: few, because they are expected to be refused once more."""

# -- dead letters ----------------------------------------------------------------------------------------------------
DEAD_LETTER_COPY_TIMEOUT_S: Final = 5.0
"""A copy to the index of dead letters may take this long; the worker that buried them waits for it."""

DEAD_LETTER_COPY_RETRY_S: Final = 60.0
"""Between two attempts to create that index, or to copy where none answered: one burial waits for each, and the letters
of the others are not copied."""

DEAD_LETTER_FILE_BYTES: Final = 64 * MIB
"""One file of dead letters; then the next is begun."""

DEAD_LETTERS_BYTES_MAX: Final = GIB
"""All dead letters; at the bound delivery pauses rather than discards."""

# -- setup -----------------------------------------------------------------------------------------------------------
SHARD_BYTES_MAX: Final = 40_000_000_000
"""A shard of a day's index: within the 10 to 50 GB that Elastic advises, with room for a busy day."""

SHARDS_MAX: Final = 1_024
"""Elasticsearch's own bound on the shards of one index."""

# -- query -----------------------------------------------------------------------------------------------------------
QUERY_DOCUMENTS_MAX: Final = 200
"""Documents in one answer: the request costs little beside them, and all of them at their longest are 50 MB."""

QUERY_BYTES_MAX: Final = 4 * MIB
"""Documents that are held against one answer: a few of those whose lines are as long as lines may be."""

VERIFY_CACHE_BYTES: Final = 32 * MIB
"""Memory of the temporary database in which lines and documents are counted; the rest of it is on disk."""

VERIFY_FIELDS_MAX: Final = 100
"""Fields that are told apart among those that differ; further ones are counted as one."""

PROBES_IN_FLIGHT_MAX: Final = 100
"""Documents that are looked for at the same time: 10 a second, and the default refresh interval twice."""

GROUPS_MAX: Final = 10_000
"""Groups that percentiles are told of, with all phases some 100 MB; nobody reads more, and further ones are counted."""

HISTOGRAMS_OF_A_PAGE: Final = 2_000
"""In one answer of Elasticsearch, which counts them in no breaker: up to 20 kB each, 40 MB in each shard. Every page is
a look at all lines: 2 s for 10 million."""

TALLY_VALUES_MAX: Final = 2_000_000
"""Different milliseconds counted over all groups and phases, of some 120 B each: 250 MB."""

PANEL_ROWS_MAX: Final = 500
"""Lines or paths that a panel of the dashboard shows; nobody reads more, and filters find the others."""

PANEL_FILTERS_MAX: Final = 50
"""Filter values of one view: more than a person clicks together, far below Elasticsearch's bound on clauses."""

PANEL_VALUE_CHARS_MAX: Final = 8191
"""Of one parameter: as long as a keyword that Elasticsearch can find (`ignore_above`)."""

PANEL_BACKENDS_MAX: Final = 100
"""Backends of a table, and PANEL_SERVERS_MAX servers of each: each has a histogram of some 10 kB."""

PANEL_SERVERS_MAX: Final = 50
"""Servers of one backend in a table."""

PANEL_CANDIDATES_MAX: Final = 200
"""Paths with the largest maximum, among which those with the largest percentiles are found."""

PANEL_CLIENTS_MAX: Final = 20
"""Client addresses of a table."""

PANEL_VALUES_MAX: Final = 100
"""Values of a field that a menu offers."""

PANEL_STATES_MAX: Final = 100
"""Termination states of a table: HAProxy has 12 x 8 beginnings, and a site sees a few dozen states."""

PANEL_EVENTS_MAX: Final = 300
"""HAProxy's own messages that are looked at for marks on the time axis, the newest."""

PANEL_QUERY_S_MAX: Final = 10.0
"""What Elasticsearch may take for a panel: twice what any needs for a day of 10 million lines, cold."""

PANEL_ANSWER_S_MAX: Final = 12.0
"""Until its answer must be there: a little longer, so that Elasticsearch can say itself that it was too slow."""

# -- dashboard -------------------------------------------------------------------------------------------------------
DASHBOARD_QUERIES_MAX: Final = 4
"""Searches at the same time: a page has a dozen panels, and Elasticsearch has lines to index as well."""

DASHBOARD_QUESTIONS_MAX: Final = 256
"""Different questions on their way or waiting: those of some ten people who change the range at once."""

DASHBOARD_CONNECTIONS_MAX: Final = 512
"""Half of the files that a process may usually open; a browser opens up to six."""

DASHBOARD_QUERY_STRING_BYTES_MAX: Final = 16 * KIB
"""Of a URL's parameters: one value at its longest, percent-encoded in part, or dozens as they are."""

# -- replay ----------------------------------------------------------------------------------------------------------
REPLAY_STATE_INTERVAL_S: Final = 0.5
"""Between two records of a direct replay's state: a kill costs at most so much that is sent again."""

REFUSED_PLACES_MAX: Final = 20
"""Lines that a report names for one reason; the dead letters have them all."""

REPLAYS_REMEMBERED_MAX: Final = 1_000
"""Finished replays whose state is kept, so that a report can be had again and an id is known; a few kB each."""

ZSTD_READ_BYTES: Final = KIB
"""Decompressed in one go: at worst, 32,768 times as much comes out."""

REPLAY_BATCH_LINES_MAX: Final = 512
"""Lines handed over between two looks at the clock: some milliseconds' worth for one who fell behind."""

REPLAY_BUCKETS_MAX: Final = 600
"""Seconds of a report's rate over time; a longer replay has longer ones."""

REPLAY_RECONNECT_DELAY_S_MIN: Final = 0.05
"""The first pause before a stream that broke is opened again."""

REPLAY_RECONNECT_DELAY_S_MAX: Final = 1.0
"""The longest pause between two tries: a receiver that was started again is found within a second."""

REPLAY_RECONNECT_S_MAX: Final = 60.0
"""A receiver that is gone for so long ends the replay."""

REPLAY_CLOSE_S_MAX: Final = 10.0
"""How long a stream's other side may take to open, or to read what the kernel holds at the end."""

# -- service ---------------------------------------------------------------------------------------------------------
STATUS_BYTES_MAX: Final = 4 * MIB
"""Read of an answer: a status with as many senders as are remembered takes some 300 kB."""

STATUS_AGE_S_MAX: Final = 10.0
"""An older status says that the shipping process does not move: it has news every second, on the worst disk too."""

PULSE_AGE_S_MAX: Final = 30.0
"""A process that did not look for so long whether it is to stop hangs: it looks each second, but for a slow disk."""

TAP_LISTENERS_MAX: Final = 4
"""Of those who watch documents at the same time; further ones are told so."""

TAP_BODIES_WAITING_MAX: Final = 4
"""Bulk bodies that wait for one of them: by reference, so they cost only what delivery has let go of meanwhile."""

TAP_SEND_S_MAX: Final = 10.0
"""One of them that reads nothing for so long is let go."""

METRICS_CONNECTIONS_MAX: Final = 8
"""Of those who ask for counters and health at the same time; further ones are closed unheard."""

METRICS_REQUEST_S_MAX: Final = 5.0
"""How long one of them may take to ask and to read the answer, both together."""

CENSUS_ENTRIES_MAX: Final = 4_000
"""Headers read in one look at the journal: some 20 ms, of which a full journal needs a minute's worth at a start."""

ZONE_SUSPECTED_S: Final = 600.0
"""So long a zone seems wrong after the last line that said so: the next ones may have an offset, and tell nothing."""

SENDERS_NAMED_MAX: Final = 3
"""Of those whose zone seems wrong: where all are, one setting mends all."""

PENDING_AGE_S_ALARMING: Final = 60.0
"""Of the oldest line without a verdict: an ordinary back-off is over by then."""

JOURNAL_SHARE_ALARMING: Final = 0.9
"""Of the journal's bound: at 7,000 lines a second the rest is a few minutes."""

# -- commands --------------------------------------------------------------------------------------------------------
SUMMARY_REASONS_MAX: Final = 100
"""Reasons told apart in a summary, each with an example; no reader wants more, and further ones are counted as one."""

TOP_BACK_BYTES: Final = 8 * MIB
"""Of the journal, what is read back for a first look: a few seconds of a busy stream, hours of a quiet one."""

TOP_WINDOW_S_MAX: Final = 3_600
"""Seconds of a live view: each is kept with all its groups, and what is longer ago is a question for Elasticsearch."""

TOP_READ_SHARE_MAX: Final = 0.5
"""Of one core's time, what reading the stream may take; entries beyond that are only counted."""

TOP_GROUPS_MAX: Final = 500
"""Groups told apart in one second of a live view; further ones are counted together."""

TOP_NAME_CHARS_MAX: Final = 256
"""Of a name or a message that is shown: a path may be as long as a line."""

TOP_EVENTS_MAX: Final = 5
"""HAProxy's own messages that are shown, the last ones."""
