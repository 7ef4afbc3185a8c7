//! `[sim]` and `[defaults]`.

use super::super::check::zero;
use super::super::declare::{Count, Duration, Kind, Or, Said, Text, Whole, table};
use super::super::print::{self, quoted};
use super::super::read::{self, Desk, Value};
use super::super::vocab::{Shape, TRANSPORT_WORDS, Word, word};
use super::super::written::Given;
use crate::diag::Complaint;
use crate::units::Span;

table! {
    /// `[sim]`.
    pub struct Sim: "[sim]", "The run: how long, how often, from which seed." {
        duration: Given<Span> as Or<Duration> = "\"60s\"", "Measured time, after the warm-up.";
        warmup: Given<WarmUp> as Or<WarmUp> = "\"10s\"",
            "Simulated before, and thrown away; \"auto\": as long as pilot runs show that it takes.";
        seed: Given<u64> as Or<Seed> = "1", "Same seed, same file, same version: same result.";
        replications: Given<u32> as Or<Count> = "10", "Independent runs; their spread makes the intervals.";
        max_events: Given<u64> as Or<Whole> = "10_000_000_000", "Guard: events of one replication.";
        max_in_flight: Given<u64> as Or<Whole> = "1_000_000", "Guard: requests in flight.";
    }
}

table! {
    /// `[defaults]`.
    pub struct Defaults: "[defaults]", "What holds where nothing else is said." {
        transport: Given<String> as Or<TransportName> = "\"rest\"", "How calls travel that name no transport.";
        policy: Option<Given<String>> as Said<Text>, "The policy of calls that name none. Default: none.";
    }
}

/// How long is simulated before anything is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUp {
    /// So long.
    For(Span),
    /// As long as pilot runs show that it takes; they are run when a study loads the scenario.
    Auto,
}

const AUTO: &[Word] = &[word("auto", "As long as pilot runs show that it takes.")];

/// Where nobody looked yet how long it takes.
const UNSEEN: Span = Span(10_000_000_000);

impl WarmUp {
    /// How long it is, as far as that is known.
    pub fn span(self) -> Span {
        match self {
            Self::For(span) => span,
            Self::Auto => UNSEEN,
        }
    }
}

impl Kind for WarmUp {
    type Value = Self;
    const SHAPE: Shape = Shape::Or(&[Shape::Duration, Shape::Choice(AUTO)]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Self> {
        if value.get_ref().as_str() == Some(AUTO[0].word) {
            return Some(Self::Auto);
        }
        read::duration(desk, key, value).map(Self::For)
    }
    fn print(warmup: &Self) -> String {
        match warmup {
            Self::For(span) => print::time(span),
            Self::Auto => quoted(AUTO[0].word),
        }
    }
}

/// A whole number; TOML's end at 2⁶³, so that larger ones are texts.
pub(crate) enum Seed {}

impl Kind for Seed {
    type Value = u64;
    const SHAPE: Shape = Shape::Whole;
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<u64> {
        match value.get_ref().as_str().map(str::parse) {
            Some(Ok(seed)) => Some(seed),
            _ => read::whole(desk, key, value),
        }
    }
    fn print(seed: &u64) -> String {
        if i64::try_from(*seed).is_ok() { seed.to_string() } else { quoted(&seed.to_string()) }
    }
}

/// The name of a transport.
pub(crate) enum TransportName {}

impl Kind for TransportName {
    type Value = String;
    const SHAPE: Shape = Shape::Or(&[Shape::Choice(TRANSPORT_WORDS), Shape::Name]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<String> {
        read::text(desk, key, value)
    }
    fn print(name: &String) -> String {
        quoted(name)
    }
}

impl Sim {
    /// Complains about numbers that cannot be.
    pub(in crate::scenario) fn ranges(&self, complaints: &mut Vec<Complaint>) {
        let Self { duration, replications, max_events, max_in_flight, .. } = self;
        let mut none = |is, key, place: &Option<_>, why| zero(is, key, place.as_ref(), why, complaints);
        none(duration.value == Span::ZERO, "duration", &duration.place, "nothing would be measured");
        none(replications.value == 0, "replications", &replications.place, "nothing would run");
        none(max_events.value == 0, "max_events", &max_events.place, "nothing could happen");
        none(max_in_flight.value == 0, "max_in_flight", &max_in_flight.place, "nothing could happen");
    }
}
