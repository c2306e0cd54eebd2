use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::full_flash::FinishedImage;
use crate::facts::full_flash::code::{Code, ImageCode, likewise};
use crate::facts::full_flash::grouped;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use formats::container::si_policy::PolicyOption;

declare_rule! {
    /// A program or driver in a finished image is signed by nobody
    ///
    /// ## What it checks
    /// Every PE image on every partition has a signature of its own, or an installed catalog
    /// (`Windows/System32/catroot`) lists it. In a retail image an unsigned driver or boot program is an error, and any
    /// other program where a code-integrity policy that is enforced is about programs too. Everywhere else it is a
    /// warning.
    ///
    /// ## Why
    /// The kernel loads no unsigned driver, and where a policy is enforced no unsigned program starts. A program that
    /// nobody signed may also be one that nobody knows.
    ///
    /// ## Passes
    /// lineprobe.sys without a signature, and a catalog in catroot that lists it
    ///
    /// ## Fails
    /// lineprobe.sys as the linker left it; a catalog that lists it as a plain file, at which the loader does not look
    ///
    /// ## Fix
    /// Sign it in its package (`proofmark resign --profile retail --in-place PACKAGE.cab`), or install the catalog that
    /// lists it.
    ///
    /// ## References
    /// - iot-adk-addonkit, Test-IoTCabSignature: every dll, sys and exe
    /// - Microsoft, "Secure boot, BitLocker and Device Guard"
    struct ImageUnsignedBinary;
    id: "image-unsigned-binary",
    authority: "Microsoft, Secure boot, BitLocker and Device Guard",
    clause: "Device Guard",
    images: All,
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageUnsignedBinary {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let code = image.code.iter().filter(|code| !code.is_vouched_for());
        let level = |code: &Code| level(image, facts.image, code);
        for ((level, kind, says), files) in
            grouped(code.map(|code| ((level(code), code.kind, defect(code)), code)))
        {
            let names: Vec<&str> = files.iter().map(|code| code.at.as_str()).collect();
            let first = names.first().copied().unwrap_or_default();
            let says = says.replace("{kind}", kind.as_str());
            report
                .at(image.place(first, "signature"), likewise(&names, &says))
                .help("sign it in its package, or install a catalog that lists it, then build the image again")
                .at_most(level);
        }
    }
}

fn defect(code: &Code) -> String {
    match &code.unreadable {
        Some(problem) => format!("is no {{kind}} that can be read: {problem}"),
        None if code.listed_flat => {
            "is a {kind} without a signature, which a catalog lists only as a plain file, at which the loader does not look".to_owned()
        }
        None => "is a {kind} without a signature, and no installed catalog lists it".to_owned(),
    }
}

/// How much it weighs at most.
fn level(image: &FinishedImage, of: Option<ImageType>, code: &Code) -> Level {
    let policy = image.policy();
    let has_programs =
        policy.is_some_and(|(_, read)| read.policy.option(PolicyOption::UMCI).is_some());
    let is_checked = code.kind != ImageCode::Program || has_programs && image.is_enforced();
    match of == Some(ImageType::Retail) && is_checked {
        true => Level::Error,
        false => Level::Warning,
    }
}

#[cfg(test)]
mod tests {
    use formats::container::si_policy::Policy;

    use crate::image::ImageType;
    use crate::testing::image::{code, image, lint_image, policy};

    const RULE: &str = "image-unsigned-binary";

    #[test]
    fn drivers_weigh_most_and_programs_where_a_policy_is_enforced() {
        let mut image = image();
        image.code = vec![
            code("MainOS:a.exe"),
            code("MainOS:b.sys"),
            code("EFIESP:boot.efi"),
            code("MainOS:c.exe"),
        ];
        image.code[3].catalogs = vec![0];
        let found = lint_image(RULE, image.clone(), ImageType::Retail);
        assert!(
            found[0].starts_with(
                "error Flash.ffu/EFIESP:boot.efi (signature) `boot.efi` is a boot program without"
            ),
            "{found:?}"
        );
        assert!(
            found[1].starts_with("warning Flash.ffu/MainOS:a.exe "),
            "{found:?}"
        );
        assert!(
            found[2].starts_with("error Flash.ffu/MainOS:b.sys ") && found.len() == 3,
            "{found:?}"
        );
        image.security.policies = vec![policy(Policy::default(), 0x4)];
        assert!(lint_image(RULE, image.clone(), ImageType::Retail)[1].starts_with("error "));
        let found = lint_image(RULE, image, ImageType::Test);
        assert!(
            found.iter().all(|line| line.starts_with("warning ")),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_wrong_besides_is_said() {
        let mut image = image();
        image.code = vec![code("MainOS:a.sys"), code("MainOS:b.sys")];
        image.code[0].listed_flat = true;
        image.code[1].unreadable = Some("no image".to_owned());
        let found = lint_image(RULE, image, ImageType::Retail);
        assert!(
            found[0].contains("at which the loader does not look"),
            "{found:?}"
        );
        assert!(
            found[1].contains("is no driver that can be read: no image"),
            "{found:?}"
        );
    }
}
