//! Connections of a caller to a callee: idle ones are taken last in, first out; who finds none waits first come, first served.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::rc::Rc;

use bytes::Bytes;
use hoptax::model::Outcome;
use hoptax::model::transport::Channel;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::site::Site;

/// Runs hyper's tasks on this thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Here;

impl<F: Future + 'static> hyper::rt::Executor<F> for Here {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move { drop(task.await) });
    }
}

/// One end of a connection, to send by.
enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Many(http2::SendRequest<Full<Bytes>>),
}

/// A connection.
struct Conn {
    sender: RefCell<Option<Sender>>,
    /// Requests on it.
    streams: Cell<u32>,
    idle_since: Cell<u64>,
    /// Whether the pool counts it no more.
    gone: Cell<bool>,
    task: AbortHandle,
}

impl Conn {
    fn is_closed(&self) -> bool {
        match &*self.sender.borrow() {
            Some(Sender::One(one)) => one.is_closed(),
            Some(Sender::Many(many)) => many.is_closed(),
            // It is lent to who uses it.
            None => self.task.is_finished(),
        }
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The connections of one caller to a callee, or to one replica of it.
pub(crate) struct Pool {
    max: u32,
    max_idle: u32,
    idle_timeout: u64,
    wait: u64,
    streams: u32,
    /// Connections, open and opening.
    live: Cell<u32>,
    /// Those with room for another request, the one used last at the end.
    room: RefCell<Vec<Rc<Conn>>>,
    waiting: RefCell<VecDeque<oneshot::Sender<Lease>>>,
}

/// A place on a connection, or leave to open one; whoever waits gets it when it is dropped.
pub(crate) struct Lease {
    pool: Rc<Pool>,
    conn: Option<Rc<Conn>>,
    /// Whether the connection can carry another request afterwards.
    sound: bool,
    /// When it was used last.
    now: u64,
}

impl Pool {
    /// No connections; a call without a channel has as many as it wants.
    pub(crate) fn new(channel: Option<&Channel>) -> Rc<Self> {
        let spec = |of: fn(&Channel) -> u64| channel.map_or(u64::MAX, of);
        Rc::new(Self {
            max: spec(|channel| channel.max.into()).min(u32::MAX.into()) as u32,
            max_idle: spec(|channel| channel.max_idle.into()).min(u32::MAX.into()) as u32,
            idle_timeout: spec(|channel| channel.idle_timeout.0.min(channel.server_idle.0)),
            wait: spec(|channel| channel.wait.0),
            streams: channel.map_or(1, |channel| channel.streams),
            live: Cell::new(0),
            room: RefCell::default(),
            waiting: RefCell::default(),
        })
    }

    /// A place, as soon as there is one.
    pub(crate) async fn take(self: &Rc<Self>, site: &Site) -> Result<Lease, Outcome> {
        if let Some(lease) = self.find(site.now()) {
            return Ok(lease);
        }
        let (turn, waits) = oneshot::channel();
        self.waiting.borrow_mut().push_back(turn);
        tokio::select! {
            lease = waits => lease.map_err(|_| Outcome::PoolTimeout),
            () = site.until(site.now().saturating_add(self.wait)) => Err(Outcome::PoolTimeout),
        }
    }

    fn find(self: &Rc<Self>, now: u64) -> Option<Lease> {
        loop {
            let Some(conn) = self.room.borrow_mut().pop() else { break };
            let old = conn.streams.get() == 0 && now.saturating_sub(conn.idle_since.get()) > self.idle_timeout;
            if old || conn.is_closed() {
                conn.gone.set(true);
                self.live.set(self.live.get() - 1);
                continue;
            }
            return Some(self.board(conn));
        }
        (self.live.get() < self.max).then(|| {
            self.live.set(self.live.get() + 1);
            self.leave_to_open()
        })
    }

    fn leave_to_open(self: &Rc<Self>) -> Lease {
        Lease { pool: Rc::clone(self), conn: None, sound: false, now: 0 }
    }

    /// One more request on a connection.
    fn board(self: &Rc<Self>, conn: Rc<Conn>) -> Lease {
        conn.streams.set(conn.streams.get() + 1);
        let shared = self.streams > 1;
        if conn.streams.get() < self.streams {
            self.room.borrow_mut().push(Rc::clone(&conn));
        }
        Lease { pool: Rc::clone(self), now: conn.idle_since.get(), conn: Some(conn), sound: shared }
    }

    /// Whoever waits first and still does.
    fn first_waiting(&self) -> Option<oneshot::Sender<Lease>> {
        let mut waiting = self.waiting.borrow_mut();
        std::iter::from_fn(|| waiting.pop_front()).find(|turn| !turn.is_closed())
    }

    /// A connection has room for others who wait.
    fn let_others_on(self: &Rc<Self>, conn: &Rc<Conn>) {
        while conn.streams.get() < self.streams {
            let Some(turn) = self.first_waiting() else { return };
            self.room.borrow_mut().retain(|other| !Rc::ptr_eq(other, conn));
            drop(turn.send(self.board(Rc::clone(conn))));
        }
    }

    /// A connection is gone: who waits may open another.
    fn lose(self: &Rc<Self>, conn: Option<&Rc<Conn>>) {
        if let Some(conn) = conn {
            self.room.borrow_mut().retain(|other| !Rc::ptr_eq(other, conn));
            if conn.gone.replace(true) {
                return;
            }
        }
        match self.first_waiting() {
            Some(turn) => drop(turn.send(self.leave_to_open())),
            None => self.live.set(self.live.get() - 1),
        }
    }

    /// A request on a connection is over.
    fn come_back(self: &Rc<Self>, conn: &Rc<Conn>, now: u64) {
        conn.streams.set(conn.streams.get() - 1);
        conn.idle_since.set(now);
        self.let_others_on(conn);
        let mut room = self.room.borrow_mut();
        // A shared connection is among those with room itself: it is not one too many beside itself.
        let idle = room.iter().filter(|other| other.streams.get() == 0 && !Rc::ptr_eq(other, conn)).count();
        if conn.streams.get() == 0 && idle >= self.max_idle as usize {
            conn.gone.set(true);
            self.live.set(self.live.get() - 1);
            room.retain(|other| !Rc::ptr_eq(other, conn));
        } else if conn.streams.get() < self.streams && !room.iter().any(|other| Rc::ptr_eq(other, conn)) {
            room.push(Rc::clone(conn));
        }
    }
}

impl Lease {
    /// Whether it is on a connection that is open already.
    pub(crate) fn is_open(&self) -> bool {
        self.conn.is_some()
    }

    /// Whether others are on the same connection: HTTP/2.
    pub(crate) fn is_shared(&self) -> bool {
        self.pool.streams > 1
    }

    /// The connection can carry another request from now on, ns since time zero.
    pub(crate) fn keep(&mut self, now: u64) {
        (self.sound, self.now) = (true, now);
    }

    /// Opens a connection to a replica.
    pub(crate) async fn dial(&mut self, site: &Site, replica: u32) -> io::Result<()> {
        let stream = TcpStream::connect(("127.0.0.1", site.port(replica))).await?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(stream);
        let (sender, task) = if self.is_shared() {
            let (sender, conn) = http2::handshake(Here, io).await.map_err(io::Error::other)?;
            (Sender::Many(sender), tokio::task::spawn_local(async move { drop(conn.await) }))
        } else {
            let (sender, conn) = http1::handshake(io).await.map_err(io::Error::other)?;
            (Sender::One(sender), tokio::task::spawn_local(async move { drop(conn.await) }))
        };
        let conn = Rc::new(Conn {
            sender: RefCell::new(Some(sender)),
            streams: Cell::new(1),
            idle_since: Cell::new(site.now()),
            gone: Cell::new(false),
            task: task.abort_handle(),
        });
        self.conn = Some(Rc::clone(&conn));
        self.sound = self.is_shared();
        if self.pool.streams > 1 {
            self.pool.room.borrow_mut().push(Rc::clone(&conn));
            self.pool.let_others_on(&conn);
        }
        Ok(())
    }

    /// Sends a request, and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, hyper::Error> {
        let Some(conn) = self.conn.clone() else { unreachable!("a lease is dialled before it is used") };
        let many = match &*conn.sender.borrow() {
            Some(Sender::Many(many)) => Some(many.clone()),
            _ => None,
        };
        if let Some(mut many) = many {
            many.ready().await?;
            return many.send_request(request).await;
        }
        let one = conn.sender.borrow_mut().take();
        let Some(Sender::One(mut one)) = one else { unreachable!("one request is on a connection at a time") };
        one.ready().await?;
        let answer = one.send_request(request).await;
        *conn.sender.borrow_mut() = Some(Sender::One(one));
        answer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let pool = Rc::clone(&self.pool);
        match self.conn.take() {
            Some(conn) if self.sound && !conn.is_closed() => {
                pool.come_back(&conn, self.now);
            }
            conn => pool.lose(conn.as_ref()),
        }
    }
}
