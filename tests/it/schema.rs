//! The schema in the repository is the one the vocabulary makes.

use std::fs;
use std::path::Path;

#[test]
fn the_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("hoptax.schema.json");
    let found = format!("{:#}\n", hoptax::scenario::json_schema());
    if std::env::var_os("HOPTAX_BLESS").is_some() {
        fs::write(&path, &found).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap_or_default() == found, "HOPTAX_BLESS=1 cargo test writes it anew");
}
