//! Many datagrams in one system call: recvmmsg(2) and sendmmsg(2), and no other unsafe code than theirs.
//!
//! 1. Nothing waits: a socket that has nothing, or takes nothing, ends the call.
//! 2. A slot holds the largest datagram there is, so none is cut; its pages are touched by long datagrams only.

use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// The sender's address as the kernel gives it; holds that of IPv6, the longest there is here.
const NAME_BYTES: usize = mem::size_of::<libc::sockaddr_in6>();

/// What one system call sends at most (`UIO_MAXIOV`).
const CALL_DATAGRAMS_MAX: usize = 1_024;

/// Where datagrams arrive, until the next ones do.
pub struct Inbox {
    slot_bytes: usize,
    buffer: Vec<u8>,
    names: Vec<[u8; NAME_BYTES]>,
    lengths: Vec<usize>,
}

impl Inbox {
    /// Makes room for so many datagrams of at most `slot_bytes` each.
    #[must_use]
    pub fn new(slots: usize, slot_bytes: usize) -> Self {
        Self {
            slot_bytes,
            buffer: vec![0; slots * slot_bytes],
            names: vec![[0; NAME_BYTES]; slots],
            lengths: Vec::with_capacity(slots),
        }
    }

    /// Takes what a socket holds, as far as there is room; forgets what was there. Gives the number.
    ///
    /// # Errors
    /// The kernel's own; that there is nothing is none.
    pub fn receive(&mut self, socket: BorrowedFd) -> io::Result<usize> {
        self.lengths.clear();
        let mut vectors: Vec<[libc::iovec; 1]> = self.buffer.chunks_exact_mut(self.slot_bytes).map(vector).collect();
        let mut messages: Vec<libc::mmsghdr> =
            vectors.iter_mut().zip(&mut self.names).map(|(data, name)| message(data, Some(name))).collect();
        // SAFETY: each header points to a slot and a name of its own, which live as long as `self`.
        let received = again(|| unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                messages.as_mut_ptr(),
                count(messages.len()),
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        })?;
        self.lengths.extend(messages[..received].iter().map(|message| message.msg_len as usize));
        Ok(received)
    }

    /// Counts the datagrams.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Gives a datagram, and the 4 or 16 bytes of its sender's address (none where it has no IP address).
    #[must_use]
    pub fn datagram(&self, number: usize) -> (&[u8], &[u8]) {
        let start = number * self.slot_bytes;
        let data = &self.buffer[start..start + self.lengths[number].min(self.slot_bytes)];
        let name = &self.names[number];
        let address = match i32::from(u16::from_ne_bytes([name[0], name[1]])) {
            libc::AF_INET => &name[4..8],
            libc::AF_INET6 => &name[8..24],
            _ => &[],
        };
        (data, address)
    }
}

/// Sends datagrams over a connected socket, each with `end` behind it, as many as it takes; gives their number.
///
/// # Errors
/// The kernel's own, of the first datagram; that it takes nothing now is none.
pub fn send(socket: BorrowedFd, datagrams: &[&[u8]], end: &[u8]) -> io::Result<usize> {
    in_order(datagrams, |some| send_some(socket, some, end))
}

/// Hands over as many as `call` takes, one call's worth at a time; none behind one that was not taken.
fn in_order(datagrams: &[&[u8]], mut call: impl FnMut(&[&[u8]]) -> io::Result<usize>) -> io::Result<usize> {
    let mut sent = 0;
    for some in datagrams.chunks(CALL_DATAGRAMS_MAX) {
        let taken = match call(some) {
            Ok(taken) => taken,
            Err(error) if sent == 0 => return Err(error),
            Err(_) => break,
        };
        sent += taken;
        if taken < some.len() {
            break;
        }
    }
    Ok(sent)
}

fn send_some(socket: BorrowedFd, datagrams: &[&[u8]], end: &[u8]) -> io::Result<usize> {
    let part = |data: &[u8]| libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
    let mut vectors: Vec<[libc::iovec; 2]> = datagrams.iter().map(|data| [part(data), part(end)]).collect();
    let mut messages: Vec<libc::mmsghdr> = vectors.iter_mut().map(|data| message(data, None)).collect();
    // SAFETY: each header points to a datagram, which is only read, and outlives the call.
    again(|| unsafe {
        libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count(messages.len()), libc::MSG_DONTWAIT)
    })
}

fn vector(slot: &mut [u8]) -> [libc::iovec; 1] {
    [libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: slot.len() }]
}

fn message(data: &mut [libc::iovec], name: Option<&mut [u8; NAME_BYTES]>) -> libc::mmsghdr {
    // SAFETY: a header of zeros is one: no name, no data, no control messages.
    let mut message: libc::mmsghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_hdr.msg_iov = data.as_mut_ptr();
    message.msg_hdr.msg_iovlen = data.len();
    if let Some(name) = name {
        message.msg_hdr.msg_name = name.as_mut_ptr().cast();
        message.msg_hdr.msg_namelen = count(NAME_BYTES);
    }
    message
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Makes a call until no signal interrupts it; 0 when it would have to wait.
fn again(mut call: impl FnMut() -> i32) -> io::Result<usize> {
    loop {
        if let Ok(number) = usize::try_from(call()) {
            return Ok(number);
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => return Ok(0),
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixDatagram;

    fn pair(at: &str) -> (UdpSocket, UdpSocket) {
        let (here, there) = (UdpSocket::bind(at).unwrap(), UdpSocket::bind(at).unwrap());
        there.connect(here.local_addr().unwrap()).unwrap();
        (here, there)
    }

    #[test]
    fn datagrams_arrive_whole_with_their_senders() {
        for (at, address) in [("127.0.0.1:0", &[127, 0, 0, 1][..]), ("[::1]:0", &1_u128.to_be_bytes()[..])] {
            let (here, there) = pair(at);
            let long = vec![b'x'; 60_000];
            assert_eq!(send(there.as_fd(), &[b"one", b"", &long], b"").unwrap(), 3);
            let mut inbox = Inbox::new(4, 65_535);
            assert_eq!(inbox.receive(here.as_fd()).unwrap(), 3);
            assert_eq!(inbox.datagram(0), (&b"one"[..], address));
            assert_eq!(inbox.datagram(1), (&b""[..], address));
            assert_eq!(inbox.datagram(2), (&long[..], address));
            assert_eq!(inbox.receive(here.as_fd()).unwrap(), 0);
            assert!(inbox.is_empty());
        }
    }

    #[test]
    fn nothing_overtakes_what_was_not_taken() {
        let lines: Vec<&[u8]> = vec![b"x"; 3 * CALL_DATAGRAMS_MAX];
        for (takes, sent) in [(0, 0), (20, 20), (CALL_DATAGRAMS_MAX, CALL_DATAGRAMS_MAX + 7)] {
            let mut answers = [takes, 7, CALL_DATAGRAMS_MAX].into_iter();
            assert_eq!(in_order(&lines, |_| Ok(answers.next().unwrap())).unwrap(), sent);
        }
    }

    #[test]
    fn a_full_socket_takes_what_it_has_room_for() {
        let path = std::env::temp_dir().join(format!("shipper-net-{}", std::process::id()));
        let here = UnixDatagram::bind(&path).unwrap();
        let there = UnixDatagram::unbound().unwrap();
        there.connect(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let taken = send(there.as_fd(), &vec![&b"x"[..]; 2 * CALL_DATAGRAMS_MAX], b"").unwrap();
        assert!((1..CALL_DATAGRAMS_MAX).contains(&taken));
        assert_eq!(send(there.as_fd(), &[b"y"], b"").unwrap(), 0);
        assert_eq!(Inbox::new(2 * taken, 10).receive(here.as_fd()).unwrap(), taken);
    }

    #[test]
    fn what_does_not_fit_stays_in_the_kernel() {
        let (here, there) = pair("127.0.0.1:0");
        assert_eq!(send(there.as_fd(), &[b"one", b"two", b"three"], b"\n").unwrap(), 3);
        let mut inbox = Inbox::new(2, 100);
        assert_eq!(inbox.receive(here.as_fd()).unwrap(), 2);
        assert_eq!(inbox.receive(here.as_fd()).unwrap(), 1);
        assert_eq!(inbox.datagram(0).0, b"three\n");
    }
}
