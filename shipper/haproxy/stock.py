"""HAProxy's own formats, as the log-format strings they are (manual, 8.2), and its names for the aliases."""

from __future__ import annotations

from typing import Final

HTTPLOG: Final = (
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"
)
_TLS_ERRORS: Final = "%[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed]"
_TLS: Final = f"{_TLS_ERRORS} %[ssl_fc_sni]/%sslv/%sslc"
STOCK_FORMATS: Final = {
    "httplog": HTTPLOG,
    "httpslog": f"{HTTPLOG} {_TLS}",
    "tcplog": "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq",
    "tcpclf": (
        '%{+Q}o %{-Q}ci - - [%T] "TCP " 000 %B "" "" %cp %ms %ft %b %s '
        '%Th %Tw %Tc %Tt %U %ts-- %ac %fc %bc %sc %rc %sq %bq "" "" '
    ),
    "httpclf": (
        '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s '
        "%TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl"
    ),
    "error": f"%ci:%cp [%tr] %ft %ac/%fc {_TLS}",
}
"""The formats that HAProxy brings along (manual, 8.2), in the order in which they are tried."""
NEVER_GUESSED: Final = {
    "httplog-1.6": (
        "%ci:%cp [%t] %ft %b/%s %Tq/%Tw/%Tc/%Tr/%Tt %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"
    ),
}
"""Formats of former versions that look like today's and mean something else: only the configuration can tell."""

MANUAL_NAMES: Final = {
    "actconn": "ac",
    "backend_name": "b",
    "backend_queue": "bq",
    "backend_source_ip": "bi",
    "backend_source_port": "bp",
    "beconn": "bc",
    "bytes_read": "B",
    "bytes_uploaded": "U",
    "captured_request_cookie": "CC",
    "captured_request_headers": "hr",
    "captured_response_cookie": "CS",
    "captured_response_headers": "hs",
    "client_ip": "ci",
    "client_port": "cp",
    "date_time": "t",
    "feconn": "fc",
    "frontend_ip": "fi",
    "frontend_log_counter": "lc",
    "frontend_name": "f",
    "frontend_name_transport": "ft",
    "frontend_port": "fp",
    "gmt_date_time": "T",
    "hostname": "H",
    "http_request": "r",
    "local_date_time": "Tl",
    "request": "r",
    "request_counter": "rt",
    "retries": "rc",
    "server_ip": "si",
    "server_name": "s",
    "server_port": "sp",
    "srv_conn": "sc",
    "srv_queue": "sq",
    "ssl_ciphers": "sslc",
    "ssl_version": "sslv",
    "status_code": "ST",
    "termination_state": "ts",
    "timestamp": "Ts",
    "unique-id": "ID",
    "unique_id": "ID",
}
"""What HAProxy's manual calls the aliases (8.2.6): the names that people give to the members of a JSON object."""
