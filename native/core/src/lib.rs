//! Journal entries become bulk items, by the plan that shipper's Python compiles and hands over as JSON.
//!
//! Pure: bytes in, bytes out; no clock, no I/O, no Python. Memory alone outlives a batch (`room`).
//!
//! 1. The Python engine is the definition. What this one writes is, byte for byte, what that one writes.
//! 2. What is not certain is *declined*, a line at a time: odd values, cut lines, more than one blank, anything that
//!    could be read in two ways. Declined lines are Python's, so that the bytes are right whatever this engine knows.
//! 3. A field ends at the first byte that cannot be in it. The plan holds only formats of which it is shown that a line
//!    read like this to its end has no other reading (`shipper/encode/_portable.py`).
//! 4. What a line means beyond its bytes comes with the plan (tables, zones by year, bounds) or is asked of Python before
//!    a batch is encoded (`answers`). Nothing is looked up here.

mod answers;
mod batch;
mod bodies;
mod document;
mod gathering;
mod header;
mod json;
mod kinds;
mod line;
mod plan;
mod reading;
mod request;
mod room;
mod time;
mod values;

pub use answers::{Answer, Answers};
pub use batch::{Encoding, Engine, Entry, Origin, Skew};
pub use bodies::{Body, Other};
pub use gathering::{Bounds, Gathered, Gathering, Sender};
pub use plan::PlanError;
pub use room::{Room, give_back};
pub use time::Interval;

/// This line is left to Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Declined;

/// Something of a line, unless it is left to Python.
pub(crate) type Taken<T> = Result<T, Declined>;
