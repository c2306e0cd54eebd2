use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A finished image does not say what it was made of
    ///
    /// ## What it checks
    /// The image has a partition `MainOS` with `Windows/ImageUpdate/OEMInput.xml`, which says what type it is, and with
    /// `UpdateHistory.xml`, which says which packages are in it.
    ///
    /// ## Why
    /// Without its configuration nobody knows whether it is a retail or a test image, and no rule about one of them can
    /// run. Without its record nothing can be held against the packages that are there.
    ///
    /// ## Passes
    /// Windows/ImageUpdate/OEMInput.xml with ReleaseType Production
    ///
    /// ## Fails
    /// an image without MainOS; a MainOS whose Windows/ImageUpdate was emptied to save space
    ///
    /// ## Fix
    /// Build the image again. To judge an image that says nothing of itself, say what it is: `--image retail`.
    ///
    /// ## References
    /// - MobilePackageGen: which records images have
    /// - Microsoft, IoT Core manufacturing guide
    struct ImageRecordMissing;
    id: "image-record-missing",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images",
    images: All,
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageRecordMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        if image.verification.is_none() {
            return;
        }
        if image.partition("MainOS").is_none() {
            let message =
                "the image has no partition `MainOS`: nothing can be said about the system on it";
            report.at(image.place("", "partitions"), message);
            return;
        }
        let folder = "MainOS:Windows/ImageUpdate";
        if facts.workspace.documents.oem_inputs.is_empty() {
            report
                .at(
                    image.place(&format!("{folder}/OEMInput.xml"), ""),
                    "the image keeps no `OEMInput.xml`, so its type is not known",
                )
                .help("say what it is: `--image retail`, `test` or `mmos`");
        }
        if image.recorded.is_none() {
            report
                .at(
                    image.place(&format!("{folder}/UpdateHistory.xml"), ""),
                    "the image keeps no `UpdateHistory.xml`, so its packages cannot be compared with a record",
                )
                .at_most(Level::Warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::image::ImageType;
    use crate::testing::image::{image, intact, lint_image, recorded};

    fn found(change: impl FnOnce(&mut crate::facts::full_flash::FinishedImage)) -> Vec<String> {
        let mut image = image();
        image.verification = Some(Arc::new(intact()));
        change(&mut image);
        lint_image("image-record-missing", image, ImageType::Retail)
    }

    #[test]
    fn configuration_record_and_system_are_missed() {
        let both = found(|_| {});
        assert!(
            both[0].starts_with("error Flash.ffu/MainOS:Windows/ImageUpdate/OEMInput.xml "),
            "{both:?}"
        );
        assert!(
            both[1].starts_with("warning Flash.ffu/MainOS:Windows/ImageUpdate/UpdateHistory.xml "),
            "{both:?}"
        );
        assert_eq!(found(|image| image.recorded = Some(recorded(&[]))).len(), 1);
        let none = found(|image| image.partitions.clear());
        assert!(none[0].contains("no partition `MainOS`"), "{none:?}");
    }

    #[test]
    fn an_image_that_cannot_be_read_is_told_of_by_another_rule() {
        assert!(found(|image| image.verification = None).is_empty());
    }
}
