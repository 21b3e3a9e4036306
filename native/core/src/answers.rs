//! What is asked of Python, a batch at a time: what stands in the place of a value, and what is added for it.
//!
//! 1. Rules and look-ups are Python's. Each distinct value of a batch is asked once, and nothing is kept beyond it.
//! 2. A value with an answer is replaced before anything is made of the line: the line is written anew around it, and
//!    all behind reads the new one.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::line::Spans;

/// What was said of one value.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    /// What stands in its place.
    pub value: &'a [u8],
    /// What is added, as JSON; empty: nothing.
    pub added: Vec<&'a [u8]>,
}

/// The answers to one question, by the values that were asked.
pub type Answers<'a> = HashMap<&'a [u8], Answer<'a>>;

/// The distinct values of one question, in their order.
#[derive(Debug, Default)]
pub(crate) struct Asked<'a> {
    known: HashSet<&'a [u8]>,
    pub values: Vec<&'a [u8]>,
}

impl<'a> Asked<'a> {
    pub fn add(&mut self, value: &'a [u8]) {
        if self.known.insert(value) {
            self.values.push(value);
        }
    }
}

/// A line with other values in their places, in memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    pub raw: Vec<u8>,
    pub spans: Spans,
}

impl Rewritten {
    /// Writes `raw` anew, `values` at these places among its values; they rise.
    pub fn write<'a>(&mut self, raw: &[u8], spans: &[Range<usize>], values: impl Iterator<Item = (usize, &'a [u8])>) {
        self.raw.clear();
        self.spans.clear();
        let mut from = 0;
        for (place, value) in values {
            self.keep(raw, spans, from, place);
            let at = self.raw.len();
            self.raw.extend_from_slice(value);
            self.spans.push(at..self.raw.len());
            from = place + 1;
        }
        self.keep(raw, spans, from, spans.len());
    }

    /// Copies what stands behind the value before `from`, up to the value at `until`.
    fn keep(&mut self, raw: &[u8], spans: &[Range<usize>], from: usize, until: usize) {
        let begin = if from == 0 { 0 } else { spans[from - 1].end };
        let end = spans.get(until).map_or(raw.len(), |span| span.start);
        let at = self.raw.len();
        self.raw.extend_from_slice(&raw[begin..end]);
        let moved = |place: usize| at + place - begin;
        self.spans.extend(spans[from..until].iter().map(|span| moved(span.start)..moved(span.end)));
    }
}
