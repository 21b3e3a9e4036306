"""Which test makes which fault: all that delivery promises to survive, and all that a bulk answer may say.

Each test runs against a real Elasticsearch, but for those of damage that no Elasticsearch sees.
"""

from __future__ import annotations

from typing import Final

_KILL: Final = "end_to_end/test_kill.py::test_"
_STOP: Final = "end_to_end/test_stop.py::test_"
_REFUSALS: Final = "end_to_end/test_refusals.py::test_"
_CONFIGURATION: Final = "end_to_end/test_configuration.py::test_"
_REAL: Final = "deliver/test_real_elasticsearch.py::test_"
_STATE: Final = "chaos/test_state_folder.py::test_"
_ELASTICSEARCH: Final = "chaos/test_elasticsearch.py::test_"
_DAMAGE: Final = "chaos/test_journal_damage.py::test_damage_costs_what_it_hit_and_is_counted"
_BAD_WAY: Final = f"{_ELASTICSEARCH}the_way_to_elasticsearch_is_bad_in_every_way"
_FORBIDDEN: Final = f"{_ELASTICSEARCH}a_setting_of_the_cluster_forbids_the_index_that_is_needed"
_OWN_NODE: Final = f"{_REAL}a_node_of_our_own_shows_what_concerns_the_whole_cluster"

FAULTS: Final = {
    "SIGKILL of the shipping process": (f"{_KILL}the_shipping_process_is_killed_and_nothing_that_was_sent_is_lost",),
    "SIGKILL of the receiving process": (
        f"{_KILL}the_receiving_process_is_killed_and_at_most_the_batch_in_its_hands_is_lost",
    ),
    "SIGKILL of all": (
        f"{_KILL}the_whole_shipper_is_killed_while_lines_come",
        f"{_KILL}the_whole_shipper_is_killed_once_everything_that_was_sent_is_journaled",
    ),
    "SIGTERM under load": (f"{_STOP}a_signal_under_load_leaves_nothing_unread_and_a_restart_goes_on",),
    "another zone, prefix and batch size while lines wait": (
        f"{_CONFIGURATION}lines_in_the_journal_keep_the_index_the_zone_and_the_id_under_which_they_came",
    ),
    "the state folder deleted": (f"{_STATE}a_state_folder_that_was_deleted_costs_nothing_that_was_delivered",),
    "the state folder copied": (
        f"{_STATE}a_state_folder_that_was_copied_is_used_by_two_at_the_same_time",
        f"{_CONFIGURATION}the_same_lines_shipped_once_more_from_a_copy_of_the_journal_are_there_already",
    ),
    "the state folder used twice": (f"{_STOP}a_state_folder_that_is_taken_is_refused",),
    "the state folder restored": (f"{_STATE}a_state_folder_from_yesterday_sends_nothing_twice_and_goes_on",),
    "the journal's last second cut off": (f"{_STATE}the_journals_last_second_is_cut_off_after_it_was_delivered",),
    "SIGKILL of a node of three, and of each in turn": (
        "chaos/test_cluster.py::test_each_of_three_nodes_is_killed_in_turn",
    ),
    "SIGKILL of the only node": (f"{_KILL}elasticsearch_is_killed_and_started_again",),
    "Elasticsearch away": (f"{_ELASTICSEARCH}an_outage_leaves_the_window_as_large_as_it_was",),
    "an index read-only": (
        f"{_ELASTICSEARCH}todays_index_takes_nothing_for_a_while",
        f"{_REFUSALS}documents_for_a_read_only_index_are_parked_and_follow_later",
    ),
    "the shard limit reached, auto-create off": (_FORBIDDEN, _OWN_NODE),
    "the template deleted": (f"{_ELASTICSEARCH}the_template_is_deleted_under_load",),
    "a mapping that refuses some": (
        f"{_REFUSALS}one_in_twenty_refused_and_one_in_twenty_busy_cost_the_others_nothing",
    ),
    "a mapping that refuses all": (f"{_ELASTICSEARCH}a_mapping_that_refuses_everything_makes_no_day_of_dead_letters",),
    "connections cut, answers lost": (
        f"{_REFUSALS}answers_that_are_lost_after_the_documents_were_indexed_double_nothing",
        _BAD_WAY,
    ),
    "a full disk": ("end_to_end/test_full_disk.py::test_a_full_disk_is_survived_said_counted_and_recovered_from",),
    "a damaged journal": (_DAMAGE, "journal/test_model.py::JournalModel"),
    "a clock that jumps": ("chaos/test_clock.py::test_a_clock_that_jumps_gives_no_id_twice_and_keeps_the_order",),
}

ANSWERS: Final = {
    "item 2xx, 409": (f"{_REAL}documents_are_created_once_and_a_conflict_is_already_there",),
    "item 429, 5xx": (_BAD_WAY,),
    "item 403 that is a block": (f"{_REAL}a_block_is_waited_for_parked_and_lifted",),
    "item 400 about the document": (
        f"{_REAL}a_strict_mapping_makes_dead_letters_with_the_reason",
        f"{_REAL}a_value_that_does_not_fit_is_refused_with_what_caused_it",
    ),
    "item 400, 403, 404 about the index": (
        f"{_REAL}an_index_that_a_person_must_mend_is_held",
        _FORBIDDEN,
        _OWN_NODE,
    ),
    "request 413": (_OWN_NODE,),
    "request 401, 403": (_BAD_WAY,),
    "request 5xx, refused, reset": (
        f"{_REAL}every_fault_of_a_proxy_between_leaves_each_document_there_once",
        _BAD_WAY,
    ),
    "no JSON, another number of items": (_BAD_WAY,),
}
