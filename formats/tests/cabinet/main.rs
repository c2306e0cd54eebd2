//! Cabinets: reading, signing, contents and packing, against files made here and against other programs.

mod contents;
mod lzx;
mod shapes;
mod signature;
mod support;
