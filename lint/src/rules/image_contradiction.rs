use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A finished image says a thing twice and differently
    ///
    /// ## What it checks
    /// Platform IDs in manifest and store header, lengths of descriptors and tables, places of descriptors, partition
    /// tables with their check sums and backups, names of partitions.
    ///
    /// ## Why
    /// Hashes cover it, so it was built that way. Two readers may take it differently: the tool that checks an image
    /// and the one that flashes it.
    ///
    /// ## Passes
    /// the same platform IDs in manifest and store
    ///
    /// ## Fails
    /// a partition that ends behind the disk
    ///
    /// ## Fix
    /// Build the image again with the tools of one kit.
    ///
    /// ## References
    /// - Microsoft, "FFU image format"
    struct ImageContradiction;
    id: "image-contradiction",
    authority: "Microsoft, FFU image format",
    clause: "headers, manifest and store",
    images: All,
    input: Image,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ImageContradiction {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let verification = image.verification.as_deref();
        let faults = verification.into_iter().flat_map(|found| &found.faults);
        let faults = faults.map(ToString::to_string);
        for fault in faults.chain(image.contradictions.iter().cloned()) {
            report
                .at(
                    image.place("", "structure"),
                    format!("the image contradicts itself: {fault}"),
                )
                .help("build the image again");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::testing::image::{image, lint_image};

    #[test]
    fn every_contradiction_is_told() {
        let mut image = image();
        image.contradictions = vec!["store 1: MBR.partitions".to_owned()];
        assert_eq!(
            lint_image("image-contradiction", image, ImageType::Test),
            ["warning Flash.ffu (structure) the image contradicts itself: store 1: MBR.partitions"]
        );
        assert!(
            lint_image(
                "image-contradiction",
                crate::testing::image::image(),
                ImageType::Test
            )
            .is_empty()
        );
    }
}
