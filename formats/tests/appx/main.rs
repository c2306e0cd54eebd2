//! App packages and bundles: reading, room for a signature, removal, and archives that mean harm.

mod builder;
mod hostile;
mod reading;
mod signature;
mod support;
mod zip64;
