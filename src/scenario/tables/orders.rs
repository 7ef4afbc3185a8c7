//! `queue_order` and `io`: who is served next, and whether a worker is held meanwhile.

use super::super::declare::{Duration, Kind, Or, Record as _, Spoken, table, words};
use super::super::print::{quoted, time};
use super::super::read::{self, Desk, Value, View};
use super::super::vocab::Shape;
use super::super::written::Given;
use crate::diag::{Complaint, code};
use crate::units::Span;

words! {
    /// Whether a worker is held while a call waits.
    pub enum Io {
        Blocking = "blocking", "The worker is held while a call waits.";
        Async = "async", "The worker is free while a call waits, and is asked for again for the next CPU.";
    }
}

words! {
    /// The orders by their words.
    enum Ordering {
        Fifo = "fifo", "First come, first served.";
        Lifo = "lifo", "Last come, first served.";
        Random = "random", "Anyone.";
        Priority = "priority", "The lowest priority number first, then first come.";
        Codel = "codel", "Controlled delay with adaptive LIFO: short waits, the newest first in an overload.";
    }
}

words! {
    /// The order that has something to say.
    enum Controlled {
        Codel = "codel", "Controlled delay with adaptive LIFO.";
    }
}

table! {
    /// `queue_order` as a table.
    struct CodelTable: "queue_order",
    "Controlled delay with adaptive LIFO, and its two times: Facebook's." {
        kind: Given<Controlled> as Or<Controlled> = "\"codel\"", "The order that has something to say.";
        target: Given<Span> as Or<Duration> = "\"5ms\"", "How long a newcomer may wait in a line that does not empty.";
        interval: Given<Span> as Or<Duration> = "\"100ms\"",
            "How long one may wait otherwise; a line not empty for so long is one that does not empty.";
    }
}

/// Who is served next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueOrder {
    /// First come, first served.
    Fifo,
    /// Last come, first served.
    Lifo,
    /// Anyone.
    Random,
    /// Lowest priority number, then first come.
    Priority,
    /// First or last come first, as the line is, with a bound on the wait.
    Codel {
        /// How long a newcomer may wait in a line that does not empty.
        target: Span,
        /// Otherwise, and how long a line is not empty before it counts as one that does not.
        interval: Span,
    },
}

/// A word, or the table of an order that has numbers.
pub(crate) enum Served {}

impl Kind for Served {
    type Value = QueueOrder;
    const SHAPE: Shape = Shape::Or(&[Shape::One(CodelTable::TABLE), Shape::Choice(Ordering::WORDS)]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<QueueOrder> {
        if let Some(table) = value.get_ref().as_table() {
            let view = View::open(desk, CodelTable::TABLE, table, value.span());
            return codel(desk, &view);
        }
        Some(match read::spoken(desk, key, value)? {
            Ordering::Fifo => QueueOrder::Fifo,
            Ordering::Lifo => QueueOrder::Lifo,
            Ordering::Random => QueueOrder::Random,
            Ordering::Priority => QueueOrder::Priority,
            Ordering::Codel => return codel(desk, &View::absent(CodelTable::TABLE)),
        })
    }
    fn print(order: &QueueOrder) -> String {
        let plain = match *order {
            QueueOrder::Fifo => Ordering::Fifo,
            QueueOrder::Lifo => Ordering::Lifo,
            QueueOrder::Random => Ordering::Random,
            QueueOrder::Priority => Ordering::Priority,
            QueueOrder::Codel { target, interval } => {
                let (target, interval) = (time(&target), time(&interval));
                return format!("{{ kind = \"codel\", target = {target}, interval = {interval} }}");
            }
        };
        quoted(plain.word())
    }
}

fn codel(desk: &mut Desk<'_>, view: &View<'_>) -> Option<QueueOrder> {
    CodelTable::read(desk, view)
        .map(|CodelTable { target, interval, .. }| QueueOrder::Codel { target: target.value, interval: interval.value })
}

/// Complains about times of an order that cannot be.
pub(in crate::scenario) fn ranges(order: &Given<QueueOrder>, complaints: &mut Vec<Complaint>) {
    if let QueueOrder::Codel { target, interval } = order.value
        && (target == Span::ZERO || target >= interval)
    {
        let message = format!("`target` ({target}) is not between zero and `interval` ({interval})");
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(order.place.clone());
        complaints.push(complaint.help("in a line that does not empty nobody should wait as long as in one that does"));
    }
}
