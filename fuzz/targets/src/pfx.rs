//! PKCS#12 files. Their MAC keeps a fuzzer out of what is behind it; what is read before the password counts is open.

use signer::pfx::{Pfx, PfxError, read_certificates};

pub(crate) fn run(input: &[u8]) {
    match Pfx::open(input, "proofmark") {
        Ok(pfx) => assert!(!pfx.key.is_empty()),
        Err(PfxError::WrongPassword) => {}
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let _ = read_certificates(input, "proofmark");
        }
    }
}
