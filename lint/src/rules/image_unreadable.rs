use crate::facts::Facts;
use crate::facts::full_flash::code::likewise;
use crate::facts::full_flash::grouped;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A part of a finished image cannot be read
    ///
    /// ## What it checks
    /// Headers, partition tables, volumes, directories and every file that decides something can be read: no BitLocker,
    /// Storage Spaces or unknown file system where files must be, no compression that cannot be decoded, no damaged
    /// record, no document that is not well formed. Mount points and symbolic links lead elsewhere and are no loss.
    ///
    /// ## Why
    /// What cannot be read cannot be judged. A clean report about half an image would be worse than none, so every part
    /// that was left out is told of.
    ///
    /// ## Passes
    /// MainOS on NTFS, its files plain or compressed by CompactOS with XPRESS
    ///
    /// ## Fails
    /// MainOS encrypted by BitLocker, a file compressed with LZX, an image that was cut off while it was copied
    ///
    /// ## Fix
    /// Build the image again. BitLocker encrypts on the device, never in the image; choose an XPRESS compression for
    /// CompactOS.
    ///
    /// ## References
    /// - Microsoft, "FFU image format"
    /// - docs/images.md: what is read
    struct ImageUnreadable;
    id: "image-unreadable",
    authority: "Microsoft, FFU image format",
    clause: "all structures",
    images: All,
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageUnreadable {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let parts = image.unread.iter();
        let parts = parts.map(|part| ((part.at.is_empty(), part.problem.as_str()), part));
        for ((_, problem), parts) in grouped(parts) {
            let Some(first) = parts.first() else {
                continue;
            };
            let at = |offset: u64| format!("offset {offset:#x}");
            let key = first.offset.map(at).unwrap_or_default();
            let says = format!("cannot be read: {problem}");
            let names: Vec<&str> = parts.iter().map(|part| part.at.as_str()).collect();
            let message = match first.at.as_str() {
                "" => format!("the image {says}"),
                _ => likewise(&names, &says),
            };
            report
                .at(image.place(&first.at, key), message)
                .help("nothing here could be judged: mend it, or build the image again");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::testing::image::{image, lint_image, unread};

    #[test]
    fn parts_with_one_reason_are_told_of_together() {
        let mut image = image();
        image.unread = vec![
            unread("MainOS:Windows/a.dll", "LZX is not supported"),
            unread("MainOS:Windows/b.dll", "LZX is not supported"),
            unread("Data", "it is encrypted by BitLocker"),
        ];
        assert_eq!(
            lint_image("image-unreadable", image, ImageType::Test),
            [
                "error Flash.ffu/Data `Data` cannot be read: it is encrypted by BitLocker",
                "error Flash.ffu/MainOS:Windows/a.dll `a.dll` cannot be read: LZX is not supported; likewise `b.dll`",
            ]
        );
    }

    #[test]
    fn an_image_that_is_none_is_named_itself() {
        let mut image = image();
        image.unread = vec![unread("", "needs 32 bytes, the input has 0 left")];
        let found = lint_image("image-unreadable", image, ImageType::Retail);
        assert_eq!(
            found,
            ["error Flash.ffu the image cannot be read: needs 32 bytes, the input has 0 left"]
        );
    }
}
