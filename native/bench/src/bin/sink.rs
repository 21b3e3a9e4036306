//! Takes bulk requests and stores nothing: `sink PORT` (0: any). Prints its port; four times a second it prints the
//! documents, their bytes, the requests, and the median and the largest latency in milliseconds of the documents whose
//! line tells when it was sent (the first and the last of each request).
//!
//! From a line `away` in its standard input to a line `back` it ends every connection without an answer.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

static AWAY: AtomicBool = AtomicBool::new(false);
const TELL_EACH: Duration = Duration::from_millis(250);
const SENT: &[u8] = b"t=";
const DIGITS: usize = 16;
const NEW: &str = r#"{"create":{"status":201}}"#;
const HELLO: &str = r#"{"version":{"number":"8.19.5","build_flavor":"default"},"tagline":"You Know, for Search"}"#;

#[derive(Default)]
struct Counts {
    documents: usize,
    bytes: usize,
    requests: usize,
    latencies_us: Vec<u64>,
}

type Shared = Arc<Mutex<Counts>>;

fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("sink PORT")?.parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("{}", listener.local_addr()?.port());
    let counts = Shared::default();
    thread::spawn(|| {
        for word in io::stdin().lines().map_while(Result::ok) {
            AWAY.store(word == "away", Ordering::Relaxed);
        }
    });
    let told = counts.clone();
    thread::spawn(move || {
        loop {
            thread::sleep(TELL_EACH);
            tell(&told);
        }
    });
    for stream in listener.incoming() {
        let counts = counts.clone();
        let stream = stream?;
        thread::spawn(move || {
            let _ = serve(stream, &counts);
        });
    }
    Ok(())
}

fn tell(counts: &Shared) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    counts.latencies_us.sort_unstable();
    let latencies = &counts.latencies_us;
    let ms = |us: Option<&u64>| us.copied().unwrap_or(0) / 1_000;
    let (median, most) = (ms(latencies.get(latencies.len() / 2)), ms(latencies.last()));
    println!("{} {} {} {median} {most}", counts.documents, counts.bytes, counts.requests);
}

/// Answers the requests of one connection until it ends.
fn serve(stream: TcpStream, counts: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    let mut body = Vec::new();
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        let (length, expects) = headers(&mut reader)?;
        if expects {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        if AWAY.load(Ordering::Relaxed) {
            return Ok(());
        }
        let answer = if request.contains("_bulk") { take(&body, counts) } else { HELLO.to_owned() };
        let head = "HTTP/1.1 200 OK\r\nX-elastic-product: Elasticsearch\r\ncontent-type: application/json";
        write!(writer, "{head}\r\ncontent-length: {}\r\n\r\n", answer.len())?;
        if !request.starts_with("HEAD ") {
            writer.write_all(answer.as_bytes())?;
        }
    }
}

/// Reads headers; gives the length of the body, and whether a word is awaited before it.
fn headers(reader: &mut impl BufRead) -> io::Result<(usize, bool)> {
    let (mut length, mut expects) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Ok((length, expects));
        }
        expects |= line == "expect: 100-continue";
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
}

/// Counts the documents of a request, and says that they are all new.
fn take(body: &[u8], counts: &Shared) -> String {
    let documents = lines(body) / 2;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_micros());
    let sent = [memchr::memmem::find(body, SENT), memchr::memmem::rfind(body, SENT)];
    let latencies = sent.into_iter().flatten().filter_map(|at| latency(&body[at + SENT.len()..], now));
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    counts.documents += documents;
    counts.bytes += body.len();
    counts.requests += 1;
    counts.latencies_us.extend(latencies);
    drop(counts);
    let items = [NEW].repeat(documents).join(",");
    format!(r#"{{"errors":false,"items":[{items}]}}"#)
}

/// Counts the lines that are not blank: some put a blank one behind each document.
fn lines(body: &[u8]) -> usize {
    let mut next = 0;
    memchr::memchr_iter(b'\n', body).filter(|&end| end > std::mem::replace(&mut next, end + 1)).count()
}

fn latency(text: &[u8], now_us: u128) -> Option<u64> {
    let sent: u128 = std::str::from_utf8(text.get(..DIGITS)?).ok()?.parse().ok()?;
    u64::try_from(now_us.checked_sub(sent)?).ok()
}
