//! What the report of one run contains, and in which order: once. Terminal and Markdown go down this list, each in its own
//! manner; what is added here is in all of them.

use super::sheet::{Sheet, Tone};
use super::{apart, caches, content, layers, policing, scaling, single, streams, trouble};
use crate::experiment::summary::Summary;

/// A part of a report.
pub struct Section {
    /// Its title, where titles are shown.
    pub title: &'static str,
    /// The fold that it lies in where there are folds; `None`: in plain sight.
    pub fold: Option<&'static str>,
    /// What it shows.
    pub content: Content,
    /// What it says in words, below that.
    pub sentences: fn(&Summary, bool) -> Vec<Sentence>,
    /// Whether it is worth its lines on a terminal.
    pub on_screen: fn(&Summary, bool) -> bool,
}

/// What a part shows.
#[derive(Clone, Copy)]
pub enum Content {
    /// A table: of all that there is, or of as much as is listed unasked.
    Table(fn(&Summary, bool) -> Sheet),
    /// Where the time of each client and flow went: as bars where they can be drawn, as tables with titles of their own.
    Ledger,
}

/// What a part says in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What is said.
    pub text: String,
    /// What it is about.
    pub about: About,
}

/// What a sentence is about, in the order in which several are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Requests that failed.
    Failures,
    /// Latencies of the answered alone.
    Answered,
    /// The same where a report is short of words.
    Aside,
    /// What was done twice.
    Duplicates,
    /// What was left out of answers.
    Partial,
    /// Messages that were not done.
    NotDone,
    /// What single runs show.
    Runs,
}

impl About {
    /// How it is shown.
    pub fn tone(self) -> Tone {
        match self {
            Self::Failures | Self::Duplicates | Self::NotDone => Tone::Odd,
            Self::Answered | Self::Aside | Self::Partial | Self::Runs => Tone::Faint,
        }
    }

    fn say(self, lines: Vec<String>) -> impl Iterator<Item = Sentence> {
        lines.into_iter().map(move |text| Sentence { text, about: self })
    }
}

/// The fold of ledgers.
const TIME: &str = "Where the time went";
/// The fold of what holds things for others.
const STORES: &str = "Queues, topics and caches";
/// The fold of what was done about failures.
const CARE: &str = "Policies, layers and who failed first";
/// The fold of what is listed whole.
pub const ALL: &str = "Every client, flow, node, endpoint and edge";

/// The folds in their order.
pub const FOLDS: [&str; 4] = [TIME, STORES, CARE, ALL];

/// The part that stands for all where something is said of none in particular.
pub const FIRST: &str = "Clients";

/// A table in plain sight with nothing to say.
const PLAIN: Section =
    Section { title: "", fold: None, content: Content::Ledger, sentences: |_, _| Vec::new(), on_screen: |_, _| true };

/// All parts in their order.
pub const SECTIONS: [Section; 18] = [
    Section { title: "Promises", content: Content::Table(|of, _| content::slos(&of.slos)), ..PLAIN },
    Section {
        title: FIRST,
        content: Content::Table(|of, every| content::stats("client", &of.clients, listed(of.clients.len(), every))),
        sentences: clients,
        ..PLAIN
    },
    Section {
        title: "Streams",
        content: Content::Table(|of, every| content::streamed(&of.edges, listed(of.edges.len(), every))),
        ..PLAIN
    },
    Section { title: "Faults", content: Content::Table(|of, _| trouble::faults(&of.faults)), ..PLAIN },
    Section {
        title: "Who failed first",
        fold: Some(CARE),
        content: Content::Table(|of, every| trouble::failing(&of.failing, listed(of.failing.len(), every))),
        ..PLAIN
    },
    Section {
        title: "Flows",
        content: Content::Table(|of, every| content::stats("flow", &of.flows, listed(of.flows.len(), every))),
        sentences: flows,
        ..PLAIN
    },
    Section { title: TIME, fold: Some(TIME), ..PLAIN },
    Section {
        title: "Queues",
        fold: Some(STORES),
        content: Content::Table(|of, every| {
            content::queues(&of.queues, listed(of.queues.len(), every), of.run.replications)
        }),
        ..PLAIN
    },
    Section {
        title: "Topics",
        fold: Some(STORES),
        content: Content::Table(|of, every| streams::topics(&of.topics, listed(of.topics.len(), every))),
        on_screen: |of, _| {
            of.topics.values().any(|topic| topic.batch_size.value.is_some_and(|size| size > 1.0) || topic.lost > 0)
        },
        ..PLAIN
    },
    Section {
        title: "Groups",
        fold: Some(STORES),
        content: Content::Table(|of, every| {
            let groups = of.topics.values().map(|topic| topic.groups.len()).sum();
            streams::groups(&of.topics, listed(groups, every), of.run.replications)
        }),
        sentences: |of, _| About::NotDone.say(content::not_done(of)).collect(),
        ..PLAIN
    },
    Section {
        title: "Caches",
        fold: Some(STORES),
        content: Content::Table(|of, every| caches::sheet(&of.nodes, listed(of.nodes.len(), every))),
        ..PLAIN
    },
    Section {
        title: "Policies",
        fold: Some(CARE),
        content: Content::Table(|of, every| policing::sheet(&of.edges, listed(of.edges.len(), every))),
        ..PLAIN
    },
    Section { title: "Layers", fold: Some(CARE), content: Content::Table(layers::sheet), ..PLAIN },
    Section {
        title: "Nodes",
        content: Content::Table(|of, every| content::nodes(&of.nodes, every)),
        sentences: |of, _| About::Aside.say(content::entries(of)).collect(),
        ..PLAIN
    },
    Section {
        title: "Autoscaling",
        fold: Some(CARE),
        content: Content::Table(|of, every| scaling::sheet(&of.nodes, listed(of.nodes.len(), every))),
        ..PLAIN
    },
    Section {
        title: "Replicas",
        fold: Some(ALL),
        content: Content::Table(|of, _| apart::sheet(&of.nodes)),
        on_screen: |_, every| every,
        ..PLAIN
    },
    Section {
        title: "Endpoints",
        fold: Some(ALL),
        content: Content::Table(|of, _| content::stats("endpoint", &of.endpoints, usize::MAX)),
        on_screen: |_, every| every,
        ..PLAIN
    },
    Section {
        title: "Edges",
        fold: Some(ALL),
        content: Content::Table(|of, _| content::stats("edge", &of.edges, usize::MAX)),
        on_screen: |_, every| every,
        ..PLAIN
    },
];

/// How many rows are listed.
fn listed(all: usize, every: bool) -> usize {
    if every { usize::MAX } else { content::listed(all, false) }
}

fn clients(of: &Summary, every: bool) -> Vec<Sentence> {
    let (all, run) = (&of.clients, &of.run);
    let failures = About::Failures.say(content::failures(all, run.replications));
    let answered = About::Answered.say(content::answered(all, listed(all.len(), every)));
    let twice = About::Duplicates.say(content::duplicates(all));
    let runs = About::Runs.say(single::ranges(all, run.confidence).into_iter().chain(single::longer(all)).collect());
    let partial = About::Partial.say(content::partial(&of.endpoints));
    let stale = About::Partial.say(content::stale(&of.nodes));
    failures.chain(answered).chain(twice).chain(partial).chain(stale).chain(runs).collect()
}

fn flows(of: &Summary, every: bool) -> Vec<Sentence> {
    let failures = About::Failures.say(content::failures(&of.flows, of.run.replications));
    let answered = About::Aside.say(content::answered(&of.flows, listed(of.flows.len(), every)));
    failures.chain(answered).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_a_title_of_its_own_and_a_fold_that_is_there() {
        for (at, section) in SECTIONS.iter().enumerate() {
            assert!(!section.title.is_empty());
            assert!(SECTIONS[..at].iter().all(|other| other.title != section.title), "{}", section.title);
            assert!(section.fold.is_none_or(|fold| FOLDS.contains(&fold)), "{}", section.title);
        }
        assert!(SECTIONS.iter().any(|section| section.title == FIRST && section.fold.is_none()));
    }
}
