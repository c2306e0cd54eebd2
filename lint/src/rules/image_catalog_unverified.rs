use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::full_flash::code::broken;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use signer::full_flash::FullFlashVerification;

declare_rule! {
    /// The catalog of a finished image is not signed as its type needs
    ///
    /// ## What it checks
    /// The catalog of the image is signed, the signature holds, and in a retail image its chain ends at a production
    /// root or at one that was named with `--root`. Of a test image only a signature that is there and does not hold is
    /// reported as more than information.
    ///
    /// ## Why
    /// The catalog is what the firmware checks before it flashes an image: unsigned or test-signed, it is refused where
    /// secure boot is on. Imaging tools leave it unsigned, or signed for tests.
    ///
    /// ## Passes
    /// proofmark image sign --profile retail --in-place Flash.ffu
    ///
    /// ## Fails
    /// the image as it came out of the imaging tool
    ///
    /// ## Fix
    /// Sign it: `proofmark image sign --profile retail --in-place Flash.ffu`. Where your own platform key is the root,
    /// name it: `--root pk.cer`.
    ///
    /// ## References
    /// - Microsoft, "Sign a full flash update image"
    struct ImageCatalogUnverified;
    id: "image-catalog-unverified",
    authority: "Microsoft, Sign a full flash update image",
    clause: "signing for retail",
    images: All,
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageCatalogUnverified {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let Some(found) = image.verification.as_deref() else {
            return;
        };
        let is_retail = facts.image == Some(ImageType::Retail);
        let Some((message, at_most)) = defect(found, is_retail) else {
            return;
        };
        report
            .at(image.place("", "catalog"), message)
            .help("sign it: `proofmark image sign --profile NAME --in-place FFU`, and name your own root with `--root`")
            .at_most(at_most);
    }
}

/// What is wrong with the catalog, and how much that weighs at most.
fn defect(found: &FullFlashVerification, is_retail: bool) -> Option<(String, Level)> {
    let unsigned = if is_retail { Level::Error } else { Level::Info };
    let signatures = found.catalog.as_ref().map(|catalog| &catalog.signatures);
    let Some(first) = signatures.and_then(|signatures| signatures.first()) else {
        return Some((
            "the catalog of the image is not signed".to_owned(),
            unsigned,
        ));
    };
    if let Some(problem) = broken(first) {
        let message = format!("the signature of the catalog does not hold: {problem}");
        return Some((message, Level::Error));
    }
    if !is_retail {
        return None;
    }
    match first.anchor() {
        Some(anchor) if anchor.class.is_test() => {
            let message = format!(
                "the catalog of a retail image is test-signed: its chain ends at {} ({})",
                anchor.name, anchor.class
            );
            Some((message, Level::Error))
        }
        Some(_) => {
            let (check, _, problem) = first.failures().next()?;
            let message = format!(
                "the signature of the catalog fails ({}): {problem}",
                check.name()
            );
            Some((message, Level::Error))
        }
        None => {
            let message =
                "the chain of the catalog's signature ends at no root that is known".to_owned();
            Some((message, Level::Error))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use formats::container::Format;
    use signer::anchor::TrustClass;
    use signer::full_flash::FullFlashVerification;
    use signer::verify::{Check, FailureKind, Outcome, SignatureReport, Verification};

    use crate::image::ImageType;
    use crate::testing::image::{image, intact, lint_image, signature};

    fn found(signatures: Vec<SignatureReport>, of: ImageType) -> Vec<String> {
        let mut image = image();
        let format = Format::Catalog;
        image.verification = Some(Arc::new(FullFlashVerification {
            catalog: Some(Verification { format, signatures }),
            ..intact()
        }));
        lint_image("image-catalog-unverified", image, of)
    }

    #[test]
    fn retail_needs_a_production_root_and_a_test_image_nothing() {
        let of = |class| vec![signature(class)];
        let test = of(TrustClass::OemTest2017);
        assert!(found(of(TrustClass::Named), ImageType::Retail).is_empty());
        assert!(found(test.clone(), ImageType::Test).is_empty());
        let retail = found(test, ImageType::Retail);
        assert!(
            retail[0].starts_with("error Flash.ffu (catalog) ")
                && retail[0].contains("oem-test-2017"),
            "{retail:?}"
        );
        assert!(found(Vec::new(), ImageType::Retail)[0].starts_with("error "));
        assert!(found(Vec::new(), ImageType::Test)[0].starts_with("info "));
    }

    #[test]
    fn a_broken_signature_is_an_error_everywhere() {
        let mut broken = signature(TrustClass::Named);
        let failed = Outcome::Failed(FailureKind::BadSignature, "it does not fit".to_owned());
        broken.outcomes.push((Check::Signature, failed));
        assert!(found(vec![broken], ImageType::Test)[0].starts_with("error "));
    }
}
