//! The journal entry in the making, as `shipper/receive/_gathering.py` defines it: datagrams become the table and the
//! bytes of an entry's lines.

use std::collections::HashMap;

const CUT: u16 = 1;

/// What an entry holds at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From so many lines on it is full.
    pub lines: usize,
    /// From so many bytes on.
    pub bytes: usize,
    /// From so many origins on.
    pub origins: usize,
    /// Lines of one datagram; what comes after stays together as the last.
    pub datagram_lines: usize,
}

/// What was gathered.
#[derive(Debug, Default)]
pub struct Gathered {
    /// When the first line came, microseconds since 1970; 0 without lines.
    pub received_us: i64,
    /// Of each line length, microseconds since then, origin and flags, little endian: 4, 4, 2 and 2 bytes.
    pub table: Vec<u8>,
    /// The lines back to back.
    pub data: Vec<u8>,
    /// By the numbers in the table: listener and address.
    pub origins: Vec<(u16, String)>,
    /// Lines that came, the blank and the refused ones too.
    pub received: u64,
    /// Of these, the blank ones.
    pub empty: u64,
    /// Of these, those from who may not send.
    pub refused: u64,
    lines: usize,
    bytes: usize,
}

/// Who sent a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Somebody who may not.
    Refused,
    /// By the address.
    Named(String),
}

/// Gathers lines until they are taken.
#[derive(Debug)]
pub struct Gathering {
    bounds: Bounds,
    gathered: Gathered,
    numbers: HashMap<(u16, String), u16>,
    senders: HashMap<(u16, Box<[u8]>), Sender>,
    /// The origin of the last datagram.
    last: Option<(u16, Box<[u8]>, u16)>,
}

impl Gathering {
    /// Begins with nothing.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, gathered: Gathered::default(), numbers: HashMap::new(), senders: HashMap::new(), last: None }
    }

    /// Gives what was gathered, and begins anew.
    pub fn take(&mut self) -> Gathered {
        self.numbers.clear();
        self.senders.clear();
        self.last = None;
        let (table, data) = (self.gathered.table.capacity(), self.gathered.data.capacity());
        let next = Gathered { table: Vec::with_capacity(table), data: Vec::with_capacity(data), ..Gathered::default() };
        std::mem::replace(&mut self.gathered, next)
    }

    /// Counts the lines that were gathered.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.gathered.lines
    }

    /// Counts the lines that came, since the last was taken.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.gathered.received
    }

    /// Tells whether there are lines for an entry.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.gathered.lines >= self.bounds.lines || self.gathered.bytes >= self.bounds.bytes
    }

    /// Adds the lines of a datagram of the sender with this packed address; says whether the entry is full now.
    ///
    /// # Errors
    /// Those of `judge`, who is asked about a sender once an entry.
    pub fn add_from<E>(
        &mut self,
        datagram: &[u8],
        listener: u16,
        packed: &[u8],
        now_us: i64,
        judge: impl FnOnce(&[u8]) -> Result<Sender, E>,
    ) -> Result<bool, E> {
        if let Some((last_listener, last, origin)) = &self.last
            && *last_listener == listener
            && **last == *packed
        {
            let origin = *origin;
            return Ok(self.add_lines(datagram, now_us, 0, |_| origin));
        }
        let key = (listener, packed.into());
        let sender = match self.senders.get(&key) {
            Some(sender) => sender.clone(),
            None => judge(packed)?,
        };
        if self.senders.len() < self.bounds.origins {
            self.senders.insert(key, sender.clone());
        }
        Ok(match sender {
            Sender::Refused => {
                self.refuse(datagram);
                false
            }
            Sender::Named(address) => self.add_lines(datagram, now_us, 0, |gathering| {
                let origin = gathering.origin(listener, &address);
                gathering.last = Some((listener, packed.into(), origin));
                origin
            }),
        })
    }

    /// Adds the lines of a datagram, the last of them perhaps cut; says whether the entry is full now.
    pub fn add(&mut self, datagram: &[u8], listener: u16, address: &str, now_us: i64, cut: bool) -> bool {
        self.add_lines(datagram, now_us, u16::from(cut) * CUT, |gathering| gathering.origin(listener, address))
    }

    /// Counts the lines of a datagram from who may not send.
    pub fn refuse(&mut self, datagram: &[u8]) {
        let lines = self.parts(trimmed(datagram)) as u64;
        self.gathered.received += lines;
        self.gathered.refused += lines;
    }

    fn add_lines(&mut self, datagram: &[u8], now_us: i64, flags: u16, origin: impl FnOnce(&mut Self) -> u16) -> bool {
        let text = trimmed(datagram);
        let parts = self.parts(text);
        self.gathered.received += parts as u64;
        if text.is_empty() {
            self.gathered.empty += 1;
            return false;
        }
        if self.gathered.lines == 0 {
            self.gathered.received_us = now_us;
        }
        let origin = origin(self);
        // a clock that is set back must not make an entry unreadable
        let delta = u32::try_from((now_us - self.gathered.received_us).max(0)).unwrap_or(u32::MAX);
        let lines = text.splitn(parts, |&byte| byte == b'\n').map(trimmed);
        let gathered = &mut self.gathered;
        for (number, line) in lines.enumerate() {
            if line.is_empty() {
                gathered.empty += 1;
                continue;
            }
            let flags = if number + 1 == parts { flags } else { 0 };
            let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
            gathered.table.extend_from_slice(&length.to_le_bytes());
            gathered.table.extend_from_slice(&delta.to_le_bytes());
            gathered.table.extend_from_slice(&origin.to_le_bytes());
            gathered.table.extend_from_slice(&flags.to_le_bytes());
            gathered.data.extend_from_slice(line);
            gathered.lines += 1;
        }
        gathered.bytes += text.len();
        let senders = gathered.origins.len();
        self.is_full() || senders >= self.bounds.origins
    }

    /// Counts the lines of a datagram without its end.
    fn parts(&self, text: &[u8]) -> usize {
        1 + memchr::memchr_iter(b'\n', text).take(self.bounds.datagram_lines - 1).count()
    }

    fn origin(&mut self, listener: u16, address: &str) -> u16 {
        let origins = &mut self.gathered.origins;
        *self.numbers.entry((listener, address.to_owned())).or_insert_with(|| {
            origins.push((listener, address.to_owned()));
            u16::try_from(origins.len() - 1).unwrap_or(u16::MAX)
        })
    }
}

/// Gives a line without its end.
fn trimmed(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n' | 0)).map_or(0, |last| last + 1);
    &line[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { lines: 4, bytes: 100, origins: 2, datagram_lines: 3 };

    #[test]
    fn a_sender_is_judged_once_an_entry() {
        let mut gathering = Gathering::new(BOUNDS);
        let mut judged = 0;
        for _ in 0..3 {
            let mut judge = |packed: &[u8]| -> Result<Sender, ()> {
                judged += 1;
                Ok(if packed == [1] { Sender::Named("one".into()) } else { Sender::Refused })
            };
            assert_eq!(gathering.add_from(b"a\n", 0, &[1], 7, &mut judge), Ok(false));
            assert_eq!(gathering.add_from(b"b\nc", 0, &[2], 7, &mut judge), Ok(false));
        }
        let gathered = gathering.take();
        assert_eq!((judged, gathered.received, gathered.refused), (2, 9, 6));
        assert_eq!((gathered.origins, gathered.data), (vec![(0, "one".to_owned())], b"aaa".to_vec()));
    }

    #[test]
    fn lines_beyond_the_bound_stay_together() {
        let mut gathering = Gathering::new(BOUNDS);
        assert!(!gathering.add(b"a\n\nb\nc\r\n", 0, "x", 0, true));
        let gathered = gathering.take();
        assert_eq!((gathered.received, gathered.empty, &gathered.data[..]), (3, 1, &b"ab\nc"[..]));
        assert_eq!(gathered.table, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    }
}
