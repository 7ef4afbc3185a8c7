//! A record that fails: tried again where it stands, or later from a topic of its own.
//!
//! **In place** (`retries = { max = 9, backoff = "1s" }` of a consumer): the record is handled again after a wait, `max` times
//! at most; then `on_error` says what becomes of it. Its consumer sleeps meanwhile (Spring Kafka's `DefaultErrorHandler` seeks back
//! to the record and stops the consumer's thread for the wait, `ListenerUtils.stoppableSleep`), so everything behind it waits,
//! in all partitions that the consumer has, and a wait longer than `max_poll_interval` costs it its place in the group. Each try is a
//! poll of its own: a rebalance is joined there. Whoever has the partition next counts from the beginning. The defaults are Spring
//! Kafka's: nine retries, at once (`SeekUtils.DEFAULT_BACK_OFF`). The waits are those of `retries` of a policy.
//!
//! **Retry topics**: `dead_letter` may name a topic, and `delay = "10s"` of a consumer lets a record alone until it is so old. A
//! topic for each wait, read by the same service, is what Spring Kafka's `@RetryableTopic` makes of one consumer: `orders`,
//! `orders-retry-1000`, `orders-retry-2000`, `orders-dlt`. A record goes to the partition of the same number (modulo how many there
//! are: `DeadLetterPublishingRecovererFactory`). One that is not due holds up those behind it in its partition, which are younger, and
//! no other partition (`KafkaConsumerBackoffManager` pauses a partition). The order of records is lost: what is published later is
//! handled before. To hand a record over is to publish it: it travels to the broker, takes its `publish_latency`, and the
//! consumer waits for the broker's word (`DeadLetterPublishingRecoverer.verifySendResult`); the records behind it are a poll of their own then.

use crate::model::policy::Backoff;

/// Tries in place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Redelivery {
    /// Tries after the first; `NONE`: without end.
    pub max: u32,
    /// How long to wait before each.
    pub backoff: Backoff,
}
