use crate::facts::Facts;
use crate::facts::full_flash::code::{broken, name_of};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A signature in a finished image does not hold
    ///
    /// ## What it checks
    /// Of every signature of a program, driver or catalog in the image: its form, the digest of the file against the
    /// one that was signed, and the signature itself. Catalogs that cannot be read count as well.
    ///
    /// ## Why
    /// The file is not the one that was signed: it was changed after signing, or cut. Windows refuses it, and what it
    /// does is not known.
    ///
    /// ## Passes
    /// A driver as it was signed
    ///
    /// ## Fails
    /// A driver into which a string was patched after it was signed
    ///
    /// ## Fix
    /// Take the file from its source again, sign it, and build the image again.
    ///
    /// ## References
    /// - Microsoft, "Windows Authenticode Portable Executable Signature Format"
    struct ImageSignatureBroken;
    id: "image-signature-broken",
    authority: "Microsoft, Windows Authenticode signature format",
    clause: "verifying the digest",
    images: All,
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageSignatureBroken {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let help = "take the file from its source again, sign it, and build the image again";
        for signed in image.by_signer() {
            if let Some(problem) = broken(signed.report) {
                let says = format!("is not as it was signed by {}: {problem}", signed.signer());
                let place = image.place(signed.first(), signed.report.route.as_str());
                report.at(place, signed.message(&says)).help(help);
            }
        }
        for catalog in &image.catalogs {
            if let Some(problem) = &catalog.unreadable {
                let name = name_of(&catalog.at);
                let message = format!("`{name}` is no catalog that can be read: {problem}");
                report.at(image.place(&catalog.at, ""), message).help(help);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use signer::anchor::TrustClass;
    use signer::verify::{Check, FailureKind, Outcome};

    use crate::facts::full_flash::code::ImageCatalog;
    use crate::image::ImageType;
    use crate::testing::image::{lint_image, signed_by};

    #[test]
    fn another_digest_and_a_catalog_that_is_none_are_found() {
        let mut image = signed_by("MainOS:a.sys", TrustClass::Named);
        assert!(lint_image("image-signature-broken", image.clone(), ImageType::Test).is_empty());
        let differs = Outcome::Failed(
            FailureKind::DigestMismatch,
            "it has another digest".to_owned(),
        );
        image.signers[0].outcomes.push((Check::Digest, differs));
        image.catalogs.push(ImageCatalog {
            at: "MainOS:x.cat".to_owned(),
            unreadable: Some("it is cut".to_owned()),
            ..ImageCatalog::default()
        });
        let found = lint_image("image-signature-broken", image, ImageType::Test);
        assert!(
            found[0].contains("MainOS:a.sys (signature[0]) `a.sys` is not as it was signed"),
            "{found:?}"
        );
        assert!(
            found[1].contains("`x.cat` is no catalog that can be read: it is cut"),
            "{found:?}"
        );
    }
}
