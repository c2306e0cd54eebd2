use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The identifier of a manifest is longer than eight characters
    ///
    /// ## What it checks
    /// `ID` of every manifest in an `*FMFileList.xml` of Windows 10 Mobile has at most eight characters. Sources disagree: the
    /// documents of Mobile set the limit, and the lists of the IoT add-on kit exceed it and build. So lists of IoT Core
    /// are not checked.
    ///
    /// ## Why
    /// The identifier becomes part of the names of packages, whose length is limited.
    ///
    /// ## Passes
    /// `ID="BOARD"`
    ///
    /// ## Fails
    /// `ID="BOARDOPTIONS"`
    ///
    /// ## Fix
    /// Choose a shorter one before anything is shipped with it.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Using the feature merger": lists of feature manifests
    struct FmlistIdLength;
    id: "fmlist-id-length",
    authority: "Microsoft, Windows 10 Mobile manufacturing",
    clause: "Lists of feature manifests",
    images: All,
    input: FmFileList,
    level: Info,
    since: "0.1.0",
}

/// Most characters of an identifier.
const LONGEST: usize = 8;

impl Rule for FmlistIdLength {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for list in &facts.documents.fm_file_lists {
            let product = list
                .product
                .as_ref()
                .map_or("", |product| product.value.as_str());
            let is_iot = product.to_lowercase().starts_with("iot")
                || facts.systems_of(list.path()).contains(&System::IotCore);
            for fm in list.fms.iter().filter(|_| !is_iot) {
                let Some(id) = &fm.id else { continue };
                let length = id.value.chars().count();
                if length > LONGEST {
                    report
                        .at(
                            list.value(id, format!("{}/@ID", fm.route)),
                            format!(
                                "`{}` has {length} characters, at most {LONGEST} are allowed",
                                id.value
                            ),
                        )
                        .help("choose a shorter identifier");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fm_file_list, lint_one};

    #[test]
    fn the_limit_is_that_of_mobile() {
        let lint = |product: &str, id: &str| {
            let list = fm_file_list(&format!("\n<FM ID=\"{id}\"/>")).replace("IoTUAP", product);
            lint_one("fmlist-id-length", &[("AFMFileList.xml", list)])
        };
        let wanted =
            "info AFMFileList.xml:2:9 `BOARDOPTIONS` has 12 characters, at most 8 are allowed";
        assert_eq!(lint("Mobile", "BOARDOPTIONS"), [wanted]);
        assert!(lint("Mobile", "BOARDOPT").is_empty());
        assert!(lint("IoTUAP", "BOARDOPTIONS").is_empty());
    }
}
