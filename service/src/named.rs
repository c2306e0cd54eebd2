//! Parts of a path that name something. What can be no name is answered as what is not there.

use std::ops::Deref;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use signer::digest::hex;

use crate::chance;
use crate::problem::{Problem, Slug};
use crate::store::StoreError;

/// Bytes of chance in an [`Id`].
const CHANCE: usize = 8;

/// The part of the path that names something.
#[derive(Debug, Clone)]
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found = Path::<T>::from_request_parts(parts, state).await;
        match found {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Problem::new(Slug::NotFound)),
        }
    }
}

/// What a request or a window is called: 16 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Id(String);

impl Id {
    /// One that nobody has yet.
    pub(crate) fn by_chance() -> Result<Self, StoreError> {
        Ok(Self(hex(&chance::bytes::<CHANCE>()?)))
    }
}

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == 2 * CHANCE && text.bytes().all(is_digit) {
            true => Ok(Self(text)),
            false => Err("no id"),
        }
    }
}

/// The number of an entry, as far as databases count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub(crate) struct Index(pub(crate) u64);

impl TryFrom<u64> for Index {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        match i64::try_from(number).is_ok_and(|number| number < i64::MAX) {
            true => Ok(Self(number)),
            false => Err("no number of an entry"),
        }
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_hexadecimal_and_of_one_length() {
        let id = Id::by_chance().unwrap();
        assert_eq!(Id::try_from(id.to_string()), Ok(id.clone()));
        for other in [
            "",
            "..",
            "0123456789ABCDEF",
            "0123456789abcde\0",
            "0123456789abcdef0",
        ] {
            assert!(Id::try_from(other.to_owned()).is_err(), "{other:?}");
        }
    }
}
