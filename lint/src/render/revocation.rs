//! What is known of the revocation of a certificate, as text and JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};
use signer::clock::rfc3339;
use signer::revocation::{Fact, Finding, State};

/// One line for the certificate, one for each list or response.
pub(super) fn text(out: &mut String, finding: &Finding) -> std::fmt::Result {
    let verdict = finding.verdict.name();
    write!(out, "    revocation {verdict}: {}", finding.subject)?;
    match finding.verdict.revoked() {
        Some(revoked) => writeln!(out, ", on {} ({})", rfc3339(revoked.since), revoked.reason)?,
        None => writeln!(out)?,
    }
    for fact in &finding.facts {
        let made = rfc3339(fact.this_update);
        write!(out, "               {} of {made}", fact.source.name())?;
        if let Some(next) = fact.next_update {
            let late = if fact.is_late { ", which is late" } else { "" };
            write!(out, ", next due {}{late}", rfc3339(next))?;
        }
        match &fact.state {
            State::Unknown(why) => writeln!(out, ": {why}")?,
            State::Good | State::Revoked(_) => writeln!(out)?,
        }
    }
    Ok(())
}

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
