use crate::facts::Facts;
use crate::facts::location::{Consent, NAMES, consents};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image turns location services on
    ///
    /// ## What it checks
    /// Reports where the packages of a retail image set both location consent values to 0.
    ///
    /// ## Why
    /// Location services tell apps where the device is. That is allowed; before shipping somebody should have decided
    /// it and told the users.
    ///
    /// ## Passes
    /// ```xml
    /// <regValue name="InitSystemGlobalConsentDenied" type="REG_DWORD" value="00000001" />
    /// <regValue name="InitUserGlobalConsentDenied" type="REG_DWORD" value="00000001" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <regValue name="InitSystemGlobalConsentDenied" type="REG_DWORD" value="00000000" />
    /// <regValue name="InitUserGlobalConsentDenied" type="REG_DWORD" value="00000000" />
    /// ```
    ///
    /// ## Fix
    /// Keep it where the product needs it, and set this rule to `off`. Otherwise leave the values away.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, introduction
    struct LocationOnRetail;
    id: "location-on-retail",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Introduction, location services",
    images: [Retail],
    input: Registry,
    level: Info,
    since: "0.1.0",
}

impl Rule for LocationOnRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for scope in facts.registry_scopes() {
            let on = scope.files.iter().copied().flat_map(consents);
            let on =
                on.filter(|consent| consent.is_in_place() && consent.is_denied() == Some(false));
            let on: Vec<Consent<'_>> = on.collect();
            let all = NAMES
                .iter()
                .all(|name| on.iter().any(|consent| consent.name == *name));
            let judged = |consent: &&Consent<'_>| facts.is_judged(consent.value.source.name());
            let first = on.iter().find(judged);
            if let Some(first) = first.filter(|_| all) {
                report
                    .at(
                        first.value.place(),
                        "location services are on in a retail image",
                    )
                    .help("keep it where the product needs it and its users are told");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::location::{KEY, NAMES};
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{reg_file, run, workspace_with};

    fn lint(numbers: [u8; 2], image: ImageType) -> Vec<String> {
        let values = NAMES.iter().zip(numbers);
        let values: String = values
            .map(|(name, n)| format!("\n\"{name}\"=dword:{n}"))
            .collect();
        let files = [("a.reg", reg_file(&format!("[{KEY}]{values}")))];
        let options = ResolveOptions {
            image: Some(image),
            ..ResolveOptions::default()
        };
        run("location-on-retail", &workspace_with(&files, &options))
    }

    #[test]
    fn it_is_told_where_both_values_are_zero_in_a_retail_image() {
        let found = lint([0, 0], ImageType::Retail);
        assert_eq!(
            found,
            ["info a.reg:4:1 location services are on in a retail image"]
        );
        assert!(lint([0, 1], ImageType::Retail).is_empty());
        assert!(lint([0, 0], ImageType::Test).is_empty());
    }
}
