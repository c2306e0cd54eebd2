//! The service from outside: started as a user starts it, asked over HTTP.

mod approval;
mod issuer;
mod principals;
mod server;
mod signing;
