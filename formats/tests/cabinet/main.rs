//! Cabinets: reading, signing, contents and packing, against files made here and against other programs.

mod contents;
mod hostile;
mod lzx;
mod packing;
mod shapes;
mod signature;
mod support;
