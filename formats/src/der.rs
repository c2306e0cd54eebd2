//! DER, reading and writing.
