use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The catalog of a finished image lists its hash table by SHA-1
    ///
    /// ## What it checks
    /// The algorithm by which the catalog lists `HashTable.blob`.
    ///
    /// ## Why
    /// The check on devices expects SHA-1 there, so this cannot be helped; but whoever relies on an image's signature
    /// should know that its integrity rests on a second preimage of SHA-1.
    ///
    /// ## Passes
    /// a member `HashTable.blob` with a SHA-256 digest
    ///
    /// ## Fails
    /// a member `HashTable.blob` with a SHA-1 digest, as every imaging tool makes it
    ///
    /// ## Fix
    /// Nothing for devices that check it. Keep a SHA-256 of the whole file beside the image, and compare that where
    /// images are handed on.
    ///
    /// ## References
    /// - Microsoft, "Implementing image integrity validation"
    struct ImageHashTableSha1;
    id: "image-hash-table-sha1",
    authority: "Microsoft, Implementing image integrity validation",
    clause: "hash of the hash table",
    images: All,
    input: Image,
    level: Info,
    since: "0.1.0",
}

impl Rule for ImageHashTableSha1 {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let found = image.verification.as_deref();
        let algorithm = found.and_then(|found| found.hash_table_algorithm);
        if let Some(algorithm) = algorithm.filter(|algorithm| !algorithm.is_strong()) {
            let message = format!("the catalog lists the hash table of the image by {algorithm}");
            report
                .at(image.place("", "catalog.HashTable.blob"), message)
                .help("devices expect it so; hand a SHA-256 of the file on with the image");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use signer::digest::DigestAlgorithm;
    use signer::full_flash::FullFlashVerification;

    use crate::image::ImageType;
    use crate::testing::image::{image, intact, lint_image};

    fn found(algorithm: DigestAlgorithm) -> Vec<String> {
        let mut image = image();
        image.verification = Some(Arc::new(FullFlashVerification {
            hash_table_algorithm: Some(algorithm),
            ..intact()
        }));
        lint_image("image-hash-table-sha1", image, ImageType::Retail)
    }

    #[test]
    fn sha1_is_told_for_information() {
        let message = "info Flash.ffu (catalog.HashTable.blob) the catalog lists the hash table of the image by SHA-1";
        assert_eq!(found(DigestAlgorithm::Sha1), [message]);
        assert!(found(DigestAlgorithm::Sha256).is_empty());
    }
}
