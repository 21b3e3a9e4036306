//! The plan as Python hands it over: `shipper/encode/_portable.py` writes it and says what each part means.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// The layout of the plan that this engine reads.
pub(crate) const VERSION: u32 = 2;

/// The plan is none that this engine can execute.
#[derive(Debug)]
pub struct PlanError(pub(crate) String);

impl fmt::Display for PlanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for PlanError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    pub version: u32,
    pub formats: Vec<Format>,
    pub times: Times,
}

/// Bounds of times, all in microseconds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Times {
    /// The last moment that a document can hold.
    pub until_us: i64,
    /// How old, and how far ahead, a line may be; None: as it likes.
    pub past_us: Option<i64>,
    pub future_us: Option<i64>,
    /// The offsets that zones have, rising.
    pub offsets_us: Vec<i64>,
    /// Two clocks within this tell the same time.
    pub near_us: i64,
    /// An offset between two clocks beyond this is no zone.
    pub skew_us_max: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Format {
    pub steps: Vec<Step>,
    /// The value that tells when a line's request began, and the one that tells how long it took.
    pub date: String,
    pub total: Option<String>,
    /// Where a line that is read by the steps may have a second reading.
    pub doubts: Vec<Doubt>,
    /// How its lines begin, and others perhaps as well.
    pub front: Vec<Loose>,
    /// Of those of which it is shown that no line has a second reading, or fits two of them.
    pub proven: bool,
    /// The syslog tags whose lines may have it; empty: all.
    pub tags: Vec<String>,
    /// Where it hangs on the frontend which document a line becomes: that value, and the document's number by the name.
    pub frontend: Option<String>,
    pub frontends: BTreeMap<String, usize>,
    /// The document of its lines, or those of its frontends.
    pub documents: Vec<Vec<(String, Node)>>,
    /// Of each document, the values of which Python is asked, in the order of the line.
    pub asked: Vec<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    Literal(String),
    Blank,
    Field {
        alias: String,
        kind: String,
    },
    /// At least a byte, up to the first blank or the first `end`.
    Word {
        alias: String,
        end: char,
    },
    /// Up to the first place of a text; of an empty one, to the end of the line.
    Text {
        alias: String,
        until: String,
    },
}

/// A raw value, and how the section behind it begins.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Doubt {
    pub after: String,
    pub front: Vec<Loose>,
}

/// A step that takes in more than the format's.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Loose {
    Literal(String),
    /// One or more of them.
    Blank,
    /// Of the line.
    End,
    /// Any number of these bytes; `frontend`: they are the name of one.
    Class {
        members: String,
        frontend: bool,
    },
}

/// A member of the document: an object, or a value.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Node {
    Object(Vec<(String, Node)>),
    Value(Value),
}

/// How a value of the document is read, and of which values of the line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Value {
    pub read: String,
    #[serde(default)]
    pub of: Vec<String>,
    /// Of a constant: its text.
    #[serde(default)]
    pub json: String,
    /// Of a letter: its place, and what the letters there mean. Of what is added: its place in the answer.
    #[serde(default)]
    pub at: usize,
    #[serde(default)]
    pub names: BTreeMap<char, String>,
    /// Of captured headers: how many there are on their side, and their places by what they are called.
    #[serde(default)]
    pub count: usize,
    #[serde(default)]
    pub headers: Vec<(String, usize)>,
    /// Whose they are, and whose they are where there is one block only: the request's, or the response's.
    #[serde(default)]
    pub of_request: bool,
    #[serde(default)]
    pub alone_of_request: bool,
}
