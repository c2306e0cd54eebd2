//! Facts: what was read, as plain data that rules judge.

use crate::image::ImageType;

/// What a rule sees: everything of one image type.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    /// The image type; `None` where nothing says what it is.
    pub image: Option<ImageType>,
    places: std::marker::PhantomData<&'a ()>,
}
