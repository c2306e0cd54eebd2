//! PE images: headers, digest, certificate table, CheckSum and pages, on images made here and real ones.

mod builder;
mod hostile;
mod signature;
mod support;
