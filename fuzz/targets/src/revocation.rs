//! Revocation lists and OCSP responses.

use formats::revocation::crl::RevocationList;
use formats::revocation::ocsp::OcspResponse;
use signer::revocation::RevocationData;

pub(crate) fn run(input: &[u8]) {
    if let Ok(list) = RevocationList::read(input.to_vec()) {
        let tbs = list.tbs();
        assert!(input.windows(tbs.len()).any(|part| part == tbs));
        for serial in [&[][..], &[0], &[1], &input[..input.len().min(4)]] {
            let _ = list.find(serial);
        }
        assert!(list.len() <= input.len());
    }
    if let Ok(response) = OcspResponse::read(input) {
        assert!(
            input
                .windows(response.tbs.len())
                .any(|part| part == response.tbs)
        );
    }
    let mut data = RevocationData::default();
    let added = data.add_lists(input.to_vec()).is_ok() | data.add_response(input).is_ok();
    assert!(added || data.is_empty() || input.starts_with(b"-----"));
}
