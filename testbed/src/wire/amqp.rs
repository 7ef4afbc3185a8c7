//! Queues over a real RabbitMQ (AMQP 0-9-1): durable queues, persistent messages, a channel for each consumer with its `prefetch`
//! (`basic.qos`), confirms where the file waits for them, and replies over the broker's direct reply-to. What a queue does with what
//! does not fit, is too old or is given up are its arguments; one with `max_deliveries` is a quorum queue, because only those count
//! deliveries (RabbitMQ documentation: "Queue Length Limit", "Dead Letter Exchanges", "Quorum Queues", "Direct Reply-to").

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;

use futures_core::Stream as _;
use hoptax::model::fault::Mode;
use hoptax::model::id::NONE;
use hoptax::model::queue::{Crew, Duty, OnError, Post, Queue, WhenFull};
use hoptax::model::{Outcome, Plan};
use hoptax::random::Lineage;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};
use tokio::sync::{OnceCell, oneshot};
use tokio::task::JoinSet;

use crate::site::frame::{Frame, Whose};
use crate::site::stop::Stop;
use crate::site::{Site, fault, walk};

/// Where replies come (RabbitMQ's name).
const REPLIES: &str = "amq.rabbitmq.reply-to";

/// Bytes of a message: its lineage, priority and deadline, and what else there may be.
const BYTES: usize = 256;

/// Priorities of a queue that has any; RabbitMQ advises ten at most, and takes the largest first.
const PRIORITIES: u8 = 9;

/// Delivery mode of what survives the broker.
const PERSISTENT: u8 = 2;

async fn connect(port: u16) -> lapin::Result<Connection> {
    let address = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
    Connection::connect(&address, ConnectionProperties::default()).await
}

/// Makes all queues of a plan.
pub(crate) async fn declare(plan: &Plan, port: u16) -> Result<(), String> {
    let made = async {
        let connection = connect(port).await?;
        let channel = connection.create_channel().await?;
        for queue in &plan.queues {
            let name = plan.node(queue.node).name.as_str();
            channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments(plan, queue)).await?;
        }
        connection.close(200, "made".into()).await
    };
    made.await.map_err(|error: lapin::Error| format!("RabbitMQ does not make the queues: {error}"))
}

/// What a queue is told to do.
fn arguments(plan: &Plan, queue: &Queue) -> FieldTable {
    let mut all = FieldTable::default();
    let text = |text: &str| AMQPValue::LongString(text.into());
    let number = |number: u64| AMQPValue::LongLongInt(number.cast_signed());
    let mut tell = |key: &str, value| _ = all.insert(key.into(), value);
    if queue.capacity != NONE {
        tell("x-max-length", number(queue.capacity.into()));
        tell(
            "x-overflow",
            text(match queue.when_full {
                WhenFull::DropOldest | WhenFull::Block => "drop-head",
                WhenFull::Reject => "reject-publish",
                WhenFull::DeadLetter => "reject-publish-dlx",
            }),
        );
    }
    if let Some(dead) = queue.dead_letter {
        tell("x-dead-letter-exchange", text(""));
        tell("x-dead-letter-routing-key", text(&plan.node(plan.queue(dead).node).name));
    }
    if let Some(ttl) = queue.ttl {
        tell("x-message-ttl", number(ttl.0 / 1_000_000));
    }
    if queue.priorities {
        tell("x-max-priority", number(PRIORITIES.into()));
    }
    if queue.max_deliveries != NONE {
        tell("x-queue-type", text("quorum"));
        tell("x-delivery-limit", number(u64::from(queue.max_deliveries) - 1));
    }
    all
}

/// The publisher's side of a replica, connected when something is published first.
#[derive(Default)]
pub(crate) struct Mailer(OnceCell<Publisher>);

/// Channels on one connection: one whose messages are confirmed, one on which replies come.
struct Publisher {
    /// Open as long as the channels are to be.
    _connection: Connection,
    sure: Channel,
    plain: Channel,
    asked: Rc<RefCell<BTreeMap<u64, oneshot::Sender<()>>>>,
    questions: Cell<u64>,
}

impl Publisher {
    async fn open(port: u16) -> lapin::Result<Self> {
        let connection = connect(port).await?;
        let (sure, plain) = (connection.create_channel().await?, connection.create_channel().await?);
        sure.confirm_select(ConfirmSelectOptions::default()).await?;
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let replies = plain.basic_consume(REPLIES.into(), REPLIES.into(), options, FieldTable::default()).await?;
        let asked: Rc<RefCell<BTreeMap<u64, oneshot::Sender<()>>>> = Rc::default();
        tokio::task::spawn_local(hear(replies, Rc::clone(&asked)));
        Ok(Self { _connection: connection, sure, plain, asked, questions: Cell::new(0) })
    }
}

/// Tells whoever asked that there is a reply.
async fn hear(mut replies: Consumer, asked: Rc<RefCell<BTreeMap<u64, oneshot::Sender<()>>>>) {
    while let Some(Ok(reply)) = next(&mut replies).await {
        let question = reply.properties.correlation_id().as_ref().and_then(|id| id.as_str().parse::<u64>().ok());
        if let Some(asks) = question.and_then(|question| asked.borrow_mut().remove(&question)) {
            _ = asks.send(());
        }
    }
}

async fn next(consumer: &mut Consumer) -> Option<lapin::Result<Delivery>> {
    poll_fn(|context| Pin::new(&mut *consumer).poll_next(context)).await
}

impl Mailer {
    /// Connects before anything is published.
    pub(crate) async fn open(&self, site: &Site, queue: &Queue) -> Option<&Self> {
        let port = site.port(site.plan.node(queue.node).first_replica);
        self.0.get_or_try_init(|| Publisher::open(port)).await.ok().map(|_| self)
    }

    /// Publishes a message; who waits for the broker's word, or for a consumer's, hears how it went.
    pub(crate) async fn publish(&self, site: &Site, post: &Post, caller: Lineage, whose: Whose) -> Outcome {
        let queue = site.plan.queue(post.queue);
        let opened = self.open(site, queue).await;
        let Some(publisher) = opened.and_then(|mailer| mailer.0.get()) else { return Outcome::ConnectFailed };
        let name = site.plan.node(queue.node).name.as_str();
        let message = written(caller.child(post.site, 0), whose);
        let mut properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        if queue.priorities {
            properties = properties.with_priority(PRIORITIES.saturating_sub(whose.priority));
        }
        if post.replies {
            return publisher.ask(site, post, name, &message, properties).await;
        }
        let channel = if post.waits { &publisher.sure } else { &publisher.plain };
        let options = BasicPublishOptions::default();
        match channel.basic_publish("".into(), name.into(), options, &message, properties).await {
            Ok(confirmation) if post.waits => match confirmation.await {
                Ok(word) if word.is_nack() => Outcome::Overloaded,
                Ok(_) => Outcome::Succeeded,
                Err(_) => Outcome::Reset,
            },
            Ok(_) => Outcome::Succeeded,
            Err(_) => Outcome::ConnectFailed,
        }
    }
}

impl Publisher {
    /// Publishes a message and waits until somebody has handled it.
    async fn ask(&self, site: &Site, post: &Post, queue: &str, message: &[u8], properties: BasicProperties) -> Outcome {
        let question = self.questions.get();
        self.questions.set(question + 1);
        let properties = properties.with_reply_to(REPLIES.into()).with_correlation_id(question.to_string().into());
        let (tell, hears) = oneshot::channel();
        self.asked.borrow_mut().insert(question, tell);
        let due = post.timeout.map_or(u64::MAX, |timeout| site.now() + timeout.0);
        let options = BasicPublishOptions::default();
        if self.plain.basic_publish("".into(), queue.into(), options, message, properties).await.is_err() {
            return Outcome::ConnectFailed;
        }
        let outcome = tokio::select! {
            heard = hears => if heard.is_ok() { Outcome::Succeeded } else { Outcome::Reset },
            () = site.until(due) => Outcome::Timeout,
        };
        self.asked.borrow_mut().remove(&question);
        outcome
    }
}

/// A message: what names its draws, and what it inherits.
fn written(lineage: Lineage, whose: Whose) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&lineage.0.to_be_bytes());
    bytes[8..16].copy_from_slice(&whose.deadline.to_be_bytes());
    bytes[16] = whose.priority;
    bytes
}

/// And back.
fn read(bytes: &[u8]) -> Option<(Lineage, Whose)> {
    let number = |from: usize| Some(u64::from_be_bytes(*bytes.get(from..)?.first_chunk()?));
    let whose = Whose { deadline: number(8)?, priority: *bytes.get(16)? };
    Some((Lineage(number(0)?), whose))
}

/// All consumers of a replica, but while the file says that it is down.
pub(crate) async fn consume(site: Rc<Site>) {
    let mut outages = fault::outages(&site.plan, site.replica, Mode::Refuse);
    outages.sort_unstable();
    for (from, until) in outages.into_iter().chain([(u64::MAX, u64::MAX)]) {
        // A process that is born during one of its outages waits for its end.
        if site.now() < from {
            tokio::select! {
                () = session(&site) => {}
                () = site.until(from) => {}
            }
        }
        site.until(until).await;
    }
}

/// All consumers over one connection; it ends with that.
async fn session(site: &Rc<Site>) {
    let crews = site.plan.crews.iter().filter(|crew| std::ptr::eq(site.plan.node(crew.node), site.node()));
    let mut members = JoinSet::new();
    let mut connections = Vec::new();
    for crew in crews {
        let Some(duty) = crew.duties.first() else { continue };
        let queue = site.plan.queue(duty.queue);
        let port = site.port(site.plan.node(queue.node).first_replica);
        let Ok(connection) = connect(port).await else { continue };
        for _ in 0..crew.members {
            let Ok(channel) = connection.create_channel().await else { continue };
            let (crew, duty) = (crew.clone(), duty.clone());
            let member = Member { site: Rc::clone(site), duty, channel, seen: BTreeMap::new() };
            members.spawn_local(member.serve(crew));
        }
        connections.push(connection);
    }
    while members.join_next().await.is_some() {}
}

/// A consumer.
struct Member {
    site: Rc<Site>,
    duty: Duty,
    channel: Channel,
    /// Deliveries of messages that came back to it.
    seen: BTreeMap<u64, u32>,
}

impl Member {
    /// Handles messages, one after the other.
    async fn serve(mut self, crew: Crew) {
        let queue = self.site.plan.node(self.site.plan.queue(self.duty.queue).node).name.clone();
        let prefetch = if crew.prefetch == NONE { 0 } else { crew.prefetch.min(u16::MAX.into()) as u16 };
        if self.channel.basic_qos(prefetch, BasicQosOptions::default()).await.is_err() {
            return;
        }
        let options = BasicConsumeOptions::default();
        let begun = self.channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default()).await;
        let Ok(mut consumer) = begun else { return };
        while let Some(Ok(delivery)) = next(&mut consumer).await {
            self.handle(delivery).await;
        }
    }

    async fn handle(&mut self, delivery: Delivery) {
        let Some((written, whose)) = read(&delivery.data) else { return };
        let site = Rc::clone(&self.site);
        let lineage = self.lineage(&delivery, written);
        if self.duty.ack_before {
            _ = delivery.ack(BasicAckOptions::default()).await;
        }
        site.note_arrival();
        let busy = site.consuming();
        let entry = site.plan.endpoint(site.plan.call(self.duty.call).endpoint).entry;
        let mut frame = Frame::new(lineage, whose, Some(self.duty.call), Rc::new(Stop::default()));
        let outcome = walk::walk(&site, &mut frame, entry.0).await.unwrap_or_default();
        drop(busy);
        // One does not wait for the other.
        tokio::join!(self.reply(&delivery, outcome), self.say(&delivery, outcome));
    }

    /// What names the draws of a delivery: the first one's are the message's own, each further one draws anew, and a dead letter is
    /// another message.
    fn lineage(&mut self, delivery: &Delivery, written: Lineage) -> Lineage {
        let headers = delivery.properties.headers().as_ref().map(FieldTable::inner);
        let has = |key: &str| headers.and_then(|headers| headers.get(key));
        let plan = &self.site.plan;
        let own = if has("x-first-death-queue").is_some() {
            written.child(plan.node(plan.queue(self.duty.queue).node).hash, 0)
        } else {
            written
        };
        if !delivery.redelivered {
            return own;
        }
        let known = self.seen.entry(own.0).or_insert(1);
        *known += 1;
        let counted = match has("x-delivery-count") {
            Some(AMQPValue::LongLongInt(before)) => *before as u32 + 1,
            _ => *known,
        };
        own.child(plan.call(self.duty.call).site, counted)
    }

    /// Tells whoever waits for it that a message has been handled.
    async fn reply(&self, delivery: &Delivery, outcome: Outcome) {
        if !outcome.is_good() {
            return;
        }
        let (to, question) = (delivery.properties.reply_to().clone(), delivery.properties.correlation_id().clone());
        let (Some(to), Some(question)) = (to, question) else { return };
        let properties = BasicProperties::default().with_correlation_id(question);
        _ = self.channel.basic_publish("".into(), to, BasicPublishOptions::default(), &[], properties).await;
    }

    /// Tells the broker what becomes of a message.
    async fn say(&self, delivery: &Delivery, outcome: Outcome) {
        if self.duty.ack_before {
            return;
        }
        let back = |requeue| BasicNackOptions { requeue, ..BasicNackOptions::default() };
        _ = match (outcome.is_good(), self.duty.on_error) {
            (true, _) | (false, OnError::Skip) => delivery.ack(BasicAckOptions::default()).await,
            (false, OnError::Retry) => delivery.nack(back(true)).await,
            (false, OnError::DeadLetter) => delivery.nack(back(false)).await,
            (false, OnError::NeverAck) => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_understood() {
        let whose = Whose { priority: 3, deadline: u64::MAX };
        let (lineage, read_whose) = read(&written(Lineage(42), whose)).unwrap();
        assert_eq!((lineage, read_whose.priority, read_whose.deadline), (Lineage(42), 3, u64::MAX));
        assert!(read(&[0; 16]).is_none());
    }

    #[test]
    fn queues_are_told_what_the_file_says() {
        let text = "version = 1\n[clients.people]\ncalls = \"front\"\nrate = \"5/s\"\n[services.front]\nsteps = [{ send = \"jobs\" }]\n\
            [services.worker]\nconsumes = [{ from = \"jobs\", work = \"1ms\" }, { from = \"dead\", work = \"1ms\" }]\n[queues.dead]\n\
            [queues.jobs]\ncapacity = 7\nwhen_full = \"reject\"\nmax_deliveries = 3\ndead_letter = \"dead\"\nmessage_ttl = \"2s\"\n";
        let plan = crate::node::plan_of(text).unwrap();
        let told = |name: &str| {
            let queue = plan.queues.iter().find(|queue| plan.node(queue.node).name == name).unwrap();
            let all = arguments(&plan, queue).inner().clone();
            let value = |value: &AMQPValue| match value {
                AMQPValue::LongString(text) => text.to_string(),
                AMQPValue::LongLongInt(number) => number.to_string(),
                other => panic!("{other:?}"),
            };
            all.iter().map(|(key, own)| format!("{key}={}", value(own))).collect::<Vec<_>>().join(" ")
        };
        let told_jobs = "x-dead-letter-exchange= x-dead-letter-routing-key=dead x-delivery-limit=2 x-max-length=7 x-message-ttl=2000 \
            x-overflow=reject-publish x-queue-type=quorum";
        assert_eq!(told("jobs"), told_jobs);
        assert_eq!(told("dead"), "");
    }
}
