//! Encodes lines of a file, to be measured: `encode PLAN LINES ROUNDS`. Under callgrind it counts instructions.

use std::time::Instant;

use shipper_core::{Engine, Entry, Interval, Origin};

const LINES_OF_AN_ENTRY: usize = 1_000;
/// 2026-11-21, and when the lines are taken to have come.
const RECEIVED_US: i64 = 1_795_222_860_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, plan, lines, rounds] = &arguments[..] else { return Err("encode PLAN LINES ROUNDS".into()) };
    let mut engine = Engine::new(&std::fs::read(plan)?)?;
    let zone = engine.zone("UTC");
    engine.learn(zone, 2026, vec![Interval { from_s: 0, until_s: i64::MAX, offset_us: 0 }]);
    let file = std::fs::read(lines)?;
    let raws: Vec<&[u8]> = file.split(|&byte| byte == b'\n').collect();
    let tables: Vec<Vec<u8>> = raws.chunks(LINES_OF_AN_ENTRY).map(table).collect();
    let data: Vec<Vec<u8>> = raws.chunks(LINES_OF_AN_ENTRY).map(<[&[u8]]>::concat).collect();
    let origin = Origin { zone, sender: "192.0.2.1".into(), is_observer: true, is_odd: false };
    let entries: Vec<Entry> = tables
        .iter()
        .zip(&data)
        .map(|(table, data)| Entry {
            segment: b"123456789012",
            received_us: RECEIVED_US,
            table,
            data,
            data_offset: 0,
            origins: vec![origin.clone()],
        })
        .collect();
    let rounds: usize = rounds.parse()?;
    let start = Instant::now();
    let mut declined = 0;
    for _ in 0..rounds {
        for entry in &entries {
            declined += engine.encode(std::slice::from_ref(entry), &[]).declined.len();
        }
    }
    let spent = start.elapsed().as_secs_f64();
    let done = raws.len() * rounds;
    println!("{done} lines, {declined} declined, {:.3} us a line", spent * 1e6 / f64::from(u32::try_from(done)?));
    Ok(())
}

fn table(raws: &[&[u8]]) -> Vec<u8> {
    let header = |raw: &&[u8]| [u32::try_from(raw.len()).unwrap_or(0).to_le_bytes(), [0; 4], [0; 4]].concat();
    raws.iter().flat_map(header).collect()
}
