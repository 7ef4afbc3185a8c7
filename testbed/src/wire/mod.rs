//! The wire: HTTP over TCP on the loopback, with hyper. A transport of one request per connection is JSON over HTTP/1.1; one of
//! several streams is gRPC's framing over HTTP/2 (RFC 9113; "gRPC over HTTP2": a length before each message, the status in the
//! trailers), with a message of one `bytes` field.

pub(crate) mod amqp;
pub(crate) mod body;
pub(crate) mod pool;
pub(crate) mod server;
pub(crate) mod status;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use hoptax::model::plan::Call;
use hoptax::model::{CallId, Outcome};
use hoptax::random::Lineage;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Response, Uri};

use crate::site::Site;
use crate::site::frame::Whose;
use pool::{Lease, Pool};

/// Names the call-site, the draws, the priority and what is left of the deadline, ns.
pub(crate) const CALL: &str = "hoptax-call";
pub(crate) const LINEAGE: &str = "hoptax-lineage";
pub(crate) const PRIORITY: &str = "hoptax-priority";
pub(crate) const TIMEOUT: &str = "hoptax-timeout";

/// All pools of a replica: by link, channel, and replica of the callee where it is picked for each request.
#[derive(Default)]
pub(crate) struct Pools(RefCell<BTreeMap<(u32, u32, u32), Rc<Pool>>>);

/// A try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) call: CallId,
    pub(crate) lineage: Lineage,
    pub(crate) whose: Whose,
}

/// Sends a try and waits for its answer.
pub(crate) async fn send(site: &Rc<Site>, request: Request, tried: &mut Vec<u32>) -> Outcome {
    let call = site.plan.call(request.call).clone();
    let channel = site.plan.channels.get(call.channel as usize);
    let per_request = channel.is_none_or(|channel| channel.per_request);
    let picked = per_request.then(|| site.pick(call.link, request.lineage, tried));
    tried.extend(picked);
    let key = (call.link.0, call.channel, picked.unwrap_or(u32::MAX));
    let pool = Rc::clone(site.pools.0.borrow_mut().entry(key).or_insert_with(|| Pool::new(channel)));
    let mut tracked = Tracked { site, link: call.link, replica: None };
    if let Some(replica) = picked {
        tracked.to(replica);
    }
    loop {
        let mut lease = match pool.take(site).await {
            Ok(lease) => lease,
            Err(outcome) => return outcome,
        };
        let fresh = !lease.is_open();
        if fresh {
            let replica = picked.unwrap_or_else(|| site.pick(call.link, request.lineage, &[]));
            if lease.dial(site, replica).await.is_err() {
                return Outcome::ConnectFailed;
            }
        }
        match exchange(site, &mut lease, &call, request).await {
            Ok(outcome) => return outcome,
            // The callee had closed a connection that was idle; nothing was sent.
            Err(error) if error.is_canceled() && !fresh => {}
            Err(_) => return Outcome::Reset,
        }
    }
}

/// Counts a try as under way while it is.
struct Tracked<'a> {
    site: &'a Site,
    link: hoptax::model::LinkId,
    replica: Option<u32>,
}

impl Tracked<'_> {
    fn to(&mut self, replica: u32) {
        self.site.track(self.link, replica, true);
        self.replica = Some(replica);
    }
}

impl Drop for Tracked<'_> {
    fn drop(&mut self) {
        if let Some(replica) = self.replica {
            self.site.track(self.link, replica, false);
        }
    }
}

/// A request and its answer on a connection.
async fn exchange(site: &Site, lease: &mut Lease, call: &Call, request: Request) -> Result<Outcome, hyper::Error> {
    let framed = lease.is_shared();
    let answer = lease.send(written(site, call, request, framed)).await?;
    let outcome = read(answer, framed).await?;
    lease.keep(site.now());
    Ok(outcome)
}

/// The request, as it is written to the wire.
fn written(site: &Site, call: &Call, request: Request, framed: bool) -> hyper::Request<Full<Bytes>> {
    let path = site.plan.endpoint(call.endpoint).name.replace('.', "/");
    let body = if framed { body::framed(call.bytes[0]) } else { body::json(call.bytes[0]) };
    let uri = Uri::builder().scheme("http").authority("127.0.0.1").path_and_query(format!("/{path}"));
    let mut out = hyper::Request::new(Full::new(body));
    *out.method_mut() = hyper::Method::POST;
    *out.uri_mut() = uri.build().unwrap_or_default();
    let headers = out.headers_mut();
    headers.insert(CALL, request.call.0.into());
    headers.insert(LINEAGE, request.lineage.0.into());
    headers.insert(PRIORITY, u32::from(request.whose.priority).into());
    if request.whose.deadline != u64::MAX {
        headers.insert(TIMEOUT, request.whose.deadline.saturating_sub(site.now()).into());
    }
    let kind = if framed { "application/grpc" } else { "application/json" };
    headers.insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    if !framed {
        headers.insert(hyper::header::HOST, hyper::header::HeaderValue::from_static("127.0.0.1"));
    }
    out
}

/// The answer, read to its end and decoded.
async fn read(answer: Response<Incoming>, framed: bool) -> Result<Outcome, hyper::Error> {
    let status = answer.status();
    let whole = answer.into_body().collect().await?;
    if framed {
        let told = whole.trailers().and_then(status::of_trailers);
        let good = body::is_framed(&whole.to_bytes());
        return Ok(told.map_or(Outcome::Error, |outcome| if good { outcome } else { Outcome::Error }));
    }
    let outcome = status::of_http(status);
    let decoded = !outcome.is_good() || body::is_json(&whole.to_bytes());
    Ok(if decoded { outcome } else { Outcome::Error })
}
