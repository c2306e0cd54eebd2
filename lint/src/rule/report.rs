//! What a rule writes to: findings before a policy has given them a level.

use crate::diagnostic::{Fix, Level, Place};
use crate::facts::built::BuiltPackage;
use crate::facts::{Facts, Package, Product, Signature};
use crate::image::ImageType;
use crate::policy::PolicyProblemKind;

/// Where a rule writes what it found.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
    failures: Vec<String>,
}

impl Report {
    /// Reports the defect at `place`. The message is one phrase, what was found against what was wanted, with the
    /// values, without a full stop. What is returned takes the rest:
    ///
    /// ```ignore
    /// report
    ///     .at(feature.place(), format!("`{id}` is for test images"))
    ///     .because_of_image(product)
    ///     .help("remove the feature, or build a test image");
    /// ```
    pub fn at(&mut self, place: Place, message: impl Into<String>) -> &mut Finding {
        self.findings.push_mut(Finding {
            place,
            message: message.into(),
            related: Vec::new(),
            help: None,
            fix: None,
            at_most: Level::Error,
        })
    }

    /// Reports a defect of a signature where [`Facts::signature_place`] puts it.
    pub fn at_signature(
        &mut self,
        facts: &Facts<'_>,
        signature: &Signature,
        part: &str,
        message: impl Into<String>,
    ) -> &mut Finding {
        let (place, inside) = facts.signature_place(signature, part);
        let finding = self.at(place, message);
        if let Some(inside) = inside {
            finding.also(inside, "the signature");
        }
        finding
    }

    /// Reports the problems of one kind that the policies, suppressions and baselines have.
    pub fn problems(&mut self, facts: &Facts<'_>, kind: PolicyProblemKind) {
        for problem in facts.policy.iter().filter(|problem| problem.kind == kind) {
            let finding = self.at(problem.place.clone(), problem.message.clone());
            if let Some(help) = &problem.help {
                finding.help(help.clone());
            }
        }
    }

    /// Reports a defect of a built package where [`Facts::built_place`] puts it; `part` is the place in the package.
    pub fn at_built(
        &mut self,
        facts: &Facts<'_>,
        built: &BuiltPackage,
        part: Place,
        message: impl Into<String>,
    ) -> &mut Finding {
        let (place, inside) = facts.built_place(built, part);
        let finding = self.at(place, message);
        if let Some(inside) = inside {
            finding.also(inside, "the package");
        }
        finding
    }

    /// Says that the rule could not look: an own rule that does not work.
    pub fn fail(&mut self, problem: String) {
        self.failures.push(problem);
    }

    /// Why the rule could not look.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// What was reported, in the order of reporting.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

/// One finding before a policy has given it a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where the defect stands.
    pub place: Place,
    /// What was found against what was wanted.
    pub message: String,
    /// Other places that explain it.
    pub related: Vec<(Place, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// A mechanical cure.
    pub fix: Option<Fix>,
    /// The highest level this finding may have, whatever the policy says of the rule.
    pub at_most: Level,
}

impl Finding {
    /// Points at another place that explains the finding; `label` says what it shows.
    pub fn also(&mut self, place: Place, label: impl Into<String>) -> &mut Self {
        self.related.push((place, label.into()));
        self
    }

    /// Points at what makes the image of a product the type it is.
    pub fn because_of_image(&mut self, product: &Product) -> &mut Self {
        let image = product.image.map_or("", ImageType::as_str);
        let label = match product.declared {
            Some(_) => format!("declared to be a {image} image"),
            None => format!("this makes it a {image} image"),
        };
        self.also(product.image_place(), label)
    }

    /// Points at the manifest's entry and the feature that bring a package into the first image of this type that has it.
    pub fn because_of_selection(&mut self, facts: &Facts<'_>, package: &Package) -> &mut Self {
        if let Some((product, selected)) = facts.selection_of(package) {
            self.also(selected.place(), "this is its entry in the manifest");
            if let Some(feature) = selected.selected_by.first() {
                self.also(product.oem_input.item(feature), "this selects it");
            }
            self.because_of_image(product);
        }
        self
    }

    /// Says what to do.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Offers a mechanical cure, where there is one.
    pub fn fix(&mut self, fix: impl Into<Option<Fix>>) -> &mut Self {
        self.fix = fix.into();
        self
    }

    /// Keeps a milder case of the defect at this level, also where the policy sets the rule higher.
    pub fn at_most(&mut self, level: Level) -> &mut Self {
        self.at_most = level;
        self
    }
}

#[cfg(test)]
mod tests {
    use formats::source::{Source, Span};

    use super::*;

    #[test]
    fn a_finding_carries_everything_that_was_said_of_it() {
        let source = Source::new("a.xml", "<a/>", 0);
        let place = Place::text(&source, Span { start: 0, end: 4 }, "a");
        let mut report = Report::default();
        report
            .at(place.clone(), "found `a`, wanted `b`")
            .also(place.clone(), "here")
            .help("write `b`")
            .fix(Fix::replace("write `b`", &place, "<b/>"))
            .at_most(Level::Info);
        let finding = report.into_findings().remove(0);
        assert_eq!(finding.related.len(), 1);
        assert_eq!(finding.help.as_deref(), Some("write `b`"));
        assert_eq!(
            finding.fix.map(|fix| fix.edits[0].text.clone()).as_deref(),
            Some("<b/>")
        );
        assert_eq!(finding.at_most, Level::Info);
    }
}
