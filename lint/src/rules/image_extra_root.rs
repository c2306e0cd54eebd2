use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::full_flash::registry::ROOTS;
use crate::facts::roots::certificate_of;
use crate::facts::security::objection_for_retail;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use signer::anchor::TrustClass;

declare_rule! {
    /// A finished image trusts a root certificate beside Windows' own
    ///
    /// ## What it checks
    /// The certificates below `HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates` are roots of Microsoft or
    /// of the Windows root programme. One of tests, or one whose private key is published, is an error in a retail
    /// image; any other that nobody here knows is a warning there and information elsewhere.
    ///
    /// ## Why
    /// Whoever has the key of a root makes certificates that the device trusts, for servers, apps and people. Roots for
    /// tests come with the add-on kit, and their keys are public.
    ///
    /// ## Passes
    /// Microsoft Root Certificate Authority 2010
    ///
    /// ## Fails
    /// OEM Root 2017 (TEST ONLY) in a retail image
    ///
    /// ## Fix
    /// Take the package out that brings the root, such as Security.RootCerts with the certificates of the kit. A root
    /// of your own that is meant is named with `--root`.
    ///
    /// ## References
    /// - iot-adk-addonkit, Security.RootCerts
    struct ImageExtraRoot;
    id: "image-extra-root",
    authority: "iot-adk-addonkit",
    clause: "Security.RootCerts",
    images: All,
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageExtraRoot {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let is_retail = facts.image == Some(ImageType::Retail);
        for key in image.keys_below(ROOTS) {
            let Some(value) = key.value("Blob") else {
                continue;
            };
            let place = image.key_place(key, "Blob");
            let Some(certificate) = certificate_of(&value.data.bytes) else {
                let message = "a root certificate of the registry cannot be read".to_owned();
                report.at(place, message).at_most(Level::Warning);
                continue;
            };
            let subject = &certificate.subject;
            let anchor = image.anchors.by_key(&certificate.public_key);
            let (message, level) = match (
                objection_for_retail(&certificate),
                anchor.map(|anchor| anchor.class),
            ) {
                (Some(why), _) => (
                    format!("the image trusts {subject} as a root: {why}"),
                    Level::Error,
                ),
                (
                    None,
                    Some(
                        TrustClass::Public
                        | TrustClass::MicrosoftProduction
                        | TrustClass::Named
                        | TrustClass::CrossSigned,
                    ),
                ) => continue,
                (None, _) => (
                    format!("the image trusts {subject} as a root, which nobody here knows"),
                    Level::Warning,
                ),
            };
            report
                .at(place, message)
                .help("take the package out that brings the root; name one that is meant with `--root`")
                .at_most(if is_retail { level } else { Level::Info });
        }
    }
}

#[cfg(test)]
mod tests {
    use formats::registry_hive::{Data, ValueType};

    use crate::facts::full_flash::registry::ROOTS;
    use crate::image::ImageType;
    use crate::testing::image::{image, key, lint_image};
    use crate::testing::security::certificate;

    fn found(name: &str, of: ImageType) -> Vec<String> {
        let der = certificate(name).der;
        let mut bytes = [32_u32, 1, der.len() as u32].map(u32::to_le_bytes).concat();
        bytes.extend(der);
        let kind = ValueType::Binary;
        let mut image = image();
        let path = format!("{ROOTS}\\0011");
        image.keys = vec![key("SOFTWARE", &path, &[("Blob", Data { kind, bytes })])];
        lint_image("image-extra-root", image, of)
    }

    #[test]
    fn a_published_root_is_an_error_in_retail() {
        let retail = found("root", ImageType::Retail);
        assert!(
            retail[0].starts_with("error Flash.ffu/MainOS:Windows/System32/config/SOFTWARE "),
            "{retail:?}"
        );
        assert!(found("root", ImageType::Test)[0].starts_with("info "));
    }

    #[test]
    fn what_is_no_certificate_is_told() {
        let mut image = image();
        let bytes = vec![1, 2, 3];
        let kind = ValueType::Binary;
        image.keys = vec![key("SOFTWARE", ROOTS, &[("Blob", Data { kind, bytes })])];
        assert!(
            lint_image("image-extra-root", image, ImageType::Retail)[0].starts_with("warning ")
        );
    }
}
