//! hoptax as a library: what whoever builds on it relies on.

use hoptax::scenario::{Source, load};

#[test]
fn files_that_a_text_names_may_come_with_it() {
    let text = "version = 1\n[defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"s\"\nreplay = \"arrivals.csv\"\n[services.s]\n";
    let source = Source::text("a.toml", text).with_file("arrivals.csv", "1s\n2s\n2500ms\n");
    assert!(load(&source, &[]).is_ok(), "{:?}", load(&source, &[]).map(|_| ()).map_err(|r| r.complaints));
    let without = load(&Source::text("a.toml", text), &[]).unwrap_err();
    assert!(without.complaints[0].message.contains("arrivals.csv"), "{:?}", without.complaints);
    let wrong = Source::text("a.toml", text).with_file("arrivals.csv", "2s\n1s\n");
    assert!(load(&wrong, &[]).unwrap_err().complaints[0].message.contains("ascend"));
}
