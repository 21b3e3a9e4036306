//! Memory for the items of a batch, used again while it is warm.
//!
//! The kernel clears new memory where it is first touched: a third of what it costs to encode a batch. So what a batch
//! leaves behind waits, as it is, for one that comes later, until `give_back`.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

/// While one batch is encoded, others are sent: with fewer, some would find none.
const WAITING_MAX: usize = 3;

/// Less is not worth a place. What is as large is mapped by itself (`shipper/memory.py`), and so goes back to the kernel.
const WAITING_BYTES_MIN: usize = 1 << 20;

static WAITING: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Bytes whose memory waits for the next batch once they are dropped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Room(Vec<u8>);

impl Room {
    /// Makes room for so many bytes; it holds none yet.
    pub(crate) fn new(bytes: usize) -> Self {
        let mut room = Self::waiting(bytes).unwrap_or_default();
        room.reserve_exact(bytes);
        Self(room)
    }

    /// Takes the largest that waits, but none that is far larger: a small body would keep all of it, and nobody count it.
    fn waiting(bytes: usize) -> Option<Vec<u8>> {
        let mut waiting = WAITING.lock().ok()?;
        let fitting = waiting.iter().enumerate().filter(|(_, room)| room.capacity() / 2 <= bytes);
        let (place, _) = fitting.max_by_key(|(_, room)| room.capacity())?;
        Some(waiting.swap_remove(place))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_batch_leaves_behind_serves_one_of_its_size() {
        const LARGE: usize = 1 << 29; // nobody else's
        let place = |room: &Room| room.as_ptr();
        let room = Room::new(LARGE);
        let left = place(&room);
        drop(room);
        assert!(Room::new(WAITING_BYTES_MIN).capacity() < LARGE);
        let room = Room::new(LARGE);
        assert_eq!(place(&room), left);
        drop(room);
        give_back();
        assert!(WAITING.lock().unwrap().iter().all(|room| room.capacity() < LARGE));
    }

    #[test]
    fn little_is_not_kept() {
        drop(Room::from(vec![0; 77]));
        assert!(WAITING.lock().unwrap().iter().all(|room| room.capacity() >= WAITING_BYTES_MIN));
    }
}
