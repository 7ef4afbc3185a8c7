//! A service without work, and its caller, as the testbed's nodes are made: a thread with a runtime of its own each, hyper, no
//! delay of small segments. JSON goes over HTTP/1.1 with a request at a time on a connection, protobuf in gRPC's frames over
//! HTTP/2 (gRPC over HTTP2: a flag and a length before each message, the status in the trailers).

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::thread;

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::{http1, http2};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, server};
use hyper_util::rt::TokioIo;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::clock;

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// JSON over HTTP/1.1.
    Rest,
    /// Protobuf over HTTP/2.
    Grpc,
}

/// A message: lines of a log, as in the benchmark that the presets are from.
#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
pub(crate) struct Log {
    #[prost(message, repeated, tag = "1")]
    lines: Vec<Line>,
}

/// One line.
#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    at: u64,
    #[prost(string, tag = "2")]
    host: String,
    #[prost(string, tag = "3")]
    path: String,
    #[prost(uint32, tag = "4")]
    code: u32,
    #[prost(uint64, tag = "5")]
    size: u64,
}

impl Log {
    /// So many lines.
    pub(crate) fn of(lines: usize) -> Self {
        let line = |nth: u64| Line {
            at: 1_700_000_000_000 + nth * 37,
            host: format!("10.0.{}.{}", nth % 7, nth % 251),
            path: format!("/orders/{}/lines", nth * 7919),
            code: 200,
            size: nth * 131 % 65_536,
        };
        Self { lines: (0..lines as u64).map(line).collect() }
    }
}

/// How many lines the answer is to have.
const WANTED: &str = "hoptax-lines";
/// When the callee had its request in hand, and when it began its answer, ns.
const TAKEN: &str = "hoptax-taken";
const BEGUN: &str = "hoptax-begun";

impl Wire {
    /// A message as bytes.
    pub(crate) fn encode(self, log: &Log) -> Bytes {
        match self {
            Self::Rest => Bytes::from(serde_json::to_vec(log).unwrap_or_default()),
            Self::Grpc => {
                let length = log.encoded_len();
                let mut frame = BytesMut::with_capacity(length + 5);
                frame.put_u8(0);
                frame.put_u32(length as u32);
                _ = log.encode(&mut frame);
                frame.freeze()
            }
        }
    }

    /// And back.
    pub(crate) fn decode(self, bytes: &[u8]) -> io::Result<Log> {
        match self {
            Self::Rest => serde_json::from_slice(bytes).map_err(io::Error::other),
            Self::Grpc => Log::decode(bytes.get(5..).unwrap_or_default()).map_err(io::Error::other),
        }
    }

    fn media(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Rest => "application/json",
            Self::Grpc => "application/grpc",
        })
    }
}

/// An answer: one piece, and gRPC's trailers behind it.
struct Answer {
    data: Option<Bytes>,
    trailers: bool,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        let trailers = std::mem::take(&mut self.trailers).then(|| {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            Ok(Frame::trailers(trailers))
        });
        Poll::Ready(trailers)
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && !self.trailers
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}

/// What calls took: one way there and one way back, encoding and decoding included, ns.
pub(crate) type Legs = Arc<Mutex<Vec<f64>>>;

/// A service on a thread of its own, until it is dropped.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    /// CPU that its thread had used when it answered last, ns, and how many it has answered.
    cpu: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Service {
    /// Starts one, which calls the next, if there is one, before it answers.
    pub(crate) fn start(wire: Wire, next: Option<(SocketAddr, Legs)>) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let (cpu, answered) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (used, count) = (Arc::clone(&cpu), Arc::clone(&answered));
        let thread = thread::spawn(move || {
            let next = next.map(|(address, legs)| Client::new(wire, address, legs));
            on_own_runtime(async {
                let Ok(listener) = TcpListener::bind("127.0.0.1:0").await else { return };
                _ = tell.send(listener.local_addr());
                let node = Rc::new(Node { wire, next, used, count });
                tokio::select! { () = node.serve(listener) => (), _ = stopped => () }
            });
        });
        let address = told.recv().map_err(io::Error::other)??;
        Ok(Self { address, cpu, answered, stop: Some(stop), thread: Some(thread) })
    }

    /// CPU used and requests answered since it was started.
    pub(crate) fn used(&self) -> (f64, f64) {
        let [cpu, answered] = [&self.cpu, &self.answered].map(|n| n.load(Ordering::Relaxed) as f64);
        (cpu, answered)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        self.thread.take().map(thread::JoinHandle::join);
    }
}

/// Runs to its end on a runtime of this thread's.
pub(crate) fn on_own_runtime<T>(work: impl Future<Output = T>) -> Option<T> {
    let runtime: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    Some(tokio::task::LocalSet::new().block_on(&runtime, work))
}

struct Node {
    wire: Wire,
    next: Option<Client>,
    used: Arc<AtomicU64>,
    count: Arc<AtomicU64>,
}

impl Node {
    async fn serve(self: Rc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            _ = stream.set_nodelay(true);
            let node = Rc::clone(&self);
            tokio::task::spawn_local(async move {
                let wire = node.wire;
                let service = service_fn(move |request| Rc::clone(&node).handle(request));
                let stream = TokioIo::new(stream);
                match wire {
                    Wire::Rest => _ = server::conn::http1::Builder::new().serve_connection(stream, service).await,
                    Wire::Grpc => _ = server::conn::http2::Builder::new(Here).serve_connection(stream, service).await,
                }
            });
        }
    }

    async fn handle(self: Rc<Self>, request: Request<Incoming>) -> io::Result<Response<Answer>> {
        let wanted = number(request.headers(), WANTED) as usize;
        let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        self.wire.decode(&body)?;
        let taken = clock::now();
        if let Some(next) = &self.next {
            next.call(&Log::of(1), 1).await?;
        }
        let begun = clock::now();
        let mut answer =
            Response::new(Answer { data: Some(self.wire.encode(&Log::of(wanted))), trailers: self.wire == Wire::Grpc });
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, self.wire.media());
        headers.insert(TAKEN, taken.into());
        headers.insert(BEGUN, begun.into());
        self.used.store(clock::cpu(), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(answer)
    }
}

fn number(headers: &HeaderMap, name: &str) -> u64 {
    headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or_default()
}

/// Where tasks of HTTP/2 run: on the thread that has them.
#[derive(Clone, Copy, Debug)]
struct Here;

impl<F: Future + 'static> hyper::rt::Executor<F> for Here {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move { _ = task.await });
    }
}

/// A caller of one service, with connections of its own: the one used last is used first.
pub(crate) struct Client {
    wire: Wire,
    address: SocketAddr,
    idle: RefCell<Vec<http1::SendRequest<Full<Bytes>>>>,
    shared: RefCell<Option<http2::SendRequest<Full<Bytes>>>>,
    legs: Legs,
}

impl Client {
    pub(crate) fn new(wire: Wire, address: SocketAddr, legs: Legs) -> Self {
        Self { wire, address, idle: RefCell::default(), shared: RefCell::default(), legs }
    }

    /// Sends a message and takes the answer of so many lines.
    pub(crate) async fn call(&self, log: &Log, wanted: u64) -> io::Result<()> {
        let sent = clock::now();
        let mut request = Request::new(Full::new(self.wire.encode(log)));
        *request.method_mut() = hyper::Method::POST;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, self.wire.media());
        headers.insert(WANTED, wanted.into());
        let (taken, begun) = match self.wire {
            Wire::Rest => self.one_at_a_time(request).await?,
            Wire::Grpc => self.multiplexed(request).await?,
        };
        let back = clock::now();
        if let Ok(mut legs) = self.legs.lock() {
            legs.extend([taken.saturating_sub(sent) as f64, back.saturating_sub(begun) as f64]);
        }
        Ok(())
    }

    async fn one_at_a_time(&self, mut request: Request<Full<Bytes>>) -> io::Result<(u64, u64)> {
        let idle = self.idle.borrow_mut().pop();
        let mut sender = if let Some(sender) = idle {
            sender
        } else {
            let (sender, connection) = http1::handshake(self.connect().await?).await.map_err(io::Error::other)?;
            tokio::task::spawn_local(connection);
            sender
        };
        request.headers_mut().insert(HOST, HeaderValue::from_static("localhost"));
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        let times = self.take(answer).await?;
        self.idle.borrow_mut().push(sender);
        Ok(times)
    }

    async fn multiplexed(&self, mut request: Request<Full<Bytes>>) -> io::Result<(u64, u64)> {
        let open = self.shared.borrow().clone();
        let mut sender = if let Some(sender) = open {
            sender
        } else {
            let stream = self.connect().await?;
            let (sender, connection) = http2::handshake(Here, stream).await.map_err(io::Error::other)?;
            tokio::task::spawn_local(connection);
            self.shared.borrow_mut().insert(sender).clone()
        };
        *request.uri_mut() = hyper::Uri::from_static("http://localhost/hoptax.Calibration/Echo");
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        self.take(answer).await
    }

    async fn connect(&self) -> io::Result<TokioIo<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }

    /// The whole answer, decoded, and when the callee had what.
    async fn take(&self, answer: Response<Incoming>) -> io::Result<(u64, u64)> {
        let times = (number(answer.headers(), TAKEN), number(answer.headers(), BEGUN));
        let body = answer.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        self.wire.decode(&body)?;
        Ok(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_understood_on_both_wires() {
        let log = Log::of(20);
        for wire in [Wire::Rest, Wire::Grpc] {
            let bytes = wire.encode(&log);
            assert_eq!(wire.decode(&bytes).unwrap(), log);
            assert!(wire.decode(&bytes[..bytes.len() - 3]).is_err(), "{wire:?}");
        }
        assert!(Wire::Grpc.encode(&log).len() < Wire::Rest.encode(&log).len() * 2 / 3);
    }

    #[test]
    fn a_call_goes_down_the_chain_and_leaves_its_legs() {
        for wire in [Wire::Rest, Wire::Grpc] {
            let legs = Legs::default();
            let last = Service::start(wire, None).unwrap();
            let first = Service::start(wire, Some((last.address, Arc::clone(&legs)))).unwrap();
            let called = on_own_runtime(async {
                let client = Client::new(wire, first.address, Arc::clone(&legs));
                client.call(&Log::of(3), 700).await?;
                client.call(&Log::of(3), 1).await
            });
            called.unwrap().unwrap();
            assert_eq!(legs.lock().unwrap().len(), 8, "two hops, two ways, two requests");
            assert_eq!(first.used().1, 2.0);
            assert!(last.used().0 > 0.0);
        }
    }
}
