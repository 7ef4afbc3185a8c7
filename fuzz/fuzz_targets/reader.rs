//! Any text: it is refused, or its canonical form reads back.
#![no_main]

use hoptax::scenario::{Source, canonical, hash, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(checked) = load(&Source::text("fuzz", text), &[]) {
        let form = canonical(checked.scenario());
        let again = load(&Source::text("again", &form), &[]).expect("the canonical form reads back");
        assert_eq!(hash(again.scenario()), hash(checked.scenario()));
    }
});
