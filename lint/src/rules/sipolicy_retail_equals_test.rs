use std::collections::BTreeMap;

use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::facts::payload::Payload;
use crate::files::folder_of;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The code-integrity policies of retail and test images are the same file
    ///
    /// ## What it checks
    /// The policy that a retail image installs differs from the one that a package for test images installs: a package whose
    /// name contains `Test`, or one that only test images select.
    ///
    /// ## Why
    /// A policy for test images allows test certificates, or does not enforce. Where both packages carry the same bytes, one of
    /// them has the wrong policy; in the samples of the add-on kit it is so.
    ///
    /// ## Passes
    /// ```text
    /// Security.DeviceGuard and Security.DeviceGuardTest with policies of their own
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// a copy of one policy in both packages
    /// ```
    ///
    /// ## Fix
    /// Build a policy for each kind of image.
    ///
    /// ## References
    /// - iot-adk-addonkit, Security.DeviceGuard and Security.DeviceGuardTest
    struct SipolicyRetailEqualsTest;
    id: "sipolicy-retail-equals-test",
    authority: "iot-adk-addonkit",
    clause: "Add-IoTDeviceGuard: -Test",
    images: [Retail],
    input: Security,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SipolicyRetailEqualsTest {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let mut alike: BTreeMap<&[u8], Vec<&str>> = BTreeMap::new();
        for (path, policy) in &facts.workspace.security.policies {
            alike.entry(&policy.digest).or_default().push(path);
        }
        for product in &facts.products {
            for installed in facts.installed_policies(product) {
                let same = alike.get(installed.content.digest.as_slice());
                let same = same.into_iter().flatten();
                let others = same.filter(|path| **path != installed.path);
                for path in others.filter(|path| is_for_tests(facts, path)) {
                    let message = format!(
                        "`{}` is also the policy of test images",
                        installed.file.name
                    );
                    report
                        .at(installed.file.place.clone(), message)
                        .also(Place::binary(*path, ""), "the same bytes")
                        .because_of_image(product)
                        .help("build a policy for each kind of image");
                }
            }
        }
    }
}

/// Whether a package beside the file installs it, and is for test images by its name.
fn is_for_tests(facts: &Facts<'_>, path: &str) -> bool {
    let mut beside = facts.index.packages_in(folder_of(path)).iter();
    beside.any(|package| {
        let is_named = package.name.to_lowercase().contains("test");
        let files = package.definition.files();
        let mut sources = files.iter().filter_map(|file| file.source.as_ref());
        is_named
            && sources.any(|source| {
                let payload = facts.payload(&package.definition, &source.value);
                matches!(payload, Payload::Found(found) if found.path == path)
            })
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{RawPolicy, lint, product};
    use crate::testing::wm_xml;

    #[test]
    fn the_same_bytes_in_a_package_for_tests_are_found() {
        let rule = "sipolicy-retail-equals-test";
        let policy = RawPolicy::default().signed();
        let mut files = product("Production", &policy);
        let body = "<files><file source=\"SIPolicyEnforce.p7b\" name=\"SIPolicy.p7b\"/></files>";
        files.push((
            "T/GuardTest.wm.xml".into(),
            wm_xml("GuardTest", body).into_bytes(),
        ));
        files.push(("T/SIPolicyEnforce.p7b".into(), policy));
        let found = lint(rule, &files);
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("`SIPolicyEnforce.p7b` is also the policy of test images"));
        let audit = RawPolicy {
            options: 0x8201_0004,
            ..RawPolicy::default()
        };
        files.last_mut().unwrap().1 = audit.signed();
        assert!(lint(rule, &files).is_empty());
    }
}
