//! How long real brokers take: until a message is confirmed, and until a consumer has it. One process sends, another connection on a
//! thread of its own receives, one clock for both; a message at a time, at a rate, because a broker that rests answers later.
//!
//! A queue is durable and its messages persistent: RabbitMQ confirms those when they are on disk ("Consumer Acknowledgements and
//! Publisher Confirms"), and delivers them before. The simulator's broker delivers what is safe: where nobody waits for confirms,
//! its `publish_latency` is that of the deliveries.
//!
//! A consumer with one message at a time (`prefetch = 1`) has the next when its acknowledgement has come to the broker and that has
//! sent another: this *turn* is measured of a line of messages that is there, by a consumer that takes half of their distance for each, and is twice
//! the latency of the link between them.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use futures_core::Stream as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig};

use super::blocks::{BLOCKS, Figure, quantile_of};
use super::http::on_own_runtime;
use crate::broker::{Kind, Missing, RABBITMQ, REDIS};
use crate::clock;
use crate::timer::Timers;

/// Messages of a block, and before anything is counted.
const MESSAGES: usize = 60;
const WARM_UP: usize = 40;

/// The longest that messages are apart, ns: what a pause does to a broker has been done by then.
pub(crate) const SLOWEST: u64 = 50_000_000;

/// Bytes of a message; the first eight are when it was sent.
const BYTES: usize = 256;

/// A queue and a stream.
const NAME: &str = "hoptax";

/// What of which broker is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broker {
    /// RabbitMQ's classic queue.
    Queue,
    /// RabbitMQ's quorum queue, which counts deliveries.
    QuorumQueue,
    /// A stream of Redis.
    Stream,
}

impl Broker {
    /// Whose it is.
    pub(crate) fn kind(self) -> &'static Kind {
        match self {
            Self::Queue | Self::QuorumQueue => &RABBITMQ,
            Self::Stream => &REDIS,
        }
    }
}

/// How long after it was sent a message arrived, and how long after the one before had been acknowledged, ns.
struct Arrival {
    took: u64,
    turn: u64,
}

/// What is known of a broker.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) what: Broker,
    pub(crate) found: Found,
}

/// Its latencies, or why there are none.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// When it is there.
    Latencies(Latencies),
    /// When it is not: what would install it.
    Absent(String),
}

/// Times in ns, a list for each block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    pub(crate) version: String,
    /// From sending to the broker's confirmation.
    pub(crate) confirmed: Vec<Vec<f64>>,
    /// From sending to the consumer, where confirmations are asked for, and where they are not.
    pub(crate) delivered: Vec<Vec<f64>>,
    pub(crate) unconfirmed: Vec<Vec<f64>>,
    /// From a message to the next of a line, one at a time.
    pub(crate) turns: Figure,
}

/// Somebody who sends messages to a broker, one after the other.
trait Sends {
    /// Sends one, and waits for the broker's word if there is to be one.
    async fn send(&self, bytes: &[u8], confirmed: bool) -> io::Result<()>;
}

/// A queue of RabbitMQ with messages that far apart, ns: its usual one, or a quorum queue.
pub(crate) fn rabbitmq(pause: u64, quorum: bool) -> io::Result<Measured> {
    let what = if quorum { Broker::QuorumQueue } else { Broker::Queue };
    measure(
        what,
        pause,
        async move |port| Queue::open(port, quorum).await,
        async move |port, ready, told| take_from_queue(port, (quorum, pause / 2), ready, told).await,
    )
}

/// Redis with messages that far apart, ns.
pub(crate) fn redis(pause: u64) -> io::Result<Measured> {
    measure(Broker::Stream, pause, Stream::open, take_from_stream)
}

/// Starts a broker and measures it between a sender and whoever takes what comes.
fn measure<S: Sends>(
    what: Broker,
    pause: u64,
    open: impl AsyncFnOnce(u16) -> io::Result<S>,
    take: impl AsyncFnOnce(u16, Sender<()>, Sender<Arrival>) -> io::Result<()> + Send + 'static,
) -> io::Result<Measured> {
    let broker = match what.kind().start() {
        Ok(broker) => broker,
        Err(Missing::Absent(why)) => return Ok(Measured { what, found: Found::Absent(why) }),
        Err(Missing::Broken(why)) => return Err(io::Error::other(why)),
    };
    let port = broker.port;
    let (tell, told) = mpsc::channel();
    let (ready, is_ready) = mpsc::channel();
    // It ends with the broker.
    thread::spawn(move || on_own_runtime(take(port, ready, tell)));
    let measured = on_own_runtime(async {
        let sender = open(port).await?;
        is_ready.recv().map_err(|_| io::Error::other("nobody takes what comes"))?;
        send_all(&sender, pause, &told).await
    });
    let latencies = measured.unwrap_or_else(|| Err(io::Error::other("no runtime")))?;
    let latencies = Latencies { version: broker.version.clone(), ..latencies };
    Ok(Measured { what, found: Found::Latencies(latencies) })
}

async fn send_all(sender: &impl Sends, pause: u64, told: &Receiver<Arrival>) -> io::Result<Latencies> {
    let timers = Timers::start()?;
    let mut all = Latencies::default();
    for confirmed in [true, false] {
        block(sender, &timers, (pause, WARM_UP), confirmed, told).await?;
        for _ in 0..BLOCKS {
            let (confirms, deliveries) = block(sender, &timers, (pause, MESSAGES), confirmed, told).await?;
            if confirmed {
                all.confirmed.push(confirms);
                all.delivered.push(deliveries);
            } else {
                all.unconfirmed.push(deliveries);
            }
        }
    }
    let mut turns = Vec::new();
    for _ in 0..BLOCKS {
        turns.push(line(sender, &timers, told).await?);
    }
    all.turns = Figure::of(&turns);
    Ok(all)
}

/// A line of messages, and how long one takes after the other in the middle.
async fn line(sender: &impl Sends, timers: &Rc<Timers>, told: &Receiver<Arrival>) -> io::Result<f64> {
    for _ in 0..MESSAGES {
        sender.send(&[0; BYTES], false).await?;
    }
    timers.until(clock::now() + 20_000_000).await;
    let (mut arrivals, late) = (Vec::new(), clock::now() + 3 * MESSAGES as u64 * SLOWEST);
    while arrivals.len() < MESSAGES && clock::now() < late {
        timers.until(clock::now() + 1_000_000).await;
        arrivals.extend(told.try_iter().map(|arrival| arrival.turn as f64));
    }
    // The first was waited for.
    let [_, turns @ ..] = arrivals.as_slice() else { return Err(io::Error::other("messages do not arrive")) };
    Ok(quantile_of(turns, 0.5))
}

/// Messages that far apart, and how long each took until it was confirmed and until it was delivered.
async fn block(
    sender: &impl Sends,
    timers: &Rc<Timers>,
    (pause, messages): (u64, usize),
    confirmed: bool,
    told: &Receiver<Arrival>,
) -> io::Result<(Vec<f64>, Vec<f64>)> {
    let (mut confirms, mut deliveries) = (Vec::new(), Vec::new());
    for _ in 0..messages {
        timers.until(clock::now() + pause).await;
        let mut bytes = [0; BYTES];
        let sent = clock::now();
        bytes[..8].copy_from_slice(&sent.to_be_bytes());
        sender.send(&bytes, confirmed).await?;
        confirms.push((clock::now() - sent) as f64);
        timers.until(clock::now() + pause).await;
        deliveries.extend(told.try_iter().map(|arrival| arrival.took as f64));
    }
    // Who writes without waiting may be overtaken by the end of the block.
    timers.until(clock::now() + 20_000_000).await;
    deliveries.extend(told.try_iter().map(|arrival| arrival.took as f64));
    Ok((confirms, deliveries))
}

/// Tells how long a message was on its way; the one before was over at that moment.
fn tell(told: &Sender<Arrival>, bytes: &[u8], over: u64) -> io::Result<()> {
    let at = clock::now();
    let sent = bytes.first_chunk::<8>().map_or(at, |sent| u64::from_be_bytes(*sent));
    told.send(Arrival { took: at - sent, turn: at - over }).map_err(|_| io::Error::other("nobody listens"))
}

/// A queue of RabbitMQ, with a channel in confirm mode and one without.
struct Queue {
    confirmed: Channel,
    plain: Channel,
}

impl Queue {
    async fn open(port: u16, quorum: bool) -> io::Result<Self> {
        let confirmed = channel(port, quorum).await?;
        confirmed.confirm_select(ConfirmSelectOptions::default()).await.map_err(io::Error::other)?;
        Ok(Self { confirmed, plain: channel(port, quorum).await? })
    }
}

impl Sends for Queue {
    async fn send(&self, bytes: &[u8], confirmed: bool) -> io::Result<()> {
        let channel = if confirmed { &self.confirmed } else { &self.plain };
        // Delivery mode 2: persistent.
        let properties = BasicProperties::default().with_delivery_mode(2);
        let options = BasicPublishOptions::default();
        let sent = channel.basic_publish("".into(), NAME.into(), options, bytes, properties).await;
        let confirmation = sent.map_err(io::Error::other)?;
        if confirmed {
            confirmation.await.map_err(io::Error::other)?;
        }
        Ok(())
    }
}

async fn channel(port: u16, quorum: bool) -> io::Result<Channel> {
    let address = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
    let connection = Connection::connect(&address, ConnectionProperties::default()).await.map_err(io::Error::other)?;
    let channel = connection.create_channel().await.map_err(io::Error::other)?;
    let options = QueueDeclareOptions::durable();
    let mut arguments = FieldTable::default();
    if quorum {
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    }
    channel.queue_declare(NAME.into(), options, arguments).await.map_err(io::Error::other)?;
    Ok(channel)
}

async fn take_from_queue(
    port: u16,
    (quorum, work): (bool, u64),
    ready: Sender<()>,
    told: Sender<Arrival>,
) -> io::Result<()> {
    let channel = channel(port, quorum).await?;
    channel.basic_qos(1, BasicQosOptions::default()).await.map_err(io::Error::other)?;
    let options = BasicConsumeOptions::default();
    let consumed = channel.basic_consume(NAME.into(), NAME.into(), options, FieldTable::default()).await;
    let mut consumer = consumed.map_err(io::Error::other)?;
    let (timers, mut over) = (Timers::start()?, clock::now());
    _ = ready.send(());
    while let Some(delivery) = poll_fn(|context| Pin::new(&mut consumer).poll_next(context)).await {
        let delivery = delivery.map_err(io::Error::other)?;
        tell(&told, &delivery.data, over)?;
        timers.until(clock::now() + work).await;
        over = clock::now();
        delivery.ack(BasicAckOptions::default()).await.map_err(io::Error::other)?;
    }
    Ok(())
}

/// A stream of Redis.
struct Stream(MultiplexedConnection);

impl Stream {
    async fn open(port: u16) -> io::Result<Self> {
        connect(port).await.map(Self)
    }
}

impl Sends for Stream {
    /// Redis answers always; who does not wait for it sends all the same.
    async fn send(&self, bytes: &[u8], _: bool) -> io::Result<()> {
        let mut connection = self.0.clone();
        let id: Result<String, _> = connection.xadd(NAME, "*", &[("m", bytes)]).await;
        id.map(drop).map_err(io::Error::other)
    }
}

async fn connect(port: u16) -> io::Result<MultiplexedConnection> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/")).map_err(io::Error::other)?;
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&patient).await.map_err(io::Error::other)
}

async fn take_from_stream(port: u16, ready: Sender<()>, told: Sender<Arrival>) -> io::Result<()> {
    let mut connection = connect(port).await?;
    let options = StreamReadOptions::default().block(60_000);
    let (mut last, mut over) = ("0".to_owned(), clock::now());
    _ = ready.send(());
    loop {
        let read: Result<Option<StreamReadReply>, _> = connection.xread_options(&[NAME], &[&last], &options).await;
        let Some(read) = read.map_err(io::Error::other)? else { return Ok(()) };
        for entry in read.keys.iter().flat_map(|key| &key.ids) {
            let bytes: Vec<u8> = entry.get("m").unwrap_or_default();
            tell(&told, &bytes, over)?;
            over = clock::now();
            last.clone_from(&entry.id);
        }
    }
}
