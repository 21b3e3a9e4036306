//! Moments are microseconds since 1970 in UTC; walls are local times as if they were UTC.

use std::collections::HashMap;

use crate::plan::Times;
use crate::{Declined, Taken};

pub(crate) const SECOND_US: i64 = 1_000_000;
pub(crate) const MS_US: i64 = 1_000;
const QUARTER_US: i64 = 15 * 60 * SECOND_US;
const DAY_S: i64 = 86_400;
pub(crate) const DAY_US: i64 = DAY_S * SECOND_US;
/// `21/Nov/2026:01:02:03.456`
pub(crate) const DATE_BYTES: usize = 24;

/// Wall times at which a zone's offset is certain: `until_s` is the first second behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first second.
    pub from_s: i64,
    /// The first second behind.
    pub until_s: i64,
    /// Local time less UTC, in microseconds.
    pub offset_us: i64,
}

/// What is known of a zone, by year.
pub(crate) type Zone = HashMap<i64, Vec<Interval>>;

/// Reads two digits.
fn two(text: &[u8]) -> Option<i64> {
    match *text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0')),
        _ => None,
    }
}

fn four(text: &[u8]) -> Option<i64> {
    Some(two(&text[..2])? * 100 + two(&text[2..4])?)
}

/// Gives the number of a month from 1.
pub(crate) fn month(name: &[u8]) -> Option<i64> {
    const NAMES: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    NAMES.iter().position(|each| *each == name).and_then(|place| i64::try_from(place + 1).ok())
}

/// Counts the days from 1970 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month > 2 { year } else { year - 1 };
    let era = shifted.div_euclid(400);
    let of_era = shifted - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Gives year, month and day of a day since 1970.
pub(crate) fn date(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted - era * 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let number = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(number <= 2), number, of_year - (153 * month + 2) / 5 + 1)
}

/// Gives the second since 1970 of a wall time; None where there is none, and for a leap second.
fn second(year: i64, month: i64, day: i64, clock: &[u8]) -> Option<i64> {
    let (hour, minute, second) = (two(&clock[..2])?, two(&clock[3..5])?, two(&clock[6..8])?);
    let exists = year >= 1 && (1..=12).contains(&month) && day >= 1 && hour < 24 && minute < 60 && second < 60;
    let number = days(year, month, day);
    let shaped = clock[2] == b':' && clock[5] == b':';
    (exists && shaped && date(number) == (year, month, day))
        .then(|| number * DAY_S + hour * 3_600 + minute * 60 + second)
}

/// A date as `HAProxy` writes it, in a year of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wall {
    pub us: i64,
    pub year: i64,
}

/// Remembers the last second that was read.
#[derive(Debug, Default)]
pub(crate) struct Dates {
    text: [u8; 20],
    wall: Wall,
}

impl Dates {
    /// Reads `21/Nov/2026:01:02:03.456`.
    pub fn read(&mut self, text: &[u8]) -> Taken<Wall> {
        let ms = match text.get(20..DATE_BYTES) {
            Some(&[b'.', hundreds @ b'0'..=b'9', ref rest @ ..]) => {
                i64::from(hundreds - b'0') * 100 + two(rest).ok_or(Declined)?
            }
            _ => return Err(Declined),
        };
        if text[..20] != self.text {
            self.wall = Self::second(&text[..20]).ok_or(Declined)?;
            self.text.copy_from_slice(&text[..20]);
        }
        Ok(Wall { us: self.wall.us + ms * MS_US, ..self.wall })
    }

    fn second(text: &[u8]) -> Option<Wall> {
        let shaped = text[2] == b'/' && text[6] == b'/' && text[11] == b':';
        let year = four(&text[7..11])?;
        let second = second(year, month(&text[3..6])?, two(&text[..2])?, &text[12..])?;
        shaped.then_some(Wall { us: second * SECOND_US, year })
    }
}

/// Remembers the last second that was read.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    text: [u8; 19],
    second: i64,
}

impl Moments {
    /// Reads `2026-11-21T01:02:03.456789+01:00` (RFC 5424, 6.2.3) as a moment; it must have an offset.
    pub fn read(&mut self, text: &[u8]) -> Option<i64> {
        let (clock, rest) = text.split_first_chunk::<19>()?;
        if *clock != self.text {
            self.second = moment_second(clock)?;
            self.text = *clock;
        }
        Some(self.second * SECOND_US + fraction_and_offset(rest)?)
    }
}

fn moment_second(clock: &[u8]) -> Option<i64> {
    let shaped = clock[4] == b'-' && clock[7] == b'-' && matches!(clock[10], b'T' | b' ');
    let second = second(four(clock)?, two(&clock[5..7])?, two(&clock[8..10])?, &clock[11..])?;
    shaped.then_some(second)
}

/// Gives the microseconds of a fraction, less the offset behind it.
fn fraction_and_offset(rest: &[u8]) -> Option<i64> {
    let digits = rest.strip_prefix(b".").map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
    let (fraction, zone) = rest.split_at(if digits > 0 { digits + 1 } else { 0 });
    let mut us = 0;
    for place in 1..=6 {
        us = us * 10 + fraction.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    }
    (digits <= 9).then_some(us - offset(zone)?)
}

fn offset(text: &[u8]) -> Option<i64> {
    let (sign, clock) = match *text {
        [b'Z'] => return Some(0),
        [b'+', ref clock @ ..] => (1, clock),
        [b'-', ref clock @ ..] => (-1, clock),
        _ => return None,
    };
    let minutes = match clock.len() {
        4 => two(&clock[2..])?,
        5 if clock[2] == b':' => two(&clock[3..])?,
        _ => return None,
    };
    let offset = two(&clock[..2])? * 60 + minutes;
    (offset <= 14 * 60).then_some(sign * offset * 60 * SECOND_US)
}

/// Writes moments as `2026-11-21T01:02:03.000000Z`; remembers the last second.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    second: i64,
    text: [u8; MOMENT_BYTES],
}

const MOMENT_BYTES: usize = 27;

impl Writer {
    pub fn write(&mut self, us: i64) -> &[u8; MOMENT_BYTES] {
        let second = us.div_euclid(SECOND_US);
        if second != self.second || self.text[0] == 0 {
            self.second = second;
            self.text = *b"0000-00-00T00:00:00.000000Z";
            let (year, month, day) = date(second.div_euclid(DAY_S));
            let clock = second.rem_euclid(DAY_S);
            let parts = [year / 100, year % 100, month, day, clock / 3_600, clock / 60 % 60, clock % 60];
            for (at, part) in [0, 2, 5, 8, 11, 14, 17].into_iter().zip(parts) {
                self.text[at..at + 2].copy_from_slice(&pair(part));
            }
        }
        let fraction = us.rem_euclid(SECOND_US);
        for (at, part) in [20, 22, 24].into_iter().zip([fraction / 10_000, fraction / 100 % 100, fraction % 100]) {
            self.text[at..at + 2].copy_from_slice(&pair(part));
        }
        &self.text
    }
}

/// Gives two digits.
fn pair(value: i64) -> [u8; 2] {
    const PAIRS: [[u8; 2]; 100] = {
        let mut pairs = [[0; 2]; 100];
        let mut value = 0;
        while value < 100 {
            pairs[value as usize] = [b'0' + value / 10, b'0' + value % 10];
            value += 1;
        }
        pairs
    };
    usize::try_from(value).ok().and_then(|value| PAIRS.get(value)).copied().unwrap_or(*b"00")
}

impl Times {
    /// Gives the offset that a header tells: of a request that began at `wall_us` and ended as it was sent.
    pub fn told_offset(&self, wall_us: i64, total_us: i64, sent_us: i64) -> Option<i64> {
        let start_us = sent_us - total_us;
        let offset = between(wall_us, start_us);
        let near = (wall_us - offset - start_us).abs() <= self.near_us;
        (near && self.offsets_us.binary_search(&offset).is_ok()).then_some(offset)
    }

    /// Tells whether a line may go to the index of its own day.
    pub fn accepts(&self, event_us: i64, received_us: i64) -> bool {
        let age = received_us - event_us;
        (0..=self.until_us).contains(&event_us)
            && self.past_us.is_none_or(|past| age <= past)
            && self.future_us.is_none_or(|future| -age <= future)
    }

    /// Gives by how many whole quarters of an hour a line's end is off from its receipt, where a zone explains it.
    pub fn skew(&self, end_us: i64, received_us: i64) -> i64 {
        let offset = between(received_us, end_us);
        let near = (received_us - end_us - offset).abs() <= self.near_us;
        if near && (QUARTER_US..=self.skew_us_max).contains(&offset.abs()) { offset } else { 0 }
    }
}

/// Gives the offset, in whole quarters of an hour, at which a wall time is nearest to a moment.
fn between(wall_us: i64, moment_us: i64) -> i64 {
    (wall_us - moment_us + QUARTER_US / 2).div_euclid(QUARTER_US) * QUARTER_US
}

/// Gives the interval of a zone that holds a second.
pub(crate) fn interval(zone: &Zone, year: i64, wall_s: i64) -> Option<Interval> {
    let known = zone.get(&year)?;
    let next = known.partition_point(|each| each.from_s <= wall_s);
    known[..next].last().copied().filter(|each| wall_s < each.until_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &[u8]) -> Option<i64> {
        Moments::default().read(text)
    }

    #[test]
    fn a_second_is_written_as_it_was_read() {
        let wall = Dates::default().read(b"29/Feb/2028:23:59:59.007").unwrap();
        let mut writer = Writer::default();
        assert_eq!(writer.write(wall.us), b"2028-02-29T23:59:59.007000Z");
        assert_eq!(writer.write(wall.us + 992_999), b"2028-02-29T23:59:59.999999Z");
        assert_eq!(writer.write(wall.us + 993_000), b"2028-03-01T00:00:00.000000Z");
        assert_eq!(writer.write(-1), b"1969-12-31T23:59:59.999999Z");
    }

    #[test]
    fn what_is_no_date_is_declined() {
        for text in ["29/Feb/2027:00:00:00.000", "21/nov/2026:01:02:03.456", "21/Nov/2026:01:02:60.456"] {
            assert!(Dates::default().read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_iso_date_is_a_moment_by_its_offset() {
        assert_eq!(moment(b"1970-01-01T01:00:00.5+01:00"), Some(500_000));
        assert_eq!(moment(b"1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(moment(b"1969-12-31T23:00:00.000001-0100"), Some(1));
        for text in ["1970-01-01T00:00:00", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00+15:00", "1970-1-1"] {
            assert_eq!(moment(text.as_bytes()), None, "{text}");
        }
    }
}
