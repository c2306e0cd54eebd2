use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};
use signer::verify::Outcome;

declare_rule! {
    /// A finished image is not what its hash table and catalog say
    ///
    /// ## What it checks
    /// Every chunk has the hash that the table states, the catalog lists that table, and the bytes that no hash covers
    /// are what they must be. `proofmark image verify` shows each link by itself.
    ///
    /// ## Why
    /// A device refuses the image while it is flashed, or it was changed after it was built, and nobody knows by whom.
    ///
    /// ## Passes
    /// proofmark image verify Flash.ffu: structure, hash-table and chunks passed
    ///
    /// ## Fails
    /// a file in the image was replaced with an editor of disks and the table was left as it was
    ///
    /// ## Fix
    /// Build the image again. After a change that is meant: `proofmark image hash`, then `proofmark image sign`.
    ///
    /// ## References
    /// - Microsoft, "Implementing image integrity validation"
    struct ImageNotIntact;
    id: "image-not-intact",
    authority: "Microsoft, FFU image format",
    clause: "hash table and catalog",
    images: All,
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageNotIntact {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let Some(found) = image.verification.as_deref() else {
            return;
        };
        let links = [
            ("structure", &found.structure),
            ("hash table", &found.hash_table),
            ("chunks", &found.chunks),
        ];
        for (link, outcome) in links {
            if let Outcome::Failed(_, message) = outcome {
                report
                    .at(image.place("", link), format!("the image is not intact ({link}): {message}"))
                    .help("build the image again, or after a change that is meant `proofmark image hash` and `image sign`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use signer::full_flash::FullFlashVerification;
    use signer::verify::{FailureKind, Outcome};

    use crate::image::ImageType;
    use crate::testing::image::{image, intact, lint_image};

    fn found(chunks: Outcome) -> Vec<String> {
        let mut image = image();
        image.verification = Some(Arc::new(FullFlashVerification { chunks, ..intact() }));
        lint_image("image-not-intact", image, ImageType::Test)
    }

    #[test]
    fn each_link_that_fails_is_told() {
        let differs = Outcome::Failed(
            FailureKind::DigestMismatch,
            "1 of 9 chunks differ".to_owned(),
        );
        let message =
            "error Flash.ffu (chunks) the image is not intact (chunks): 1 of 9 chunks differ";
        assert_eq!(found(differs), [message]);
        assert!(found(Outcome::Passed).is_empty());
    }
}
