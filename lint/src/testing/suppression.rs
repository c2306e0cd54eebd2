//! A document with a suppression in it.

use super::oem_input;

/// A suppression that is right, on its last day.
pub(crate) const RIGHT: &str =
    "allow dev-feature-in-retail, reason: \"shown at fairs\", until: 2026-06-01";

/// A retail input with `proofmark: COMMENT` on line 2, before a developer tool that stands on line 3.
pub(crate) fn files(comment: &str) -> [(&'static str, String); 1] {
    let features = "<Feature>IOT_BERTHA</Feature>\n<Feature>IOT_EFIESP</Feature>";
    let text = format!(
        "<ReleaseType>Production</ReleaseType><Features><Microsoft>\n<!-- proofmark: {comment} -->\n{features}\
         </Microsoft></Features>"
    );
    [("OEMInput.xml", oem_input(&text))]
}
