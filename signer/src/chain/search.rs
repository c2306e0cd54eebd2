//! The search: from a certificate upwards by name, every link's signature checked, within a budget.

use std::collections::HashSet;

use formats::certificate::Certificate;

use super::explanation::{Candidate, Explanation, MAX_CANDIDATES, Reason, Source, Verdict};
use super::faults::issuer_fault;
use super::{Chain, End, Validity, Wanted, issued_by};
use crate::anchor::{Anchor, Anchors, TrustClass};
use crate::digest::{DigestAlgorithm, hex};
use crate::public_key::SignatureError;
use crate::verify::signer::describe_end;

/// Longest chain, anchor not counted.
pub(super) const MAX_DEPTH: usize = 8;
/// Most signature checks of one search.
const MAX_CHECKS: usize = 64;

/// Finds the best chain of `leaf`: one that holds before one that does not, one that a kernel accepts before one that
/// only programs accept, and otherwise the first. Without `wanted` the first that ends at an anchor is taken.
pub(super) fn search(
    leaf: &Certificate,
    pool: &[Certificate],
    anchors: &Anchors,
    wanted: Option<Wanted>,
) -> Chain {
    let mut search = Search {
        pool,
        anchors,
        wanted,
        checks: 0,
        path: Vec::new(),
        trail: Vec::new(),
        explanation: Explanation::default(),
        anchored: None,
        unanchored: None,
        is_done: false,
    };
    search.push(leaf.clone(), Source::Signer);
    search.extend();
    search.finish()
}

struct Search<'a> {
    pool: &'a [Certificate],
    anchors: &'a Anchors,
    wanted: Option<Wanted>,
    checks: usize,
    /// The certificates from the leaf to where the search is.
    path: Vec<Certificate>,
    /// The records of `path`.
    trail: Vec<Option<usize>>,
    explanation: Explanation,
    anchored: Option<Found<u8>>,
    /// Ranked by length, then by how much the end explains.
    unanchored: Option<Found<(usize, u8)>>,
    is_done: bool,
}

/// A path that ended.
struct Found<R> {
    rank: R,
    certificates: Vec<Certificate>,
    end: End,
    trail: Vec<Option<usize>>,
}

impl<'a> Search<'a> {
    /// Extends the path to every anchor that can be reached, until one chain cannot be bettered. Says why there is no
    /// way on where there is none.
    fn extend(&mut self) -> Option<End> {
        let last = self.path.last()?.clone();
        let mut goes_on = false;
        if let Some(anchor) = self.anchors.by_key(&last.public_key) {
            if last.is_self_issued() || !self.has_reached(&anchor.public_key) {
                let record = self.record_anchor(&anchor);
                self.arrive(anchor, record);
                goes_on = true;
            }
            // A cross-certificate has an anchor's key, and leads on to another anchor.
            if self.is_done || last.is_self_issued() {
                return None;
            }
        }
        let mut end = match last.is_self_issued() {
            true => End::UnknownRoot(last.subject.to_string()),
            false => End::MissingIssuer(last.issuer.to_string()),
        };
        for anchor in self.anchors.by_subject(&last.issuer.raw) {
            if self.is_done {
                return None;
            }
            let record = self.record_anchor(&anchor);
            match self.check(&last, &anchor.public_key) {
                Ok(()) => {
                    self.arrive(anchor, record);
                    goes_on = true;
                }
                Err(why) => {
                    self.drop(record, reason(&why, false));
                    end = why;
                }
            }
        }
        let mut candidates = self.candidates(&last).into_iter();
        while let Some((candidate, source, is_other_identifier)) = candidates.next() {
            match self.follow(&last, candidate, source, is_other_identifier) {
                Ok(()) => goes_on = true,
                Err(Some(End::TooComplex)) => {
                    end = End::TooComplex;
                    self.explanation.omit(candidates.len());
                    break;
                }
                Err(why) => end = why.unwrap_or(end),
            }
        }
        if !goes_on && matches!(end, End::MissingIssuer(_)) {
            self.record_look_alikes(&last);
        }
        self.remember(end.clone());
        (!goes_on).then_some(end)
    }

    /// Certificates named like the issuer of `last`; those whose key identifier fits, or is not known, come first.
    fn candidates(&self, last: &Certificate) -> Vec<(&'a Certificate, Source, bool)> {
        let (pool, intermediates) = (self.pool, self.anchors.intermediates());
        let embedded = pool.iter().filter(|c| c.subject.raw == last.issuer.raw);
        let folder = intermediates.of_subject(&last.issuer.raw);
        let all = embedded
            .map(|c| (c, Source::Embedded))
            .chain(folder.map(|c| (c, Source::Folder)));
        // What is in the path already would lead in a circle.
        let mut seen: HashSet<&[u8]> = self.path.iter().map(|c| c.der.as_slice()).collect();
        let mut found: Vec<_> = all
            .filter(|(candidate, _)| seen.insert(candidate.der.as_slice()))
            .map(|(candidate, source)| (candidate, source, has_other_identifier(last, candidate)))
            .collect();
        found.sort_by_key(|(.., is_other_identifier)| *is_other_identifier);
        found
    }

    /// Follows one candidate.
    ///
    /// # Errors
    /// What keeps it from being the issuer of `last`, where that is worth reporting as the end of the chain.
    fn follow(
        &mut self,
        last: &Certificate,
        candidate: &Certificate,
        source: Source,
        is_other_identifier: bool,
    ) -> Result<(), Option<End>> {
        if let Err((reason, end)) = self.link(last, candidate, is_other_identifier) {
            let record = self.record(candidate, source);
            self.drop(record, reason);
            return Err(end);
        }
        let defect = self.defect_of(candidate);
        let own = self.push(candidate.clone(), source);
        let dead_end = self.extend();
        match (defect, dead_end) {
            (Some(reason), _) => self.drop(own, reason),
            (None, Some(end)) => self.drop(own, Reason::DeadEnd(describe_end(&end))),
            (None, None) => {}
        }
        self.path.pop();
        self.trail.pop();
        Ok(())
    }

    /// Whether the candidate issued `last`, and the search may go on from it.
    fn link(
        &mut self,
        last: &Certificate,
        candidate: &Certificate,
        is_other_identifier: bool,
    ) -> Result<(), (Reason, Option<End>)> {
        if self.is_done || candidate.is_self_issued() && self.has_reached(&candidate.public_key) {
            return Err((Reason::NotNeeded, None));
        }
        if self.path.len() >= MAX_DEPTH {
            return Err((Reason::Depth, Some(End::TooComplex)));
        }
        let result = self.check(last, &candidate.public_key);
        result.map_err(|why| (reason(&why, is_other_identifier), Some(why)))
    }

    /// Whether the best chain so far ends at the anchor with this key.
    fn has_reached(&self, public_key: &[u8]) -> bool {
        let end = self.anchored.as_ref().map(|found| &found.end);
        matches!(end, Some(End::Anchor(anchor)) if anchor.public_key == public_key)
    }

    /// What speaks against an issuer by itself. It is followed all the same, so that a chain through an expired
    /// certificate is reported as that.
    fn defect_of(&self, candidate: &Certificate) -> Option<Reason> {
        let Wanted { purpose, time } = self.wanted?;
        let between = self.path.get(1..).unwrap_or_default();
        if let Some(fault) = issuer_fault(candidate, between, purpose) {
            return Some(Reason::Constraint(fault.to_string()));
        }
        let validity = Validity::against(candidate, time)?;
        Some(Reason::Validity(format!("it {validity}")))
    }

    fn check(&mut self, certificate: &Certificate, issuer_key: &[u8]) -> Result<(), End> {
        if self.checks >= MAX_CHECKS {
            return Err(End::TooComplex);
        }
        self.checks = self.checks.saturating_add(1);
        issued_by(certificate, issuer_key).map_err(|error| match error {
            SignatureError::Unsupported(what) => End::Unsupported(what),
            _ => End::ForgedIssuer(certificate.issuer.to_string()),
        })
    }

    /// The path ends at an anchor: keeps it where it is the best so far.
    fn arrive(&mut self, anchor: Anchor, record: Option<usize>) {
        let class = anchor.class;
        let chain = Chain {
            certificates: self.path.clone(),
            end: End::Anchor(Box::new(anchor)),
            explanation: Explanation::default(),
        };
        let defect = self.wanted.and_then(|wanted| chain.defect(wanted));
        let rank = match &defect {
            None => 0,
            Some(Reason::Validity(_)) => 1,
            Some(Reason::Usage(_)) => 2,
            Some(_) => 3,
        };
        self.drop(record, defect.unwrap_or(Reason::NotNeeded));
        let is_better = match &self.anchored {
            None => true,
            Some(best) => {
                let was_public =
                    matches!(&best.end, End::Anchor(best) if best.class == TrustClass::Public);
                rank < best.rank || rank == 0 && was_public && class == TrustClass::CrossSigned
            }
        };
        if is_better {
            let mut trail = self.trail.clone();
            trail.push(record);
            self.anchored = Some(Found {
                rank,
                certificates: chain.certificates,
                end: chain.end,
                trail,
            });
        }
        self.is_done = rank == 0 && (self.wanted.is_none() || class != TrustClass::Public);
    }

    /// Keeps the longest path without an anchor, and of equal ones the first that explains most.
    fn remember(&mut self, end: End) {
        let explains = match end {
            End::MissingIssuer(_) => 1,
            End::UnknownRoot(_) => 2,
            _ => 3,
        };
        let rank = (self.path.len(), explains);
        if self.unanchored.as_ref().is_none_or(|best| rank > best.rank) {
            self.unanchored = Some(Found {
                rank,
                certificates: self.path.clone(),
                end,
                trail: self.trail.clone(),
            });
        }
    }

    fn finish(self) -> Chain {
        let mut explanation = self.explanation;
        let (certificates, end, trail) = match (self.anchored, self.unanchored) {
            (Some(found), _) => (found.certificates, found.end, found.trail),
            (None, Some(found)) => (found.certificates, found.end, found.trail),
            (None, None) => (self.path, End::TooComplex, Vec::new()),
        };
        for index in trail.into_iter().flatten() {
            if let Some(candidate) = explanation.candidates.get_mut(index) {
                candidate.verdict = Verdict::Used;
            }
        }
        Chain {
            certificates,
            end,
            explanation,
        }
    }

    fn push(&mut self, certificate: Certificate, source: Source) -> Option<usize> {
        let record = self.record(&certificate, source);
        self.path.push(certificate);
        self.trail.push(record);
        record
    }

    fn record(&mut self, certificate: &Certificate, source: Source) -> Option<usize> {
        let thumbprint = hex(&DigestAlgorithm::Sha1.of(&certificate.der));
        self.record_candidate(certificate.subject.to_string(), thumbprint, source)
    }

    fn record_anchor(&mut self, anchor: &Anchor) -> Option<usize> {
        let source = Source::Anchor(anchor.class);
        self.record_candidate(anchor.name.clone(), anchor.thumbprint.clone(), source)
    }

    fn record_candidate(
        &mut self,
        subject: String,
        thumbprint: String,
        source: Source,
    ) -> Option<usize> {
        let candidates = &mut self.explanation.candidates;
        if candidates.len() >= MAX_CANDIDATES {
            self.explanation.omit(1);
            return None;
        }
        candidates.push(Candidate {
            depth: self.path.len(),
            subject,
            thumbprint,
            source,
            verdict: Verdict::Followed,
        });
        candidates.len().checked_sub(1)
    }

    fn drop(&mut self, record: Option<usize>, reason: Reason) {
        let candidate = record.and_then(|index| self.explanation.candidates.get_mut(index));
        if let Some(candidate) = candidate {
            candidate.verdict = Verdict::Dropped(reason);
        }
    }

    /// Where the issuer is missing: certificates that a person would take for it.
    fn record_look_alikes(&mut self, last: &Certificate) {
        let anchors = self.anchors;
        let all = self.pool.iter().map(|c| (c, Source::Embedded));
        let folder = anchors
            .intermediates()
            .all()
            .iter()
            .map(|c| (c, Source::Folder));
        for (candidate, source) in all.chain(folder) {
            let has_key_identifier = last.authority_key_identifier.is_some()
                && last.authority_key_identifier == candidate.subject_key_identifier;
            let has_common_name = candidate.subject.common_name == last.issuer.common_name;
            if candidate.subject.raw != last.issuer.raw && (has_key_identifier || has_common_name) {
                let record = self.record(candidate, source);
                self.drop(record, Reason::Name);
            }
        }
    }
}

fn reason(end: &End, is_other_identifier: bool) -> Reason {
    match end {
        End::TooComplex => Reason::Budget,
        End::Unsupported(_) => Reason::Algorithm(describe_end(end)),
        _ if is_other_identifier => Reason::KeyIdentifier,
        _ => Reason::Signature,
    }
}

/// Whether `certificate` asks for an issuer with another key identifier than `candidate` has.
fn has_other_identifier(certificate: &Certificate, candidate: &Certificate) -> bool {
    match (
        &certificate.authority_key_identifier,
        &candidate.subject_key_identifier,
    ) {
        (Some(wanted), Some(found)) => wanted != found,
        _ => false,
    }
}
