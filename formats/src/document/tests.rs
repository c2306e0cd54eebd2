//! What no single module shows: recognition, hostile input, and the real files of the add-on kit.

mod corpus;
mod fixtures;
mod hostile;
mod inputs;
mod lying;
mod package_manifest;
mod packages;
mod reader;
mod recognition;
mod settings;
