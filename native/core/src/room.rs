//! Memory for the items of a batch, used again while it is warm.
//!
//! The kernel clears new memory where it is first touched: a third of what it costs to encode a batch. So what a batch
//! leaves behind waits, as it is, for one that comes later, until `give_back`.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

/// While one batch is encoded, others are sent: with fewer, some would find none.
const WAITING_MAX: usize = 3;

/// Less is not worth a place.
const WAITING_BYTES_MIN: usize = 1 << 20;

static WAITING: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Bytes whose memory waits for the next batch once they are dropped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Room(Vec<u8>);

impl Room {
    /// Makes room for so many bytes; it holds none yet.
    pub(crate) fn new(bytes: usize) -> Self {
        let mut room = WAITING.lock().ok().and_then(|mut waiting| waiting.pop()).unwrap_or_default();
        room.reserve_exact(bytes);
        Self(room)
    }
}

impl From<Vec<u8>> for Room {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for Room {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Room {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut room = std::mem::take(&mut self.0);
        room.clear();
        if let Ok(mut waiting) = WAITING.lock()
            && waiting.len() < WAITING_MAX
            && room.capacity() >= WAITING_BYTES_MIN
        {
            waiting.push(room);
        }
    }
}

/// Gives the memory that waits back to the allocator.
pub fn give_back() {
    if let Ok(mut waiting) = WAITING.lock() {
        waiting.clear();
    }
}
