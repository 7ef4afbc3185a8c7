//! The server of a replica: it takes requests off connections and answers them. Whether work goes on after its caller hung up is
//! as the call says: on a task of its own it does (`cancels = "no"`: Go's and Java's servers), or hears of it (`"queued"`), or
//! ends where it stands (`"at_once"`: hyper's way with a handler in line).

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::rc::Rc;

use hoptax::model::fault::Mode;
use hoptax::model::plan::Cancels;
use hoptax::model::{CallId, Outcome};
use hoptax::random::Lineage;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};

use super::body::{self, Answer};
use super::pool::Here;
use super::{CALL, LINEAGE, PRIORITY, TIMEOUT, status};
use crate::site::frame::{Frame, Whose};
use crate::site::stop::Stop;
use crate::site::{Site, fault, walk};

/// Connections that wait to be taken.
const BACKLOG: u32 = 1024;

/// Listens on the loopback, and nowhere else.
pub(crate) fn listener(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    socket.listen(BACKLOG)
}

/// Who is connected.
#[derive(Default)]
pub(crate) struct Door(RefCell<Vec<AbortHandle>>);

impl Door {
    /// Takes connections until it is dropped.
    pub(crate) async fn open(self: Rc<Self>, site: Rc<Site>, listener: TcpListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let task = tokio::task::spawn_local(converse(Rc::clone(&site), stream));
            let mut all = self.0.borrow_mut();
            all.retain(|other| !other.is_finished());
            all.push(task.abort_handle());
        }
    }

    /// Breaks all connections; work goes on.
    pub(crate) fn break_all(&self) {
        self.0.borrow_mut().drain(..).for_each(|task| task.abort());
    }
}

/// Answers what comes over a connection, in the protocol that it begins with.
async fn converse(site: Rc<Site>, stream: TcpStream) {
    _ = stream.set_nodelay(true);
    let mut first = [0; 3];
    let Ok(3) = stream.peek(&mut first).await else { return };
    let grpc = &first == b"PRI";
    let service = service_fn(move |request| handle(Rc::clone(&site), request, grpc));
    let io = TokioIo::new(stream);
    if grpc {
        _ = hyper::server::conn::http2::Builder::new(Here).serve_connection(io, service).await;
    } else {
        _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
    }
}

/// What a request says about itself.
fn asked(site: &Site, headers: &HeaderMap) -> Option<(CallId, Lineage, Whose)> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    let call = CallId(u32::try_from(number(CALL)?).ok()?);
    site.plan.calls.get(call.index())?;
    let deadline = number(TIMEOUT).map_or(u64::MAX, |left| site.now() + left);
    let priority = number(PRIORITY).unwrap_or(0) as u8;
    Some((call, Lineage(number(LINEAGE)?), Whose { priority, deadline }))
}

/// A request and its answer.
async fn handle(site: Rc<Site>, request: Request<Incoming>, grpc: bool) -> Result<Response<Answer>, Infallible> {
    let (head, incoming) = request.into_parts();
    let Some((call, lineage, whose)) = asked(&site, &head.headers) else {
        return Ok(answer(Outcome::Error, 0, grpc));
    };
    let Ok(whole) = incoming.collect().await else { return pending().await };
    let whole = whole.to_bytes();
    if !(if grpc { body::is_framed(&whole) } else { body::is_json(&whole) }) {
        return Ok(answer(Outcome::Error, 0, grpc));
    }
    if hangs(&site) {
        return pending().await;
    }
    let stop = Rc::new(Stop::default());
    let frame = Frame::new(lineage, whose, Some(call), Rc::clone(&stop));
    let work = tokio::task::spawn_local(work(Rc::clone(&site), frame));
    let planned = site.plan.call(call);
    let outcome = Patient { work, stop, cancels: planned.cancels }.outcome().await;
    if hangs(&site) {
        return pending().await;
    }
    Ok(answer(outcome, planned.bytes[1], grpc))
}

async fn work(site: Rc<Site>, mut frame: Frame) -> Outcome {
    walk::serve(&site, &mut frame).await
}

/// Whether its process stands still for good, as far as callers can see.
fn hangs(site: &Site) -> bool {
    let now = site.now();
    fault::outages(&site.plan, site.replica, Mode::Hang).iter().any(|(from, until)| (*from..*until).contains(&now))
}

fn answer(outcome: Outcome, bytes: u64, grpc: bool) -> Response<Answer> {
    let mut response = Response::new(Answer::new(outcome, bytes, grpc));
    if !grpc {
        *response.status_mut() = status::http(outcome);
    }
    response
}

/// Waits for work to end; hyper drops it when the caller has hung up.
struct Patient {
    work: JoinHandle<Outcome>,
    stop: Rc<Stop>,
    cancels: Cancels,
}

impl Patient {
    async fn outcome(mut self) -> Outcome {
        (&mut self.work).await.unwrap_or(Outcome::Error)
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        match self.cancels {
            Cancels::No => {}
            Cancels::Queued => self.stop.tell(),
            Cancels::AtOnce => self.work.abort(),
        }
    }
}
