use std::collections::BTreeSet;

use crate::facts::payload::{Beginning, Payload};
use crate::facts::signature::State;
use crate::facts::{Facts, Signature};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The program of a service in a retail image is not signed
    ///
    /// ## What it checks
    /// A file `*.exe` or `*.dll` of a package with services, in a retail image, has a certificate table, and one in a built
    /// package with services a signature. Whether the signature is right is the matter of the rules about signatures.
    ///
    /// ## Why
    /// Retail images check the signature of every program that starts. A service whose program has none does not start,
    /// and the log of the device says little. A catalog that covers the file would do as well; the package's own is not
    /// taken by the code-integrity policies of the samples.
    ///
    /// ## Passes
    /// ```text
    /// kioskd.exe: signed with signtool or proofmark
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// kioskd.exe: as the compiler left it
    /// ```
    ///
    /// ## Fix
    /// Sign the program before the package is built.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images": signing
    /// - Azure device management agent: SystemConfigurator does not run in retail images
    struct UnsignedServiceBinary;
    id: "unsigned-service-binary",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail builds: all code is retail-signed",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for UnsignedServiceBinary {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let mut told = BTreeSet::new();
        for definition in facts.packages.iter().map(|package| &package.definition) {
            let Some(service) = definition.services().into_iter().next() else {
                continue;
            };
            for file in definition.files() {
                let name = file.name().to_lowercase();
                let Some(source) = file
                    .source
                    .as_ref()
                    .filter(|_| name.ends_with(".exe") || name.ends_with(".dll"))
                else {
                    continue;
                };
                let Payload::Found(found) = facts.payload(definition, &source.value) else {
                    continue;
                };
                if let Some(Beginning::Image(image)) = facts.workspace.beginnings.get(&found.path)
                    && !image.has_certificates
                {
                    report
                        .at(
                            definition.place(source, file.route),
                            format!("`{}` of a service is not signed", file.name()),
                        )
                        .also(service.place.clone(), "the service")
                        .help("sign the program before the package is built");
                    told.insert((definition.path(), name));
                }
            }
        }
        for signature in facts.signatures.iter().copied() {
            let (cab, name) = (&signature.subject.file, signature.name().to_lowercase());
            if !is_of_built_service(facts, signature) {
                continue;
            }
            // What is wrong with the file that goes in is wrong with the one that is in.
            let definition = facts.index.definition_of(cab);
            let path = definition.map(|package| package.definition.path());
            if path.is_some_and(|path| told.contains(&(path, name.clone()))) {
                continue;
            }
            let package = crate::files::name_of(cab);
            let message = format!("`{name}` of a service in `{package}` is not signed");
            report
                .at_signature(facts, signature, "", message)
                .help("sign it: `proofmark resign --profile NAME --in-place PACKAGE.cab`");
        }
    }
}

/// Whether this is a program without a signature in a built package that installs services.
pub(super) fn is_of_built_service(facts: &Facts<'_>, signature: &Signature) -> bool {
    let name = signature.name().to_lowercase();
    let is_program = name.ends_with(".exe") || name.ends_with(".dll");
    signature.subject.member.is_some()
        && is_program
        && signature.is_image()
        && matches!(signature.state, State::Unsigned)
        && facts.is_built_with_services(&signature.subject.file)
}

#[cfg(test)]
mod tests {
    use crate::facts::payload::tests::pe;
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{run, wm_xml, workspace_with};

    fn lint(certificates: u32, service: &str) -> Vec<String> {
        let body = format!("<files><file\nsource=\"a.exe\"/></files>{service}");
        let wm = wm_xml("A", &body);
        let files = [
            ("p/A.wm.xml", wm.into_bytes()),
            ("p/a.exe", pe(0x1c4, certificates)),
        ];
        let options = ResolveOptions {
            image: Some(ImageType::Retail),
            ..ResolveOptions::default()
        };
        run("unsigned-service-binary", &workspace_with(&files, &options))
    }

    #[test]
    fn a_program_without_certificates_is_found_in_packages_with_services() {
        let service = "<service name=\"S\"/>";
        assert_eq!(
            lint(0, service),
            ["error p/A.wm.xml:2:9 `a.exe` of a service is not signed"]
        );
        assert!(lint(8, service).is_empty());
        assert!(lint(0, "").is_empty());
    }
}
