//! Faults as TOML.

use super::law_table as table;
use super::{Page, quoted, time};
use crate::scenario::written::{Fault, Unavailable, When};

pub(super) fn fault(fault: &Fault, page: &mut Page) {
    page.header("[[faults]]");
    page.given("name", &fault.name, |s| quoted(s));
    page.given("kind", &fault.kind, |k| quoted(k.word()));
    if !fault.target.is_default() {
        page.given("target", &fault.target, |s| quoted(s));
    }
    let mut none = Vec::new();
    let instant = fault.kind.value.is_instant();
    match &fault.when {
        When::At { at, duration } => {
            page.given("at", at, time);
            if !instant {
                page.maybe("duration", duration, &mut none, time);
            }
        }
        When::Random { mtbf, mttr, busy_only } => {
            page.given("mtbf", mtbf, table);
            if !instant {
                page.given("mttr", mttr, table);
            }
            page.given("busy_only", busy_only, bool::to_string);
        }
    }
    for word in fault.kind.value.words() {
        match *word {
            "mode" => page.given("mode", &fault.mode, |m| quoted(mode(*m))),
            "replicas" => page.maybe("replicas", &fault.replicas, &mut none, u32::to_string),
            "factor" => page.maybe("factor", &fault.factor, &mut none, |f| format!("{f:?}")),
            "add" => page.maybe("add", &fault.add, &mut none, time),
            "jitter" => page.given("jitter", &fault.jitter, time),
            "probability" => page.given("probability", &fault.probability, |p| format!("{p:?}")),
            _ => {}
        }
    }
    page.none(&none);
}

fn mode(mode: Unavailable) -> &'static str {
    match mode {
        Unavailable::Refuse => "refuse",
        Unavailable::Hang => "hang",
        Unavailable::Drop => "drop",
        Unavailable::BlackHole => "black_hole",
    }
}
