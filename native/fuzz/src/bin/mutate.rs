//! Tries inputs that are made of lines, without a fuzzer: `mutate PLAN LINES RUNS SEED`.
//!
//! An input is some of the lines with words exchanged, bytes changed, or cut. The first that fails is printed.

use std::error::Error;
use std::panic::{self, AssertUnwindSafe};

/// Marsaglia's xorshift: the same inputs for the same seed, everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % end.max(1)
    }

    fn of<'a>(&mut self, lines: &'a [Vec<u8>]) -> &'a [u8] {
        &lines[self.below(lines.len())]
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, plan, lines, runs, seed] = &arguments[..] else { return Err("mutate PLAN LINES RUNS SEED".into()) };
    let engine = shipper_fuzz::engine(&std::fs::read(plan)?);
    let lines: Vec<Vec<u8>> = std::fs::read(lines)?.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    let mut chance = Chance(seed.parse::<u64>()? | 1 << 40);
    for _ in 0..runs.parse()? {
        let input = input(&mut chance, &lines);
        let tried = panic::catch_unwind(AssertUnwindSafe(|| {
            shipper_fuzz::encode(&engine, &input);
            shipper_fuzz::gather(&input);
        }));
        if tried.is_err() {
            return Err(format!("failed for b\"{}\"", input.escape_ascii()).into());
        }
    }
    println!("{runs} inputs");
    Ok(())
}

fn input(chance: &mut Chance, lines: &[Vec<u8>]) -> Vec<u8> {
    let mut input = vec![u8::try_from(chance.below(256)).unwrap_or(0)];
    for _ in 0..=chance.below(4) {
        let line = chance.of(lines).to_vec();
        input.extend(mutate(chance, line, lines));
        input.push(b'\n');
    }
    input
}

fn mutate(chance: &mut Chance, mut line: Vec<u8>, lines: &[Vec<u8>]) -> Vec<u8> {
    for _ in 0..chance.below(4) {
        let at = chance.below(line.len());
        match chance.below(4) {
            0 => line.truncate(at),
            1 if !line.is_empty() => line[at] = u8::try_from(chance.below(256)).unwrap_or(0),
            2 => line.insert(at, b" \"{}|/:#-+0\\~[]"[chance.below(15)]),
            _ => {
                let mut words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
                let others: Vec<&[u8]> = chance.of(lines).split(|&byte| byte == b' ').collect();
                let place = chance.below(words.len());
                words[place] = others[chance.below(others.len())];
                line = words.join(&b' ');
            }
        }
    }
    line
}
