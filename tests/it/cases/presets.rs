//! Presets against the documentation of what they are named after.
