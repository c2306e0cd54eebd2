//! The rules that judge the documents inside a finished image just as they judge those of a workspace.
//!
//! Rules about what is built, or about what lies beside a document, are not among them: an image has neither.

use crate::rule::{Input, RuleInfo};

/// Rules about documents that an image keeps.
const IN_IMAGES: &[&str] = &[
    "basicdisplayfallback-not-db",
    "bootsequence-exclusive",
    "build-type-not-fre",
    "default-admin-account",
    "deprecated-feature",
    "dev-feature-in-retail",
    "direct-package-files",
    "document-not-well-formed",
    "dump-feature-exclusive",
    "feature-conflict",
    "feature-needs-another",
    "format-dpp-in-retail",
    "layout-backup-size",
    "layout-efiesp-fs",
    "layout-efiesp-type",
    "layout-mainos-free",
    "layout-mbr-four",
    "layout-missing-partition",
    "layout-mixed-types",
    "layout-mmos-ntfs",
    "layout-mmos-size",
    "mfg-feature-deps",
    "mmos-charging-elsewhere",
    "mmos-charging-exactly-one",
    "mmos-customer-care-test-feature",
    "mmos-product",
    "mmos-unsupported-feature",
    "mobile-release-production-feature",
    "mobile-retail-forbidden",
    "oeminput-not-well-formed",
    "oeminput-wrong-root",
    "release-type-missing",
    "release-type-value",
    "remote-shell-in-retail",
    "retail-release-type",
    "security-variant-in-retail",
    "security-variant-in-test",
    "sirep-port-open",
    "soc-crashdump-in-retail",
    "test-feature-in-retail",
    "test-fm-in-retail",
    "test-missing-testsigning",
    "test-release-type",
    "testsigning-in-retail",
];

impl RuleInfo {
    /// Whether it judges finished images.
    pub fn is_for_images(&self) -> bool {
        self.input == Input::Image || IN_IMAGES.contains(&self.id)
    }

    /// Whether it judges workspaces.
    pub fn is_for_workspaces(&self) -> bool {
        self.input != Input::Image
    }
}

#[cfg(test)]
mod tests {
    use super::IN_IMAGES;
    use crate::rules;

    #[test]
    fn every_one_is_a_rule_and_they_are_sorted() {
        assert!(IN_IMAGES.is_sorted());
        for id in IN_IMAGES {
            assert!(rules::find(id).is_some(), "there is no rule {id}");
        }
    }
}
