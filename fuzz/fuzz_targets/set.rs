//! `--set`: the first line of the text is a change, the rest a scenario.
#![no_main]

use hoptax::scenario::{Edit, Source, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some((change, scenario)) = text.split_once('\n')
        && let Ok(edit) = Edit::parse(change)
    {
        let _ = load(&Source::text("fuzz", scenario), &[edit]);
    }
});
