//! The vocabulary as JSON Schema.

/// The JSON Schema (draft-07) of a scenario file.
pub fn json_schema() -> serde_json::Value {
    serde_json::json!({})
}
