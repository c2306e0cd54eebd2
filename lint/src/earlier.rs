//! What an earlier run found out, for the next one: files that did not change are neither parsed nor verified again.
//!
//! An editor and `--watch` lint again after every change. Who keeps this between two runs says what changed; nothing here
//! looks at the disk. Kept is what depends on the bytes of files alone: signatures are judged in every run.

use std::collections::HashMap;
use std::sync::Arc;

use crate::read::Piece;
use crate::verify::{Cabinet, Payload};

/// What earlier runs found out, by path.
#[derive(Debug, Clone, Default)]
pub struct Earlier {
    /// What the files are that may be inputs, each with its length then.
    pub(crate) pieces: HashMap<String, (u64, Piece)>,
    /// What is in cabinets.
    pub(crate) cabinets: HashMap<String, Cabinet>,
    /// What payload is that can be signed.
    pub(crate) payload: HashMap<String, Arc<Payload>>,
}

impl Earlier {
    /// Forgets what is called like this, in whatever folder, and everything in a folder of this name: how a path is
    /// written in one place tells little about how it is in another.
    pub fn forget(&mut self, name: &str) {
        let is_other = |path: &String| !path.split('/').any(|part| part == name);
        self.pieces.retain(|path, _| is_other(path));
        self.cabinets.retain(|path, _| is_other(path));
        self.payload.retain(|path, _| is_other(path));
    }

    /// Forgets the file at a path, written as it is found below what the user asked for.
    pub fn forget_path(&mut self, path: &str) {
        self.pieces.remove(path);
        self.cabinets.remove(path);
        self.payload.remove(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;
    use crate::engine::{gather_again, judge};
    use crate::files::Memory;
    use crate::policy::Policies;
    use crate::resolve::ResolveOptions;
    use crate::testing::oem_input;
    use crate::verify::verify_again;
    use signer::anchor::Anchors;
    use signer::verify::VerifyOptions;

    const CABINET: &[u8] =
        include_bytes!("../tests/fixtures/catalog-os-attr/Fjordlight.Kiosk.Agent.cab");

    /// The findings in these files, what is known from earlier runs being taken from there.
    fn run(files: &Memory, earlier: &mut Earlier) -> Vec<Diagnostic> {
        let options = ResolveOptions::default();
        let mut workspaces = gather_again(files, &["w".into()], &options, earlier).unwrap();
        let anchors = Anchors::built_in();
        let options = VerifyOptions {
            at: time::macros::datetime!(2026-06-01 0:00 UTC),
            anchors: &anchors,
        };
        for workspace in &mut workspaces {
            verify_again(files, workspace, options, None, earlier);
        }
        judge(&workspaces, &Policies::built_in()).diagnostics
    }

    fn files(release_type: &str, cabinet: &[u8]) -> Memory {
        let input = oem_input(&format!("<ReleaseType>{release_type}</ReleaseType>"));
        let mut files = Memory::default();
        files.insert("w/A/OEMInput.xml", input.into_bytes());
        files.insert(
            "w/B/x.reg",
            "REGEDIT4\n\n[HKEY_LOCAL_MACHINE\\A]\n\"a\"=dword:1\n",
        );
        files.insert("w/B/Agent.cab", cabinet);
        files.insert("w/B/payload.xml", "<all/>");
        files
    }

    #[test]
    fn a_second_run_finds_the_same_and_what_changed_is_seen_once_it_is_forgotten() {
        let (first, mut earlier) = (files("Production", CABINET), Earlier::default());
        let found = run(&first, &mut earlier);
        assert!(!found.is_empty());
        assert_eq!((earlier.pieces.len(), earlier.cabinets.len()), (3, 1));
        assert_eq!(run(&first, &mut earlier), found);

        let mut damaged = CABINET.to_vec();
        damaged[CABINET.len() / 2] ^= 1;
        // "Test" and "Deve" have as many letters: the length alone tells nothing.
        let (second, third) = (files("Test", &damaged), files("Deve", CABINET));
        for (now, names) in [
            (&second, &["A", "Agent.cab"]),
            (&third, &["OEMInput.xml", "Agent.cab"]),
        ] {
            for name in names {
                earlier.forget(name);
            }
            assert_eq!(run(now, &mut earlier), run(now, &mut Earlier::default()));
        }
        // What nobody said to have changed is as it was, but for another length.
        assert_eq!(
            run(&files("Test", CABINET), &mut earlier),
            run(&third, &mut Earlier::default())
        );
        let longer = files("Debug", CABINET);
        assert_eq!(
            run(&longer, &mut earlier),
            run(&longer, &mut Earlier::default())
        );
    }
}
