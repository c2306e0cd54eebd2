use formats::document::device_layout::OemDevicePlatform;
use formats::source::Spanned;

use crate::diagnostic::Fix;
use crate::facts::{Facts, File};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A device platform names its devices twice
    ///
    /// ## What it checks
    /// An `OEMDevicePlatform.xml` has `DevicePlatformID` or `DevicePlatformIDs`, and not both.
    ///
    /// ## Why
    /// The imaging tools accept one of the two forms and stop at a file with both.
    ///
    /// ## Passes
    /// `<DevicePlatformIDs><ID>Fjordlight.FjordBoard.2</ID></DevicePlatformIDs>`
    ///
    /// ## Fails
    /// The same and `<DevicePlatformID>Fjordlight.FjordBoard.2</DevicePlatformID>`
    ///
    /// ## Fix
    /// Keep the list.
    ///
    /// ## References
    /// - IoT Core, "Device layout": device platform
    struct PlatformBothIdForms;
    id: "platform-both-id-forms",
    authority: "Microsoft, IoT Core: device layout",
    clause: "OEMDevicePlatform",
    images: All,
    input: DeviceLayout,
    level: Error,
    since: "0.1.0",
}

impl Rule for PlatformBothIdForms {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for platform in &facts.documents.device_platforms {
            let list = platform.list(
                &platform.device_platform_ids,
                "OEMDevicePlatform/DevicePlatformIDs",
            );
            if let (Some(one), Some(list)) = (&platform.device_platform_id, list) {
                report
                    .at(
                        platform.value(one, "OEMDevicePlatform/DevicePlatformID"),
                        "`DevicePlatformID` beside `DevicePlatformIDs`",
                    )
                    .also(list, "the list")
                    .help("keep the list")
                    .fix(commented(platform, one));
            }
        }
    }
}

/// The single form as a comment; a guess where the list does not have it.
fn commented(platform: &File<OemDevicePlatform>, one: &Spanned<String>) -> Option<Fix> {
    let element = platform.element_of(one)?;
    let fix = platform.comment_out(element, "DevicePlatformID")?;
    let mut listed = platform.device_platform_ids.texts();
    Some(match listed.any(|id| id.eq_ignore_ascii_case(&one.value)) {
        true => fix,
        false => fix.as_guess(),
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{device_platform, fixed, lint_one};

    #[test]
    fn one_form_is_enough() {
        let lint = |body: &str| {
            lint_one(
                "platform-both-id-forms",
                &[("OEMDevicePlatform.xml", device_platform(body))],
            )
        };
        let (one, list) = (
            "\n<DevicePlatformID>A.B</DevicePlatformID>",
            "<DevicePlatformIDs><ID>A.B</ID></DevicePlatformIDs>",
        );
        assert!(lint(one).is_empty() && lint(list).is_empty());
        let wanted =
            "error OEMDevicePlatform.xml:2:19 `DevicePlatformID` beside `DevicePlatformIDs`";
        assert_eq!(lint(&format!("{one}{list}")), [wanted]);
        let name = "OEMDevicePlatform.xml";
        let files = [(name, device_platform(&format!("{one}{list}")))];
        let after = fixed("platform-both-id-forms", &files, name);
        let comment = "\n<!-- DevicePlatformID>A.B</DevicePlatformID -->";
        assert_eq!(after, device_platform(&format!("{comment}{list}")));
    }
}
