//! Signed notes (<https://c2sp.org/signed-note>): a text, and below it one line per signature; and cosignatures of
//! witnesses in them (<https://c2sp.org/tlog-cosignature>).

use std::fmt;

use base64ct::{Base64, Encoding};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use signer::digest::{DigestAlgorithm, hex};
use zeroize::Zeroizing;

/// Largest note that is read, in bytes.
pub const MAX_NOTE: usize = 64 << 10;
/// Most signatures of a note.
const MAX_SIGNATURES: usize = 100;
/// Begins a line with a signature.
const DASH: &str = "\u{2014} ";
/// Bytes of a key's identification.
const KEY_ID: usize = 4;
/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;
/// Latest time of a cosignature.
const MAX_TIME: u64 = i64::MAX as u64;

/// Why a note or a key is not one, or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is not written as notes are.
    #[error("no signed note: {0}")]
    Malformed(&'static str),
    /// It is not written as keys are.
    #[error("no key of a note: {0}")]
    Key(&'static str),
    /// Nobody who is asked about signed it.
    #[error("there is no signature of {0}")]
    Unsigned(String),
    /// A signature in the name of a known key is none.
    #[error("the signature of {0} does not hold: the note was changed, or another key signed it")]
    Broken(String),
}

/// What a key's signatures say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// That the text is the log's own.
    Log,
    /// That a witness saw the log grow up to the text, at a time.
    Cosignature,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Self::Log => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// The public key of a log or a witness, with its name. Written as `name+12345678+base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: Kind,
    public: [u8; 32],
}

impl VerifierKey {
    /// Reads one.
    ///
    /// # Errors
    /// [`NoteError::Key`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let text = text.trim();
        let malformed = NoteError::Key("NAME+12345678+BASE64 is expected");
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed);
        };
        if !is_name(name) {
            return Err(NoteError::Key(
                "the name is empty or has a space or a plus in it",
            ));
        }
        let key = Base64::decode_vec(key).map_err(|_| malformed)?;
        let (kind, public) = match key.split_first() {
            Some((0x01, public)) => (Kind::Log, public),
            Some((0x04, public)) => (Kind::Cosignature, public),
            _ => {
                return Err(NoteError::Key(
                    "only Ed25519 keys of logs and witnesses are known",
                ));
            }
        };
        let key = Self {
            name: name.to_owned(),
            kind,
            public: public
                .try_into()
                .map_err(|_| NoteError::Key("an Ed25519 key has 32 bytes"))?,
        };
        if hex(&key.id()) != id {
            return Err(NoteError::Key(
                "the eight digits do not fit the name and the key",
            ));
        }
        Ok(key)
    }

    /// Whose key it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a witness's.
    pub fn is_witness(&self) -> bool {
        self.kind == Kind::Cosignature
    }

    /// SHA-256(name || newline || kind || key), its first four bytes.
    fn id(&self) -> [u8; KEY_ID] {
        let mut bytes = self.name.as_bytes().to_vec();
        bytes.extend([b'\n', self.kind.byte()]);
        bytes.extend(self.public);
        let digest = DigestAlgorithm::Sha256.of(&bytes);
        digest.first_chunk().copied().unwrap_or_default()
    }

    /// Whether a signature is by this key over the text; a cosignature's time, in seconds since 1970, where it is one.
    fn holds(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let key = UnparsedPublicKey::new(&ED25519, self.public);
        match self.kind {
            Kind::Log => key.verify(text.as_bytes(), signature).ok().map(|()| None),
            Kind::Cosignature => {
                let (time, signature) = signature.split_first_chunk()?;
                let time = u64::from_be_bytes(*time);
                let message = cosigned(text, time);
                (time <= MAX_TIME && key.verify(message.as_bytes(), signature).is_ok())
                    .then_some(Some(time))
            }
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind.byte()];
        key.extend(self.public);
        let (id, key) = (hex(&self.id()), Base64::encode_string(&key));
        write!(f, "{}+{id}+{key}", self.name)
    }
}

/// What a witness signs.
fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// Whether keys may have that name.
pub fn is_name(name: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && !name.contains(is_odd)
}

/// The private key of a log, or of a witness. Neither cloned nor printed.
pub struct NoteKey {
    pair: Ed25519KeyPair,
    public: VerifierKey,
}

impl NoteKey {
    /// A new key as PKCS#8, from the system's random source.
    ///
    /// # Errors
    /// [`NoteError::Key`] where the system gives no random numbers.
    pub fn generate() -> Result<Zeroizing<Vec<u8>>, NoteError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| NoteError::Key("the system gives no random numbers"))?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// The key of a log.
    ///
    /// # Errors
    /// [`NoteError::Key`].
    pub fn of_log(name: &str, pkcs8: &[u8]) -> Result<Self, NoteError> {
        Self::new(name, pkcs8, Kind::Log)
    }

    /// The key of a witness.
    ///
    /// # Errors
    /// [`NoteError::Key`].
    pub fn of_witness(name: &str, pkcs8: &[u8]) -> Result<Self, NoteError> {
        Self::new(name, pkcs8, Kind::Cosignature)
    }

    fn new(name: &str, pkcs8: &[u8], kind: Kind) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Key(
                "the name is empty or has a space or a plus in it",
            ));
        }
        // OpenSSL writes keys without the public half.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)
            .map_err(|_| NoteError::Key("an Ed25519 key in PKCS#8 is expected"))?;
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        let public = VerifierKey {
            name: name.to_owned(),
            kind,
            public,
        };
        Ok(Self { pair, public })
    }

    /// Its public half.
    pub fn public(&self) -> &VerifierKey {
        &self.public
    }

    /// The line that signs a text; `time` in seconds since 1970 is what a witness says besides.
    pub fn sign(&self, text: &str, time: u64) -> String {
        let mut bytes = self.public.id().to_vec();
        match self.public.kind {
            Kind::Log => bytes.extend(self.pair.sign(text.as_bytes()).as_ref()),
            Kind::Cosignature => {
                bytes.extend(time.to_be_bytes());
                bytes.extend(self.pair.sign(cosigned(text, time).as_bytes()).as_ref());
            }
        }
        format!(
            "{DASH}{} {}\n",
            self.public.name,
            Base64::encode_string(&bytes)
        )
    }
}

/// A line below a note's text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    id: [u8; KEY_ID],
    bytes: Vec<u8>,
    line: String,
}

/// A signed note as it was read. What its signatures are worth is asked with [`Note::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// Signature lines of witnesses that hold, with their times in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// Who signed.
    pub witness: String,
    /// When, in seconds since 1970.
    pub time: u64,
    /// The line, with its newline.
    pub line: String,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE {
            return Err(NoteError::Malformed("it is longer than 64 KiB"));
        }
        if note.contains(|c: char| c.is_control() && c != '\n') {
            return Err(NoteError::Malformed("there are control characters in it"));
        }
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed(
            "there is no empty line before signatures",
        ))?;
        let lines = lines
            .strip_suffix('\n')
            .ok_or(NoteError::Malformed("the last line has no end"))?;
        let signatures = lines
            .split('\n')
            .map(Signature::parse)
            .collect::<Option<Vec<_>>>()
            .ok_or(NoteError::Malformed("a line below it is no signature"))?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::Malformed("it has more than 100 signatures"));
        }
        Ok(Self {
            text: format!("{text}\n"),
            signatures,
        })
    }

    /// What is signed, up to and with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Checks that a key signed the text. Of a witness's signature, the time in seconds since 1970.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`], [`NoteError::Broken`].
    pub fn verify(&self, key: &VerifierKey) -> Result<Option<u64>, NoteError> {
        let id = key.id();
        let mut found = None;
        for signature in &self.signatures {
            if signature.name == key.name && signature.id == id {
                let held = key.holds(&self.text, &signature.bytes);
                found = Some(held.ok_or_else(|| NoteError::Broken(key.name.clone()))?);
            }
        }
        found.ok_or_else(|| NoteError::Unsigned(key.name.clone()))
    }

    /// The cosignatures of those witnesses that signed; whatever others signed is passed over.
    ///
    /// # Errors
    /// [`NoteError::Broken`] where a line in a known witness's name does not hold.
    pub fn cosignatures(&self, witnesses: &[VerifierKey]) -> Result<Vec<Cosignature>, NoteError> {
        let mut found = Vec::new();
        for witness in witnesses.iter().filter(|witness| witness.is_witness()) {
            let time = match self.verify(witness) {
                Ok(time) => time.unwrap_or_default(),
                Err(NoteError::Unsigned(_)) => continue,
                Err(error) => return Err(error),
            };
            let id = witness.id();
            let mut lines = self.signatures.iter();
            let line = lines.find(|line| line.name == witness.name && line.id == id);
            found.extend(line.map(|line| Cosignature {
                witness: witness.name.clone(),
                time,
                line: format!("{}\n", line.line),
            }));
        }
        Ok(found)
    }
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, bytes) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = Base64::decode_vec(bytes).ok()?;
        let (id, bytes) = bytes.split_first_chunk()?;
        (is_name(name) && bytes.len() >= SIGNATURE).then(|| Self {
            name: name.to_owned(),
            id: *id,
            bytes: bytes.to_vec(),
            line: line.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the specification of cosignatures and of signed notes.
    const EXAMPLE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    const EXAMPLE_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn the_published_note_holds() {
        let key = VerifierKey::parse(EXAMPLE_KEY).unwrap();
        assert_eq!(key.to_string(), EXAMPLE_KEY);
        assert_eq!(Note::parse(EXAMPLE).unwrap().verify(&key), Ok(None));
        let changed = EXAMPLE.replace("your problem is", "your problem was");
        let broken = Err(NoteError::Broken("PeterNeumann".to_owned()));
        assert_eq!(Note::parse(&changed).unwrap().verify(&key), broken);
    }

    #[test]
    fn keys_are_written_in_one_way() {
        for text in [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
            "PeterNeumann+c74f20a3+BRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] {
            assert!(VerifierKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_signed_holds_until_a_bit_changes() {
        let log = NoteKey::of_log("log.example", &NoteKey::generate().unwrap()).unwrap();
        let witness = NoteKey::of_witness("w.example/1", &NoteKey::generate().unwrap()).unwrap();
        let text = "log.example\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let note = format!(
            "{text}\n{}{}",
            log.sign(text, 0),
            witness.sign(text, 1_679_315_147)
        );
        let keys = [log.public().clone(), witness.public().clone()];
        let parsed = Note::parse(&note).unwrap();
        assert_eq!(parsed.text(), text);
        assert_eq!(parsed.verify(&keys[0]), Ok(None));
        assert_eq!(parsed.verify(&keys[1]), Ok(Some(1_679_315_147)));
        let lines = parsed.cosignatures(&keys).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].line, witness.sign(text, 1_679_315_147));
        for at in 0..note.len() {
            for bit in 0..8 {
                let mut bytes = note.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else {
                    continue;
                };
                let holds = |note: &Note| keys.iter().all(|key| note.verify(key).is_ok());
                let is_accepted = Note::parse(&changed).is_ok_and(|note| holds(&note));
                assert!(!is_accepted, "bit {bit} of byte {at}");
            }
        }
        // A signature of the log is none of a witness with the same key.
        let twice = NoteKey::generate().unwrap();
        let as_log = NoteKey::of_log("a", &twice).unwrap();
        let as_witness = NoteKey::of_witness("a", &twice).unwrap();
        let note = Note::parse(&format!("{text}\n{}", as_log.sign(text, 0))).unwrap();
        assert_eq!(
            note.verify(as_witness.public()),
            Err(NoteError::Unsigned("a".to_owned()))
        );
    }

    #[test]
    fn what_is_no_note_is_refused() {
        for note in [
            "",
            "\n",
            "text\n",
            "text\n\n",
            "text\n\nline\n",
            "text\n\n\u{2014} a AAAA\n",
            "te\tt\n\n\u{2014} a AAAA\n",
        ] {
            assert!(Note::parse(note).is_err(), "{note:?}");
        }
        assert!(Note::parse(&"a".repeat(MAX_NOTE + 1)).is_err());
    }
}
