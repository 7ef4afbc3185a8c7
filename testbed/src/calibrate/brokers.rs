//! How long real brokers take: until a message is confirmed, and until a consumer has it. One process sends, another connection on a
//! thread of its own receives, one clock for both; a message at a time, at a rate, because a broker that rests answers later.
//!
//! A queue is durable and its messages persistent: RabbitMQ confirms those when they are on disk ("Consumer Acknowledgements and
//! Publisher Confirms"), and delivers them before. The simulator's broker delivers what is safe: where nobody waits for confirms,
//! its `publish_latency` is that of the deliveries.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use futures_core::Stream as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig};

use super::blocks::BLOCKS;
use super::http::on_own_runtime;
use crate::broker::{Kind, Missing, RABBITMQ, REDIS};
use crate::clock;
use crate::timer::Timers;

/// Messages of a block, and before anything is counted.
const MESSAGES: usize = 60;
const WARM_UP: usize = 40;

/// Bytes of a message; the first eight are when it was sent.
const BYTES: usize = 256;

/// A queue and a stream.
const NAME: &str = "hoptax";

/// What is known of a broker.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// As its users call it.
    pub(crate) name: &'static str,
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
}

/// Somebody who sends messages to a broker, one after the other.
trait Sends {
    /// Sends one, and waits for the broker's word if there is to be one.
    async fn send(&self, bytes: &[u8], confirmed: bool) -> io::Result<()>;
}

/// RabbitMQ with messages that far apart, ns.
pub(crate) fn rabbitmq(pause: u64) -> io::Result<Measured> {
    measure(&RABBITMQ, pause, Queue::open, take_from_queue)
}

/// Redis with messages that far apart, ns.
pub(crate) fn redis(pause: u64) -> io::Result<Measured> {
    measure(&REDIS, pause, Stream::open, take_from_stream)
}

/// Starts a broker and measures it between a sender and whoever takes what comes.
fn measure<S: Sends>(
    kind: &'static Kind,
    pause: u64,
    open: impl AsyncFnOnce(u16) -> io::Result<S>,
    take: impl AsyncFnOnce(u16, Sender<()>, Sender<f64>) -> io::Result<()> + Send + 'static,
) -> io::Result<Measured> {
    let broker = match kind.start() {
        Ok(broker) => broker,
        Err(Missing::Absent(why)) => return Ok(Measured { name: kind.name, found: Found::Absent(why) }),
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
    Ok(Measured { name: kind.name, found: Found::Latencies(latencies) })
}

async fn send_all(sender: &impl Sends, pause: u64, told: &Receiver<f64>) -> io::Result<Latencies> {
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
    Ok(all)
}

/// Messages that far apart, and how long each took until it was confirmed and until it was delivered.
async fn block(
    sender: &impl Sends,
    timers: &Rc<Timers>,
    (pause, messages): (u64, usize),
    confirmed: bool,
    told: &Receiver<f64>,
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
        deliveries.extend(told.try_iter());
    }
    // Who writes without waiting may be overtaken by the end of the block.
    timers.until(clock::now() + 20_000_000).await;
    deliveries.extend(told.try_iter());
    Ok((confirms, deliveries))
}

/// Tells how long a message was on its way.
fn tell(told: &Sender<f64>, bytes: &[u8]) -> io::Result<()> {
    let now = clock::now();
    let sent = bytes.first_chunk::<8>().map_or(now, |sent| u64::from_be_bytes(*sent));
    told.send((now - sent) as f64).map_err(io::Error::other)
}

/// A queue of RabbitMQ, with a channel in confirm mode and one without.
struct Queue {
    confirmed: Channel,
    plain: Channel,
}

impl Queue {
    async fn open(port: u16) -> io::Result<Self> {
        let confirmed = channel(port).await?;
        confirmed.confirm_select(ConfirmSelectOptions::default()).await.map_err(io::Error::other)?;
        Ok(Self { confirmed, plain: channel(port).await? })
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

async fn channel(port: u16) -> io::Result<Channel> {
    let address = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
    let connection = Connection::connect(&address, ConnectionProperties::default()).await.map_err(io::Error::other)?;
    let channel = connection.create_channel().await.map_err(io::Error::other)?;
    let options = QueueDeclareOptions::durable();
    channel.queue_declare(NAME.into(), options, FieldTable::default()).await.map_err(io::Error::other)?;
    Ok(channel)
}

async fn take_from_queue(port: u16, ready: Sender<()>, told: Sender<f64>) -> io::Result<()> {
    let channel = channel(port).await?;
    let options = BasicConsumeOptions::default();
    let consumed = channel.basic_consume(NAME.into(), NAME.into(), options, FieldTable::default()).await;
    let mut consumer = consumed.map_err(io::Error::other)?;
    _ = ready.send(());
    while let Some(delivery) = poll_fn(|context| Pin::new(&mut consumer).poll_next(context)).await {
        let delivery = delivery.map_err(io::Error::other)?;
        tell(&told, &delivery.data)?;
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

async fn take_from_stream(port: u16, ready: Sender<()>, told: Sender<f64>) -> io::Result<()> {
    let mut connection = connect(port).await?;
    let options = StreamReadOptions::default().block(60_000);
    let mut last = "0".to_owned();
    _ = ready.send(());
    loop {
        let read: Result<Option<StreamReadReply>, _> = connection.xread_options(&[NAME], &[&last], &options).await;
        let Some(read) = read.map_err(io::Error::other)? else { return Ok(()) };
        for entry in read.keys.iter().flat_map(|key| &key.ids) {
            let bytes: Vec<u8> = entry.get("m").unwrap_or_default();
            tell(&told, &bytes)?;
            last.clone_from(&entry.id);
        }
    }
}
