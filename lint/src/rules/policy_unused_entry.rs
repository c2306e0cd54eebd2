use crate::rule::declare_rule;

declare_rule! {
    /// A line of a policy has no effect
    ///
    /// ## What it checks
    /// A rule that stands under `[retail]`, `[test]` or `[mmos]` of a policy is one that looks at such images. An entry under
    /// `[rules]` is not overridden by the same policy for every image type. A rule that the policy of the project lowers
    /// finds something in the workspace, where all of it is linted.
    ///
    /// ## Why
    /// The entry has no effect. Policies are read by people who take every line for something that is in force.
    ///
    /// ## Passes
    /// ```toml
    /// [retail]
    /// testsigning-in-retail = "error"
    /// ```
    ///
    /// ## Fails
    /// ```toml
    /// [test]
    /// testsigning-in-retail = "error"
    /// ```
    ///
    /// ## Fix
    /// Move the entry to the section of an image type that the rule is about, or remove it. `proofmark rules` lists the image
    /// types of every rule.
    ///
    /// ## References
    /// - The commented policy in `policies/template.toml`
    struct PolicyUnusedEntry;
    id: "policy-unused-entry",
    authority: "proofmark",
    clause: "Policies",
    images: All,
    input: Policy,
    level: Warning,
    since: "0.1.0",
    reports: UnusedEntry,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_policy;

    #[test]
    fn a_rule_about_other_images_is_found() {
        let found = lint_policy("[test]\ntestsigning-in-retail = 'error'\n");
        let message = "`testsigning-in-retail` says nothing about test images";
        assert_eq!(found, [format!("warning policy.toml:2:1 {message}")]);
    }

    #[test]
    fn a_level_that_every_image_type_overrides_is_found() {
        let lines = "[rules]\nrelease-type-value = 'error'\n[retail]\nrelease-type-value = 'error'\n\
                     [test]\nrelease-type-value = 'error'\n";
        assert!(lint_policy(lines).is_empty());
        let message = "`release-type-value` is set again for every type of image that it is about";
        assert_eq!(
            lint_policy(&format!("{lines}[mmos]\nrelease-type-value = 'error'\n")),
            [format!("warning policy.toml:2:1 {message}")]
        );
    }

    #[test]
    fn a_rule_about_every_image_passes_in_every_section() {
        for image in crate::image::ImageType::ALL {
            assert!(lint_policy(&format!("[{image}]\nrelease-type-value = 'error'\n")).is_empty());
        }
    }
}
