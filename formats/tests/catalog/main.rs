//! Catalogs: made from nothing, read back, made again, and damaged.

mod building;
mod definition;
mod hostile;
mod real;
mod support;
