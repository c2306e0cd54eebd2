use crate::facts::Facts;
use crate::files::folder_of;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The installed code-integrity policy is not the one that its XML describes
    ///
    /// ## What it checks
    /// Where XML policies lie beside the binary policy that a package installs, one of them says the same: version, options, key
    /// usages, signers, file rules, scenarios, settings. Identifiers, names and order do not count.
    ///
    /// ## Why
    /// People review the XML and devices run the binary. Where the two have parted, a change that everybody saw never reached the
    /// device, or the other way round.
    ///
    /// ## Passes
    /// ```text
    /// EnforcedPolicy.xml and SIPolicyEnforce.p7b with the same signers
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// EnforcedPolicy.xml with a signer more than SIPolicyEnforce.p7b
    /// ```
    ///
    /// ## Fix
    /// Build and sign the policy again from its XML.
    ///
    /// ## References
    /// - iot-adk-addonkit, Add-IoTDeviceGuard
    struct SipolicyXmlBinDrift;
    id: "sipolicy-xml-bin-drift",
    authority: "iot-adk-addonkit",
    clause: "Add-IoTDeviceGuard: ConvertFrom-CIPolicy",
    images: [Retail, Test],
    input: Security,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SipolicyXmlBinDrift {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for (_, installed, read) in facts.readable_policies() {
            let folder = folder_of(installed.path);
            let documents = facts.workspace.documents.si_policies.iter();
            let beside = documents.filter(|document| document.folder() == folder);
            let differences =
                beside.map(|document| (document.policy.differences(&read.policy), document));
            // A folder has several variants; the nearest is the one that was meant.
            let Some((differences, document)) =
                differences.min_by_key(|(differences, _)| differences.len())
            else {
                continue;
            };
            let Some(first) = differences.first() else {
                continue;
            };
            let more = match differences.len() {
                1 => String::new(),
                number => format!(", and {} more", number.saturating_sub(1)),
            };
            let message = format!(
                "`{}` is not what `{}` says: the binary {first}{more}",
                installed.file.name,
                document.name()
            );
            report
                .at(installed.file.place.clone(), message)
                .also(document.root_place(), "the nearest XML")
                .help("build and sign the policy again from its XML");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{RawPolicy, lint, product};

    #[test]
    fn the_nearest_xml_is_compared() {
        let rule = "sipolicy-xml-bin-drift";
        let signed = RawPolicy {
            signers: Vec::new(),
            update: Vec::new(),
            ..RawPolicy::default()
        }
        .signed();
        let xml = |options: &str| {
            format!(
                "<SiPolicy xmlns=\"urn:schemas-microsoft-com:sipolicy\"><VersionEx>10.0.0.0</VersionEx><Rules>{options}</Rules>\
                 </SiPolicy>"
            )
        };
        let option = |name: &str| format!("<Rule><Option>{name}</Option></Rule>");
        let same = option("Enabled:UMCI") + &option("Required:Enforce Store Applications");
        let audit = same.clone() + &option("Enabled:Audit Mode");
        let mut files = product("Production", &signed);
        files.push(("Guard/Audit.xml".into(), xml(&audit).into_bytes()));
        let found = lint(rule, &files);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].ends_with(
                "is not what `Audit.xml` says: the binary lacks option Enabled:Audit Mode"
            ),
            "{found:?}"
        );
        files.push(("Guard/Enforced.xml".into(), xml(&same).into_bytes()));
        assert!(lint(rule, &files).is_empty());
    }
}
