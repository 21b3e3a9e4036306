//! A batch on its way: entries become bulk items.

use std::collections::HashMap;
use std::sync::Arc;

use crate::answers::{Answer, Answers, Asked, Rewritten};
use crate::document::{Document, Pens};
use crate::header::Header;
use crate::line::{Front, Spans, Steps};
use crate::plan::{self, Plan, PlanError, Times};
use crate::reading::{self, Facts};
use crate::request::Request;
use crate::room::Room;
use crate::time::{self, DAY_US, Dates, Interval, MS_US, Moments, SECOND_US, Wall, Zone};
use crate::{Declined, Taken, values};

const LINE_HEADER_BYTES: usize = 12;
const SEGMENT_ID_BYTES: usize = 12;
const NO_FORMAT: u16 = u16::MAX;

/// Where the lines of an entry came from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The number of its zone, by `Engine::zone`.
    pub zone: usize,
    /// What stands in `log.source.address`.
    pub sender: String,
    /// Where the sender is the observer when the header names none.
    pub is_observer: bool,
    /// Its lines are left to Python.
    pub is_odd: bool,
}

/// One entry of the journal (`shipper/journal/entry.py`).
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The 12 bytes of the segment's id.
    pub segment: &'a [u8],
    /// Microseconds since 1970; the lines' own times are relative to it.
    pub received_us: i64,
    /// Of each line length, microseconds, origin and flags, little endian: 4, 4, 2 and 2 bytes.
    pub table: &'a [u8],
    /// The lines back to back.
    pub data: &'a [u8],
    /// Where `data` begins in the segment's file.
    pub data_offset: u64,
    /// By the numbers in the table.
    pub origins: Vec<Origin>,
}

/// A line of an entry, as its table has it.
struct Listed<'a> {
    /// Where it begins in the entry's data.
    start: usize,
    delta_us: u32,
    origin: usize,
    /// Absent where there is nothing to be read here: an odd line, an odd origin.
    raw: Option<&'a [u8]>,
}

impl<'a> Entry<'a> {
    fn lines(&self) -> impl Iterator<Item = Listed<'a>> {
        let mut end = 0;
        self.table.chunks_exact(LINE_HEADER_BYTES).map(move |header| {
            let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
            let delta_us = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
            let origin = usize::from(u16::from_le_bytes([header[8], header[9]]));
            let flags = u16::from_le_bytes([header[10], header[11]]);
            let start = end;
            end += length;
            let is_usual = flags == 0 && self.origins.get(origin).is_some_and(|known| !known.is_odd);
            Listed { start, delta_us, origin, raw: self.data.get(start..end).filter(|_| is_usual) }
        })
    }
}

struct Format {
    steps: Steps,
    doubts: Vec<(usize, Front)>,
    front: Front,
    proven: bool,
    date: usize,
    total: Option<usize>,
    request: Option<usize>,
    /// How many quotes stand between its values.
    quotes: usize,
    tags: Vec<Box<[u8]>>,
    /// The number of the only document, or those by the value that names the frontend.
    document: Choice,
}

enum Choice {
    Only(usize),
    ByFrontend(usize, HashMap<Box<[u8]>, usize>),
}

/// Executes one plan. Holds no state of lines; what it learns of zones is all that changes.
pub struct Engine {
    formats: Vec<Format>,
    documents: Vec<Document>,
    /// Of each document, the places of values of which Python is asked, rising, and the numbers of the questions.
    asked: Vec<Vec<(usize, usize)>>,
    times: Times,
    zones: Vec<Zone>,
    names: HashMap<String, usize>,
}

/// One bulk item: a line's action and document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub number: u32,
    format: u16,
    pub day: i32,
    pub start: usize,
    pub end: usize,
}

/// The items of a batch, and what is left to do.
#[derive(Debug, Default)]
pub struct Encoding {
    /// The items back to back.
    pub content: Arc<Room>,
    pub(crate) items: Vec<Item>,
    /// The numbers of the lines that are left to Python.
    pub declined: Vec<u32>,
    /// Zones and years of which nothing is known yet.
    pub unknown: Vec<(usize, i64)>,
    /// Of each entry's origins, the last line that is off by whole quarters of an hour.
    pub skews: Vec<Skew>,
}

/// A line that is off by whole quarters of an hour between its end and its receipt: a wrong zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// The line.
    pub number: u32,
    /// The entry's number in the batch.
    pub entry: usize,
    /// The origin's number in the entry.
    pub origin: usize,
    /// In microseconds.
    pub us: i64,
}

impl Engine {
    /// Makes an engine of a plan in JSON.
    ///
    /// # Errors
    /// The plan is none, or asks for what this engine does not know.
    pub fn new(plan: &[u8]) -> Result<Self, PlanError> {
        let plan: Plan = serde_json::from_slice(plan).map_err(|error| PlanError(error.to_string()))?;
        if plan.version != plan::VERSION {
            return Err(PlanError(format!("plan {} is not {}", plan.version, plan::VERSION)));
        }
        let (mut documents, mut asked) = (Vec::new(), Vec::new());
        let formats = plan.formats.iter().map(|format| Format::compile(format, &mut documents, &mut asked));
        let formats = formats.collect::<Result<_, _>>()?;
        let mut questions = 0..;
        let asked = asked.into_iter().map(|places: Vec<usize>| places.into_iter().zip(questions.by_ref()).collect());
        let asked = asked.collect();
        Ok(Self { formats, documents, asked, times: plan.times, zones: Vec::new(), names: HashMap::new() })
    }

    /// Gives the number of a zone.
    pub fn zone(&mut self, name: &str) -> usize {
        if let Some(&number) = self.names.get(name) {
            return number;
        }
        self.zones.push(Zone::new());
        self.names.insert(name.to_owned(), self.zones.len() - 1);
        self.zones.len() - 1
    }

    /// Takes in which offsets are certain in a year, in their order.
    pub fn learn(&mut self, zone: usize, year: i64, intervals: Vec<Interval>) {
        if let Some(zone) = self.zones.get_mut(zone) {
            zone.insert(year, intervals);
        }
    }

    /// Gives the distinct values of which Python is asked, by the question: the values of `asked` in the plan's order.
    #[must_use]
    pub fn ask<'a>(&self, entries: &[Entry<'a>]) -> Vec<Vec<&'a [u8]>> {
        let mut asked: Vec<Asked> = self.asked.iter().flatten().map(|_| Asked::default()).collect();
        let (mut spans, mut moments) = (Spans::new(), Moments::default());
        for raw in entries.iter().flat_map(Entry::lines).filter_map(|line| line.raw) {
            let Ok(header) = Header::read(raw, &mut moments) else { continue };
            let mut formats = self.formats.iter();
            let Some(number) = formats.find_map(|format| format.read(raw, &header, &mut spans)) else { continue };
            for &(place, question) in &self.asked[number] {
                if !spans[place].is_empty() {
                    asked[question].add(&raw[spans[place].clone()]);
                }
            }
        }
        asked.into_iter().map(|asked| asked.values).collect()
    }

    /// Encodes all lines whose meaning is certain. `answers` are those to what `ask` gave, by the question.
    #[must_use]
    pub fn encode<'e>(&'e self, entries: &'e [Entry<'e>], answers: &'e [Answers<'e>]) -> Encoding {
        let lines: usize = entries.iter().map(|entry| entry.table.len() / LINE_HEADER_BYTES).sum();
        let bytes: usize = entries.iter().map(|entry| entry.data.len()).sum();
        let mut work = Work {
            engine: self,
            answers,
            content: Room::new(bytes * 4 + lines * 512),
            encoding: Encoding { items: Vec::with_capacity(lines), ..Encoding::default() },
            spans: Spans::new(),
            pens: Pens::default(),
            dates: Dates::default(),
            moments: Moments::default(),
            scratch: Vec::new(),
            rewritten: Rewritten::default(),
            certain: None,
            header: None,
        };
        let mut number = 0;
        for (place, entry) in entries.iter().enumerate() {
            number = work.entry(place, entry, number);
        }
        Encoding { content: Arc::new(work.content), ..work.encoding }
    }
}

impl Format {
    /// Compiles a format; its documents, and the places of what is asked for each, come behind those that there are.
    fn compile(
        format: &plan::Format,
        documents: &mut Vec<Document>,
        asked: &mut Vec<Vec<usize>>,
    ) -> Result<Self, PlanError> {
        let aliases: Vec<&str> = format
            .steps
            .iter()
            .filter_map(|step| match step {
                plan::Step::Field { alias, .. } | plan::Step::Word { alias, .. } | plan::Step::Text { alias, .. } => {
                    Some(alias.as_str())
                }
                _ => None,
            })
            .collect();
        let place = |alias: &str| aliases.iter().position(|each| *each == alias);
        let needed = |alias: &str| place(alias).ok_or_else(|| PlanError(format!("a format has no {alias}")));
        let first = documents.len();
        let steps = Steps::compile(&format.steps)?;
        if format.documents.len() != format.asked.len() {
            return Err(PlanError("a format has documents of which it is not said what is asked".into()));
        }
        for (document, aliases) in format.documents.iter().zip(&format.asked) {
            let places: Vec<usize> = aliases.iter().map(|alias| needed(alias)).collect::<Result<_, _>>()?;
            let is_kept = |place: &usize| !places.contains(place); // what Python puts in its place may be anything
            let kind = |place: usize| Some(place).filter(is_kept).and_then(|place| steps.kind(place));
            documents.push(Document::compile(document, documents.len(), place, kind)?);
            asked.push(places);
        }
        let numbers = format.frontends.iter().map(|(name, number)| (name.as_bytes().into(), first + number));
        let document = match &format.frontend {
            Some(alias) => Choice::ByFrontend(needed(alias)?, numbers.collect()),
            None => Choice::Only(first),
        };
        let doubts = format.doubts.iter().map(|doubt| Ok((needed(&doubt.after)?, Front::compile(&doubt.front)?)));
        Ok(Self {
            quotes: steps.quotes(),
            steps,
            doubts: doubts.collect::<Result<_, PlanError>>()?,
            front: Front::compile(&format.front)?,
            proven: format.proven,
            date: needed(&format.date)?,
            total: format.total.as_deref().map(needed).transpose()?,
            request: place("r"),
            tags: format.tags.iter().map(|tag| tag.as_bytes().into()).collect(),
            document,
        })
    }

    /// Reads a line of this format; gives the number of its document.
    fn read(&self, raw: &[u8], header: &Header, spans: &mut Spans) -> Option<usize> {
        if !self.is_for(header) || !self.steps.read(raw, header.end, spans) {
            return None;
        }
        match &self.document {
            Choice::Only(number) => Some(*number),
            Choice::ByFrontend(place, numbers) => numbers.get(frontend(&raw[spans[*place].clone()])).copied(),
        }
    }

    fn is_for(&self, header: &Header) -> bool {
        self.tags.is_empty() || self.tags.iter().any(|tag| **tag == *header.tag)
    }

    /// Tells whether a line that was read by the steps may have another reading.
    fn is_doubtful(&self, raw: &[u8], spans: &Spans) -> bool {
        self.doubts.iter().any(|(place, front)| front.may_come(raw, spans[*place].end))
    }

    /// Tells whether a line may be of this format, although it was not read by the steps.
    fn may_have(&self, raw: &[u8], header: &Header) -> bool {
        let is_for = |name: &[u8]| match &self.document {
            Choice::Only(_) => true,
            Choice::ByFrontend(_, numbers) => numbers.contains_key(frontend(name)),
        };
        self.is_for(header) && self.front.may_stand(raw, header.end, is_for)
    }
}

/// One batch.
struct Work<'e> {
    engine: &'e Engine,
    answers: &'e [Answers<'e>],
    content: Room,
    encoding: Encoding,
    spans: Spans,
    pens: Pens,
    dates: Dates,
    moments: Moments,
    scratch: Vec<u8>,
    rewritten: Rewritten,
    /// The interval of the last line, and its zone.
    certain: Option<(usize, Interval)>,
    /// The header of the last line, and its text.
    header: Option<(&'e [u8], Header<'e>)>,
}

/// A line and what is known of it.
struct Line<'a> {
    raw: &'a [u8],
    origin: &'a Origin,
    received_us: i64,
    place: Skew,
}

impl<'e> Work<'e> {
    /// Encodes the lines of one entry, from `number`; gives the number of the line behind it.
    fn entry(&mut self, place: usize, entry: &'e Entry, mut number: u32) -> u32 {
        let mut prefix = [0; 16];
        base64(entry.segment, &mut prefix);
        for Listed { start, delta_us, origin, raw } in entry.lines() {
            let before = self.content.len();
            let taken = raw.ok_or(Declined).and_then(|raw| {
                let received_us = entry.received_us + i64::from(delta_us);
                let place = Skew { number, entry: place, origin, us: 0 };
                let line = Line { raw, origin: &entry.origins[origin], received_us, place };
                self.action(&prefix, entry.data_offset + start as u64).and_then(|()| self.line(&line))
            });
            if let Ok((format, day)) = taken {
                self.content.push(b'\n');
                let end = self.content.len();
                self.encoding.items.push(Item { number, format, day, start: before, end });
            } else {
                self.content.truncate(before);
                self.encoding.declined.push(number);
            }
            number += 1;
        }
        number
    }

    fn action(&mut self, prefix: &[u8; 16], offset: u64) -> Taken<()> {
        let offset = u32::try_from(offset).map_err(|_| Declined)?;
        let mut tail = [0; 8];
        let [a, b, c, d] = offset.to_be_bytes();
        base64(&[a, b, c, d, 0, 0], &mut tail);
        let content = &mut self.content;
        content.extend_from_slice(b"{\"create\":{\"_id\":\"");
        content.extend_from_slice(prefix);
        content.extend_from_slice(&tail[..6]);
        content.extend_from_slice(b"\"}}\n");
        Ok(())
    }

    /// Writes the document of a line; gives its number and the day of its index.
    fn line(&mut self, line: &Line<'e>) -> Taken<(u16, i32)> {
        let header = self.header(line.raw)?;
        let quotes = reading::quotes(line.raw);
        if quotes.is_none() && std::str::from_utf8(line.raw).is_err() {
            return Err(Declined);
        }
        let engine = self.engine;
        let (format, number) = self.format(line.raw, &header)?;
        let wall = self.dates.read(self.value(line, format.date))?;
        let total_us = self.total(line, format)?;
        let event_us = wall.us - self.offset(line.origin.zone, wall, total_us, header.moment)?;
        if !engine.times.accepts(event_us, line.received_us) {
            return Err(Declined);
        }
        let skew = engine.times.skew(event_us + total_us, line.received_us);
        let answers = self.answers(line, &engine.asked[number])?;
        let (mut raw, mut spans, mut plain) = (line.raw, &self.spans, quotes == Some(format.quotes));
        if answers.iter().any(|(place, answer)| *answer.value != raw[spans[*place].clone()]) {
            self.rewritten.write(raw, spans, answers.iter().map(|(place, answer)| (*place, answer.value)));
            (raw, spans) = (&self.rewritten.raw, &self.rewritten.spans);
            plain = reading::quotes(raw) == Some(format.quotes);
        }
        let inside = format.request.map(|place| &raw[spans[place].clone()]);
        let facts = Facts {
            raw,
            spans,
            header,
            source: (line.place.entry, line.place.origin),
            sender: &line.origin.sender,
            observer: if line.origin.is_observer { line.origin.sender.as_bytes() } else { b"" },
            event_us,
            received_us: line.received_us,
            request: inside.map(|quoted| Request::read(quoted, &mut self.scratch)).transpose()?.unwrap_or_default(),
            answers: &answers,
            plain,
        };
        engine.documents[number].write(&mut self.content, &facts, &mut self.pens)?;
        if skew != 0 {
            self.skew(Skew { us: skew, ..line.place });
        }
        let day = i32::try_from(event_us.div_euclid(DAY_US)).map_err(|_| Declined)?;
        Ok((u16::try_from(number).unwrap_or(NO_FORMAT), day))
    }

    /// Reads the header of a line, if it is not that of the line before.
    fn header(&mut self, raw: &'e [u8]) -> Taken<Header<'e>> {
        if let Some((text, header)) = self.header
            && raw.starts_with(text)
        {
            return Ok(header);
        }
        let header = Header::read(raw, &mut self.moments)?;
        self.header = Some((&raw[..header.end], header)).filter(|(text, _)| !text.is_empty());
        Ok(header)
    }

    /// Finds the format of a line, and the number of its document; `spans` are then its values.
    fn format(&mut self, raw: &[u8], header: &Header) -> Taken<(&'e Format, usize)> {
        for (place, format) in self.engine.formats.iter().enumerate() {
            let Some(number) = format.read(raw, header, &mut self.spans) else { continue };
            let before = &self.engine.formats[..place];
            let others = before.iter().filter(|other| !(other.proven && format.proven));
            if format.is_doubtful(raw, &self.spans) || others.into_iter().any(|other| other.may_have(raw, header)) {
                return Err(Declined);
            }
            return Ok((format, number));
        }
        Err(Declined)
    }

    /// Gives what Python said of the line's values, by their places.
    fn answers(&self, line: &Line, asked: &[(usize, usize)]) -> Taken<Vec<(usize, &'e Answer<'e>)>> {
        let values = asked.iter().map(|&(place, question)| (place, question, self.value(line, place)));
        let given = values.filter(|(_, _, value)| !value.is_empty());
        let answer = |question: usize, value| self.answers.get(question).and_then(|answers| answers.get(value));
        given.map(|(place, question, value)| Ok((place, answer(question, value).ok_or(Declined)?))).collect()
    }

    fn skew(&mut self, skew: Skew) {
        let mut known = self.encoding.skews.iter_mut().rev().take_while(|each| each.entry == skew.entry);
        if let Some(known) = known.find(|each| each.origin == skew.origin) {
            *known = skew;
        } else {
            self.encoding.skews.push(skew);
        }
    }

    fn value<'a>(&self, line: &Line<'a>, place: usize) -> &'a [u8] {
        &line.raw[self.spans[place].clone()]
    }

    fn total(&self, line: &Line, format: &Format) -> Taken<i64> {
        let Some(total) = format.total else { return Ok(0) };
        let raw = self.value(line, total);
        let total = if values::is_absent(raw) { None } else { values::nanoseconds(raw)? };
        Ok(i64::try_from(total.unwrap_or(0) / 1_000_000).map_err(|_| Declined)? * MS_US)
    }

    /// Gives the offset of a wall time, where it is certain.
    fn offset(&mut self, zone: usize, wall: Wall, total_us: i64, sent_us: Option<i64>) -> Taken<i64> {
        if let Some(told) = sent_us.and_then(|sent| self.engine.times.told_offset(wall.us, total_us, sent)) {
            return Ok(told);
        }
        let wall_s = wall.us.div_euclid(SECOND_US);
        if let Some((known, interval)) = self.certain
            && known == zone
            && (interval.from_s..interval.until_s).contains(&wall_s)
        {
            return Ok(interval.offset_us);
        }
        let years = self.engine.zones.get(zone).ok_or(Declined)?;
        let found = time::interval(years, wall.year, wall_s);
        if !years.contains_key(&wall.year) && !self.encoding.unknown.contains(&(zone, wall.year)) {
            self.encoding.unknown.push((zone, wall.year));
        }
        self.certain = found.map(|interval| (zone, interval));
        found.map(|interval| interval.offset_us).ok_or(Declined)
    }
}

impl Encoding {
    /// The days since 1970 whose indices have items.
    #[must_use]
    pub fn days(&self) -> Vec<i32> {
        let mut days: Vec<i32> = Vec::new();
        for item in &self.items {
            if days.last() != Some(&item.day) && !days.contains(&item.day) {
                days.push(item.day);
            }
        }
        days
    }

    /// Gives the number of a line's document, counted through the plan; None of one that was declined.
    #[must_use]
    pub fn format(&self, number: u32) -> Option<u16> {
        let place = self.items.binary_search_by_key(&number, |item| item.number).ok()?;
        Some(self.items[place].format)
    }
}

/// Gives the name in the value of `%f` or `%ft`.
fn frontend(value: &[u8]) -> &[u8] {
    value.strip_suffix(b"~").unwrap_or(value)
}

/// Writes base64url; the length of `bytes` is a multiple of 3.
fn base64(bytes: &[u8], out: &mut [u8]) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (three, four) in bytes[..SEGMENT_ID_BYTES.min(bytes.len())].chunks_exact(3).zip(out.chunks_exact_mut(4)) {
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for (place, letter) in four.iter_mut().enumerate() {
            *letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
        }
    }
}
