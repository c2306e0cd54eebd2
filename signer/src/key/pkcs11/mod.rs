//! Keys on PKCS#11 tokens: smart cards, USB tokens, network HSMs, SoftHSM.
//!
//! The way to a key is [`Module::load`], [`Module::token`], [`Token::log_in`], [`OpenToken::key`]. A PIN is tried once,
//! at the login, and never again: tokens lock after a few wrong ones. One login serves every signature of a batch,
//! from as many threads as sign at the same time.
//!
//! PKCS#11 knows no time limit: a call returns when the module returns. A module that hangs, hangs its caller.

mod error;
mod key;
mod object;
mod pool;
mod survey;
mod token;

pub use error::{PinState, Pkcs11Error};
pub use key::{KeyChoice, TokenKey};
pub use survey::{
    CertificateSurvey, KeySurvey, Login, ModuleSurvey, PinSurvey, TokenSurvey, certificate_problem,
    fingerprint, survey,
};
pub use token::{Module, OpenToken, Token, TokenChoice};
