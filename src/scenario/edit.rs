//! Changes to a scenario as written: `--set path=value`, variants.

/// One change: a path and its new value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The path, such as `clients.shoppers.rate`; segments may be quoted.
    pub path: String,
    /// The new value as TOML; a bare word is a text.
    pub value: String,
    /// Where it comes from: `--set`, "variant `grpc`".
    pub origin: String,
}
