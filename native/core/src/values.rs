//! How the values of a line become values of its document (`shipper/haproxy/fields.py`), by the reader's name.

use std::net::Ipv6Addr;

use crate::kinds::{DIGITS_MAX, Kind};
use crate::plan::{PlanError, Value};
use crate::{Declined, Taken};

/// The digits of a total that fits a long as nanoseconds.
const TOTAL_DIGITS_MAX: usize = 12;
const HEX_DIGITS_MAX: usize = 16;
const MS_NS: u64 = 1_000_000;
const FAILURE_STATUS_MIN: u64 = 400;

/// A reader; the numbers are places among the line's values.
#[derive(Debug)]
#[repr(u8)]
pub(crate) enum Read {
    Original,
    Priority,
    Facility,
    Severity,
    Hostname,
    Tag,
    Process,
    ProcessNumber,
    Sender,
    Observer,
    /// What the step held to be a number.
    Digits {
        of: usize,
        timer: bool,
    },
    Word(usize),
    Name(usize),
    Ip(usize),
    Count(usize),
    Hex(usize),
    Timer(usize),
    Nanoseconds(usize),
    Rest(Box<[usize]>),
    Status(usize),
    Outcome {
        status: Option<usize>,
        state: Option<usize>,
        errors: Vec<u8>,
    },
    Plus(Box<[usize]>),
    Tilde {
        frontend: usize,
        error: Option<usize>,
    },
    Flag {
        flag: usize,
        version: Option<usize>,
    },
    TlsVersion(usize),
    TlsProtocol(usize),
    Cipher(usize),
    Letter {
        of: usize,
        at: usize,
        names: Box<[Box<[u8]>; 256]>,
    },
    Captures(Side),
    Ambiguous {
        request: usize,
        response: usize,
    },
    Labels {
        configured: Box<[u8]>,
        own: Box<[(Box<[u8]>, usize)]>,
    },
    Header(Slot),
    Headers(Side, usize, Box<[(Box<[u8]>, usize)]>),
    ClientAddress(Slot),
    ClientIp(Slot),
    HostDomain(Slot),
    HostPort(Slot),
    RawRequest,
    Method,
    Version,
    Url,
    Scheme,
    Domain,
    UrlPort,
    Path,
    Pattern,
    Query,
    Added {
        of: usize,
        at: usize,
    },
}

impl Read {
    /// Finds the reader that a plan names; `places` are those of its values.
    pub fn named(value: &Value, places: &[usize]) -> Result<Self, PlanError> {
        let one = || places.first().copied().ok_or_else(|| PlanError(format!("{:?} reads a value", value.read)));
        Ok(match value.read.as_str() {
            "original" => Self::Original,
            "priority" => Self::Priority,
            "facility" => Self::Facility,
            "severity" => Self::Severity,
            "hostname" => Self::Hostname,
            "tag" => Self::Tag,
            "process" => Self::Process,
            "process_number" => Self::ProcessNumber,
            "sender" => Self::Sender,
            "observer" => Self::Observer,
            "word" => Self::Word(one()?),
            "name" => Self::Name(one()?),
            "ip" => Self::Ip(one()?),
            "count" => Self::Count(one()?),
            "hex" => Self::Hex(one()?),
            "timer" => Self::Timer(one()?),
            "nanoseconds" => Self::Nanoseconds(one()?),
            "rest" => Self::Rest(places.into()),
            "status" => Self::Status(one()?),
            "outcome" => Self::Outcome {
                status: (places.len() > 1).then_some(one()?),
                state: places.last().copied(),
                errors: value.names.keys().map(|&letter| letter as u8).collect(),
            },
            "status_outcome" => Self::Outcome { status: Some(one()?), state: None, errors: Vec::new() },
            "plus" => Self::Plus(places.into()),
            "tilde" => Self::Tilde { frontend: one()?, error: places.get(1).copied() },
            "flag" => Self::Flag { flag: one()?, version: places.get(1).copied() },
            "tls_version" => Self::TlsVersion(one()?),
            "tls_protocol" => Self::TlsProtocol(one()?),
            "cipher" => Self::Cipher(one()?),
            "letter" => {
                let mut names: Box<[Box<[u8]>; 256]> = Box::new(std::array::from_fn(|_| Box::default()));
                for (&letter, name) in &value.names {
                    names[usize::from(letter as u8)] = name.as_bytes().into();
                }
                Self::Letter { of: one()?, at: value.at, names }
            }
            "captures" => Self::Captures(Side::named(value, places)?),
            "ambiguous" => Self::Ambiguous { request: one()?, response: *places.last().unwrap_or(&0) },
            "labels" => {
                let own = value.headers.iter().zip(places);
                let own = own.map(|((name, _), place)| (format!("\"{name}\":").into_bytes().into(), *place));
                Self::Labels { configured: value.json.as_bytes().into(), own: own.collect() }
            }
            "header" => Self::Header(Slot::named(value, places)?),
            "headers" => {
                let keys = value.headers.iter().map(|(name, at)| (format!("\"{name}\":").into_bytes().into(), *at));
                Self::Headers(Side::named(value, places)?, value.count, keys.collect())
            }
            "client_address" => Self::ClientAddress(Slot::named(value, places)?),
            "client_ip" => Self::ClientIp(Slot::named(value, places)?),
            "host_domain" => Self::HostDomain(Slot::named(value, places)?),
            "host_port" => Self::HostPort(Slot::named(value, places)?),
            "raw_request" => Self::RawRequest,
            "method" => Self::Method,
            "version" => Self::Version,
            "url" => Self::Url,
            "scheme" => Self::Scheme,
            "domain" => Self::Domain,
            "url_port" => Self::UrlPort,
            "path" => Self::Path,
            "pattern" => Self::Pattern,
            "query" => Self::Query,
            "added" => Self::Added { of: one()?, at: value.at },
            unknown => return Err(PlanError(format!("unknown reader {unknown:?}"))),
        })
    }

    /// Spares itself what the grammar of its value has found out.
    pub fn sure_of(self, kind: impl Fn(usize) -> Option<Kind>) -> Self {
        let is_number = |of| matches!(kind(of), Some(Kind::Number | Kind::Marked));
        match self {
            Self::Count(of) if is_number(of) => Self::Digits { of, timer: false },
            Self::Timer(of) if is_number(of) => Self::Digits { of, timer: true },
            other => other,
        }
    }
}

/// The block of captured headers of one side: of two, its own; one alone is that of one of the sides. A format that has
/// a place for one block only has it twice here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    request: usize,
    response: usize,
    of_request: bool,
    alone: bool,
}

impl Side {
    fn named(value: &Value, places: &[usize]) -> Result<Self, PlanError> {
        let (Some(&request), Some(&response)) = (places.first(), places.last()) else {
            return Err(PlanError(format!("{:?} reads a block, or two", value.read)));
        };
        let alone = value.alone_of_request == value.of_request;
        Ok(Self { request, response, of_request: value.of_request, alone })
    }

    /// Gives what stands between the braces, where there are some.
    pub fn block<'a>(&self, value: impl Fn(usize) -> &'a [u8]) -> Option<&'a [u8]> {
        let (request, response) = (value(self.request), value(self.response));
        let block = match (request.is_empty(), response.is_empty()) {
            (true, _) => &[],
            (false, true) if !self.alone => &[],
            (false, true) => request,
            (false, false) if self.of_request => request,
            (false, false) => response,
        };
        block.get(1..block.len().saturating_sub(1))
    }
}

/// A captured header by its place among those of its side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    side: Side,
    at: usize,
    count: usize,
}

impl Slot {
    fn named(value: &Value, places: &[usize]) -> Result<Self, PlanError> {
        Ok(Self { side: Side::named(value, places)?, at: value.at, count: value.count })
    }

    /// Gives what was captured, where as much was as is known to be.
    pub fn value<'a>(&self, value: impl Fn(usize) -> &'a [u8]) -> Option<&'a [u8]> {
        captured(self.side.block(value)?, self.at, self.count)
    }
}

/// Gives the value at a place of a block of so many; nothing for an empty one.
pub(crate) fn captured(block: &[u8], at: usize, count: usize) -> Option<&[u8]> {
    if memchr::memchr_iter(b'|', block).count() + 1 != count {
        return None;
    }
    block.split(|&byte| byte == b'|').nth(at).filter(|value| !value.is_empty())
}

/// Gives the first address in `X-Forwarded-For`.
pub(crate) fn forwarded(text: &[u8]) -> Taken<Option<&[u8]>> {
    for part in text.split(|&byte| byte == b',') {
        let word = part.trim_ascii();
        if !part.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Declined); // what Python strips
        }
        if is_address(word) {
            return Ok(Some(word));
        }
        if word.iter().all(|&byte| byte.is_ascii_hexdigit() || b":.%".contains(&byte)) && !word.is_empty() {
            return Err(Declined);
        }
    }
    Ok(None)
}

/// Tells whether `HAProxy` printed nothing.
pub(crate) fn is_absent(raw: &[u8]) -> bool {
    matches!(raw, b"" | b"-" | b"\"\"")
}

/// Reads a number that is there and certain to fit.
pub(crate) fn count(raw: &[u8]) -> Taken<u64> {
    digits(raw, DIGITS_MAX)
}

fn digits(raw: &[u8], digits_max: usize) -> Taken<u64> {
    if raw.is_empty() || raw.len() > digits_max {
        return Err(Declined);
    }
    let mut number = 0;
    for byte in raw {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Declined);
        }
        number = number * 10 + u64::from(digit);
    }
    Ok(number)
}

/// Reads a total as nanoseconds.
pub(crate) fn nanoseconds(raw: &[u8]) -> Taken<Option<u64>> {
    if raw == b"-1" {
        return Ok(None);
    }
    digits(raw.strip_prefix(b"+").unwrap_or(raw), TOTAL_DIGITS_MAX).map(|ms| Some(ms * MS_NS))
}

pub(crate) fn hex(raw: &[u8]) -> Taken<u64> {
    if raw.len() > HEX_DIGITS_MAX {
        return Err(Declined);
    }
    let text = std::str::from_utf8(raw).map_err(|_| Declined)?;
    let number = u64::from_str_radix(text, 16).map_err(|_| Declined)?;
    if i64::try_from(number).is_ok() { Ok(number) } else { Err(Declined) }
}

/// Tells whether an address is an IP; what neither is nor is a known word is declined.
pub(crate) fn is_ip(raw: &[u8]) -> Taken<bool> {
    if matches!(raw, b"unix" | b"unknown") {
        return Ok(false);
    }
    if is_address(raw) { Ok(true) } else { Err(Declined) }
}

fn is_address(raw: &[u8]) -> bool {
    is_ipv4(raw) || std::str::from_utf8(raw).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// Tells whether this is an address in dotted decimals without leading zeros.
fn is_ipv4(raw: &[u8]) -> bool {
    let (mut dots, mut value, mut digits) = (0, 0, 0);
    for &byte in raw {
        if byte == b'.' && digits > 0 {
            (dots, value, digits) = (dots + 1, 0, 0);
        } else if byte.is_ascii_digit() && !(digits > 0 && value == 0) {
            (value, digits) = (value * 10 + u32::from(byte - b'0'), digits + 1);
            if value > 255 {
                return false;
            }
        } else {
            return false;
        }
    }
    dots == 3 && digits > 0
}

/// Gives what is left of the total, the last of them, when each phase was reached and ended.
pub(crate) fn rest<'a>(values: impl ExactSizeIterator<Item = &'a [u8]>) -> Taken<Option<u64>> {
    let (mut sum, phases) = (0, values.len() - 1);
    for (number, raw) in values.enumerate() {
        if is_absent(raw) || raw == b"-1" || (number == phases && raw.first() == Some(&b'+')) {
            return Ok(None);
        }
        let value = count(raw)?;
        if number == phases {
            return Ok(value.checked_sub(sum));
        }
        sum += value;
    }
    Ok(None)
}

/// Reads a status code, 0 where there is none.
pub(crate) fn status(raw: &[u8]) -> Taken<u64> {
    if is_absent(raw) || raw == b"-1" { Ok(0) } else { count(raw) }
}

/// Gives how it ended, where that is known.
pub(crate) fn outcome(status: Option<u64>, state: &[u8], errors: &[u8]) -> Option<&'static [u8]> {
    let failed = status.is_some_and(|status| status >= FAILURE_STATUS_MIN);
    if failed || state.first().is_some_and(|letter| errors.contains(letter)) {
        return Some(b"\"failure\"");
    }
    (status != Some(0)).then_some(b"\"success\"")
}

/// Splits `TLSv1.3` into protocol and version.
pub(crate) fn tls(raw: &[u8]) -> Option<(&'static [u8], &[u8])> {
    let (protocol, version): (&'static [u8], _) = match raw {
        [b'T', b'L', b'S', b'v', version @ ..] => (b"\"tls\"", version),
        [b'S', b'S', b'L', b'v', version @ ..] => (b"\"ssl\"", version),
        _ => return None,
    };
    let shaped = !version.is_empty() && version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    shaped.then_some((protocol, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_the_standard_library_takes_for_one() {
        let texts =
            "1.2.3.4 0.0.0.0 255.255.255.255 256.1.1.1 01.2.3.4 00.1.1.1 1.2.3 1.2.3.4.5 1..2.3 1.2.3. .1.2.3 1.2.3.4a";
        for text in texts.split(' ').chain(["", "::1", "1", "::ffff:1.2.3.4", "1.2.3.4 ", "1000.1.1.1", "1.2.3.+4"]) {
            assert_eq!(is_address(text.as_bytes()), text.parse::<std::net::IpAddr>().is_ok(), "{text}");
        }
    }
}
