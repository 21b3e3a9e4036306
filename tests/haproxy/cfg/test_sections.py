"""Sections, what they inherit, and which of several lines counts."""

from __future__ import annotations

import pytest

from shipper.errors import ConfigError
from shipper.haproxy.cfg import read
from shipper.haproxy.stock import STOCK_FORMATS
from tests.haproxy.cfg.texts import config, frontend, frontends


def test_a_frontend_inherits_from_the_last_defaults() -> None:
    found = frontends("""
defaults
    mode http
    option httplog
frontend a
defaults
frontend b
""")
    assert (found["a"].mode, found["a"].format_name) == ("http", "httplog")
    assert (found["b"].mode, found["b"].format_name) == ("tcp", "")


def test_from_names_a_defaults_section_which_may_have_one_itself() -> None:
    found = frontends("""
defaults base
    mode http
    option httplog
defaults long from base
    log-tag long
defaults other
frontend a from long
frontend b
listen c from base
    log-tag c
""")
    assert (found["a"].format_name, found["a"].tag) == ("httplog", "long")
    assert (found["b"].format_name, found["b"].tag) == ("", "haproxy")
    assert (found["c"].format_name, found["c"].tag) == ("httplog", "c")


def test_defaults_of_one_file_count_in_the_next_but_sections_end_with_their_file() -> None:
    first = ("1.cfg", "defaults\n    mode http\n")
    assert read([first, ("2.cfg", "frontend a\n")], {}).frontends[0].mode == "http"
    with pytest.raises(ConfigError, match=r"2\.cfg:1: 'mode' stands before any section"):
        read([first, ("2.cfg", "    mode tcp\n")], {})


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("option httplog", "httplog"),
        ("option httplog clf", "httpclf"),
        ("option httpslog", "httpslog"),
        ("option tcplog", "tcplog"),
        ("option tcplog clf", "tcpclf"),
        ("log-format %ci", "custom"),
        ("log-format %ci\noption httplog", "httplog"),
        ("option httplog\nlog-format %ci", "custom"),
        ('log-format "$HAPROXY_HTTP_LOG_FMT"', "httplog"),
        ('log-format "${HAPROXY_TCP_LOG_FMT}"', "tcplog"),
        ('log-format "$HAPROXY_HTTPS_LOG_FMT %ID"', "custom"),
        ("", ""),
    ],
)
def test_of_what_names_the_format_the_last_counts(lines: str, expected: str) -> None:
    assert frontend(lines).format_name == expected


@pytest.mark.parametrize("option", ["httplog", "httplog clf", "httpslog"])
def test_a_format_of_http_becomes_tcplog_where_the_mode_turns_out_to_be_tcp(option: str) -> None:
    found = frontend(f"option {option}\nmode tcp")
    assert (found.format_name, found.log_format) == ("tcplog", STOCK_FORMATS["tcplog"])


def test_a_log_format_stays_what_it_is_in_tcp_mode() -> None:
    assert frontend('log-format "$HAPROXY_HTTP_LOG_FMT"\nmode tcp').format_name == "httplog"


def test_log_global_takes_the_targets_that_global_has_by_then_and_each_once() -> None:
    found = frontends("""
global
    log 192.0.2.1 local0
defaults
    log global
    log 192.0.2.2 local1
frontend a
    log global
global
    log 192.0.2.3 local0
frontend b
    log global
frontend c
    no log
frontend d
    no log
    log 192.0.2.4 local0
""")
    addresses = {name: [target.address for target in each.targets] for name, each in found.items()}
    assert addresses == {
        "a": ["192.0.2.1", "192.0.2.2"],
        "b": ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
        "c": [],
        "d": ["192.0.2.4"],
    }
    assert (found["a"].muted, found["c"].muted) == (False, True)


def test_a_target_has_all_that_its_line_says() -> None:
    (_, target) = frontend("log [::1]:5140 len 8192 format rfc5424 sample 1,3-4:5 profile p local0 notice err").targets
    assert (target.place, target.address, target.facility) == ("haproxy.cfg:7", "[::1]:5140", "local0")
    assert (target.length, target.format, target.sample, target.profile) == (8192, "rfc5424", "1,3-4:5", "p")
    assert (target.level, target.level_min) == ("notice", "err")


def test_switches_are_set_and_taken_back() -> None:
    found = frontend(
        "no option dontlognull\noption logasap\ndefault option dontlog-normal",
        defaults="option dontlognull\noption dontlog-normal\noption log-separate-errors\n",
    )
    assert found.options == {"logasap", "log-separate-errors"}


def test_what_is_disabled_is_no_frontend() -> None:
    assert list(frontends("frontend a\n disabled\nfrontend b\n disabled\n enabled\nbackend c\n")) == ["b"]


def test_global_says_what_holds_for_all() -> None:
    found = config("""
global
    log-send-hostname
    log-tag edge
    tune.http.logurilen 4096
    tune.http.cookielen 127
frontend a
""")
    assert (found.hostname, found.uri_length, found.cookie_length) == (True, 4096, 127)
    assert found.frontends[0].tag == "edge"


def test_variables_set_in_global_count_from_there_on() -> None:
    text = """
global
    presetenv KEPT new
    setenv CHANGED new
    unsetenv GONE
    .if defined(GONE)
    log-tag gone
    .endif
frontend a
    log-format "%ci $KEPT $CHANGED ${GONE-gone}"
global
    resetenv KEPT
frontend b
    log-format "%ci $KEPT ${CHANGED-away} ${HAPROXY_TCP_LOG_FMT-away}"
"""
    found = frontends(text, {"KEPT": "old", "CHANGED": "old", "GONE": "old"})
    assert found["a"].log_format == "%ci old new gone"
    assert found["b"].log_format == "%ci old away away"
    assert found["a"].tag == "haproxy"


def test_pseudo_variables_say_where_they_stand() -> None:
    assert frontend('log-format "%ci ${.FILE} $.LINE $.SECTION"').log_format == "%ci haproxy.cfg 7 www"


def test_of_conditional_blocks_only_the_branch_that_holds_is_read() -> None:
    found = frontend("""
.if defined(NO)
    nonsense
  .if streq(a,a
    is not even looked at
  .endif
.elif streq("$A",x) # and this holds
    log-tag elif
  .if 0
    log-tag inner
  .else
    .notice "read"
    option httplog
  .endif
.elif nor is this looked at
.else
    log-tag else
.endif
""", {"A": "x"})  # fmt: skip
    assert (found.tag, found.format_name) == ("elif", "httplog")


def test_a_condition_that_hangs_on_the_binary_is_noted() -> None:
    (note,) = config("global\n.if version_atleast(3.0)\n log-tag new\n.endif\nfrontend a\n").notes
    assert note.place == "haproxy.cfg:2"
    assert "so this block is read" in note.text
    known = config("global\n.if version_atleast(3.0)\n log-tag new\n.endif\n", {"HAPROXY_STARTUP_VERSION": "2.6.12"})
    assert known.notes == ()


def test_a_variable_without_value_is_noted_where_it_bears_on_the_log() -> None:
    (note,) = config('frontend a\n    bind "$PORT"\n    log-tag "x$TAG"\n').notes
    assert (note.place, note.text) == ("haproxy.cfg:3", "the variable TAG is not set here")
    with pytest.raises(ConfigError, match=r"not set here: FORMAT \(give shipper HAProxy's environment\)"):
        config('frontend a\n    log-format "$FORMAT"\n')


def test_other_sections_and_unknown_keywords_are_nobodys_business() -> None:
    found = config("""
[scope]
global
    nonsense in global
userlist u
    user log password x
peers p
    log nonsense
resolvers r
frontend a
    something new
    http-request deny
    option nosuch
""")
    assert [each.name for each in found.frontends] == ["a"]


def test_rings_and_log_profiles_are_known() -> None:
    found = config("""
ring buffer
    format rfc5424
    maxlen 4096
    server s 192.0.2.1:6514
log-profile brief
    log-tag other
    on close format "%ci %ft"
    on error drop
""")
    ((ring,), (profile,)) = found.rings, found.profiles
    assert (ring.address, ring.format, ring.length) == ("buffer", "rfc5424", 4096)
    assert (profile.name, profile.tag, profile.steps) == ("brief", "other", (("close", "%ci %ft"),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frontend a\nfrontend a\n", r"haproxy\.cfg:2: frontend 'a': the name is taken, see haproxy\.cfg:1"),
        ("backend a\nlisten a\n", "the name is taken"),
        ("frontend a/b\n", "a name of letters"),
        ("frontend\n", "a name of letters"),
        ("frontend a :80\n", "perhaps `from DEFAULTS`"),
        ("frontend a from x\n", "there is no such section"),
        ("defaults x\ndefaults x\nfrontend a from x\n", "several at haproxy.cfg:1, haproxy.cfg:2"),
        ("frontend a\n log-format %ci %cp\n", "put it in quotes"),
        ("frontend a\n log-format\n", "one argument is expected"),
        ("defaults\n no option httplog\n", "option httplog"),
        ("defaults\n option httpslog clf\n", "option httpslog"),
        ("defaults\n no log-format x\n", "cannot stand here"),
        ("defaults\n no\n", "cannot stand here"),
        ("defaults\n no log 192.0.2.1 local0\n", "`no log` takes no argument"),
        ("global\n log global\n", "belongs into the other sections"),
        ("global\n log 192.0.2.1\n", "an address and a facility"),
        ("global\n log\n", "an address and a facility"),
        ("global\n log 192.0.2.1 len\n", "'len' needs a value"),
        ("global\n log 192.0.2.1 len 79 local0\n", "80 to 65535"),
        ("global\n log 192.0.2.1 sample 1 local0\n", "RANGES:SIZE"),
        ("global\n log 192.0.2.1 format x local0\n", "unknown format 'x'"),
        ("global\n log 192.0.2.1 x\n", "unknown facility 'x'"),
        ("global\n log 192.0.2.1 local0 x\n", "at most two levels"),
        ("global\n log 192.0.2.1 local0 err err err\n", "at most two levels"),
        ("global\n setenv A\n", "a name and a value"),
        ("global", "the last line does not end"),
        ("global\n\0\n", "a NUL character"),
        ("global\n log-tag 'x\n", "column 10: the quote ' is not closed"),
        (".if 1\n", r"haproxy\.cfg:1: the \.if is not closed"),
        (".endif\n", r"\.endif without an \.if"),
        (".if 1\n.else\n.elif 1\n.endif\n", r"\.elif after \.else"),
        (".if 1\n.else x\n.endif\n", "takes no argument"),
        (".if (1\n.endif\n", "a closing parenthesis is expected"),
        (".if 1\n" * 100, "too many nested"),
        (".nosuch\n", "unknown directive"),
    ],
)
def test_what_haproxy_refuses_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        config(text)
    assert str(refused.value).startswith("haproxy.cfg:")
