use std::collections::HashSet;

use formats::document::feature_manifest::FeatureManifest;
use formats::source::Spanned;

use crate::facts::product::FeatureIds;
use crate::facts::{Facts, File};
use crate::lists;
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A group or condition names a feature that no manifest defines
    ///
    /// ## What it checks
    /// Every identifier of a `FeatureGroup`, and every `ConditionalFeature` without the prefix that the tools add (`OEM_`,
    /// `MS_`), is a feature of a package in a manifest of the workspace, or one of Microsoft's.
    ///
    /// ## Why
    /// The group does not constrain what it was written for, or wants a feature that cannot be selected.
    ///
    /// ## Passes
    /// `<FeatureGroup Constraint="OneAndOnlyOne">` with features that packages of the manifest have
    ///
    /// ## Fails
    /// `<FeatureID>QC_UEFI_PRODUCTON</FeatureID>` in a group
    ///
    /// ## Fix
    /// Correct the identifier, or take it out of the group.
    ///
    /// ## References
    /// - Feature manifest file contents: `FeatureGroup`
    struct FeatureGroupUnknownId;
    id: "feature-group-unknown-id",
    authority: "Microsoft, feature manifest file contents",
    clause: "FeatureGroup",
    images: All,
    input: FeatureManifest,
    level: Error,
    since: "0.1.0",
}

impl Rule for FeatureGroupUnknownId {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let mut manifests = facts.documents.manifests.iter();
        if manifests.all(|manifest| named(manifest).next().is_none()) {
            return;
        }
        let defined: Vec<FeatureIds> = {
            let all = facts.workspace.documents.manifests.iter();
            all.map(|file| FeatureIds::of(file)).collect()
        };
        let known = defined.iter().flat_map(FeatureIds::iter);
        let known: HashSet<String> = known.map(str::to_lowercase).collect();
        let is_known =
            |id: &str| lists::feature(id).is_some() || known.contains(&id.to_lowercase());
        for manifest in &facts.documents.manifests {
            for (id, written) in named(manifest) {
                if is_known(id) || is_known(&written.value) {
                    continue;
                }
                let place = manifest.value(written, "FeatureID");
                let finding = report.at(place, format!("no manifest defines `{id}`"));
                finding.help(
                    match nearest(id, defined.iter().flat_map(FeatureIds::iter)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "correct the identifier, or take it out".to_owned(),
                    },
                );
            }
        }
    }
}

/// The identifiers of groups and conditions, each without its prefix and as it is written.
fn named(manifest: &File<FeatureManifest>) -> impl Iterator<Item = (&str, &Spanned<String>)> {
    let groups = manifest
        .feature_groups
        .iter()
        .flat_map(|group| &group.feature_ids.items);
    let groups = groups.map(|item| (item.text.value.as_str(), &item.text));
    let conditions = manifest
        .conditional_features
        .iter()
        .filter_map(|one| one.feature_id.as_ref());
    let conditions = conditions.map(|written| {
        let id = written.value.as_str();
        let plain = id.strip_prefix("OEM_").or_else(|| id.strip_prefix("MS_"));
        (plain.unwrap_or(id), written)
    });
    groups.chain(conditions).filter(|(id, _)| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one};

    fn lint(group: &str, condition: &str) -> Vec<String> {
        let ids = |id| format!("<FeatureIDs><FeatureID>{id}</FeatureID></FeatureIDs>");
        let text = format!(
            "<Features><OEM><PackageFile Name=\"A.cab\">{}</PackageFile></OEM>\n<OEMFeatureGroups>\
             <FeatureGroup>{}</FeatureGroup></OEMFeatureGroups><OEMConditionalFeatures>\
             <ConditionalFeature FeatureID=\"{condition}\"/></OEMConditionalFeatures></Features>",
            ids("SMBIOS"),
            ids(group),
        );
        lint_one(
            "feature-group-unknown-id",
            &[("OEMFM.xml", feature_manifest(&text))],
        )
    }

    #[test]
    fn identifiers_are_known_with_or_without_the_prefix() {
        assert!(
            lint("smbios", "OEM_SMBIOS").is_empty() && lint("IOT_SSH", "MS_IOT_SSH").is_empty()
        );
        assert_eq!(
            lint("SMBIOZ", "OEM_SMBIOS"),
            ["error OEMFM.xml:2:56 no manifest defines `SMBIOZ`"]
        );
        assert_eq!(lint("SMBIOS", "OEM_OTHER").len(), 1);
    }
}
