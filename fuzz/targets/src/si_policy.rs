//! Code-integrity policies, bare and signed.

use formats::container::si_policy::SiPolicy;

use crate::bytes::apply;

pub(crate) fn run(input: &[u8]) {
    let Ok(policy) = SiPolicy::parse(input.to_vec()) else {
        return;
    };
    let (content, offset) = policy.policy().expect("it was read before");
    let start = offset as usize;
    assert_eq!(input.get(start..start + content.len()), Some(content));
    let _ = policy.content().expect("it was read before");
    let removed = policy.remove_signature().expect("it was read before");
    match removed {
        None => assert_eq!(content, input),
        Some(patch) => {
            let bare = apply(&patch, input);
            assert_eq!(bare, content);
            let bare = SiPolicy::parse(bare).expect("a bare policy is read");
            assert!(bare.signature().is_none());
        }
    }
    assert_eq!(apply(&policy.embed(input), input), input);
}
