//! A line is read by the steps of a format, once, from its front to its end.

use std::ops::Range;

use crate::kinds::Kind;
use crate::plan::{self, PlanError, Step};

/// Where each value stands in the line; an absent one is empty.
pub(crate) type Spans = Vec<Range<usize>>;

#[derive(Debug)]
enum Move {
    Literal(Box<[u8]>),
    Byte(u8),
    Field(Kind),
    /// A block with the blank before it, or neither.
    Block,
    Word(u8),
    Text(Box<[u8]>),
    Rest,
}

/// The steps of one format.
#[derive(Debug)]
pub(crate) struct Steps(Vec<Move>);

impl Steps {
    pub fn compile(steps: &[Step]) -> Result<Self, PlanError> {
        let mut moves: Vec<Move> = Vec::with_capacity(steps.len());
        for step in steps {
            match step {
                Step::Blank => moves.push(Move::Byte(b' ')),
                Step::Literal(text) if text.len() == 1 => moves.push(Move::Byte(text.as_bytes()[0])),
                Step::Literal(text) => moves.push(Move::Literal(text.as_bytes().into())),
                Step::Field { kind, .. } => match Kind::named(kind)? {
                    Kind::Block => {
                        if !matches!(moves.pop(), Some(Move::Byte(b' '))) {
                            return Err(PlanError("a block without a blank before it".into()));
                        }
                        moves.push(Move::Block);
                    }
                    kind => moves.push(Move::Field(kind)),
                },
                Step::Word { end, .. } => moves.push(Move::Word(byte(*end)?)),
                Step::Text { until, .. } if until.is_empty() => moves.push(Move::Rest),
                Step::Text { until, .. } => moves.push(Move::Text(until.as_bytes().into())),
            }
        }
        Ok(Self(moves))
    }

    /// Reads a line from `start` to its end; `spans` is then the values. False where it is not of this format, or odd.
    pub fn read(&self, line: &[u8], start: usize, spans: &mut Spans) -> bool {
        spans.clear();
        let mut at = start;
        for step in &self.0 {
            match step {
                Move::Byte(byte) => {
                    if line.get(at) != Some(byte) {
                        return false;
                    }
                    at += 1;
                }
                Move::Literal(text) => {
                    if !line[at..].starts_with(text) {
                        return false;
                    }
                    at += text.len();
                }
                Move::Field(kind) => {
                    let Some(length) = kind.length(&line[at..]) else { return false };
                    spans.push(at..at + length);
                    at += length;
                }
                Move::Word(end) => {
                    let length = memchr::memchr2(b' ', *end, &line[at..]).unwrap_or(line.len() - at);
                    if length == 0 {
                        return false;
                    }
                    spans.push(at..at + length);
                    at += length;
                }
                Move::Text(until) => {
                    let Some(length) = memchr::memmem::find(&line[at..], until) else { return false };
                    spans.push(at..at + length);
                    at += length;
                }
                Move::Rest => {
                    spans.push(at..line.len());
                    at = line.len();
                }
                Move::Block => {
                    if line.get(at) == Some(&b' ') && line.get(at + 1) == Some(&b'{') {
                        let Some(length) = Kind::Block.length(&line[at + 1..]) else { return false };
                        spans.push(at + 1..at + 1 + length);
                        at += 1 + length;
                    } else {
                        spans.push(at..at);
                    }
                }
            }
        }
        at == line.len()
    }
}

fn byte(letter: char) -> Result<u8, PlanError> {
    u8::try_from(letter).map_err(|_| PlanError(format!("{letter:?} is no byte")))
}

/// How something begins, read loosely: what may be, not what is.
#[derive(Debug)]
pub(crate) struct Front(Vec<Loose>);

#[derive(Debug)]
enum Loose {
    Literal(Box<[u8]>),
    Blank,
    End,
    Class { members: Box<[bool; 256]>, frontend: bool },
}

impl Front {
    pub fn compile(steps: &[plan::Loose]) -> Result<Self, PlanError> {
        let compiled = steps.iter().map(|step| {
            Ok(match step {
                plan::Loose::Literal(text) => Loose::Literal(text.as_bytes().into()),
                plan::Loose::Blank => Loose::Blank,
                plan::Loose::End => Loose::End,
                plan::Loose::Class { members, frontend } => {
                    let mut known = Box::new([false; 256]);
                    for letter in members.chars() {
                        known[usize::from(byte(letter)?)] = true;
                    }
                    Loose::Class { members: known, frontend: *frontend }
                }
            })
        });
        Ok(Self(compiled.collect::<Result<_, _>>()?))
    }

    /// Tells whether it may stand at `at`; `is_for` is asked about a frontend.
    pub fn may_stand(&self, line: &[u8], mut at: usize, is_for: impl Fn(&[u8]) -> bool) -> bool {
        for step in &self.0 {
            let rest = &line[at..];
            match step {
                Loose::Literal(text) if !rest.starts_with(text) => return false,
                Loose::Literal(text) => at += text.len(),
                Loose::End if !rest.is_empty() => return false,
                Loose::End => {}
                Loose::Blank => match rest.iter().position(|&byte| byte != b' ').unwrap_or(rest.len()) {
                    0 => return false,
                    blanks => at += blanks,
                },
                Loose::Class { members, frontend } => {
                    let end = rest.iter().position(|&byte| !members[usize::from(byte)]).unwrap_or(rest.len());
                    if *frontend && !is_for(&rest[..end]) {
                        return false;
                    }
                    at += end;
                }
            }
        }
        true
    }

    /// Tells whether it may stand anywhere behind `at`.
    pub fn may_come(&self, line: &[u8], at: usize) -> bool {
        let first = match self.0.first() {
            Some(Loose::Blank) => b' ',
            Some(Loose::Literal(text)) => text[0],
            _ => return true,
        };
        let places = memchr::memchr_iter(first, &line[at + 1..]).map(|place| at + 1 + place);
        places.into_iter().any(|place| self.may_stand(line, place, |_| true))
    }
}
