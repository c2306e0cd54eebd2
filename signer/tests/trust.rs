//! Which time counts, and which certificates complete a chain.

use signer::anchor::Anchors;
use signer::clock::parse_rfc3339;
use signer::verify::{Check, Outcome};

use crate::stamped::stamped;
use crate::support::{
    certificate, failures, identity, now, signed, small_cabinet, small_catalog, verified_at,
};

#[test]
fn a_time_stamp_extends_a_certificate_but_not_one_for_lifetime_signing() {
    let anchors = Anchors::built_in().with(&certificate("tsa-root"));
    let in_2022 = parse_rfc3339("2022-06-01").unwrap();
    for unsigned in [small_cabinet(), small_catalog()] {
        let check = |leaf: &str, stamp: &str, at| {
            let file = stamped(
                &signed(&unsigned, &identity(leaf)),
                parse_rfc3339(stamp).unwrap(),
            );
            let verification = verified_at(&file, at, &anchors);
            let report = &verification.signatures[0];
            assert!(report.timestamp.is_some(), "{:?}", report.outcomes);
            (
                failures(&verification),
                report.outcome(Check::Validity).cloned(),
            )
        };
        assert_eq!(check("expired-2022", "2022-01-01", now()).0, [""; 0]);
        assert_eq!(check("expired-2022", "2024-01-01", now()).0, ["expired"]);
        assert_eq!(check("lifetime-signing", "2022-01-01", in_2022).0, [""; 0]);
        let (faults, validity) = check("lifetime-signing", "2022-01-01", now());
        assert_eq!(faults, ["expired"]);
        let Some(Outcome::Failed(_, message)) = validity else {
            panic!("{validity:?}");
        };
        assert!(message.contains("no time stamp extends"), "{message}");
    }
}
