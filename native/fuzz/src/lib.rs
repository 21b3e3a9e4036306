//! What holds for any bytes that the native engine is given.
//!
//! 1. Encoding never panics. Each line is an item or declined, and stays so, byte for byte, wherever the batch is cut
//!    into entries.
//! 2. An item is two lines of JSON, and its `_id` is 22 characters of base64url.
//! 3. Gathering counts every line once, as kept, blank or refused, and what is kept stands in the datagrams.
//!
//! `cargo run --bin mutate` tries inputs without a fuzzer; `targets/` are those for libFuzzer (`cargo +nightly fuzz`).

use std::collections::HashMap;

use serde_json::Value;
use shipper_core::{Bounds, Encoding, Engine, Entry, Gathering, Interval, Origin};

/// 2026-11-21: when all lines come.
const RECEIVED_US: i64 = 1_795_222_860_000_000;
const ENTRY_LINES_MAX: usize = 64;
const CUT: u16 = 1;
const ID_CHARS: usize = 22;
const HEADER: &[u8] = b"{\"create\":{\"_id\":\"";

/// Makes an engine that knows UTC in 2026.
///
/// # Panics
/// The plan is none.
#[must_use]
pub fn engine(plan: &[u8]) -> Engine {
    let mut engine = Engine::new(plan).expect("a plan that shipper wrote");
    let zone = engine.zone("UTC");
    engine.learn(zone, 2026, vec![Interval { from_s: 0, until_s: i64::MAX, offset_us: 0 }]);
    engine
}

/// Encodes the lines of `data`, behind a byte that says where to cut them and which are cut by the kernel.
///
/// # Panics
/// Something does not hold.
pub fn encode(engine: &Engine, data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else { return };
    let lines: Vec<&[u8]> = rest.split(|&byte| byte == b'\n').take(ENTRY_LINES_MAX).collect();
    let flags = if choice & 0x80 == 0 { 0 } else { CUT };
    let whole = encode_entries(engine, &[&lines], flags);
    let (first, second) = lines.split_at(usize::from(choice & 0x7f).min(lines.len()));
    let cut = encode_entries(engine, &[first, second], flags);
    assert_eq!(whole.declined, cut.declined);
    assert!(whole.content == cut.content, "the items depend on where the batch is cut");
    let days = whole.days();
    let indices: HashMap<i32, usize> = days.iter().map(|&day| (day, 0)).collect();
    let bodies = whole.bodies(&indices, &[], usize::MAX);
    let numbers: Vec<u64> = bodies.iter().flat_map(|body| body.numbers.iter().copied()).collect();
    let mut all: Vec<u64> = numbers.iter().copied().chain(whole.declined.iter().map(|&number| number.into())).collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..lines.len() as u64), "each line is an item or declined");
    for body in &bodies {
        check_items(&body.pieces.concat(), body.ends.iter().map(|&end| usize::try_from(end).unwrap_or(usize::MAX)));
    }
}

fn check_items(content: &[u8], ends: impl Iterator<Item = usize>) {
    let mut start = 0;
    for end in ends {
        let item = &content[start..end];
        let (action, document) = item.split_at(HEADER.len() + ID_CHARS + 4);
        let id = &action[HEADER.len()..HEADER.len() + ID_CHARS];
        assert!(action.starts_with(HEADER) && action.ends_with(b"\"}}\n"));
        assert!(id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
        let (newline, document) = document.split_last().expect("a document");
        assert!(*newline == b'\n' && !document.contains(&b'\n'));
        assert!(serde_json::from_slice::<Value>(document).is_ok_and(|value| value.is_object()));
        start = end;
    }
    assert_eq!(start, content.len());
}

fn encode_entries(engine: &Engine, entries: &[&[&[u8]]], flags: u16) -> Encoding {
    let origin = Origin { zone: 0, sender: "192.0.2.1".into(), is_observer: true, is_odd: false };
    let tables: Vec<Vec<u8>> = entries.iter().map(|lines| table(lines, flags)).collect();
    let data: Vec<Vec<u8>> = entries.iter().map(|lines| lines.concat()).collect();
    let mut data_offset = 0;
    let mut made = Vec::new();
    for (table, data) in tables.iter().zip(&data) {
        let origins = vec![origin.clone()];
        made.push(Entry { segment: &[7; 12], received_us: RECEIVED_US, table, data, data_offset, origins });
        data_offset += data.len() as u64;
    }
    engine.encode(&made, &[])
}

fn table(lines: &[&[u8]], flags: u16) -> Vec<u8> {
    let header = |line: &&[u8]| {
        let length = u32::try_from(line.len()).unwrap_or(u32::MAX).to_le_bytes();
        [&length[..], &[0; 6], &flags.to_le_bytes()].concat()
    };
    lines.iter().flat_map(header).collect()
}

/// Gathers `data` as datagrams, each behind a byte that tells its length and who sent it.
///
/// # Panics
/// Something does not hold.
pub fn gather(data: &[u8]) {
    let mut gathering = Gathering::new(Bounds { lines: 16, bytes: 400, origins: 3, datagram_lines: 4 });
    let (mut came, mut told, mut rest) = (0, 0, data);
    while let Some((&choice, behind)) = rest.split_first() {
        let (datagram, behind) = behind.split_at(usize::from(choice & 0x3f).min(behind.len()));
        rest = behind;
        let before = gathering.received();
        let full = match choice >> 6 {
            3 => {
                gathering.refuse(datagram);
                false
            }
            sender => gathering.add(datagram, 0, ["", "a", "b"][usize::from(sender)], RECEIVED_US, choice & 1 == 1),
        };
        came += gathering.received() - before;
        if full || rest.is_empty() {
            told += take(&mut gathering);
        }
    }
    assert_eq!(came, told);
}

/// Checks what was gathered; gives the lines that came.
fn take(gathering: &mut Gathering) -> u64 {
    let gathered = gathering.take();
    let lengths = gathered.table.chunks_exact(12).map(|line| u32::from_le_bytes([line[0], line[1], line[2], line[3]]));
    let kept = lengths.len() as u64;
    let bytes: u64 = lengths.map(u64::from).sum();
    assert_eq!(bytes, gathered.data.len() as u64);
    assert_eq!(gathered.received, kept + gathered.empty + gathered.refused);
    assert!(gathered.origins.len() <= 3);
    gathered.received
}
