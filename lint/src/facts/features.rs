//! The features of a product: where they stand, what they bring, how they are switched on and off.

use formats::document::parts::{Item, List};

use super::product::Product;
use crate::diagnostic::{Fix, Place};

/// The two lists of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureList {
    /// `Features/Microsoft`.
    Microsoft,
    /// `Features/OEM`.
    Oem,
}

impl FeatureList {
    /// The name of its element.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Microsoft => "Microsoft",
            Self::Oem => "OEM",
        }
    }
}

impl Product {
    /// Whether what a feature stands for gets into the image: it is chosen, or another feature brings its package.
    pub fn brings(&self, feature: &str) -> bool {
        let is_it = |id: &str| id.eq_ignore_ascii_case(feature);
        self.feature(feature).is_some()
            || self
                .packages
                .iter()
                .any(|package| package.entry.feature_ids.texts().any(is_it))
    }

    /// Switches a feature off as the samples do, by a comment. Two rules that switch the same feature off give the
    /// same fix.
    pub fn switch_off(&self, feature: &Item) -> Option<Fix> {
        let title = format!("comment `{}` out", feature.text.value);
        let element = self.oem_input.element(feature);
        Fix::comment_out(title, &element, &self.oem_input.source)
    }

    /// Chooses a feature by a line below the last one of its list.
    pub fn choose(&self, list: FeatureList, id: &str) -> Option<Fix> {
        let element = format!("<Feature>{id}</Feature>");
        let title = format!("add `{element}`");
        let source = &self.oem_input.source;
        Fix::append(title, source, self.list(list).element?, &element)
    }

    /// Switches a feature off where it stands and chooses it in the other list, unless it is chosen there already.
    pub fn move_feature(&self, feature: &Item, to: FeatureList) -> Option<Fix> {
        let id = feature.text.value.as_str();
        let mut fix = self.switch_off(feature)?;
        let mut there = self.list(to).texts();
        if !there.any(|known| known.eq_ignore_ascii_case(id)) {
            fix.edits.extend(self.choose(to, id)?.edits);
            fix.edits.sort();
            fix.title = format!("move `{id}` to `{}`", to.as_str());
        }
        Some(fix)
    }

    /// The place of a feature that is missing: the start of its list, or the root where there is none.
    pub fn features_place(&self, list: FeatureList) -> Place {
        let route = format!("OEMInput/Features/{}", list.as_str());
        let place = self.oem_input.list(self.list(list), route);
        place.unwrap_or_else(|| self.oem_input.root_place())
    }

    fn list(&self, list: FeatureList) -> &List {
        match list {
            FeatureList::Microsoft => &self.oem_input.features.microsoft,
            FeatureList::Oem => &self.oem_input.features.oem,
        }
    }
}
