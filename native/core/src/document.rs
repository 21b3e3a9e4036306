//! The document of a format as a program: texts, objects and values, in the order of the record.
//!
//! 1. A member ends in a comma. An object takes its last one off when it is closed.
//! 2. An object that cannot be empty is a text; any other is left out when nothing was written in it.
//! 3. What hangs on the header and the sender alone is written once, and copied while they stay the same.

use std::ops::Range;

use crate::answers::Answer;
use crate::header::Header;
use crate::plan::{Node, PlanError};
use crate::request::{self, Request};
use crate::time::Writer;
use crate::values::{self, Read, is_absent};
use crate::{Taken, json};

#[derive(Debug)]
enum Op {
    Text(Fixed),
    /// Opens an object that may stay empty.
    Open(Fixed),
    Close,
    /// Closes an object that is not empty.
    End,
    Member(Fixed, Read),
    /// What is the same for all lines of one header and sender.
    Surroundings(Vec<Op>),
}

/// A text of the program. A short one is written as a whole block and then cut: that is a few moves, and no call.
#[derive(Debug)]
struct Fixed {
    text: Vec<u8>,
    block: Option<[u8; BLOCK_BYTES]>,
}

/// Most keys are shorter.
const BLOCK_BYTES: usize = 32;

impl Fixed {
    fn new(text: Vec<u8>) -> Self {
        let mut block = [0; BLOCK_BYTES];
        let place = block.get_mut(..text.len()).map(|place| place.copy_from_slice(&text));
        Self { block: place.map(|()| block), text }
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Some(block) = &self.block {
            let end = out.len() + self.text.len();
            out.extend_from_slice(block);
            out.truncate(end);
        } else {
            out.extend_from_slice(&self.text);
        }
    }
}

/// The compiled document of one format.
#[derive(Debug)]
pub(crate) struct Document {
    ops: Vec<Op>,
    /// Among the documents of one engine.
    number: usize,
}

/// What a document is written from.
pub(crate) struct Facts<'a> {
    pub raw: &'a [u8],
    pub spans: &'a [Range<usize>],
    pub header: Header<'a>,
    pub sender: &'a str,
    pub observer: &'a [u8],
    pub event_us: i64,
    pub received_us: i64,
    pub request: Request<'a>,
    /// What Python said of values, by their places.
    pub answers: &'a [(usize, &'a Answer<'a>)],
}

impl<'a> Facts<'a> {
    fn value(&self, place: usize) -> &'a [u8] {
        &self.raw[self.spans[place].clone()]
    }

    /// Gives what is added for a value.
    fn added(&self, place: usize, at: usize) -> &'a [u8] {
        let answer = self.answers.iter().find(|(of, _)| *of == place);
        answer.and_then(|(_, answer)| answer.added.get(at).copied()).unwrap_or_default()
    }

    /// Gives what surroundings hang on, beside the priority.
    fn words(&self) -> [&'a [u8]; 5] {
        let Header { hostname, tag, process, .. } = self.header;
        [hostname, tag, process, self.sender.as_bytes(), self.observer]
    }
}

/// What is used again from line to line.
#[derive(Debug, Default)]
pub(crate) struct Pens {
    pub event: Writer,
    pub received: Writer,
    scratch: Vec<u8>,
    opened: Vec<(usize, usize)>,
    known: Surroundings,
}

/// The last surroundings, as text.
#[derive(Debug, Default)]
struct Surroundings {
    /// Of which document, and from which priority.
    of: Option<(usize, Option<u64>)>,
    /// From which words.
    words: Vec<Box<[u8]>>,
    text: Vec<u8>,
}

impl Surroundings {
    fn is_of(&self, number: usize, facts: &Facts) -> bool {
        self.of == Some((number, facts.header.priority))
            && self.words.iter().zip(facts.words()).all(|(known, word)| known.iter().eq(word)) // words are short
    }
}

impl Document {
    pub fn compile(
        members: &[(String, Node)],
        number: usize,
        place: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self, PlanError> {
        let mut document = Self { ops: vec![Op::Text(Fixed::new(b"{".into()))], number };
        for same in members.chunk_by(|(_, one), (_, next)| is_of_surroundings(one) == is_of_surroundings(next)) {
            if same.iter().any(|(_, node)| is_of_surroundings(node)) {
                let mut surroundings = Self { ops: Vec::new(), number };
                surroundings.members(same, &place)?;
                document.ops.push(Op::Surroundings(surroundings.ops));
            } else {
                document.members(same, &place)?;
            }
        }
        Ok(document)
    }

    fn members(&mut self, members: &[(String, Node)], place: &impl Fn(&str) -> Option<usize>) -> Result<(), PlanError> {
        for (key, node) in members {
            let opening = format!("\"{key}\":").into_bytes();
            match node {
                Node::Object(children) => {
                    let full = children.iter().any(|(_, node)| is_certain(node));
                    let opening = [&opening[..], b"{"].concat();
                    if full {
                        self.text(&opening);
                    } else {
                        self.ops.push(Op::Open(Fixed::new(opening)));
                    }
                    self.members(children, place)?;
                    self.ops.push(if full { Op::End } else { Op::Close });
                }
                Node::Value(value) if value.read == "constant" => {
                    self.text(&[&opening[..], value.json.as_bytes(), b","].concat());
                }
                Node::Value(value) => {
                    let places: Option<Vec<usize>> = value.of.iter().map(|alias| place(alias)).collect();
                    let places = places.ok_or_else(|| PlanError(format!("{key:?} reads what is not in the format")))?;
                    self.ops.push(Op::Member(Fixed::new(opening), Read::named(value, &places)?));
                }
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &[u8]) {
        match self.ops.last_mut() {
            Some(Op::Text(last)) => *last = Fixed::new([&last.text, text].concat()),
            _ => self.ops.push(Op::Text(Fixed::new(text.into()))),
        }
    }

    /// Writes the document; where it is declined, a part of it may have been written.
    pub fn write(&self, out: &mut Vec<u8>, facts: &Facts, pens: &mut Pens) -> Taken<()> {
        pens.opened.clear();
        for op in &self.ops {
            match op {
                Op::Surroundings(ops) => self.surroundings(ops, out, facts, pens)?,
                op => op.write(out, facts, pens)?,
            }
        }
        out.pop();
        out.push(b'}');
        Ok(())
    }

    fn surroundings(&self, ops: &[Op], out: &mut Vec<u8>, facts: &Facts, pens: &mut Pens) -> Taken<()> {
        if !pens.known.is_of(self.number, facts) {
            pens.known.of = None;
            let start = out.len();
            ops.iter().try_for_each(|op| op.write(out, facts, pens))?;
            pens.known.text = out.split_off(start);
            pens.known.words = facts.words().map(Box::from).into();
            pens.known.of = Some((self.number, facts.header.priority));
        }
        out.extend_from_slice(&pens.known.text);
        Ok(())
    }
}

impl Op {
    fn write(&self, out: &mut Vec<u8>, facts: &Facts, pens: &mut Pens) -> Taken<()> {
        match self {
            Self::Text(text) => text.write(out),
            Self::Open(text) => {
                let start = out.len();
                text.write(out);
                pens.opened.push((start, out.len()));
            }
            Self::Close => {
                let (start, inside) = pens.opened.pop().unwrap_or_default();
                if out.len() == inside { out.truncate(start) } else { end(out) }
            }
            Self::End => end(out),
            Self::Member(opening, read) => {
                let start = out.len();
                opening.write(out);
                if member(out, read, facts, pens)? { out.push(b',') } else { out.truncate(start) }
            }
            Self::Surroundings(ops) => ops.iter().try_for_each(|op| op.write(out, facts, pens))?,
        }
        Ok(())
    }
}

/// Tells what hangs on the header and the sender, and on nothing else of the line.
fn is_of_surroundings(node: &Node) -> bool {
    const READ: [&str; 9] =
        ["priority", "facility", "severity", "hostname", "tag", "process", "process_number", "sender", "observer"];
    match node {
        Node::Object(children) => {
            children.iter().all(|(_, node)| is_certain(node) || is_of_surroundings(node))
                && children.iter().any(|(_, node)| is_of_surroundings(node))
        }
        Node::Value(value) => READ.contains(&value.read.as_str()),
    }
}

fn is_certain(node: &Node) -> bool {
    match node {
        Node::Object(children) => children.iter().any(|(_, node)| is_certain(node)),
        Node::Value(value) => value.read == "constant",
    }
}

fn end(out: &mut Vec<u8>) {
    if let Some(last) = out.last_mut() {
        *last = b'}';
    }
    out.push(b',');
}

fn text(out: &mut Vec<u8>, text: &[u8]) -> bool {
    if !text.is_empty() {
        json::string(out, text);
    }
    !text.is_empty()
}

/// Writes what needs no escape.
fn plain(out: &mut Vec<u8>, text: &[u8]) -> bool {
    if !text.is_empty() {
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
    }
    !text.is_empty()
}

fn number(out: &mut Vec<u8>, value: Option<u64>) -> bool {
    if let Some(value) = value {
        json::number(out, value);
    }
    value.is_some()
}

/// Writes a number that is there; as it stands, where it stands as numbers are written.
fn count(out: &mut Vec<u8>, raw: &[u8]) -> Taken<bool> {
    let value = values::count(raw)?;
    if raw[0] != b'0' || raw.len() == 1 {
        out.extend_from_slice(raw);
    } else {
        json::number(out, value);
    }
    Ok(true)
}

fn literal(out: &mut Vec<u8>, text: Option<&[u8]>) -> bool {
    out.extend_from_slice(text.unwrap_or_default());
    text.is_some()
}

fn boolean(out: &mut Vec<u8>, value: Option<bool>) -> bool {
    literal(out, value.map(|value| if value { &b"true"[..] } else { b"false" }))
}

/// Writes a value; false where it is absent.
fn member(out: &mut Vec<u8>, read: &Read, facts: &Facts, pens: &mut Pens) -> Taken<bool> {
    let header = &facts.header;
    Ok(match read {
        Read::Timestamp => time(out, &mut pens.event, facts.event_us),
        Read::Created => time(out, &mut pens.received, facts.received_us),
        Read::Original => text(out, facts.raw),
        Read::Priority => number(out, header.priority),
        Read::Facility => number(out, header.priority.map(|priority| priority >> 3)),
        Read::Severity => number(out, header.priority.map(|priority| priority & 7)),
        Read::Hostname => text(out, header.hostname),
        Read::Tag => text(out, header.tag),
        Read::Process => plain(out, header.process),
        Read::ProcessNumber if header.process.is_empty() => false,
        Read::ProcessNumber => count(out, header.process)?,
        Read::Sender => text(out, facts.sender.as_bytes()),
        Read::Observer => text(out, if header.hostname.is_empty() { facts.observer } else { header.hostname }),
        _ => return of_line(out, read, facts, pens),
    })
}

fn time(out: &mut Vec<u8>, pen: &mut Writer, us: i64) -> bool {
    out.push(b'"');
    pen.write(out, us);
    out.push(b'"');
    true
}

fn of_line(out: &mut Vec<u8>, read: &Read, facts: &Facts, pens: &mut Pens) -> Taken<bool> {
    let value = |place: &usize| facts.value(*place);
    Ok(match read {
        Read::Word(of) => word(out, value(of)),
        Read::Name(of) => word(out, value(of).strip_suffix(b"~").unwrap_or(value(of))),
        Read::Ip(of) if is_absent(value(of)) => false,
        Read::Ip(of) => values::is_ip(value(of))? && plain(out, value(of)),
        Read::Count(of) if is_absent(value(of)) => false,
        Read::Hex(of) if is_absent(value(of)) => false,
        Read::Hex(of) => number(out, Some(values::hex(value(of))?)),
        Read::Timer(of) | Read::Nanoseconds(of) if value(of) == b"-1" => false,
        Read::Count(of) | Read::Timer(of) => count(out, value(of).strip_prefix(b"+").unwrap_or(value(of)))?,
        Read::Nanoseconds(of) => number(out, values::nanoseconds(value(of))?),
        Read::Rest(of) => number(out, values::rest(of.iter().map(value))?),
        Read::Status(of) => number(out, Some(values::status(value(of))?).filter(|&status| status > 0)),
        Read::Outcome { status, state, errors } => {
            let status = status.as_ref().map(|of| values::status(value(of))).transpose()?;
            literal(out, values::outcome(status, state.as_ref().map_or(b"", value), errors))
        }
        Read::Plus(of) => boolean(out, of.iter().any(|of| value(of).first() == Some(&b'+')).then_some(true)),
        Read::Tilde { frontend, error } => {
            let failed = match error {
                Some(error) if !is_absent(value(error)) => values::count(value(error))? != 0,
                _ => false,
            };
            boolean(out, Some(value(frontend).ends_with(b"~") && !failed))
        }
        Read::Flag { flag, version } => {
            let absent = is_absent(value(flag)) || version.as_ref().is_some_and(|of| is_absent(value(of)));
            boolean(out, (!absent).then_some(value(flag) == b"1"))
        }
        Read::TlsVersion(of) => match values::tls(value(of)) {
            Some((_, version)) => plain(out, version),
            None => word(out, value(of)),
        },
        Read::TlsProtocol(of) => literal(out, values::tls(value(of)).map(|(protocol, _)| protocol)),
        Read::Cipher(of) => value(of) != b"(NONE)" && word(out, value(of)),
        Read::Letter { of, at, names } => {
            plain(out, value(of).get(*at).and_then(|letter| names.get(letter)).map_or(b"", |name| name))
        }
        Read::Captures(side) => match side.block(|of| value(&of)) {
            Some(block) => values::captures(out, block, &mut pens.scratch).map(|()| true)?,
            None => false,
        },
        Read::Ambiguous { request, response } => {
            boolean(out, (!value(request).is_empty() && value(response).is_empty()).then_some(true))
        }
        Read::Labels { configured, own } => labels(out, configured, own.iter().map(|(key, of)| (key, value(of)))),
        Read::Added { of, at } => {
            let added = facts.added(*of, *at);
            literal(out, (!added.is_empty()).then_some(added))
        }
        Read::Header(_)
        | Read::Headers(..)
        | Read::ClientAddress(_)
        | Read::ClientIp(_)
        | Read::HostDomain(_)
        | Read::HostPort(_) => return of_headers(out, read, facts, &mut pens.scratch),
        _ => of_request(out, read, &facts.request, &mut pens.scratch),
    })
}

/// Writes what captured headers give; the URL's own host goes before that of a header.
fn of_headers(out: &mut Vec<u8>, read: &Read, facts: &Facts, scratch: &mut Vec<u8>) -> Taken<bool> {
    let value = |of: usize| facts.value(of);
    let found = match read {
        Read::Headers(side, count, keys) => return headers(out, side.block(value), *count, keys, scratch),
        Read::HostDomain(_) if !facts.request.domain.is_empty() => return Ok(plain(out, facts.request.domain)),
        Read::HostPort(_) if facts.request.port.is_some() => return Ok(number(out, facts.request.port)),
        Read::Header(slot)
        | Read::ClientAddress(slot)
        | Read::ClientIp(slot)
        | Read::HostDomain(slot)
        | Read::HostPort(slot) => slot.value(value),
        _ => None,
    };
    let Some(found) = found else { return Ok(false) };
    let found = request::unescape(found, scratch)?;
    Ok(match read {
        Read::ClientIp(_) => plain(out, values::forwarded(found)?.unwrap_or_default()),
        Read::HostDomain(_) => plain(out, request::host_and_port(found)?.0),
        Read::HostPort(_) => number(out, request::host_and_port(found)?.1),
        _ => text(out, found),
    })
}

/// Writes the labels of the configuration, and the values that have no field of their own.
fn labels<'a>(out: &mut Vec<u8>, configured: &[u8], own: impl Iterator<Item = (&'a Box<[u8]>, &'a [u8])>) -> bool {
    out.push(b'{');
    let start = out.len();
    out.extend_from_slice(configured);
    if !configured.is_empty() {
        out.push(b',');
    }
    for (key, value) in own.filter(|(_, value)| !is_absent(value)) {
        out.extend_from_slice(key);
        json::string(out, value);
        out.push(b',');
    }
    if out.len() == start {
        return false;
    }
    if let Some(last) = out.last_mut() {
        *last = b'}';
    }
    true
}

/// Writes the headers that have no field of their own.
fn headers(
    out: &mut Vec<u8>,
    block: Option<&[u8]>,
    count: usize,
    keys: &[(Box<[u8]>, usize)],
    scratch: &mut Vec<u8>,
) -> Taken<bool> {
    let Some(block) = block else { return Ok(false) };
    let start = out.len();
    out.push(b'{');
    for (key, at) in keys {
        if let Some(value) = values::captured(block, *at, count) {
            out.extend_from_slice(key);
            json::string(out, request::unescape(value, scratch)?);
            out.push(b',');
        }
    }
    let any = out.len() > start + 1;
    if any {
        if let Some(last) = out.last_mut() {
            *last = b'}';
        }
    } else {
        out.truncate(start);
    }
    Ok(any)
}

fn word(out: &mut Vec<u8>, raw: &[u8]) -> bool {
    !is_absent(raw) && text(out, raw)
}

fn of_request(out: &mut Vec<u8>, read: &Read, request: &Request, scratch: &mut Vec<u8>) -> bool {
    match read {
        Read::RawRequest => plain(out, request.raw),
        Read::Method => plain(out, request.method),
        Read::Version => plain(out, request.version),
        Read::Url => text(out, request.uri),
        Read::Scheme => {
            let lower = request.scheme.to_ascii_lowercase();
            plain(out, &lower)
        }
        Read::Domain => plain(out, request.domain),
        Read::UrlPort => number(out, request.port),
        Read::Path => text(out, request.path),
        Read::Pattern if request.path.is_empty() => false,
        Read::Pattern => {
            request::write_pattern(out, request.path, scratch);
            true
        }
        Read::Query => {
            if let Some(query) = request.query {
                json::string(out, query);
            }
            request.query.is_some()
        }
        _ => false,
    }
}
