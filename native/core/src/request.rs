//! The request line and the URI in it (`shipper/haproxy/request.py`).

use crate::{Declined, Taken};

const BAD_REQUEST: &[u8] = b"<BADREQ>";
const SEGMENT_CHARS_MAX: usize = 32;
const PORT_MAX: u64 = 65_535;

/// What a request gives; an empty value is absent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request<'a> {
    pub raw: &'a [u8],
    pub method: &'a [u8],
    pub version: &'a [u8],
    pub uri: &'a [u8],
    pub scheme: &'a [u8],
    pub domain: &'a [u8],
    pub port: Option<u64>,
    pub path: &'a [u8],
    pub query: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// Reads what stood between the quotes. `scratch` takes the URI where it has to be turned back.
    pub fn read(quoted: &'a [u8], scratch: &'a mut Vec<u8>) -> Taken<Self> {
        if quoted == BAD_REQUEST {
            return Ok(Self { raw: quoted, ..Self::default() });
        }
        let first = memchr::memchr(b' ', quoted).ok_or(Declined)?;
        let last = memchr::memrchr(b' ', quoted).ok_or(Declined)?;
        let method = &quoted[..first];
        let uri = quoted.get(first + 1..last).ok_or(Declined)?;
        let version = match quoted[last + 1..] {
            [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => &quoted[last + 6..],
            _ => return Err(Declined),
        };
        if uri.is_empty() || method == b"CONNECT" || method.is_empty() || !method.iter().all(|&byte| is_token(byte)) {
            return Err(Declined);
        }
        let uri = unescape(uri, scratch)?;
        Ok(Self { method, version, ..Self::target(uri)? })
    }

    /// Splits a request target in origin, absolute or asterisk form.
    fn target(uri: &'a [u8]) -> Taken<Self> {
        let mut request = Self { uri, ..Self::default() };
        if uri == b"*" {
            return Ok(request);
        }
        let mut rest = uri;
        if let Some(end) = scheme(uri) {
            let authority = &uri[end + 3..];
            let length = authority.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(authority.len());
            request.scheme = &uri[..end];
            (request.domain, request.port) = host_and_port(&authority[..length])?;
            rest = &authority[length..];
        }
        let question = memchr::memchr(b'?', rest);
        request.path = &rest[..question.unwrap_or(rest.len())];
        request.query = question.map(|at| &rest[at + 1..]);
        Ok(request)
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+.^_`|~-".contains(&byte)
}

/// Gives where the scheme ends.
fn scheme(uri: &[u8]) -> Option<usize> {
    if !uri.first()?.is_ascii_alphabetic() {
        return None;
    }
    let end = uri.iter().position(|&byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-')))?;
    uri[end..].starts_with(b"://").then_some(end)
}

/// Splits `host:port` where both are plain.
pub(crate) fn host_and_port(text: &[u8]) -> Taken<(&[u8], Option<u64>)> {
    let end = memchr::memchr(b':', text).unwrap_or(text.len());
    let (host, port) = text.split_at(end);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || !host.iter().all(plain) {
        return Err(Declined);
    }
    let Some(digits) = port.strip_prefix(b":") else { return Ok((host, None)) };
    if !(1..=5).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Declined);
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    if (1..=PORT_MAX).contains(&number) { Ok((host, Some(number))) } else { Err(Declined) }
}

/// Turns each `#XX` back into its byte; what is no UTF-8 then is declined.
pub(crate) fn unescape<'a>(text: &'a [u8], scratch: &'a mut Vec<u8>) -> Taken<&'a [u8]> {
    if memchr::memchr(b'#', text).is_none() {
        return Ok(text);
    }
    scratch.clear();
    let mut at = 0;
    while at < text.len() {
        let byte = if text[at] == b'#' { text.get(at + 1..at + 3).and_then(escaped) } else { None };
        scratch.push(byte.unwrap_or(text[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    std::str::from_utf8(scratch).map(str::as_bytes).map_err(|_| Declined)
}

fn escaped(two: &[u8]) -> Option<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    Some(digit(two[0])? * 16 + digit(two[1])?)
}

/// Gives a path with `*` for each segment that looks like a value.
pub(crate) fn pattern<'a>(path: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let (mut kept, mut start) = (0, 0);
    scratch.clear();
    for segment in path.split(|&byte| byte == b'/') {
        let end = start + segment.len();
        if is_value(segment) {
            scratch.extend_from_slice(&path[kept..start]);
            scratch.push(b'*');
            kept = end;
        }
        start = end + 1;
    }
    if kept == 0 {
        return path;
    }
    scratch.extend_from_slice(&path[kept..]);
    scratch
}

fn is_value(segment: &[u8]) -> bool {
    if segment.is_empty() {
        return false;
    }
    if segment.len() > SEGMENT_CHARS_MAX
        && segment.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() > SEGMENT_CHARS_MAX
    {
        return true;
    }
    segment.iter().all(u8::is_ascii_digit) || (segment.len() >= 8 && segment.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_split_by_its_first_and_last_blank() {
        let mut scratch = Vec::new();
        let request = Request::read(b"GET https://a.b:81/c d?e#23f HTTP/1.1", &mut scratch).unwrap();
        assert_eq!((request.method, request.version, request.port), (&b"GET"[..], &b"1.1"[..], Some(81)));
        assert_eq!((request.scheme, request.domain), (&b"https"[..], &b"a.b"[..]));
        assert_eq!((request.path, request.query), (&b"/c d"[..], Some(&b"e#f"[..])));
    }

    #[test]
    fn odd_requests_are_declined() {
        for quoted in
            ["", "GET", "GET /", "GET  HTTP/1.1", "CONNECT a:1 HTTP/1.1", "GET #FF HTTP/1.1", "GET a://:1 HTTP/1.1"]
        {
            assert!(Request::read(quoted.as_bytes(), &mut Vec::new()).is_err(), "{quoted}");
        }
    }

    #[test]
    fn segments_that_look_like_values_become_stars() {
        for (path, pattern) in [
            ("/a/12/b", "/a/*/b"),
            ("12/deadbeef", "*/*"),
            ("/dead/beef//", "/dead/beef//"),
            ("/0a1b2c3d-0000-0000-0000-000000000000", "/*"),
        ] {
            assert_eq!(super::pattern(path.as_bytes(), &mut Vec::new()), pattern.as_bytes());
        }
    }
}
