//! Where a value ends: the grammars of `shipper/haproxy/kinds.py` that are told by their bytes, by name.

use crate::plan::PlanError;
use crate::time::DATE_BYTES;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With its port behind it.
    Address,
    AddressAlone,
    Port,
    Date,
    Name,
    Frontend,
    Server,
    Number,
    Marked,
    Integer,
    Hex,
    Flag,
    Status,
    /// A captured cookie without blanks.
    Cookie,
    Termination,
    TcpTermination,
    /// Captured headers in braces, without quotes; the blank before them belongs to them.
    Block,
    /// What stands in quotes that it cannot hold.
    Encoded,
    ServerName,
    Protocol,
    Cipher,
}

impl Kind {
    pub fn named(name: &str) -> Result<Self, PlanError> {
        Ok(match name {
            "address" => Self::Address,
            "address_alone" => Self::AddressAlone,
            "port" => Self::Port,
            "date" => Self::Date,
            "name" => Self::Name,
            "frontend" => Self::Frontend,
            "server" => Self::Server,
            "number" => Self::Number,
            "marked" => Self::Marked,
            "integer" => Self::Integer,
            "hex_or_none" => Self::Hex,
            "flag" => Self::Flag,
            "status" => Self::Status,
            "cookie" => Self::Cookie,
            "termination" => Self::Termination,
            "tcp_termination" => Self::TcpTermination,
            "block" => Self::Block,
            "encoded" => Self::Encoded,
            "server_name" => Self::ServerName,
            "protocol" => Self::Protocol,
            "cipher" => Self::Cipher,
            _ => return Err(PlanError(format!("unknown kind {name:?}"))),
        })
    }

    /// Gives the length of the value that `rest` begins with; None where there is none.
    pub fn length(self, rest: &[u8]) -> Option<usize> {
        let some = |length: usize| (length > 0).then_some(length);
        match self {
            Self::Address => address(rest),
            Self::AddressAlone => address_alone(rest),
            Self::Port | Self::Integer => dash_or(rest, |rest| run(rest, DIGIT)),
            Self::Date => (rest.len() >= DATE_BYTES).then_some(DATE_BYTES),
            Self::Frontend => some(run(rest, NAME)).map(|end| end + usize::from(rest.get(end) == Some(&b'~'))),
            Self::Server if rest.first() == Some(&b'<') => {
                let name = some(run(&rest[1..], NAME))?;
                (rest.get(name + 1) == Some(&b'>')).then_some(name + 2)
            }
            Self::Name | Self::Server => some(run(rest, NAME)),
            Self::Number => signed(rest, b"-"),
            Self::Marked => signed(rest, b"+-"),
            Self::Hex => dash_or(rest, |rest| run(rest, HEXADECIMAL)),
            Self::Flag => matches!(rest.first()?, b'0' | b'1' | b'-').then_some(1),
            Self::Status => status(rest),
            Self::Cookie => cookie(rest),
            Self::Termination => {
                (rest.len() >= 4 && state(&rest[..2]) && rest[2..4].iter().all(|&byte| is(byte, STATE))).then_some(4)
            }
            Self::TcpTermination => (rest.len() >= 2 && state(&rest[..2])).then_some(2),
            Self::Block => block(rest),
            Self::Encoded => memchr::memchr(b'"', rest),
            Self::ServerName => some(run(rest, WORD)).filter(|&length| length <= SERVER_NAME_BYTES_MAX),
            Self::Protocol => some(run(rest, WORD)),
            Self::Cipher => some(run(rest, CIPHER)),
        }
    }
}

const SERVER_NAME_BYTES_MAX: usize = 255;
const ADDRESS_BYTES_MAX: usize = 45;
/// Any such number fits a long.
pub(crate) const DIGITS_MAX: usize = 18;

const DIGIT: u16 = 1;
const HEXADECIMAL: u16 = 2;
const NAME: u16 = 4;
const ADDRESS: u16 = 8;
const WORD: u16 = 16;
const CIPHER: u16 = 32;
const STATE: u16 = 64;

/// Of which classes each byte is.
const CLASSES: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        let digit = byte.is_ascii_digit();
        let letter = byte.is_ascii_alphabetic();
        let hexadecimal = byte.is_ascii_hexdigit();
        let name = letter || digit || matches!(byte, b'.' | b'_' | b'-');
        table[byte as usize] = (digit as u16 * DIGIT)
            | (hexadecimal as u16 * HEXADECIMAL)
            | ((name || byte == b':') as u16 * NAME)
            | ((hexadecimal || matches!(byte, b':' | b'.')) as u16 * ADDRESS)
            | (name as u16 * WORD)
            | ((letter || digit || matches!(byte, b'_' | b':' | b'+' | b'(' | b')' | b'-')) as u16 * CIPHER)
            | ((letter || digit || byte == b'-') as u16 * STATE);
        if byte == 255 {
            break;
        }
        byte += 1;
    }
    table
};

fn is(byte: u8, class: u16) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// Counts the bytes of a class at the front.
fn run(rest: &[u8], class: u16) -> usize {
    rest.iter().position(|&byte| !is(byte, class)).unwrap_or(rest.len())
}

fn dash_or(rest: &[u8], length: impl Fn(&[u8]) -> usize) -> Option<usize> {
    if rest.first() == Some(&b'-') {
        return Some(1);
    }
    Some(length(rest)).filter(|&length| length > 0)
}

/// An address ends at its last colon: the port's.
fn address(rest: &[u8]) -> Option<usize> {
    match rest.first()? {
        b'-' => Some(1),
        b'u' => [&b"unix"[..], b"unknown"].iter().find(|word| rest.starts_with(word)).map(|word| word.len()),
        _ => {
            let colon = memchr::memrchr(b':', &rest[..run(rest, ADDRESS)])?;
            (2..=ADDRESS_BYTES_MAX).contains(&colon).then_some(colon)
        }
    }
}

fn address_alone(rest: &[u8]) -> Option<usize> {
    match rest.first()? {
        b'-' | b'u' => address(rest),
        _ => Some(run(rest, ADDRESS)).filter(|length| (2..=ADDRESS_BYTES_MAX).contains(length)),
    }
}

fn signed(rest: &[u8], signs: &[u8]) -> Option<usize> {
    let sign = usize::from(rest.first().is_some_and(|byte| signs.contains(byte)));
    let digits = run(&rest[sign..], DIGIT);
    let padded = digits > 1 && rest[sign] == b'0';
    ((1..=DIGITS_MAX).contains(&digits) && !padded).then_some(sign + digits)
}

fn status(rest: &[u8]) -> Option<usize> {
    match rest.first()? {
        b'-' => Some(1 + usize::from(rest.get(1) == Some(&b'1'))),
        b'0' => Some(1),
        _ => (run(rest, DIGIT) == 3).then_some(3),
    }
}

fn cookie(rest: &[u8]) -> Option<usize> {
    let end = memchr::memchr(b' ', rest)?;
    let named = memchr::memchr(b'=', &rest[..end]).is_some_and(|equals| equals > 0);
    (named || &rest[..end] == b"-").then_some(end)
}

fn state(two: &[u8]) -> bool {
    two.iter().all(|&byte| byte.is_ascii_alphabetic() || byte == b'-')
}

fn block(rest: &[u8]) -> Option<usize> {
    if rest.first() != Some(&b'{') {
        return None;
    }
    let end = 1 + memchr::memchr3(b'{', b'}', b'"', &rest[1..])?;
    (rest[end] == b'}').then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_where_its_grammar_does() {
        for (kind, rest, length) in [
            (Kind::Address, "10.0.0.1:80 ", Some(8)),
            (Kind::Address, "::1:80 ", Some(3)),
            (Kind::Address, "unix:1 ", Some(4)),
            (Kind::Address, "x:1 ", None),
            (Kind::Number, "-1/0", Some(2)),
            (Kind::Number, "01/0", None),
            (Kind::Marked, "+12 ", Some(3)),
            (Kind::Status, "-1 ", Some(2)),
            (Kind::Status, "2000 ", None),
            (Kind::Server, "<NOSRV> ", Some(7)),
            (Kind::Server, "<NOSRV ", None),
            (Kind::Frontend, "www~ ", Some(4)),
            (Kind::Cookie, "a=b ", Some(3)),
            (Kind::Cookie, "=b ", None),
            (Kind::Block, "{a|b} ", Some(5)),
            (Kind::Block, "{a\"} ", None),
            (Kind::Encoded, "\"", Some(0)),
        ] {
            assert_eq!(kind.length(rest.as_bytes()), length, "{kind:?} {rest:?}");
        }
    }
}
