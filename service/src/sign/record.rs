//! What is written before a decision leaves: the report, the entry, the answer to the client's key.

use serde_json::Value;

use super::patch::PatchForm;
use super::work::Signed;
use crate::audit::{Decision, Entry, Receipt, Subject};
use crate::auth::Principal;
use crate::clock;
use crate::decisions::Decided;
use crate::gate::Judged;
use crate::idempotency::Lease;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::state::Inner;
use crate::upload::Upload;
use crate::window::WindowUse;

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

    /// Commits that a file was signed, and answers with the patch. Only then may the signature leave.
    pub(crate) async fn signed(
        &self,
        state: &Inner,
        signed: Signed,
        lease: Option<&Lease>,
    ) -> Result<(PatchForm, Receipt), Problem> {
        let Signed {
            patch,
            judged,
            format,
        } = signed;
        let mut entry = self.entry(state, Decision::Signed, Some(&judged));
        if let Some(input) = &mut entry.input {
            input.format = Some(format.to_owned());
        }
        entry.output = Some(Subject {
            sha256: patch.output.sha256.clone(),
            size: patch.output.size,
            format: None,
            name: None,
        });
        let mut decided = Decided::new(state.now_ms(), entry, Some(judged));
        decided.window = (self.profile.rules.approvals > 0).then(|| WindowUse {
            principal: self.principal.id.clone(),
            person: self.principal.person.clone(),
            profile: self.profile_name.to_owned(),
        });
        if let Some(lease) = lease {
            let answer = serde_json::to_vec(&patch).map_err(|error| Problem::internal(&error))?;
            decided.answer = Some((lease.clone(), answer));
        }
        let receipt = state.decisions.commit(decided).await?;
        state.metrics.decided(self.profile_name, "signed");
        Ok((patch, receipt))
    }

    /// Commits that a file was refused.
    pub(crate) async fn refused(
        &self,
        state: &Inner,
        judged: Option<Judged>,
        reason: &str,
    ) -> Result<Receipt, Problem> {
        let mut entry = self.entry(state, Decision::Refused, judged.as_ref());
        entry.reason = Some(reason.to_owned());
        let decided = Decided::new(state.now_ms(), entry, judged);
        let receipt = state.decisions.commit(decided).await?;
        state.metrics.decided(self.profile_name, "refused");
        Ok(receipt)
    }
}
