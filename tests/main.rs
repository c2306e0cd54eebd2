//! The program from outside: what it prints, writes and exits with, and what other people's tools say of its files.

mod addon_kit;
mod bad_input;
mod demo;
mod killed;
mod osslsigncode;
mod sign_and_verify;
mod signing_again;
mod support;
