//! Checkpoints (<https://c2sp.org/tlog-checkpoint>): which log, how many entries, the hash of its tree.

use std::fmt;

use super::merkle::TreeHash;
use super::note::{Note, NoteError, VerifierKey};

/// The head of a log at a size, as it stands in a signed note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, the same as that of its key.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Hash of the tree.
    pub root: TreeHash,
}

impl Checkpoint {
    /// Reads a checkpoint that the log's key signed.
    ///
    /// # Errors
    /// [`NoteError`]: no note, not signed by the key, or no checkpoint of that log.
    pub fn verified(note: &Note, key: &VerifierKey) -> Result<Self, NoteError> {
        note.verify(key)?;
        let checkpoint = Self::parse(note.text())
            .ok_or(NoteError::Malformed("it is signed, but no checkpoint"))?;
        match checkpoint.origin == key.name() {
            true => Ok(checkpoint),
            false => Err(NoteError::Malformed("it is the checkpoint of another log")),
        }
    }

    /// Origin, size and root, a line each; lines of extensions may follow, and say nothing here.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: decimal(size)?,
            root: TreeHash::from_base64(root)?,
        };
        (!origin.is_empty() && lines.all(|line| !line.is_empty())).then_some(checkpoint)
    }
}

/// A number as notes write it: digits without a sign or zeros before it.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::NoteKey;
    use super::*;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    #[test]
    fn what_is_signed_must_be_a_checkpoint_of_that_log() {
        let key = NoteKey::of_log("log.example", &NoteKey::generate().unwrap()).unwrap();
        let read = |text: &str| {
            let note = Note::parse(&format!("{text}\n{}", key.sign(text, 0))).unwrap();
            Checkpoint::verified(&note, key.public())
        };
        let good = format!("log.example\n20852163\n{ROOT}\n");
        let checkpoint = read(&good).unwrap();
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.to_string(), good);
        assert!(read(&format!("{good}extension\n")).is_ok());
        for bad in [
            format!("other.example\n1\n{ROOT}\n"),
            format!("log.example\n01\n{ROOT}\n"),
            format!("log.example\n+1\n{ROOT}\n"),
            format!("log.example\n-1\n{ROOT}\n"),
            format!("log.example\n18446744073709551616\n{ROOT}\n"),
            "log.example\n1\nAAAA\n".to_owned(),
            "log.example\n1\n".to_owned(),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }
}
