//! Files that others signed.

use signer::anchor::{Anchors, TrustClass};

use crate::support::{corpus, failures, identity, now, signed, verified, verified_at};

/// A catalog of Windows itself: SHA-1, expired in 2011, saved by its legacy time stamp of 2010.
#[test]
fn a_catalog_of_windows_verifies_through_its_time_stamp() {
    let Some(bytes) = corpus("signed/hyperv.cat") else {
        return;
    };
    let verification = verified(&bytes);
    assert_eq!(failures(&verification), [""; 0]);
    let report = &verification.signatures[0];
    assert_eq!(
        report.anchor().unwrap().class,
        TrustClass::MicrosoftProduction
    );
    let stamp = report.timestamp.as_ref().unwrap();
    assert_eq!(signer::clock::rfc3339(stamp.time), "2010-11-20T19:35:21Z");
    assert!(report.weaknesses.iter().any(|w| w.contains("SHA-1")));
    let without = verified_at(&bytes, now(), &Anchors::built_in());
    assert!(without.holds());
}

#[test]
fn unsigned_catalogs_of_makecat_are_read_and_signed() {
    for name in ["unsigned.cat", "wineyes.cat"] {
        let Some(bytes) = corpus(&format!("signed/{name}")) else {
            return;
        };
        assert!(verified(&bytes).signatures.is_empty());
        let signed = signed(&bytes, &identity("oem"));
        let verification = verified(&signed);
        let faults = &verification.signatures[0].outcomes;
        assert_eq!(failures(&verification), [""; 0], "{name}: {faults:?}");
    }
}

#[test]
fn every_cabinet_of_the_corpus_is_signed_and_verifies() {
    for name in [
        "dummy",
        "sample1",
        "sample2-disk1",
        "sample2-disk2",
        "sample3",
        "sample4",
    ] {
        let Some(bytes) = corpus(&format!("signed/{name}.cab")) else {
            return;
        };
        let signed = signed(&bytes, &identity("oem"));
        let verification = verified(&signed);
        let faults = &verification.signatures[0].outcomes;
        assert_eq!(failures(&verification), [""; 0], "{name}: {faults:?}");
    }
}
