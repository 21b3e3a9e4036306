//! Syslog headers as `HAProxy` writes them (`local`, `rfc3164`, `rfc5424`), and none; others are Python's.

use crate::time::Moments;
use crate::{Declined, Taken};

const PRIORITY_MAX: u64 = 191;
const WORD_BYTES_MAX: usize = 64;
const PROCESS_DIGITS_MAX: usize = 10;

/// What stood in front of the message; an empty word was not there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Header<'a> {
    pub priority: Option<u64>,
    pub hostname: &'a [u8],
    pub tag: &'a [u8],
    pub process: &'a [u8],
    /// The text they stand in, without priority and date: the same in every line of one process.
    pub words: &'a [u8],
    /// When it was sent, where it says so with an offset.
    pub moment: Option<i64>,
    /// Where the message begins.
    pub end: usize,
}

impl<'a> Header<'a> {
    /// Reads the header of a line whose message begins as traffic does: with an address.
    pub fn read(line: &'a [u8], moments: &mut Moments) -> Taken<Self> {
        let mut reader = Reader { line, at: 0 };
        let priority = reader.priority()?;
        let header = match reader.line.get(reader.at) {
            Some(b'A'..=b'Z') if line.get(reader.at + 3) == Some(&b' ') => reader.local()?,
            Some(b'1') if line.get(reader.at + 1) == Some(&b' ') => reader.modern(moments)?,
            _ if priority.is_none() => Self::default(),
            _ => return Err(Declined),
        };
        Ok(Self { priority, end: reader.at, ..header })
    }
}

struct Reader<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn priority(&mut self) -> Taken<Option<u64>> {
        if self.line.first() != Some(&b'<') {
            return Ok(None);
        }
        let end = self.line.iter().take(5).position(|&byte| byte == b'>').ok_or(Declined)?;
        let mut value = 0;
        for byte in &self.line[1..end] {
            value = value * 10 + u64::from(byte.is_ascii_digit().then_some(byte - b'0').ok_or(Declined)?);
        }
        self.at = end + 1;
        if end > 1 && value <= PRIORITY_MAX { Ok(Some(value)) } else { Err(Declined) }
    }

    /// Reads `Nov 21 01:02:03 [host ]haproxy[123]: `; the date means nothing where the line has its own.
    fn local(&mut self) -> Taken<Header<'a>> {
        let date = self.line.get(self.at..self.at + 16).ok_or(Declined)?;
        let digit = |places: &[usize]| places.iter().all(|&place| date[place].is_ascii_digit());
        let is_date = date[1].is_ascii_lowercase()
            && date[2].is_ascii_lowercase()
            && matches!(date[4], b' ' | b'0'..=b'3')
            && digit(&[5, 7, 8, 10, 11, 13, 14])
            && [date[6], date[9], date[12], date[15]] == *b" :: ";
        if !is_date {
            return Err(Declined);
        }
        self.at += 16;
        let start = self.at;
        let first = self.word()?;
        let hostname = if self.skip(b" ") { first } else { &[] };
        let tag = if hostname.is_empty() { first } else { self.word()? };
        let process = if self.skip(b"[") { self.process()? } else { return Err(Declined) };
        if !self.skip(b"]: ") {
            return Err(Declined);
        }
        let words = &self.line[start..self.at];
        Ok(Header { hostname: or_nothing(hostname), tag: or_nothing(tag), process, words, ..Header::default() })
    }

    /// Reads `1 2026-11-21T01:02:03.456789+01:00 host haproxy 123 - - `.
    fn modern(&mut self, moments: &mut Moments) -> Taken<Header<'a>> {
        self.at += 2;
        let moment = moments.read(self.token()?).ok_or(Declined)?;
        let start = self.at;
        let hostname = or_nothing(self.token()?);
        let tag = or_nothing(self.token()?);
        let process = if self.skip(b"- ") { &[] } else { self.process()? };
        if !process.is_empty() && !self.skip(b" ") {
            return Err(Declined);
        }
        if !self.skip(b"- - ") {
            return Err(Declined);
        }
        let words = &self.line[start..self.at];
        Ok(Header { hostname, tag, process, words, moment: Some(moment), ..Header::default() })
    }

    fn skip(&mut self, text: &[u8]) -> bool {
        let found = self.line[self.at..].starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// Takes what every header may call a host or a tag.
    fn word(&mut self) -> Taken<&'a [u8]> {
        let rest = &self.line[self.at..];
        let length = rest
            .iter()
            .position(|&byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')))
            .ok_or(Declined)?;
        if !(1..=WORD_BYTES_MAX).contains(&length) {
            return Err(Declined);
        }
        self.at += length;
        Ok(&rest[..length])
    }

    /// Takes a word and the blank behind it.
    fn token(&mut self) -> Taken<&'a [u8]> {
        let rest = &self.line[self.at..];
        let length = rest.iter().position(|byte| !byte.is_ascii_graphic()).ok_or(Declined)?;
        if !(1..=WORD_BYTES_MAX).contains(&length) || rest[length] != b' ' {
            return Err(Declined);
        }
        self.at += length + 1;
        Ok(&rest[..length])
    }

    fn process(&mut self) -> Taken<&'a [u8]> {
        let rest = &self.line[self.at..];
        let length = rest.iter().position(|byte| !byte.is_ascii_digit()).ok_or(Declined)?;
        if !(1..=PROCESS_DIGITS_MAX).contains(&length) {
            return Err(Declined);
        }
        self.at += length;
        Ok(&rest[..length])
    }
}

fn or_nothing(word: &[u8]) -> &[u8] {
    if word == b"-" { &[] } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_of_haproxy_are_read() {
        let line = b"<134>Nov 21 01:02:03 host haproxy[123]: 10.0.0.1:1 ";
        let header = Header::read(line, &mut Moments::default()).unwrap();
        assert_eq!((header.priority, header.hostname, header.tag), (Some(134), &b"host"[..], &b"haproxy"[..]));
        assert_eq!(&line[header.end..], b"10.0.0.1:1 ");
        let line = b"<134>1 2026-11-21T01:02:03.456789+01:00 - haproxy 123 - - x";
        let header = Header::read(line, &mut Moments::default()).unwrap();
        assert_eq!((header.hostname, header.process, header.moment.is_some()), (&b""[..], &b"123"[..], true));
        assert_eq!(Header::read(b"10.0.0.1:1 ", &mut Moments::default()).unwrap().end, 0);
    }

    #[test]
    fn others_are_declined() {
        for line in ["<134>10.0.0.1:1 ", "<192>Nov 21 01:02:03 h[1]: ", "<134>Nov 21 01:02:03 haproxy: ", "<1", "<>"] {
            assert!(Header::read(line.as_bytes(), &mut Moments::default()).is_err(), "{line}");
        }
    }
}
