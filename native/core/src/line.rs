//! A line is read by the steps of a format, once, from its front to its end.

use std::ops::Range;

use crate::kinds::Kind;
use crate::plan::{PlanError, Step};

/// Where each value stands in the line; an absent one is empty.
pub(crate) type Spans = Vec<Range<usize>>;

#[derive(Debug)]
enum Move {
    Literal(Box<[u8]>),
    Byte(u8),
    Field(Kind),
    /// A block with the blank before it, or neither.
    Block,
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
