//! A line is read by the steps of a format, once, from its front to its end.

use std::ops::Range;

use crate::kinds::Kind;
use crate::plan::{self, PlanError, Step};

/// Where each value stands in the line; an absent one is empty.
pub(crate) type Spans = Vec<Range<usize>>;

/// A value, and the fixed text behind it.
#[derive(Debug)]
struct Move {
    value: Value,
    then: Vec<u8>,
}

#[derive(Debug)]
#[repr(u8)]
enum Value {
    Field(Kind),
    /// A block with the blank before it, or neither.
    Block,
    Word(u8),
    Text(Box<[u8]>),
    Rest,
}

/// The steps of one format: a fixed text, and values.
#[derive(Debug)]
pub(crate) struct Steps {
    first: Vec<u8>,
    moves: Vec<Move>,
}

impl Steps {
    pub fn compile(steps: &[Step]) -> Result<Self, PlanError> {
        let (mut first, mut moves) = (Vec::new(), Vec::<Move>::new());
        for step in steps {
            let fixed = moves.last_mut().map_or(&mut first, |last| &mut last.then);
            let value = match step {
                Step::Blank => {
                    fixed.push(b' ');
                    continue;
                }
                Step::Literal(text) => {
                    fixed.extend_from_slice(text.as_bytes());
                    continue;
                }
                Step::Field { kind, .. } => match Kind::named(kind)? {
                    Kind::Block if fixed.pop() == Some(b' ') => Value::Block,
                    Kind::Block => return Err(PlanError("a block without a blank before it".into())),
                    kind => Value::Field(kind),
                },
                Step::Word { end, .. } => Value::Word(byte(*end)?),
                Step::Text { until, .. } if until.is_empty() => Value::Rest,
                Step::Text { until, .. } => Value::Text(until.as_bytes().into()),
            };
            moves.push(Move { value, then: Vec::new() });
        }
        Ok(Self { first, moves })
    }

    /// Gives what the value at a place is found to be.
    pub fn kind(&self, place: usize) -> Option<Kind> {
        match self.moves[place].value {
            Value::Field(kind) => Some(kind),
            _ => None,
        }
    }

    /// Counts the quotes between the values.
    pub fn quotes(&self) -> usize {
        let behind = self.moves.iter().flat_map(|step| &step.then);
        self.first.iter().chain(behind).filter(|&&byte| byte == b'"').count()
    }

    /// Reads a line from `start` to its end; `spans` is then the values. False where it is not of this format, or odd.
    pub fn read(&self, line: &[u8], start: usize, spans: &mut Spans) -> bool {
        spans.clear();
        let Some(mut at) = behind(&self.first, line, start) else { return false };
        for Move { value, then } in &self.moves {
            let rest = &line[at..];
            let length = match value {
                Value::Field(kind) => kind.length(rest),
                Value::Word(end) => memchr::memchr2(b' ', *end, rest).or(Some(rest.len())).filter(|&length| length > 0),
                Value::Text(until) => memchr::memmem::find(rest, until),
                Value::Rest => Some(rest.len()),
                Value::Block if rest.starts_with(b" {") => {
                    at += 1;
                    Kind::Block.length(&line[at..])
                }
                Value::Block => Some(0),
            };
            let Some(length) = length else { return false };
            spans.push(at..at + length);
            at = match behind(then, line, at + length) {
                Some(next) => next,
                None => return false,
            };
        }
        at == line.len()
    }
}

/// Gives where a line goes on behind a fixed text.
fn behind(text: &[u8], line: &[u8], at: usize) -> Option<usize> {
    let stands = match *text {
        [] => true,
        [byte] => line.get(at) == Some(&byte),
        _ => line[at..].starts_with(text),
    };
    stands.then_some(at + text.len())
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
