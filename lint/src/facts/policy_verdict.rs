//! Whether a code-integrity policy allows a file, as far as its signatures and name tell.
//!
//! What cannot be known from outside, such as the version resource of a file, is taken to fit: a file is called not
//! allowed only where no rule of the policy can be meant for it.

use formats::certificate::Certificate;
use formats::container::si_policy::{
    CertRoot, FileRule, FileRuleKind, KERNEL, Policy, Scenario, Signer, USER,
};

use super::security::{CodeKind, SignedCode, SignerChain, TEST_ROOTS};
use crate::files::name_of;

/// How deep scenarios may inherit.
const MOST_INHERITED: usize = 8;

/// What a policy says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A rule allows it, or may.
    Allowed,
    /// The policy has no scenario for it.
    NoScenario,
    /// No rule is for it.
    NotAllowed,
    /// A rule denies it; who or what is denied.
    Denied(String),
}

/// What a policy says of the file at `path`. Test roots count for nothing: they are for test images.
pub fn verdict(policy: &Policy, path: &str, code: &SignedCode) -> Verdict {
    let value = match code.kind {
        CodeKind::Kernel => KERNEL,
        CodeKind::User => USER,
    };
    let Some(scenario) = policy.scenario(value) else {
        return Verdict::NoScenario;
    };
    let scenarios = with_inherited(policy, scenario);
    for scenario in &scenarios {
        for rule in &scenario.product.denied {
            let signer = policy.signers.get(rule.signer.index);
            // A denial with exceptions or conditions may not be meant for this file.
            let signer = signer.filter(|signer| {
                rule.except.is_empty()
                    && signer.file_attributes.is_empty()
                    && signer.oem_id.is_none()
            });
            let mut chains = code.chains.iter();
            if let Some(signer) = signer
                && chains.any(|chain| fits(policy, signer, chain))
            {
                return Verdict::Denied(signer.described());
            }
        }
        let rules = scenario.product.file_rules.iter();
        let mut rules = rules.filter_map(|index| policy.file_rules.get(*index));
        let denied = rules.find(|rule| rule.kind == FileRuleKind::Deny && is_hash_of(rule, code));
        if denied.is_some() {
            return Verdict::Denied("its hash".to_owned());
        }
    }
    let is_allowed = scenarios.iter().any(|scenario| {
        let signers = scenario.product.allowed.iter();
        let mut signers = signers.filter_map(|rule| policy.signers.get(rule.signer.index));
        let rules = scenario.product.file_rules.iter();
        let mut rules = rules.filter_map(|index| policy.file_rules.get(*index));
        signers.any(|signer| code.chains.iter().any(|chain| fits(policy, signer, chain)))
            || rules.any(|rule| rule.kind == FileRuleKind::Allow && may_be_for(rule, path, code))
    });
    match is_allowed {
        true => Verdict::Allowed,
        false => Verdict::NotAllowed,
    }
}

fn with_inherited<'p>(policy: &'p Policy, scenario: &'p Scenario) -> Vec<&'p Scenario> {
    let mut found = vec![scenario];
    let mut next = 0_usize;
    while let Some(scenario) = found.get(next).copied() {
        next = next.saturating_add(1);
        for index in &scenario.inherited {
            if let Some(more) = policy.scenarios.get(*index)
                && found.len() < MOST_INHERITED
                && !found.contains(&more)
            {
                found.push(more);
            }
        }
    }
    found
}

fn fits(policy: &Policy, signer: &Signer, chain: &SignerChain) -> bool {
    if matches!(signer.root, CertRoot::Wellknown(number) if TEST_ROOTS.contains(&number)) {
        return false;
    }
    let Some(leaf) = chain.leaf() else {
        return false;
    };
    let named = |name: &Option<String>, found: &str| match name.as_deref() {
        None | Some("") => true,
        Some(name) => name.eq_ignore_ascii_case(found),
    };
    chain.has(&signer.root)
        && has_usages(policy, signer, leaf)
        && named(&signer.publisher, &leaf.subject.common_name)
        && named(&signer.issuer, &leaf.issuer.common_name)
}

fn has_usages(policy: &Policy, signer: &Signer, leaf: &Certificate) -> bool {
    let wanted = signer
        .ekus
        .iter()
        .filter_map(|index| policy.ekus.get(*index));
    wanted.filter_map(|eku| eku.oid()).all(|wanted| {
        let purposes = leaf.extended_key_usage.as_ref();
        purposes.is_some_and(|purposes| purposes.contains(&wanted))
    })
}

fn is_hash_of(rule: &FileRule, code: &SignedCode) -> bool {
    !rule.hash.is_empty() && code.hashes.contains(&rule.hash)
}

/// Whether a rule that allows may be meant for a file: by its hash, or else by a name or path that nobody here can refute.
fn may_be_for(rule: &FileRule, path: &str, code: &SignedCode) -> bool {
    if !rule.hash.is_empty() {
        return is_hash_of(rule, code);
    }
    if let Some(wanted) = &rule.file_name {
        return wanted == "*" || wanted.eq_ignore_ascii_case(name_of(path));
    }
    rule.path.is_some() || rule.package_family.is_some() || rule.names.iter().any(Option::is_some)
}

/// The key usage of what the Store signs.
pub const STORE: &str = "1.3.6.1.4.1.311.76.3.1";
/// The hash of the signed part of Microsoft MarketPlace PCA 2011.
pub const MARKETPLACE: [u8; 32] = [
    0xfc, 0x9e, 0xde, 0x3d, 0xcc, 0xa0, 0x91, 0x86, 0xb2, 0xd3, 0xbf, 0x9b, 0x73, 0x8a, 0x20, 0x50,
    0xcb, 0x1a, 0x55, 0x4d, 0xa2, 0xdc, 0xad, 0xb5, 0x5f, 0x3f, 0x72, 0xee, 0x17, 0x72, 0x13, 0x78,
];

/// Whether a policy allows, for programs, what the Store signs.
pub fn allows_store(policy: &Policy) -> bool {
    let scenario = policy.scenario(USER);
    let rules = scenario
        .iter()
        .flat_map(|scenario| &scenario.product.allowed);
    let mut signers = rules.filter_map(|rule| policy.signers.get(rule.signer.index));
    signers.any(|signer| {
        let mut ekus = signer
            .ekus
            .iter()
            .filter_map(|index| policy.ekus.get(*index));
        ekus.any(|eku| eku.oid().as_deref() == Some(STORE))
            || signer.root == CertRoot::Tbs(MARKETPLACE.to_vec())
    })
}

/// Whether the Store signed.
pub fn is_of_store(code: &SignedCode) -> bool {
    let mut leaves = code.chains.iter().filter_map(SignerChain::leaf);
    leaves.any(|leaf| {
        let purposes = leaf.extended_key_usage.as_ref();
        purposes.is_some_and(|purposes| purposes.iter().any(|purpose| purpose == STORE))
    })
}

#[cfg(test)]
mod tests {
    use formats::container::si_policy::{Reference, SignerRule, SignerSet};
    use formats::source::Span;
    use signer::public_key::tbs_hash;

    use super::*;
    use crate::testing::security::certificate;

    fn code(kind: CodeKind) -> SignedCode {
        let certificates = ["oem", "intermediate"].map(certificate).to_vec();
        SignedCode {
            kind,
            chains: vec![SignerChain {
                certificates,
                root: Some("3b1efd3a66ea28b16697394703a72ca340a05bd5".into()),
            }],
            hashes: vec![vec![1; 32]],
        }
    }

    fn signer(root: CertRoot) -> Signer {
        Signer {
            id: None,
            name: None,
            root,
            ekus: Vec::new(),
            issuer: None,
            publisher: None,
            oem_id: None,
            file_attributes: Vec::new(),
            sign_time_after: 0,
            span: Span::default(),
        }
    }

    fn of(name: &str) -> Signer {
        signer(CertRoot::Tbs(tbs_hash(&certificate(name)).unwrap()))
    }

    fn file_rule(kind: FileRuleKind) -> FileRule {
        FileRule {
            kind,
            file_name: None,
            minimum_version: 0,
            maximum_version: 0,
            hash: Vec::new(),
            names: Default::default(),
            package_family: None,
            path: None,
            span: Span::default(),
        }
    }

    fn rule(index: usize) -> SignerRule {
        let span = Span::default();
        let signer = Reference { index, span };
        let except = Vec::new();
        SignerRule { signer, except }
    }

    /// A policy whose kernel scenario allows the first of these signers and denies the second, where there is one.
    fn policy(signers: Vec<Signer>) -> Policy {
        let product = SignerSet {
            allowed: vec![rule(0)],
            denied: signers.get(1).map(|_| rule(1)).into_iter().collect(),
            file_rules: Vec::new(),
        };
        let kernel = Scenario {
            value: KERNEL,
            product,
            ..Scenario::default()
        };
        Policy {
            signers,
            scenarios: vec![kernel],
            ..Policy::default()
        }
    }

    fn kernel(policy: &Policy) -> Verdict {
        verdict(policy, "p/a.sys", &code(CodeKind::Kernel))
    }

    #[test]
    fn any_certificate_of_the_chain_or_its_root_is_a_signer() {
        for name in ["oem", "intermediate"] {
            assert_eq!(kernel(&policy(vec![of(name)])), Verdict::Allowed);
        }
        assert_eq!(kernel(&policy(vec![of("app")])), Verdict::NotAllowed);
        let wellknown = |number| kernel(&policy(vec![signer(CertRoot::Wellknown(number))]));
        assert_eq!(wellknown(6), Verdict::Allowed);
        assert_eq!(wellknown(7), Verdict::NotAllowed);
        assert_eq!(wellknown(10), Verdict::NotAllowed);
        let user = verdict(&policy(vec![of("oem")]), "a.exe", &code(CodeKind::User));
        assert_eq!(user, Verdict::NoScenario);
    }

    #[test]
    fn usages_publisher_and_issuer_narrow_a_signer() {
        let subject = certificate("oem").subject.common_name;
        let named = |publisher: &str, issuer: Option<&str>| {
            let publisher = Some(publisher.to_owned());
            let issuer = issuer.map(str::to_owned);
            kernel(&policy(vec![Signer {
                publisher,
                issuer,
                ..of("intermediate")
            }]))
        };
        assert_eq!(named(&subject, None), Verdict::Allowed);
        assert_eq!(named("Somebody", None), Verdict::NotAllowed);
        assert_eq!(named(&subject, Some("Somebody")), Verdict::NotAllowed);
        let eku = |oid: &[u8]| {
            let value = [&[1, oid.len() as u8], oid].concat();
            let ekus = vec![formats::container::si_policy::Eku {
                id: None,
                value,
                span: Span::default(),
            }];
            let policy = policy(vec![Signer {
                ekus: vec![0],
                ..of("oem")
            }]);
            kernel(&Policy { ekus, ..policy })
        };
        // codeSigning, which the certificate has, and WHQL, which it has not.
        assert_eq!(eku(&[0x2b, 6, 1, 5, 5, 7, 3, 3]), Verdict::Allowed);
        assert_eq!(
            eku(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 5]),
            Verdict::NotAllowed
        );
    }

    #[test]
    fn a_denial_wins_and_a_conditional_one_says_nothing() {
        let denied = policy(vec![of("oem"), of("intermediate")]);
        assert!(matches!(kernel(&denied), Verdict::Denied(_)));
        let mut conditional = denied;
        conditional.signers[1].file_attributes = vec![0];
        assert_eq!(kernel(&conditional), Verdict::Allowed);
    }

    #[test]
    fn file_rules_count_by_hash_and_by_name() {
        let with = |rule: FileRule| {
            let mut policy = policy(vec![of("app")]);
            policy.file_rules = vec![rule];
            policy.scenarios[0].product.file_rules = vec![0];
            kernel(&policy)
        };
        let allow = || file_rule(FileRuleKind::Allow);
        let hash = |byte| vec![byte; 32];
        assert_eq!(
            with(FileRule {
                hash: hash(1),
                ..allow()
            }),
            Verdict::Allowed
        );
        assert_eq!(
            with(FileRule {
                hash: hash(2),
                ..allow()
            }),
            Verdict::NotAllowed
        );
        let named = |name: &str| {
            with(FileRule {
                file_name: Some(name.into()),
                ..allow()
            })
        };
        assert_eq!(
            (named("A.SYS"), named("b.sys")),
            (Verdict::Allowed, Verdict::NotAllowed)
        );
        assert_eq!(with(allow()), Verdict::NotAllowed);
        let deny = FileRule {
            hash: hash(1),
            ..file_rule(FileRuleKind::Deny)
        };
        assert_eq!(with(deny), Verdict::Denied("its hash".into()));
    }

    #[test]
    fn scenarios_inherit_and_end() {
        let mut policy = policy(vec![of("app"), of("oem")]);
        policy.scenarios[0].product.denied.clear();
        let product = SignerSet {
            allowed: vec![rule(1)],
            ..SignerSet::default()
        };
        policy.scenarios.push(Scenario {
            value: 1,
            product,
            inherited: vec![0],
            ..Scenario::default()
        });
        assert_eq!(kernel(&policy), Verdict::NotAllowed);
        policy.scenarios[0].inherited = vec![1];
        assert_eq!(kernel(&policy), Verdict::Allowed);
    }
}
