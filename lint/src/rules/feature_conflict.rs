use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::lists::{self, Conflict};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Two features exclude each other
    ///
    /// ## What it checks
    /// No image chooses both features of a pair that does not go together: a switch and its opposite, settings for GPT and
    /// for MBR layouts, the test and the retail variant of the same thing, two speech data or recognition packages of which
    /// one is allowed, the device portal and `IOT_TOOLKIT` in retail. Two transports of the kernel debugger, and one that
    /// wants the USB port together with `IOT_MTP`, are a warning.
    ///
    /// ## Why
    /// The imaging tools take both without a word, and what comes last wins, or nothing boots.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>IOT_EFIESP_BCD</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_EFIESP_BCD</Feature>
    /// <Feature>IOT_EFIESP_BCD_MBR</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch one of them off. The fix does so where it is clear which.
    ///
    /// ## References
    /// - IoT Core feature list: what is said about each feature
    /// - iot-adk-addonkit, features of the common packages and of board support packages
    struct FeatureConflict;
    id: "feature-conflict",
    authority: "Microsoft, IoT Core feature list",
    clause: "Features",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for FeatureConflict {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let conflicts = lists::conflicts();
        let conflicts = conflicts.filter(|pair| pair.image.is_none() || pair.image == facts.image);
        let conflicts: Vec<Conflict> = conflicts.collect();
        for product in &facts.products {
            for pair in &conflicts {
                let (Some(one), Some(other)) =
                    (product.feature(pair.first), product.feature(pair.second))
                else {
                    continue;
                };
                let (first, second) = match one.element.start < other.element.start {
                    true => (one, other),
                    false => (other, one),
                };
                let input = &product.oem_input;
                let finding = report.at(
                    input.item(second),
                    format!(
                        "`{}` together with `{}`: {}",
                        second.text.value, first.text.value, pair.why
                    ),
                );
                finding
                    .also(input.item(first), "the other one")
                    .at_most(pair.level);
                match pair.off.and_then(|id| product.feature(id)) {
                    Some(off) => {
                        finding
                            .help(format!("switch `{}` off", off.text.value))
                            .fix(product.switch_off(off));
                    }
                    None => {
                        finding
                            .help("switch one of them off")
                            .fix(product.switch_off(second).map(Fix::as_guess));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    const ID: &str = "feature-conflict";

    fn files(release_type: &str, features: [&str; 2]) -> [(&'static str, String); 1] {
        let features = features
            .map(|id| format!("\n<Feature>{id}</Feature>"))
            .concat();
        let text = format!(
            "<ReleaseType>{release_type}</ReleaseType><Features><Microsoft>{features}</Microsoft></Features>"
        );
        [("OEMInput.xml", oem_input(&text))]
    }

    fn lint(release_type: &str, features: [&str; 2]) -> Vec<String> {
        lint_one(ID, &files(release_type, features))
    }

    #[test]
    fn both_of_a_pair_are_an_error_at_the_second_one() {
        let pair = "one is for GPT layouts, the other for MBR layouts";
        let wanted = |second, first| {
            [format!(
                "error OEMInput.xml:3:10 `{second}` together with `{first}`: {pair}"
            )]
        };
        let (gpt, mbr) = ("IOT_EFIESP_BCD", "IOT_EFIESP_BCD_MBR");
        assert_eq!(lint("Test", [gpt, mbr]), wanted(mbr, gpt));
        assert_eq!(lint("Production", [mbr, gpt]), wanted(gpt, mbr));
    }

    #[test]
    fn some_pairs_are_for_one_image_type_and_some_are_warnings() {
        let portal = ["IOT_TOOLKIT", "iot_webb_extn"];
        assert_eq!(lint("Production", portal).len(), 1);
        assert!(lint("Test", portal).is_empty());
        assert!(lint("Test", ["IOT_KDUSB_SETTINGS", "IOT_MTP"])[0].starts_with("warning "));
        assert!(lint("Test", ["IOT_SSH", "IOT_MTP"]).is_empty());
    }

    #[test]
    fn the_fix_switches_off_the_one_that_is_too_much() {
        let ocr = files("Test", ["IOT_OCR_EN_US", "IOT_OCR_ALL_LANGS"]);
        let text = fixed(ID, &ocr, "OEMInput.xml");
        assert!(
            text.contains("<!-- Feature>IOT_OCR_EN_US</Feature -->"),
            "{text}"
        );
        let unclear = files("Test", ["SEC_SECUREBOOT", "SEC_SECUREBOOT_TEST"]);
        let text = fixed(ID, &unclear, "OEMInput.xml");
        let second = "<!-- Feature>SEC_SECUREBOOT_TEST</Feature -->";
        assert!(text.contains(second), "{text}");
    }
}
