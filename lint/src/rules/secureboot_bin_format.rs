use formats::container::efi_variable::Variable;

use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::facts::security::{InstalledVariable, VariableContent};
use crate::files::name_of;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Firmware will not take a secure-boot variable
    ///
    /// ## What it checks
    /// A file that a package brings as `SetVariable_*.bin` is an authenticated UEFI variable with a time that a calendar has, its
    /// signature is over the variable of its name, and its signer is allowed to set it: `PK` is signed by the key in it, `KEK` by
    /// the key in `PK`, `db` and `dbx` by a key in `KEK`, as far as those variables are in the same package.
    ///
    /// ## Why
    /// Firmware in user mode takes a variable only with the signature of the key above it. The setup script on the device goes on
    /// after a refusal, and secure boot stays as it was.
    ///
    /// ## Passes
    /// ```text
    /// SetVariable_db.bin: signed by the KEK
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// SetVariable_db.bin: signed by the PK, or without a signature
    /// ```
    ///
    /// ## Fix
    /// Make the variables again with Add-IoTSecureBoot or sign-efi-sig-list, each with the right key.
    ///
    /// ## References
    /// - UEFI specification, Variable Services: EFI_VARIABLE_AUTHENTICATION_2
    struct SecurebootBinFormat;
    id: "secureboot-bin-format",
    authority: "UEFI specification",
    clause: "Variable Services: EFI_VARIABLE_AUTHENTICATION_2",
    images: All,
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SecurebootBinFormat {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let variables = facts.variables_of(&package.definition);
            for installed in &variables {
                let problem = match installed.content {
                    Err(problem) => Some(format!("is no authenticated variable: {problem}")),
                    Ok(content) => problem(content, &variables),
                };
                if let Some(problem) = problem {
                    let message = format!("`{}` {problem}", name_of(installed.path));
                    report
                        .at(installed.place.clone(), message)
                        .also(Place::binary(installed.path, ""), "the variable")
                        .help("make the variable again, with the key above it");
                }
            }
        }
    }
}

/// Why firmware will not take a variable.
fn problem(content: &VariableContent, variables: &[InstalledVariable<'_>]) -> Option<String> {
    if !content.content.time().is_valid() {
        return Some(format!("has no time ({})", content.content.time()));
    }
    if let Err(problem) = &content.signature {
        return Some(format!("is not signed for what it is: {problem}"));
    }
    let variable = content.variable?;
    let above = match variable {
        Variable::Pk | Variable::Kek => Variable::Pk,
        Variable::Db | Variable::Dbx => Variable::Kek,
    };
    let signer = content.signer.as_ref()?;
    let holders = variables.iter().filter(|other| other.is(above));
    let holders: Vec<_> = holders
        .filter_map(|other| other.content.as_ref().ok())
        .collect();
    let keys: Vec<_> = holders
        .iter()
        .flat_map(|holder| holder.certificates())
        .collect();
    let is_allowed = keys.iter().any(|key| key.public_key == signer.public_key);
    (!keys.is_empty() && !is_allowed)
        .then(|| format!("is signed by {}, who is not in {above}", signer.subject))
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{lint, signed_variable, variable, variable_package};

    fn found(variables: &[(&str, Vec<u8>)]) -> Vec<String> {
        lint(
            "secureboot-bin-format",
            &variable_package("Test", variables),
        )
    }

    #[test]
    fn each_variable_is_signed_by_the_key_above() {
        let [pk, kek] = [("pk", "PK"), ("kek", "KEK")]
            .map(|(file, name)| (file, signed_variable(name, "oem", &["oem"])));
        let db = ("db", signed_variable("db", "oem", &["root"]));
        assert_eq!(found(&[pk.clone(), kek, db]), [""; 0]);
        let other = ("kek", signed_variable("KEK", "app", &["app"]));
        let wrong = found(&[pk, other]);
        assert_eq!(wrong.len(), 1);
        assert!(
            wrong[0].contains("`SetVariable_kek.bin` is signed by ")
                && wrong[0].ends_with("who is not in PK"),
            "{wrong:?}"
        );
    }

    #[test]
    fn what_is_no_variable_or_another_one_is_found() {
        let text = found(&[("db", b"text".to_vec())]);
        assert!(
            text[0].contains("is no authenticated variable: file.magic"),
            "{text:?}"
        );
        let other = found(&[("db", signed_variable("KEK", "oem", &["oem"]))]);
        assert!(
            other[0].contains("signed to become KEK, not db"),
            "{other:?}"
        );
        assert!(found(&[("db", variable(&["oem"]))])[0].contains("is not signed for what it is"));
    }
}
