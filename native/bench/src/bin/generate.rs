//! Sends the lines of a file over UDP at a rate: `generate FILE PORT LINES_PER_S SECONDS`.
//!
//! What looks like `t=0000000000000000` in a line becomes the time of sending, in microseconds since 1970. Prints how
//! many lines were sent, how long it took, and how far it was behind at most.

use std::error::Error;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const PLACE: &[u8] = b"t=0000000000000000";
const DIGITS: usize = 16;
const CALL_LINES: usize = 128;
const TICK: Duration = Duration::from_micros(500);

struct Line {
    text: Vec<u8>,
    time_at: Option<usize>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, file, port, rate, seconds] = &arguments[..] else {
        return Err("generate FILE PORT LINES_PER_S SECONDS".into());
    };
    let file = std::fs::read(file)?;
    let mut lines: Vec<Line> = file.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(line).collect();
    let (rate, seconds): (u64, u64) = (rate.parse()?, seconds.parse()?);
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(("127.0.0.1", port.parse()?))?;
    let (total, begin, mut sent, mut late) = (rate * seconds, Instant::now(), 0, Duration::ZERO);
    println!("begun");
    while sent < total {
        let due = u64::try_from(begin.elapsed().as_micros())? * rate / 1_000_000;
        if due <= sent {
            thread::sleep(TICK);
            continue;
        }
        late = late.max(begin.elapsed().saturating_sub(Duration::from_micros(sent * 1_000_000 / rate)));
        let count = usize::try_from(due.min(total) - sent)?.min(CALL_LINES);
        sent += send(&socket, &mut lines, usize::try_from(sent)?, count)? as u64;
    }
    println!("{sent} {:.3} {:.1}", begin.elapsed().as_secs_f64(), late.as_secs_f64() * 1_000.0);
    Ok(())
}

fn line(text: &[u8]) -> Line {
    let time_at = memchr::memmem::find(text, PLACE).map(|at| at + PLACE.len() - DIGITS);
    Line { text: text.into(), time_at }
}

/// Sends `count` lines from `first` on, round and round; gives how many went out.
fn send(socket: &UdpSocket, lines: &mut [Line], first: usize, count: usize) -> Result<usize, Box<dyn Error>> {
    let now = format!("{:016}", SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros());
    let first = first % lines.len();
    let end = lines.len().min(first + count);
    let batch = &mut lines[first..end];
    for line in &mut *batch {
        if let Some(at) = line.time_at {
            line.text[at..at + DIGITS].copy_from_slice(now.as_bytes());
        }
    }
    let texts: Vec<&[u8]> = batch.iter().map(|line| &line.text[..]).collect();
    Ok(shipper_net::send(socket.as_fd(), &texts, b"")?)
}
