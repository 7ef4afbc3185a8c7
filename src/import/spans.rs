//! Spans, whatever format they came in.

use std::collections::BTreeMap;

/// What a span says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Side {
    /// When nothing is said, or it is within one process.
    #[default]
    Within,
    /// When it is the callee's.
    Server,
    /// When it is the caller's.
    Client,
    /// When it hands a message to a broker.
    Producer,
    /// When it works on a message.
    Consumer,
}

impl Side {
    /// By the word of Zipkin and Jaeger, in whatever case.
    pub(super) fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "server" => Self::Server,
            "client" => Self::Client,
            "producer" => Self::Producer,
            "consumer" => Self::Consumer,
            _ => Self::Within,
        }
    }

    /// By the number of `trace.proto`.
    pub(super) fn of_number(kind: u64) -> Self {
        match kind {
            2 => Self::Server,
            3 => Self::Client,
            4 => Self::Producer,
            5 => Self::Consumer,
            _ => Self::Within,
        }
    }

    /// Whether work at a service begins with it.
    pub(super) fn enters(self) -> bool {
        matches!(self, Self::Server | Self::Consumer)
    }
}

/// A name by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(u32);

impl Name {
    /// Before and behind all of them.
    pub(super) const ENDS: [Self; 2] = [Self(0), Self(u32::MAX)];
}

/// Names, each kept once.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: BTreeMap<Box<str>, Name>,
    all: Vec<Box<str>>,
}

impl Names {
    /// The number of a name.
    pub(super) fn of(&mut self, name: &str) -> Name {
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        let number = Name(self.all.len() as u32);
        self.all.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }

    /// The name of a number.
    pub(super) fn name(&self, number: Name) -> &str {
        self.all.get(number.0 as usize).map_or("", |name| name)
    }
}

/// A span.
#[derive(Clone, Debug, Default)]
pub(super) struct Span {
    pub(super) trace: u128,
    pub(super) id: u64,
    pub(super) parent: Option<u64>,
    pub(super) side: Side,
    pub(super) service: Name,
    pub(super) name: Name,
    /// Beginning and end, ns; the same where nothing was said.
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) failed: bool,
    /// Whom it is about, where nobody else tells: another service, a database.
    pub(super) peer: Option<Name>,
    /// Whether that is a database.
    pub(super) database: bool,
    /// The queue or topic that it is about, and whether its broker keeps streams.
    pub(super) broker: Option<(Name, bool)>,
    /// Which instance of the service it is.
    pub(super) instance: Option<Name>,
    /// How many requests it stands for, where only every so-many-th was kept.
    pub(super) stands_for: u32,
}

impl Span {
    /// Its length, ns.
    pub(super) fn long(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

/// What attributes and tags say that matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tags {
    pub(super) service: Option<String>,
    pub(super) peer: Option<String>,
    pub(super) database: bool,
    pub(super) destination: Option<String>,
    pub(super) stream: bool,
    pub(super) instance: Option<String>,
    pub(super) side: Option<Side>,
    pub(super) failed: bool,
    pub(super) stands_for: u32,
    /// How sure it is whom the peer names: later words do not replace better ones.
    rank: u8,
}

impl Tags {
    /// Takes in one of them: names of OpenTelemetry's semantic conventions (old and new), of what came before it, and of Brave.
    pub(super) fn say(&mut self, key: &str, value: &str) {
        match key {
            "service.name" => self.service = Some(value.to_owned()),
            "peer.service" => self.name_peer(4, value),
            "db.name" | "db.namespace" | "db.instance" | "sql.instance" => self.about_database(3, value),
            "db.system" | "db.system.name" | "db.type" => self.about_database(2, value),
            "server.address" | "net.peer.name" | "peer.hostname" => self.name_peer(1, value),
            "messaging.destination.name"
            | "messaging.destination"
            | "message_bus.destination"
            | "kafka.topic"
            | "rabbit.queue"
            | "jms.queue" => self.destination = Some(value.to_owned()),
            "messaging.system" => self.stream |= matches!(value, "kafka" | "pulsar" | "kinesis" | "eventhubs"),
            "service.instance.id" | "k8s.pod.name" | "host.name" | "hostname" => {
                self.instance.get_or_insert_with(|| value.to_owned());
            }
            "span.kind" => self.side = Some(Side::of(value)),
            "error" => self.failed |= value != "false" && !value.is_empty(),
            "hoptax.stands_for" => self.stands_for = value.parse().ok().filter(|n| *n <= MOST_KEPT_OF).unwrap_or(1),
            _ => {}
        }
        self.stream |= key == "kafka.topic";
    }

    fn name_peer(&mut self, rank: u8, value: &str) {
        if rank >= self.rank && !value.is_empty() {
            (self.rank, self.peer) = (rank, Some(value.to_owned()));
        }
    }

    fn about_database(&mut self, rank: u8, value: &str) {
        self.database = true;
        self.name_peer(rank, value);
    }

    /// Puts it into a span.
    pub(super) fn into(self, names: &mut Names, span: &mut Span) {
        span.peer = self.peer.as_deref().map(|name| names.of(name));
        span.database = self.database;
        span.broker = self.destination.as_deref().map(|name| (names.of(name), self.stream));
        span.instance = self.instance.as_deref().map(|name| names.of(name)).or(span.instance);
        span.failed |= self.failed;
        span.stands_for = span.stands_for.max(self.stands_for).max(1);
        if let Some(side) = self.side {
            span.side = side;
        }
    }
}

/// One request of so many was kept, at most; more is a mistake.
const MOST_KEPT_OF: u32 = 1_000_000;

/// An id: hexadecimal as the formats want it; anything else by what it says (FNV-1a; Fowler, Noll, Vo).
pub(super) fn id(text: &str) -> u128 {
    let hex = !text.is_empty() && text.len() <= 32;
    let number = hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
    number.unwrap_or_else(|| {
        let stir =
            |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, stir)
    })
}

/// The id of a span: the lower half, as older formats have only that.
pub(super) fn span_id(text: &str) -> u64 {
    id(text) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_whatever_their_zeros() {
        assert_eq!(id("00000000000000ff"), 255);
        assert_eq!(id("FF"), 255);
        assert_ne!(id("no hex"), id("no hexa"));
        assert_eq!(span_id("83a9efd15c1c98a977e0711cc93ee28b"), 0x77e0_711c_c93e_e28b);
    }

    #[test]
    fn the_surer_word_for_a_peer_counts() {
        let mut tags = Tags::default();
        for (key, value) in [("peer.service", "billing"), ("server.address", "10.0.0.7"), ("db.system", "mysql")] {
            tags.say(key, value);
        }
        assert_eq!((tags.peer.as_deref(), tags.database), (Some("billing"), true));
    }
}
