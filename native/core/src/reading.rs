//! What a reader gives of a line: the values of its document, before they are written.

use std::ops::Range;

use crate::answers::Answer;
use crate::header::Header;
use crate::request::{self, Request};
use crate::values::{self, Read, Slot, is_absent};
use crate::{Declined, Taken, json};

/// What a document is written from.
pub(crate) struct Facts<'a> {
    pub raw: &'a [u8],
    pub spans: &'a [Range<usize>],
    pub header: Header<'a>,
    /// Whose lines these are, by number.
    pub source: (usize, usize),
    pub sender: &'a str,
    pub observer: &'a [u8],
    pub event_us: i64,
    pub received_us: i64,
    pub request: Request<'a>,
    /// What Python said of values, by their places.
    pub answers: &'a [(usize, &'a Answer<'a>)],
    /// No value of the line holds what JSON escapes, or what `HAProxy` does.
    pub plain: bool,
}

/// A value of the document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given<'a> {
    Absent,
    /// A string in which nothing is to be escaped.
    Plain(&'a [u8]),
    /// A string.
    Text(&'a [u8]),
    /// JSON as it stands.
    Json(&'a [u8]),
    Number(u64),
}

impl<'a> Facts<'a> {
    fn value(&self, place: usize) -> &'a [u8] {
        &self.raw[self.spans[place].clone()]
    }

    /// Gives text of the line.
    fn text(&self, text: &'a [u8]) -> Given<'a> {
        if self.plain { plain(text) } else { string(text) }
    }

    fn word(&self, raw: &'a [u8]) -> Given<'a> {
        if is_absent(raw) { Given::Absent } else { self.text(raw) }
    }

    /// Writes text of the line as a string.
    fn write(&self, text: &[u8], out: &mut Vec<u8>) {
        if self.plain {
            out.push(b'"');
            out.extend_from_slice(text);
            out.push(b'"');
        } else {
            json::string(out, text);
        }
    }

    /// Turns back what `HAProxy` escaped in captured headers.
    fn unescaped(&self, text: &'a [u8], scratch: &'a mut Vec<u8>) -> Taken<&'a [u8]> {
        if self.plain { Ok(text) } else { request::unescape(text, scratch) }
    }

    /// Gives what is added for a value.
    fn added(&self, place: usize, at: usize) -> &'a [u8] {
        let answer = self.answers.iter().find(|(of, _)| *of == place);
        answer.and_then(|(_, answer)| answer.added.get(at).copied()).unwrap_or_default()
    }
}

fn plain(text: &[u8]) -> Given<'_> {
    if text.is_empty() { Given::Absent } else { Given::Plain(text) }
}

fn string(text: &[u8]) -> Given<'_> {
    if text.is_empty() { Given::Absent } else { Given::Text(text) }
}

fn number<'a>(value: Option<u64>) -> Given<'a> {
    value.map_or(Given::Absent, Given::Number)
}

fn literal(text: Option<&[u8]>) -> Given<'_> {
    text.map_or(Given::Absent, Given::Json)
}

fn boolean<'a>(value: Option<bool>) -> Given<'a> {
    literal(value.map(|value| if value { &b"true"[..] } else { b"false" }))
}

/// Gives a number that is there; as it stands, where it stands as numbers are written.
fn count(raw: &[u8]) -> Taken<Given<'_>> {
    let value = values::count(raw)?;
    Ok(if raw[0] != b'0' || raw.len() == 1 { Given::Json(raw) } else { Given::Number(value) })
}

/// Counts the quotes of a line that holds nothing else that JSON escapes, or `HAProxy`; None of any other.
pub(crate) fn quotes(line: &[u8]) -> Option<usize> {
    let (blocks, rest) = line.as_chunks::<32>();
    blocks.iter().map(|block| quotes_of(block)).chain([quotes_of(rest)]).sum()
}

/// So few bytes that their quotes fit a byte.
#[inline]
fn quotes_of(bytes: &[u8]) -> Option<usize> {
    let (mut odd, mut count) = (0, 0_u8);
    for &byte in bytes {
        odd |= u8::from(!matches!(byte, b' '..=b'~')) | u8::from(byte == b'\\') | u8::from(byte == b'#');
        count += u8::from(byte == b'"');
    }
    (odd == 0).then_some(count.into())
}

/// Where values are put together that stand nowhere else.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    text: Vec<u8>,
    json: Vec<u8>,
}

impl Read {
    /// Reads the value of a line.
    pub fn give<'a>(&'a self, facts: &Facts<'a>, scratch: &'a mut Scratch) -> Taken<Given<'a>> {
        let value = |place: &usize| facts.value(*place);
        Ok(match self {
            Self::Digits { of, timer } => match value(of) {
                b"-1" if *timer => Given::Absent,
                [b'-', ..] => return Err(Declined),
                [b'+', digits @ ..] | digits => Given::Json(digits),
            },
            Self::Name(of) => facts.word(value(of).strip_suffix(b"~").unwrap_or(value(of))),
            Self::Ip(of) if is_absent(value(of)) => Given::Absent,
            Self::Ip(of) => plain(if values::is_ip(value(of))? { value(of) } else { b"" }),
            Self::Count(of) | Self::Hex(of) if is_absent(value(of)) => Given::Absent,
            Self::Hex(of) => Given::Number(values::hex(value(of))?),
            Self::Timer(of) | Self::Nanoseconds(of) if value(of) == b"-1" => Given::Absent,
            Self::Count(of) | Self::Timer(of) => count(value(of).strip_prefix(b"+").unwrap_or(value(of)))?,
            Self::Nanoseconds(of) => number(values::nanoseconds(value(of))?),
            Self::Rest(of) => number(values::rest(of.iter().map(value))?),
            Self::Status(of) => number(Some(values::status(value(of))?).filter(|&status| status > 0)),
            Self::Outcome { status, state, errors } => {
                let status = status.as_ref().map(|of| values::status(value(of))).transpose()?;
                literal(values::outcome(status, state.as_ref().map_or(b"", value), errors))
            }
            Self::Plus(of) => boolean(of.iter().any(|of| value(of).first() == Some(&b'+')).then_some(true)),
            Self::Tilde { frontend, error } => {
                let failed = match error {
                    Some(error) if !is_absent(value(error)) => values::count(value(error))? != 0,
                    _ => false,
                };
                boolean(Some(value(frontend).ends_with(b"~") && !failed))
            }
            Self::Flag { flag, version } => {
                let absent = is_absent(value(flag)) || version.as_ref().is_some_and(|of| is_absent(value(of)));
                boolean((!absent).then_some(value(flag) == b"1"))
            }
            Self::TlsVersion(of) => match values::tls(value(of)) {
                Some((_, version)) => plain(version),
                None => facts.word(value(of)),
            },
            Self::TlsProtocol(of) => literal(values::tls(value(of)).map(|(protocol, _)| protocol)),
            Self::Cipher(of) if value(of) == b"(NONE)" => Given::Absent,
            Self::Word(of) | Self::Cipher(of) => facts.word(value(of)),
            Self::Letter { of, at, names } => {
                plain(value(of).get(*at).map_or(b"", |&letter| &names[usize::from(letter)]))
            }
            Self::Ambiguous { request, response } => {
                boolean((!value(request).is_empty() && value(response).is_empty()).then_some(true))
            }
            Self::Added { of, at } => match facts.added(*of, *at) {
                b"" => Given::Absent,
                added => Given::Json(added),
            },
            Self::Captures(_) | Self::Headers(..) | Self::Labels { .. } => return self.composed(facts, scratch),
            Self::Header(slot)
            | Self::ClientAddress(slot)
            | Self::ClientIp(slot)
            | Self::HostDomain(slot)
            | Self::HostPort(slot) => return self.of_captured(*slot, facts, scratch),
            _ => self.of_syslog_or_request(facts, scratch)?,
        })
    }

    /// Gives what stands before the message, and what the request line says.
    fn of_syslog_or_request<'a>(&self, facts: &Facts<'a>, scratch: &'a mut Scratch) -> Taken<Given<'a>> {
        let (header, request) = (&facts.header, &facts.request);
        Ok(match self {
            Self::Original => string(facts.raw), // quotes and all
            Self::Priority => number(header.priority),
            Self::Facility => number(header.priority.map(|priority| priority >> 3)),
            Self::Severity => number(header.priority.map(|priority| priority & 7)),
            Self::Tag => facts.text(header.tag),
            Self::Process => plain(header.process),
            Self::ProcessNumber if header.process.is_empty() => Given::Absent,
            Self::ProcessNumber => count(header.process)?,
            Self::Sender => string(facts.sender.as_bytes()),
            Self::Observer if header.hostname.is_empty() => string(facts.observer),
            Self::Hostname | Self::Observer => facts.text(header.hostname),
            Self::RawRequest => plain(request.raw),
            Self::Method => plain(request.method),
            Self::Version => plain(request.version),
            Self::Url => facts.text(request.uri),
            Self::Scheme if request.scheme.is_empty() => Given::Absent,
            Self::Scheme => {
                scratch.text.clear();
                scratch.text.extend(request.scheme.iter().map(u8::to_ascii_lowercase));
                plain(&scratch.text)
            }
            Self::Domain => plain(request.domain),
            Self::UrlPort => number(request.port),
            Self::Path => facts.text(request.path),
            Self::Pattern => facts.text(request::pattern(request.path, &mut scratch.text)),
            Self::Query => match request.query {
                Some(b"") => Given::Plain(b""),
                query => facts.text(query.unwrap_or_default()),
            },
            _ => return Err(Declined),
        })
    }

    /// Gives what a captured header says; the URL's own host goes before that of a header.
    fn of_captured<'a>(&self, slot: Slot, facts: &Facts<'a>, scratch: &'a mut Scratch) -> Taken<Given<'a>> {
        match self {
            Self::HostDomain(_) if !facts.request.domain.is_empty() => return Ok(plain(facts.request.domain)),
            Self::HostPort(_) if facts.request.port.is_some() => return Ok(number(facts.request.port)),
            _ => {}
        }
        let Some(found) = slot.value(|of| facts.value(of)) else { return Ok(Given::Absent) };
        let found = facts.unescaped(found, &mut scratch.text)?;
        Ok(match self {
            Self::ClientIp(_) => plain(values::forwarded(found)?.unwrap_or_default()),
            Self::HostDomain(_) => plain(request::host_and_port(found)?.0),
            Self::HostPort(_) => number(request::host_and_port(found)?.1),
            _ => facts.text(found),
        })
    }

    /// Gives lists and objects.
    fn composed<'a>(&'a self, facts: &Facts<'a>, scratch: &'a mut Scratch) -> Taken<Given<'a>> {
        let value = |place: usize| facts.value(place);
        let Scratch { text, json: out } = scratch;
        out.clear();
        out.push(if matches!(self, Self::Captures(_)) { b'[' } else { b'{' });
        match self {
            Self::Captures(side) => {
                let Some(block) = side.block(value) else { return Ok(Given::Absent) };
                for each in block.split(|&byte| byte == b'|') {
                    facts.write(facts.unescaped(each, text)?, out);
                    out.push(b',');
                }
            }
            Self::Headers(side, count, keys) => {
                let Some(block) = side.block(value) else { return Ok(Given::Absent) };
                for (key, at) in keys {
                    if let Some(each) = values::captured(block, *at, *count) {
                        out.extend_from_slice(key);
                        facts.write(facts.unescaped(each, text)?, out);
                        out.push(b',');
                    }
                }
            }
            Self::Labels { configured, own } => {
                out.extend_from_slice(configured);
                if !configured.is_empty() {
                    out.push(b',');
                }
                for (key, place) in own.iter().filter(|(_, place)| !is_absent(value(*place))) {
                    out.extend_from_slice(key);
                    facts.write(value(*place), out);
                    out.push(b',');
                }
            }
            _ => return Err(Declined),
        }
        if out.len() == 1 {
            return Ok(Given::Absent);
        }
        out.pop();
        out.push(if out[0] == b'[' { b']' } else { b'}' });
        Ok(Given::Json(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_looked_at_whole() {
        assert_eq!(quotes(&[b'"'; 65]), Some(65));
        assert_eq!(quotes(b""), Some(0));
        for odd in [0x1f, 0x7f, 0x80, b'\\', b'#'] {
            for at in [0, 31, 32, 33] {
                let mut line = [b'a'; 34];
                line[at] = odd;
                assert_eq!(quotes(&line), None, "{odd} at {at}");
            }
        }
    }
}
