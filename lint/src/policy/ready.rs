//! Rules that were configured already: reading their parameters takes longer than many a file that they judge.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Configured;
use crate::image::ImageType;

/// The rules of each image type, `None` standing for the unknown, once somebody asked for them. A copy begins without any, since
/// copies are made to be changed.
#[derive(Default)]
pub(super) struct Ready(Mutex<BTreeMap<Option<ImageType>, Arc<[Configured]>>>);

impl Ready {
    /// Those of an image type, configured now where they are not yet.
    pub(super) fn of(
        &self,
        image: Option<ImageType>,
        configure: impl FnOnce() -> Arc<[Configured]>,
    ) -> Arc<[Configured]> {
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(ready.entry(image).or_insert_with(configure))
    }
}

impl Clone for Ready {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ready")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_configured_once_until_a_copy_is_made() {
        let ready = Ready::default();
        let mut asked = 0;
        for image in [None, Some(ImageType::Retail), None, Some(ImageType::Retail)] {
            ready.of(image, || {
                asked += 1;
                Arc::new([])
            });
        }
        assert_eq!(asked, 2);
        ready.clone().of(None, || {
            asked += 1;
            Arc::new([])
        });
        assert_eq!(asked, 3);
    }
}
