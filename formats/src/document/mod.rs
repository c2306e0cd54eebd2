//! Documents with byte places: image configuration, feature manifests, package definitions.
