//! What is known of the revocation of a certificate, as JSON.

use serde_json::{Value, json};
use signer::clock::rfc3339;
use signer::revocation::{Fact, Finding, State};

/// The finding as JSON; the names are documented in `docs/json.md` and stay.
pub(super) fn json(finding: &Finding) -> Value {
    let revoked = finding.verdict.revoked();
    json!({
        "subject": finding.subject,
        "thumbprint": finding.thumbprint.to_uppercase(),
        "verdict": finding.verdict.name(),
        "since": revoked.map(|revoked| rfc3339(revoked.since)),
        "reason": revoked.map(|revoked| revoked.reason.name()),
        "facts": finding.facts.iter().map(fact).collect::<Value>(),
    })
}

fn fact(fact: &Fact) -> Value {
    let (state, message) = match &fact.state {
        State::Good => ("good", None),
        State::Revoked(_) => ("revoked", None),
        State::Unknown(why) => ("unknown", Some(why)),
    };
    json!({
        "source": fact.source.name(),
        "state": state,
        "message": message,
        "this_update": rfc3339(fact.this_update),
        "next_update": fact.next_update.map(rfc3339),
        "late": fact.is_late,
    })
}
