//! Items become bodies, one per index: what is told is where their bytes are, so that these are copied once.

use std::collections::HashMap;
use std::ops::Range;

use crate::batch::Encoding;

/// A declined line that was encoded elsewhere: its number, its index, and its item.
pub type Other<'a> = (u32, usize, &'a [u8]);

/// Documents of one index, as the bulk API takes them.
#[derive(Debug)]
pub struct Body<'a> {
    /// By its place among the names that were given.
    pub index: usize,
    /// The items back to back, in pieces.
    pub pieces: Vec<&'a [u8]>,
    /// Where the only piece begins in the encoding's content.
    pub start: Option<usize>,
    /// Where each item ends.
    pub ends: Vec<u64>,
    /// The lines' numbers in the batch.
    pub numbers: Vec<u64>,
}

impl Body<'_> {
    /// Counts the bytes of all items.
    #[must_use]
    pub fn size(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }
}

/// A body on its way.
struct Growing<'a> {
    body: Body<'a>,
    size: usize,
    /// Items that stand one behind the other in the encoding, and are no piece yet.
    run: Range<usize>,
}

struct Bodies<'a> {
    content: &'a [u8],
    /// Those that are full, in the order in which they became so; the others in the order of their first items.
    full: Vec<Body<'a>>,
    open: Vec<Growing<'a>>,
    bytes_max: usize,
}

impl Encoding {
    /// Puts the bodies together, in the lines' order within each index; one that would be larger than `bytes_max` is
    /// closed and the next begun.
    ///
    /// `indices` tells the index of each day; `others` are the declined lines in their order.
    #[must_use]
    pub fn bodies<'a>(
        &'a self,
        indices: &HashMap<i32, usize>,
        others: &[Other<'a>],
        bytes_max: usize,
    ) -> Vec<Body<'a>> {
        let mut bodies = Bodies { content: &self.content, full: Vec::new(), open: Vec::new(), bytes_max };
        let mut others = others.iter().peekable();
        let mut last = None;
        for item in &self.items {
            while let Some(other) = others.next_if(|(number, ..)| *number < item.number) {
                bodies.add_other(other);
            }
            let index = match last {
                Some((day, index)) if day == item.day => index,
                _ => indices.get(&item.day).copied().unwrap_or(0),
            };
            last = Some((item.day, index));
            bodies.add(item.number, index, item.start..item.end);
        }
        for other in others {
            bodies.add_other(other);
        }
        bodies.finish()
    }
}

impl<'a> Bodies<'a> {
    fn add(&mut self, number: u32, index: usize, item: Range<usize>) {
        let content = self.content;
        let growing = self.growing(index, item.len());
        if growing.run.end != item.start {
            growing.end_run(content);
            growing.run.start = item.start;
        }
        growing.run.end = item.end;
        growing.count(number);
    }

    fn add_other(&mut self, &(number, index, item): &Other<'a>) {
        let content = self.content;
        let growing = self.growing(index, item.len());
        growing.end_run(content);
        growing.body.start = None;
        growing.body.pieces.push(item);
        growing.count(number);
    }

    /// Gives the body of an index, with an item of so many bytes in its size.
    fn growing(&mut self, index: usize, size: usize) -> &mut Growing<'a> {
        let mut place = self.open.iter().position(|each| each.body.index == index);
        if let Some(full) = place.filter(|&place| self.open[place].size + size > self.bytes_max) {
            let full = self.open.remove(full).finish(self.content);
            self.full.push(full);
            place = None;
        }
        let place = place.unwrap_or_else(|| {
            let body = Body { index, pieces: Vec::new(), start: None, ends: Vec::new(), numbers: Vec::new() };
            self.open.push(Growing { body, size: 0, run: 0..0 });
            self.open.len() - 1
        });
        self.open[place].size += size;
        &mut self.open[place]
    }

    fn finish(mut self) -> Vec<Body<'a>> {
        let content = self.content;
        self.full.extend(self.open.into_iter().map(|growing| growing.finish(content)));
        self.full
    }
}

impl<'a> Growing<'a> {
    fn count(&mut self, number: u32) {
        self.body.ends.push(self.size as u64);
        self.body.numbers.push(u64::from(number));
    }

    fn end_run(&mut self, content: &'a [u8]) {
        if !self.run.is_empty() {
            self.body.start = self.body.pieces.is_empty().then_some(self.run.start);
            self.body.pieces.push(&content[self.run.clone()]);
        }
        self.run = 0..0;
    }

    fn finish(mut self, content: &'a [u8]) -> Body<'a> {
        self.end_run(content);
        self.body
    }
}
