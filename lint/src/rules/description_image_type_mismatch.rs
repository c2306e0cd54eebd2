use formats::source::{Span, Spanned};

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

/// Words for the two image types.
const RETAIL: &[&str] = &["production", "retail"];
const TEST: &[&str] = &["test"];

declare_rule! {
    /// The description of an image names the other image type
    ///
    /// ## What it checks
    /// `Description` of a test image does not call it `Retail` or `Production`, and that of a retail image does not call it
    /// `Test`. A description with words for both says nothing.
    ///
    /// ## Why
    /// The description goes into the image and is what an operator sees when flashing. It is stale after one input was
    /// copied from the other.
    ///
    /// ## Passes
    /// ```xml
    /// <Description>Kiosk Retail FFU</Description>
    /// <ReleaseType>Production</ReleaseType>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Description>Kiosk Test FFU</Description>
    /// <ReleaseType>Production</ReleaseType>
    /// ```
    ///
    /// ## Fix
    /// Correct the description. The fix replaces the word.
    ///
    /// ## References
    /// - iot-adk-addonkit, descriptions of the sample products
    struct DescriptionImageTypeMismatch;
    id: "description-image-type-mismatch",
    authority: "iot-adk-addonkit",
    clause: "Sample products: Description",
    images: [Retail, Test],
    input: OemInput,
    level: Info,
    since: "0.1.0",
}

impl Rule for DescriptionImageTypeMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let (own, others, right) = match facts.image {
            Some(ImageType::Retail) => (RETAIL, TEST, "Retail"),
            Some(ImageType::Test) => (TEST, RETAIL, "Test"),
            _ => return,
        };
        for product in &facts.products {
            let input = &product.oem_input;
            let Some(description) = &input.description else {
                continue;
            };
            let found = word(description, others);
            let Some(found) = found.filter(|_| word(description, own).is_none()) else {
                continue;
            };
            let place = input.place(found.span, "OEMInput/Description");
            let title = format!("write `{right}`");
            // A text with entities is longer in the file than here.
            let is_plain = input.source.slice(description.span) == description.value;
            report
                .at(
                    place.clone(),
                    format!("the description says `{}`", found.value),
                )
                .because_of_image(product)
                .help(title.clone())
                .fix(Fix::replace(title, &place, right).filter(|_| is_plain));
        }
    }
}

/// The first word of a text that is one of these.
fn word(text: &Spanned<String>, wanted: &[&str]) -> Option<Spanned<String>> {
    let is_separator = |letter: char| !letter.is_alphanumeric();
    let mut start = text.span.start;
    for piece in text.value.split_inclusive(is_separator) {
        let word = piece.trim_end_matches(is_separator);
        if wanted.contains(&word.to_lowercase().as_str()) {
            let end = start.checked_add(word.len())?;
            let span = Span { start, end };
            return Some(Spanned {
                value: word.to_owned(),
                span: if end <= text.span.end {
                    span
                } else {
                    text.span
                },
            });
        }
        start = start.checked_add(piece.len())?;
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    const ID: &str = "description-image-type-mismatch";

    fn input(release_type: &str, description: &str) -> [(&'static str, String); 1] {
        let text = format!(
            "<Description>{description}</Description>\n<ReleaseType>{release_type}</ReleaseType>"
        );
        [("OEMInput.xml", oem_input(&text))]
    }

    #[test]
    fn the_other_image_type_is_found_and_replaced() {
        let files = input("Production", "Kiosk test, FFU");
        assert_eq!(
            lint_one(ID, &files),
            ["info OEMInput.xml:1:96 the description says `test`"]
        );
        assert!(fixed(ID, &files, "OEMInput.xml").contains(">Kiosk Retail, FFU<"));
        assert_eq!(lint_one(ID, &input("Test", "Retail image")).len(), 1);
        assert_eq!(
            lint_one(ID, &input("Test", "R&amp;D Production image")).len(),
            1
        );
        let entity = input("Test", "R&amp;D Production image");
        assert!(fixed(ID, &entity, "OEMInput.xml").contains("R&amp;D Production image"));
    }

    #[test]
    fn the_right_type_both_or_a_part_of_a_word_pass() {
        assert!(lint_one(ID, &input("Test", "Test image")).is_empty());
        assert!(lint_one(ID, &input("Test", "Retail image for test")).is_empty());
        assert!(lint_one(ID, &input("Production", "Latest image")).is_empty());
    }
}
