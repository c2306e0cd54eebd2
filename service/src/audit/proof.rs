//! Proofs that an entry is in the log, to be kept beside what it is about (<https://c2sp.org/tlog-proof>).

use std::fmt;

use super::checkpoint::{Checkpoint, decimal};
use super::merkle::{MAX_PATH, TreeHash, root_of_inclusion};
use super::note::{Note, NoteError, VerifierKey};

/// Its first line.
const HEAD: &str = "c2sp.org/tlog-proof@v1";

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is not written as proofs are.
    #[error("no proof of a log: {0}")]
    Malformed(&'static str),
    /// Its checkpoint does not hold.
    #[error(transparent)]
    Checkpoint(#[from] NoteError),
    /// Another entry, another place or another tree.
    #[error(
        "the entry is not number {index} of the log of {size} entries that the checkpoint is about"
    )]
    NotIncluded {
        /// The place that it is said to have.
        index: u64,
        /// The size of the log.
        size: u64,
    },
}

/// An entry's place, the path from it to the root, and the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The entry's place, from 0.
    pub index: u64,
    /// From the leaf's sibling to the child of the root.
    pub path: Vec<TreeHash>,
    /// A signed note.
    pub checkpoint: String,
}

impl Proof {
    /// Reads one.
    ///
    /// # Errors
    /// [`ProofError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let malformed = ProofError::Malformed;
        let rest = text
            .strip_prefix(HEAD)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or(malformed("it does not begin with c2sp.org/tlog-proof@v1"))?;
        let (head, checkpoint) = rest
            .split_once("\n\n")
            .ok_or(malformed("there is no empty line before the checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        // What an application keeps there is not vouched for.
        lines.next_if(|line| line.starts_with("extra "));
        let index = lines
            .next()
            .and_then(|line| decimal(line.strip_prefix("index ")?))
            .ok_or(malformed("there is no line with the index"))?;
        let path = lines
            .map(TreeHash::from_base64)
            .collect::<Option<Vec<_>>>()
            .filter(|path| path.len() <= MAX_PATH)
            .ok_or(malformed(
                "a line of the path is no hash, or there are too many",
            ))?;
        Ok(Self {
            index,
            path,
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// Checks that the entry is in the log; answers with the checkpoint.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn verify(&self, entry: &[u8], key: &VerifierKey) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::verified(&Note::parse(&self.checkpoint)?, key)?;
        let leaf = TreeHash::of_leaf(entry);
        match root_of_inclusion(leaf, self.index, checkpoint.size, &self.path) {
            Some(root) if root == checkpoint.root => Ok(checkpoint),
            _ => Err(ProofError::NotIncluded {
                index: self.index,
                size: checkpoint.size,
            }),
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\nindex {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::super::merkle::Frontier;
    use super::super::note::NoteKey;
    use super::*;

    #[test]
    fn a_proof_holds_for_one_entry_at_one_place() {
        let key = NoteKey::of_log("log.example", &NoteKey::generate().unwrap()).unwrap();
        let mut frontier = Frontier::default();
        for n in 0..6 {
            frontier.push(TreeHash::of_leaf(&[n]));
        }
        let path = frontier.path_of_next();
        frontier.push(TreeHash::of_leaf(b"mine"));
        let text = Checkpoint {
            origin: "log.example".to_owned(),
            size: 7,
            root: frontier.root(),
        }
        .to_string();
        let proof = Proof {
            index: 6,
            path,
            checkpoint: format!("{text}\n{}", key.sign(&text, 0)),
        };
        let written = proof.to_string();
        let read = Proof::parse(&written).unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.verify(b"mine", key.public()).map(|c| c.size), Ok(7));
        let not = |index| Err(ProofError::NotIncluded { index, size: 7 });
        assert_eq!(read.verify(b"yours", key.public()), not(6));
        let elsewhere = written.replace("index 6", "index 5");
        let elsewhere = Proof::parse(&elsewhere).unwrap();
        assert_eq!(elsewhere.verify(b"mine", key.public()), not(5));
        let with_extra = written.replace("@v1\n", "@v1\nextra AAAA\n");
        assert_eq!(Proof::parse(&with_extra), Ok(proof));
        for bad in [
            "",
            "c2sp.org/tlog-proof@v1\n",
            "c2sp.org/tlog-proof@v1\nindex 01\n\n",
            "c2sp.org/tlog-proof@v1\nindex 1\nAA\n\n",
        ] {
            assert!(Proof::parse(bad).is_err(), "{bad}");
        }
    }
}
