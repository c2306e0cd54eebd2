//! What a time-stamping server said: its status, its refusal, or something that is no answer at all.

use base64ct::{Base64, Encoding};
use formats::der::{self, Reader, Tlv};
use formats::error::ParseError;
use formats::oid;
use formats::signed_data::SignedData;

use super::{Protocol, TimestampError};

/// Longest piece of a server's own words that is repeated.
const MAX_QUOTE: usize = 120;
/// Bytes of a page in which its title is looked for.
const TITLE_RANGE: usize = 4096;

/// Why a reply is no time stamp for the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A reply of the protocol that was not asked.
    #[error("answers in the other protocol ({})", .0.name())]
    OtherProtocol(Protocol),
    /// The server refused; the text names `PKIStatus`, its words and `PKIFailureInfo`.
    #[error("refused: {said}")]
    Refused {
        /// What it said.
        said: String,
        /// Whether the same question may be answered later.
        passing: bool,
    },
    /// No reply of either protocol.
    #[error("sent {0}")]
    NoAnswer(String),
    /// A time stamp that does not hold or does not answer the request.
    #[error("sent a time stamp that does not hold: {0}")]
    Unsound(#[from] TimestampError),
}

impl ReplyError {
    /// Whether the same question may be answered later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Refused { passing: true, .. })
    }
}

/// `PKIStatus` (RFC 3161 §2.4.2); the first two come with a token.
const STATUS: [&str; 6] = [
    "granted",
    "grantedWithMods",
    "rejection",
    "waiting",
    "revocationWarning",
    "revocationNotification",
];

/// `PKIFailureInfo`: bit, name, whether it passes.
const FAILURES: [(usize, &str, bool); 8] = [
    (0, "badAlg", false),
    (2, "badRequest", false),
    (5, "badDataFormat", false),
    (14, "timeNotAvailable", true),
    (15, "unacceptedPolicy", false),
    (16, "unacceptedExtension", false),
    (17, "addInfoNotAvailable", false),
    (25, "systemFailure", true),
];

/// ```text
/// TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }
/// PKIStatusInfo ::= SEQUENCE { status INTEGER, statusString SEQUENCE OF UTF8String OPTIONAL,
///                              failInfo BIT STRING OPTIONAL }                     -- RFC 3161 §2.4.2
/// ```
pub(super) struct TimeStampResp<'a> {
    status: u32,
    status_string: Option<String>,
    fail_info: Option<&'a [u8]>,
    time_stamp_token: Option<Tlv<'a>>,
}

impl<'a> TimeStampResp<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut file = Reader::new("TimeStampResp", bytes, 0);
        let body = file.expect("TimeStampResp", der::SEQUENCE)?;
        file.finish()?;
        let mut reader = body.reader("TimeStampResp");
        let mut info = reader
            .expect("status", der::SEQUENCE)?
            .reader("PKIStatusInfo");
        let status = info.small_integer("status")?;
        let status_string = match info.optional("statusString", der::SEQUENCE)? {
            Some(texts) => {
                let texts = texts.reader("PKIFreeText").all("text")?;
                let texts: Vec<_> = texts
                    .iter()
                    .map(|text| String::from_utf8_lossy(text.value))
                    .collect();
                Some(texts.join(" "))
            }
            None => None,
        };
        let fail_info = info.optional("failInfo", der::BIT_STRING)?;
        info.finish()?;
        let time_stamp_token = reader.optional("timeStampToken", der::SEQUENCE)?;
        reader.finish()?;
        Ok(Self {
            status,
            status_string,
            fail_info: fail_info.map(|bits| bits.value),
            time_stamp_token,
        })
    }

    /// The token of a reply that grants one.
    pub(super) fn token(&self) -> Result<Tlv<'a>, ReplyError> {
        match (self.status, self.time_stamp_token) {
            (0 | 1, Some(token)) => Ok(token),
            (0 | 1, None) => Err(ReplyError::NoAnswer(
                "a reply that grants a token and has none".to_owned(),
            )),
            _ => Err(self.refusal()),
        }
    }

    fn refusal(&self) -> ReplyError {
        let name = usize::try_from(self.status)
            .ok()
            .and_then(|status| STATUS.get(status));
        let mut said = match name {
            Some(name) => (*name).to_owned(),
            None => format!("PKIStatus {}", self.status),
        };
        if let Some(text) = &self.status_string {
            said.push_str(&format!(" '{}'", quote(text)));
        }
        let mut passing = self.status == 3;
        for (bit, name, passes) in FAILURES {
            if self.has_failure(bit) {
                said.push_str(&format!(", {name}"));
                passing |= passes;
            }
        }
        ReplyError::Refused { said, passing }
    }

    /// Whether a bit of failInfo is set; bit 0 is the highest of the first octet after the count of unused bits.
    fn has_failure(&self, bit: usize) -> bool {
        let octet = self
            .fail_info
            .and_then(|bits| bits.get((bit / 8).saturating_add(1)));
        octet.is_some_and(|octet| octet & (0x80 >> (bit % 8)) != 0)
    }
}

/// What a body is that does not answer a request of protocol `asked`.
pub(super) fn not_an_answer(body: &[u8], asked: Protocol, error: &ParseError) -> ReplyError {
    let decoded = decode_base64(body);
    let der = decoded.as_deref().unwrap_or(body);
    match asked {
        // A server of the other protocol refuses what it does not understand; its words do not matter then.
        Protocol::Legacy if TimeStampResp::read(der).is_ok() => {
            return ReplyError::OtherProtocol(Protocol::Rfc3161);
        }
        Protocol::Rfc3161
            if SignedData::read(der, 0).is_ok_and(|data| data.content_type != oid::TST_INFO) =>
        {
            return ReplyError::OtherProtocol(Protocol::Legacy);
        }
        _ => {}
    }
    ReplyError::NoAnswer(describe(body).unwrap_or_else(|| format!("no reply: {error}")))
}

/// What a body is, in words; `None` for binary ones.
pub(crate) fn describe(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body.get(..TITLE_RANGE).unwrap_or(body));
    // The cut may have gone through a character.
    let text = text.trim_end_matches('\u{fffd}');
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Some("an empty body".to_owned());
    }
    if text.starts_with('<') {
        return Some(match title(text) {
            Some(title) => format!("an HTML page '{}'", quote(title)),
            None => "an HTML page".to_owned(),
        });
    }
    let is_text = !text
        .chars()
        .any(|c| c == '\u{fffd}' || c.is_control() && !c.is_whitespace());
    is_text.then(|| format!("text '{}'", quote(text)))
}

/// The content of a page's title element.
fn title(page: &str) -> Option<&str> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start
        .checked_add(lower.get(start..)?.find('>')?)?
        .checked_add(1)?;
    let end = start.checked_add(lower.get(start..)?.find("</title")?)?;
    page.get(start..end)
        .filter(|title| !title.trim().is_empty())
}

/// A server's words on one line, without control characters, cut at a length that a terminal can show.
pub(super) fn quote(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_QUOTE) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// The content of base64 text, line breaks allowed; `None` where the bytes are no such text.
pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let text: String = text.split_ascii_whitespace().collect();
    match text.is_empty() {
        true => None,
        false => Base64::decode_vec(&text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(info: &[&[u8]]) -> ReplyError {
        let bytes = der::sequence(&[&der::sequence(info)]);
        let reply = TimeStampResp::read(&bytes).unwrap();
        reply.token().unwrap_err()
    }

    #[test]
    fn refusals_name_status_words_and_failure() {
        let text = der::sequence(&[&der::tlv(0x0c, b"no \x1b[31mthanks\n")]);
        let bad_alg = der::tlv(der::BIT_STRING, &[7, 0x80]);
        let error = refusal(&[&der::integer(2), &text, &bad_alg]);
        assert_eq!(
            error.to_string(),
            "refused: rejection 'no [31mthanks', badAlg"
        );
        assert!(!error.is_passing());
        let no_clock = der::tlv(der::BIT_STRING, &[1, 0, 2]);
        let error = refusal(&[&der::integer(2), &no_clock]);
        assert_eq!(error.to_string(), "refused: rejection, timeNotAvailable");
        assert!(error.is_passing());
        assert!(refusal(&[&der::integer(3)]).is_passing());
        assert_eq!(
            refusal(&[&der::integer(77)]).to_string(),
            "refused: PKIStatus 77"
        );
        assert_eq!(
            refusal(&[&der::integer(0)]).to_string(),
            "sent a reply that grants a token and has none"
        );
    }

    #[test]
    fn what_is_no_answer_is_described() {
        let page = b"<!DOCTYPE html>\n<html><TITLE>\n Bad\r\n Gateway </TITLE>";
        assert_eq!(describe(page).unwrap(), "an HTML page 'Bad Gateway'");
        assert_eq!(describe(b"<p>").unwrap(), "an HTML page");
        assert_eq!(describe(b" \r\n").unwrap(), "an empty body");
        assert_eq!(describe(b"not found\n").unwrap(), "text 'not found'");
        assert_eq!(describe(&[0x30, 0x03, 0x02, 0x01, 0x00]), None);
        let long = describe(format!("-{}", "ä".repeat(5000)).as_bytes()).unwrap();
        assert!(long.len() < 300 && long.ends_with("…'"), "{long}");
    }
}
