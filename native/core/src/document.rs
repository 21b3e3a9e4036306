//! The document of a format as a program: texts, objects and values, in the order of the record.
//!
//! 1. A member ends in a comma. An object takes its last one off when it is closed.
//! 2. An object that cannot be empty is a text; any other is left out when nothing was written in it.
//! 3. What hangs on the header and the sender alone is written once, and copied while they stay the same.

use crate::json;
use crate::kinds::Kind;
use crate::plan::{Node, PlanError, Value};
use crate::reading::{Facts, Given, Scratch};
use crate::time::Writer;
use crate::values::Read;
use crate::{Declined, Taken};

/// A step of the program. Like the readers and the moves of a line it has a tag of its own, which is read in one step: in
/// a niche it would have to be computed, for each member of each line.
#[derive(Debug)]
#[repr(u8)]
enum Op {
    Text(Fixed),
    /// Closes objects that are not empty, and goes on: written over the last comma.
    Over(Fixed),
    /// Opens an object that may stay empty.
    Open(Fixed),
    Close,
    /// A member: its key and the quote behind it, and its value.
    Member(Fixed, Read),
    /// When the request began.
    Timestamp(Fixed),
    /// When the line was received.
    Created(Fixed),
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
        self.write_but(0, out);
    }

    /// Writes all but the last bytes.
    #[inline]
    fn write_but(&self, less: usize, out: &mut Vec<u8>) {
        let length = self.text.len() - less;
        if let Some(block) = &self.block {
            let end = out.len() + length;
            out.extend_from_slice(block);
            out.truncate(end);
        } else {
            out.extend_from_slice(&self.text[..length]);
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

/// What is used again from line to line.
#[derive(Debug, Default)]
pub(crate) struct Pens {
    event: Writer,
    received: Writer,
    scratch: Scratch,
    opened: Vec<(usize, usize)>,
    known: Surroundings,
}

/// The last surroundings, as text.
#[derive(Debug, Default)]
struct Surroundings {
    /// Of which document, of whose lines, and from which priority.
    of: Option<(usize, (usize, usize), Option<u64>)>,
    /// From which words of the header.
    words: Vec<u8>,
    text: Vec<u8>,
}

impl Document {
    /// Compiles a document. `place` finds a value by its name, `kind` tells by its place what it was found to be.
    pub fn compile(
        members: &[(String, Node)],
        number: usize,
        place: impl Fn(&str) -> Option<usize>,
        kind: impl Fn(usize) -> Option<Kind>,
    ) -> Result<Self, PlanError> {
        let mut program = Program { ops: vec![Op::Text(Fixed::new(b"{".into()))], place, kind };
        for same in members.chunk_by(|(_, one), (_, next)| is_of_surroundings(one) == is_of_surroundings(next)) {
            if same.iter().any(|(_, node)| is_of_surroundings(node)) {
                let before = std::mem::take(&mut program.ops);
                program.members(same)?;
                let surroundings = std::mem::replace(&mut program.ops, before);
                program.ops.push(Op::Surroundings(surroundings));
            } else {
                program.members(same)?;
            }
        }
        Ok(Self { ops: program.ops, number })
    }

    /// Writes the document; where it is declined, a part of it may have been written.
    pub fn write(&self, out: &mut Vec<u8>, facts: &Facts, pens: &mut Pens) -> Taken<()> {
        pens.opened.clear();
        self.run(&self.ops, out, facts, pens)?;
        out.pop();
        out.push(b'}');
        Ok(())
    }

    fn run(&self, ops: &[Op], out: &mut Vec<u8>, facts: &Facts, pens: &mut Pens) -> Taken<()> {
        for op in ops {
            match op {
                Op::Text(text) => text.write(out),
                Op::Over(text) => {
                    out.pop();
                    text.write(out);
                }
                Op::Open(text) => {
                    let start = out.len();
                    text.write(out);
                    pens.opened.push((start, out.len()));
                }
                Op::Close => {
                    let (start, inside) = pens.opened.pop().ok_or(Declined)?;
                    if out.len() == inside {
                        out.truncate(start);
                    } else {
                        out.pop();
                        out.extend_from_slice(b"},");
                    }
                }
                Op::Member(key, read) => {
                    let given = read.give(facts, &mut pens.scratch)?;
                    member(out, key, given);
                }
                Op::Timestamp(key) => {
                    key.write(out);
                    out.extend_from_slice(pens.event.write(facts.event_us));
                    out.extend_from_slice(b"\",");
                }
                Op::Created(key) => {
                    key.write(out);
                    out.extend_from_slice(pens.received.write(facts.received_us));
                    out.extend_from_slice(b"\",");
                }
                Op::Surroundings(ops) => self.surroundings(ops, out, facts, pens)?,
            }
        }
        Ok(())
    }

    fn surroundings(&self, ops: &[Op], out: &mut Vec<u8>, facts: &Facts, pens: &mut Pens) -> Taken<()> {
        let of = (self.number, facts.source, facts.header.priority);
        if pens.known.of != Some(of) || pens.known.words != facts.header.words {
            pens.known.of = None;
            let start = out.len();
            self.run(ops, out, facts, pens)?;
            pens.known.text.clear();
            pens.known.text.extend_from_slice(&out[start..]);
            out.truncate(start);
            pens.known.words.clear();
            pens.known.words.extend_from_slice(facts.header.words);
            pens.known.of = Some(of);
        }
        out.extend_from_slice(&pens.known.text);
        Ok(())
    }
}

/// Writes a member that is not absent. Called at one place: so it becomes part of the loop, a tenth of what a line costs.
#[inline]
fn member(out: &mut Vec<u8>, key: &Fixed, given: Given) {
    match given {
        Given::Absent => return,
        Given::Plain(text) => {
            key.write(out);
            out.extend_from_slice(text);
            out.push(b'"');
        }
        Given::Text(text) => {
            key.write_but(1, out);
            json::string(out, text);
        }
        Given::Json(text) => {
            key.write_but(1, out);
            out.extend_from_slice(text);
        }
        Given::Number(number) => {
            key.write_but(1, out);
            json::number(out, number);
        }
    }
    out.push(b',');
}

/// A document in the making.
struct Program<P, K> {
    ops: Vec<Op>,
    place: P,
    kind: K,
}

impl<P: Fn(&str) -> Option<usize>, K: Fn(usize) -> Option<Kind>> Program<P, K> {
    fn members(&mut self, members: &[(String, Node)]) -> Result<(), PlanError> {
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
                    self.members(children)?;
                    if full {
                        self.end();
                    } else {
                        self.ops.push(Op::Close);
                    }
                }
                Node::Value(value) if value.read == "constant" => {
                    self.text(&[&opening[..], value.json.as_bytes(), b","].concat());
                }
                Node::Value(value) => {
                    let key = Fixed::new([&opening[..], b"\""].concat());
                    self.ops.push(match value.read.as_str() {
                        "timestamp" => Op::Timestamp(key),
                        "created" => Op::Created(key),
                        _ => Op::Member(key, self.read(value)?),
                    });
                }
            }
        }
        Ok(())
    }

    fn read(&self, value: &Value) -> Result<Read, PlanError> {
        let places: Option<Vec<usize>> = value.of.iter().map(|alias| (self.place)(alias)).collect();
        let places = places.ok_or_else(|| PlanError(format!("{:?} reads what is not in the format", value.read)))?;
        Ok(Read::named(value, &places)?.sure_of(&self.kind))
    }

    fn text(&mut self, text: &[u8]) {
        match self.ops.last_mut() {
            Some(Op::Text(last) | Op::Over(last)) => *last = Fixed::new([&last.text, text].concat()),
            _ => self.ops.push(Op::Text(Fixed::new(text.into()))),
        }
    }

    /// Closes an object that is not empty.
    fn end(&mut self) {
        match self.ops.last_mut() {
            Some(Op::Text(last) | Op::Over(last)) if last.text.ends_with(b",") => {
                let inside = &last.text[..last.text.len() - 1];
                *last = Fixed::new([inside, b"},"].concat());
            }
            _ => self.ops.push(Op::Over(Fixed::new(b"},".into()))),
        }
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
