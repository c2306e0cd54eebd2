use signer::public_key::{KeyKind, PublicKey};

use crate::diagnostic::Level;
use crate::facts::shared::Defect;
use crate::facts::{Facts, Signature};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package is signed with a short key, or with none that Windows takes everywhere
    ///
    /// ## What it checks
    /// The keys of a signer's chain, the root excepted, are RSA of at least 2048 bits: that is an error. Elliptic-curve
    /// keys of the signer are a warning.
    ///
    /// ## Why
    /// Windows 10 Mobile and IoT Core ask for RSA of 2048 bits. The kernel of these releases verifies RSA signatures; what
    /// it does with elliptic curves is not published.
    ///
    /// ## Passes
    /// RSA of 2048, 3072 or 4096 bits.
    ///
    /// ## Fails
    /// RSA of 1024 bits.
    ///
    /// ## Fix
    /// Make a new key of 3072 bits, get a certificate for it and sign again.
    ///
    /// ## References
    /// - Microsoft, Windows 10 Mobile "Code signing": RSA of 2048 bits
    /// - iot-adk-addonkit, README of 17763-v7
    struct WeakKey;
    id: "weak-key",
    authority: "Microsoft, Windows 10 Mobile code signing",
    clause: "key lengths",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for WeakKey {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(defect) {
            let finding = report.at_signature(facts, found.first, found.part, found.message());
            finding.help("sign it again with an RSA key of at least 2048 bits");
            if found.part == "signer.algorithm" {
                finding.at_most(Level::Warning);
            }
        }
    }
}

fn defect(signature: &Signature) -> Option<Defect> {
    let record = signature.report()?;
    if let Some(key) = record.key {
        if !key.is_strong() {
            return Some((
                "signer",
                format!(" is signed with a key of {key}, expected at least RSA 2048"),
            ));
        }
        if !matches!(key, KeyKind::Rsa(_)) {
            return Some((
                "signer.algorithm",
                format!(" is signed with a key of {key}, expected RSA"),
            ));
        }
    }
    let above = record.chain.iter().flat_map(|chain| &chain.certificates);
    let mut weak = above
        .filter(|c| !c.is_self_issued())
        .filter_map(|certificate| {
            let key = PublicKey::from_spki(&certificate.public_key).ok()?.kind();
            (!key.is_strong()).then_some((&certificate.subject.common_name, key))
        });
    let (name, key) = weak.next()?;
    Some((
        "chain",
        format!(": the key of {name} is {key}, expected at least RSA 2048"),
    ))
}

#[cfg(test)]
mod tests {
    use signer::anchor::TrustClass;
    use signer::public_key::KeyKind;

    use crate::facts::signature::State;
    use crate::testing::{run, signed, workspace};

    fn lint(key: KeyKind) -> String {
        let mut workspace = workspace(&[("a.cab", "")]);
        let mut signature = signed("a.cab", TrustClass::Named);
        if let State::Signed(report) = &mut signature.state {
            report.key = Some(key);
        }
        workspace.signatures.push(signature);
        run("weak-key", &workspace).concat()
    }

    #[test]
    fn short_keys_are_errors_and_curves_warnings() {
        assert!(lint(KeyKind::Rsa(1024)).starts_with("error "));
        assert!(lint(KeyKind::P256).starts_with("warning "));
        assert_eq!(lint(KeyKind::Rsa(2048)), "");
    }
}
