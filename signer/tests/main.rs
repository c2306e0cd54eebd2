//! What the signer promises, on the test certificates and on other people's files.

mod identity;
mod real_files;
mod round_trip;
mod support;
