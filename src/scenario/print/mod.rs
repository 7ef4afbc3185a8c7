//! The scenario as understood, as TOML: everything that nobody wrote filled in and marked. What it prints loads to the
//! same scenario.

use std::fmt::Write as _;

use super::declare::{Record as _, Spoken, Told};
pub(in crate::scenario) use super::tables::laws::{print as law, print_counts as count_law, span, table as law_table};
use super::tables::nodes;
use super::written::{Axis, FREE, Given, Scenario, Target, Zone};
use crate::diag::is_harmless;
use crate::units::{Span, size_text};

/// Lines of TOML; each may be marked as a default.
#[derive(Default)]
pub(super) struct Page {
    lines: Vec<(String, bool)>,
}

impl Page {
    /// The header of a table by name.
    pub(super) fn named(&mut self, family: &str, name: &str) {
        self.header(&format!("[{family}.{}]", key(name)));
    }

    pub(super) fn header(&mut self, name: &str) {
        if !self.lines.is_empty() {
            self.lines.push((String::new(), false));
        }
        self.lines.push((name.to_owned(), false));
    }

    pub(super) fn line(&mut self, key: &str, value: impl AsRef<str>, default: bool) {
        self.lines.push((format!("{key} = {}", value.as_ref()), default));
    }

    pub(super) fn given<T>(&mut self, key: &str, given: &Given<T>, told: impl Fn(&T) -> String) {
        self.line(key, told(&given.value), given.is_default());
    }

    /// A key that stands for nothing when absent is left out, and named in one comment per table.
    pub(super) fn maybe<T>(
        &mut self,
        key: &str,
        given: &Given<Option<T>>,
        none: &mut Vec<String>,
        told: impl Fn(&T) -> String,
    ) {
        match &given.value {
            Some(value) => self.line(key, told(value), given.is_default()),
            None => none.push(key.to_owned()),
        }
    }

    /// The keys of a table.
    pub(super) fn told(&mut self, all: impl IntoIterator<Item = Told>, none: &mut Vec<String>) {
        for told in all {
            match told.value {
                Some(value) => self.line(told.key, value, told.default),
                None => none.push(told.key.to_owned()),
            }
        }
    }

    /// A whole table.
    pub(super) fn whole(&mut self, header: &str, all: impl IntoIterator<Item = Told>) {
        self.header(header);
        let mut none = Vec::new();
        self.told(all, &mut none);
        self.none(&none);
    }

    pub(super) fn none(&mut self, none: &[String]) {
        if !none.is_empty() {
            self.lines.push((format!("# default: no {}", none.join(", no ")), false));
        }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        for (line, default) in &self.lines {
            let _ = writeln!(out, "{line}{}", if *default { "  # default" } else { "" });
        }
        out
    }
}

/// The canonical scenario, defaults filled in and marked.
pub fn canonical(scenario: &Scenario) -> String {
    let mut page = Page::default();
    page.line("version", "1", false);
    page.given(super::vocab::NAME, &scenario.name, |s| quoted(s));
    page.given("description", &scenario.description, |s| quoted(s));
    meaning(scenario, &mut page);
    for variant in &scenario.variants {
        page.header(&format!("[variants.{}]", key(&variant.name.value)));
        for (path, value) in &variant.edits {
            page.line(&quoted(path), value, false);
        }
    }
    if !scenario.sweep.is_empty() {
        page.header("[sweep]");
    }
    for (path, values) in scenario.sweep.iter().map(Axis::told) {
        page.line(&quoted(&path), &values, false);
    }
    page.text()
}

/// 16 hex digits that name what a scenario means. Its name, its description, its variants and what is swept change nothing about the
/// run, so they do not count; the contents of the files it names do.
pub fn hash(scenario: &Scenario) -> String {
    let mut page = Page::default();
    meaning(scenario, &mut page);
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for (line, _) in page.lines.iter().filter(|(line, _)| !line.starts_with('#')) {
        state = fnv(state, line.as_bytes());
        state = fnv(state, b"\n");
    }
    for number in super::tables::laws::numbers_of_files(scenario) {
        state = fnv(state, &number.to_bits().to_le_bytes());
    }
    format!("{state:016x}")
}

/// FNV-1a, 64 bits: stable over versions and machines, unlike the standard library's.
fn fnv(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn meaning(scenario: &Scenario, page: &mut Page) {
    let mut none = Vec::new();
    page.header("[sim]");
    page.told(scenario.sim.told(), &mut none);
    page.header("[defaults]");
    page.told(scenario.defaults.told(), &mut none);
    page.none(&none);
    transports(scenario, page);
    page.whole("[network]", scenario.network.told());
    for link in scenario.network.sorted() {
        let name = quoted(&format!("{} -> {}", link.from.value, link.to.value));
        page.whole(&format!("[network.links.{name}]"), link.told());
    }
    page.header("[discovery]");
    page.told(scenario.discovery.meant(), &mut Vec::new());
    if let Some(mesh) = &scenario.mesh {
        page.whole("[mesh]", mesh.told());
    }
    scenario.clients.values().for_each(|c| c.print(page));
    let hurried = super::guarded::propagates(scenario);
    scenario.nodes.values().for_each(|node| nodes::tell(node, hurried, page));
    for (name, queue) in &scenario.queues {
        page.whole(&format!("[queues.{}]", key(name)), queue.told());
    }
    for (name, topic) in &scenario.topics {
        page.whole(&format!("[topics.{}]", key(name)), topic.told());
    }
    scenario.flows.iter().for_each(|flow| page.whole("[[flows]]", flow.told()));
    scenario.policies.values().for_each(|p| p.print(page));
    scenario.faults.iter().for_each(|fault| page.whole("[[faults]]", fault.told()));
    scenario.slos.iter().for_each(|slo| page.whole("[[slos]]", slo.told()));
}

/// The transports that something uses or that the file describes. Nothing can be said about `free`.
fn transports(scenario: &Scenario, page: &mut Page) {
    let used = super::walk::transports_used(scenario);
    for (name, spec) in scenario.transports.iter().filter(|(name, _)| *name != FREE) {
        if spec.name.is_default() && !used.contains(name.as_str()) {
            continue;
        }
        page.named("transports", name);
        for told in spec.told() {
            match told.value {
                Some(value) => page.line(told.key, value, told.default),
                None => page.none(&[told.key.to_owned()]),
            }
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "it tells a `Given`, which hands out references")]
pub(super) fn time(t: &Span) -> String {
    span(t.0 as f64)
}

/// A target in quotes.
pub(super) fn target(target: &Target) -> String {
    quoted(&target.to_string())
}

pub(super) fn zone(zone: &Zone) -> String {
    let parts: Vec<&str> =
        [Some(zone.region.as_str()), zone.zone.as_deref(), zone.host.as_deref()].into_iter().flatten().collect();
    quoted(&parts.join("/"))
}

/// A bandwidth in quotes, in the form that reads back to the very same number.
pub(super) fn bandwidth(bytes: f64) -> String {
    let whole = if bytes.fract() == 0.0 { size_text(bytes as u64) } else { format!("{bytes}B") };
    quoted(&format!("{whole}/s"))
}

/// A key, in quotes where it must be.
pub(super) fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A list of words.
pub(super) fn listed<T: Spoken>(words: &[T]) -> String {
    format!("[{}]", words.iter().map(|word| quoted(word.word())).collect::<Vec<_>>().join(", "))
}

/// A basic TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            // The text is read on terminals, too.
            c if !is_harmless(c) && u32::from(c) > 0xFFFF => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c if !is_harmless(c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
