//! The service from outside: started as a user starts it, asked over HTTP.

mod approval;
mod backup;
mod client;
mod faults;
mod headers;
mod hostile;
mod issuer;
mod kinds;
mod load;
#[cfg(feature = "postgres")]
mod nodes;
mod openapi;
mod operating;
mod page;
#[cfg(feature = "postgres")]
mod postgres;
mod principals;
#[cfg(feature = "postgres")]
mod release;
#[cfg(all(feature = "postgres", feature = "s3"))]
mod s3;
mod server;
mod signing;
mod template;
#[cfg(feature = "otel")]
mod traces;
mod webhooks;
