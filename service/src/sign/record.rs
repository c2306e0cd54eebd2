//! What is written before a decision leaves: the report, the entry, the answer to the client's key.

use serde_json::Value;

use super::work::Signed;
use crate::audit::{Decision, Entry, Receipt, Subject};
use crate::auth::Principal;
use crate::clock;
use crate::gate::Judged;
use crate::idempotency::{self, Lease};
use crate::problem::Problem;
use crate::profile::Profile;
use crate::report;
use crate::state::Inner;
use crate::upload::Upload;
use crate::window;

/// Who asks for what.
pub(crate) struct Asking<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) profile_name: &'a str,
    pub(crate) profile: &'a Profile,
    pub(crate) upload: &'a Upload,
}

/// An entry that tells who asks for what profile.
pub(crate) fn entry_of(
    state: &Inner,
    principal: &Principal,
    decision: Decision,
    profile_name: &str,
    profile: &Profile,
) -> Entry {
    let mut entry = Entry::new(clock::text(state.now_ms()), decision, principal.id.clone());
    entry.claims = match &principal.claims {
        Value::Object(claims) if claims.is_empty() => Value::Null,
        claims => claims.clone(),
    };
    entry.profile = Some(profile_name.to_owned());
    entry.key = Some(profile.thumbprint());
    entry
}

impl Asking<'_> {
    /// An entry that tells who asked for what, and what the linter said.
    pub(crate) fn entry(
        &self,
        state: &Inner,
        decision: Decision,
        judged: Option<&Judged>,
    ) -> Entry {
        let mut entry = entry_of(
            state,
            self.principal,
            decision,
            self.profile_name,
            self.profile,
        );
        entry.policy = judged.map(|judged| judged.policy.clone());
        entry.report = judged.map(|judged| judged.sha256.clone());
        entry.input = Some(Subject {
            sha256: self.upload.sha256.clone(),
            size: self.upload.size,
            format: None,
            name: Some(self.upload.name.clone()),
        });
        entry
    }

    /// Commits that a file was signed. Only then may the signature leave.
    pub(crate) async fn signed(
        &self,
        state: &Inner,
        signed: &Signed,
        lease: Option<&Lease>,
    ) -> Result<Receipt, Problem> {
        let mut entry = self.entry(state, Decision::Signed, Some(&signed.judged));
        if let Some(input) = &mut entry.input {
            input.format = Some(signed.format.to_owned());
        }
        entry.output = Some(Subject {
            sha256: signed.patch.output.sha256.clone(),
            size: signed.patch.output.size,
            format: None,
            name: None,
        });
        let mut transaction = state.store.begin().await?;
        report::keep(&mut transaction, &signed.judged, state.now_ms()).await?;
        if self.profile.rules.approvals > 0 {
            let opened = window::take(&mut transaction, self, state.now_ms()).await?;
            entry.reason = Some(format!("window {opened}"));
        }
        let receipt = state.log.append(&mut transaction, &entry).await?;
        if let Some(lease) = lease {
            let answer = serde_json::to_vec(&signed.patch);
            let answer = answer.map_err(|error| Problem::internal(&error))?;
            idempotency::finish(&mut transaction, lease, &answer, receipt.index).await?;
        }
        transaction.commit().await?;
        state.metrics.decided(self.profile_name, "signed");
        Ok(receipt)
    }

    /// Commits that a file was refused.
    pub(crate) async fn refused(
        &self,
        state: &Inner,
        judged: Option<&Judged>,
        reason: &str,
    ) -> Result<Receipt, Problem> {
        let mut entry = self.entry(state, Decision::Refused, judged);
        entry.reason = Some(reason.to_owned());
        let mut transaction = state.store.begin().await?;
        if let Some(judged) = judged {
            report::keep(&mut transaction, judged, state.now_ms()).await?;
        }
        let receipt = state.log.append(&mut transaction, &entry).await?;
        transaction.commit().await?;
        state.metrics.decided(self.profile_name, "refused");
        Ok(receipt)
    }
}
