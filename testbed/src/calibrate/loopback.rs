//! One way over TCP on the loopback, as half of a round trip between two threads with a runtime each: back to back, and with pauses,
//! after which a core has to be woken up first.

use std::io;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::blocks::{BLOCKS, Figure, quantile};
use super::http::on_own_runtime;
use crate::clock;
use crate::timer::Timers;

/// Bytes that go there and come back.
const BYTES: usize = 64;

/// Pauses between round trips, ns, and how many of them make a block.
const PAUSES: [(u64, usize); 3] = [(0, 2000), (1_000_000, 300), (10_000_000, 60)];

/// One way after a pause.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    /// ns.
    pub(crate) pause: u64,
    /// ns.
    pub(crate) p50: Figure,
    /// ns.
    pub(crate) p99: Figure,
}

/// Measures all pauses.
pub(crate) fn measure() -> io::Result<Vec<Way>> {
    let (tell, told) = mpsc::channel();
    let echo = thread::spawn(move || {
        on_own_runtime(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            _ = tell.send(listener.local_addr());
            echo(listener.accept().await?.0).await
        })
    });
    let address = told.recv().map_err(io::Error::other)??;
    let ways = on_own_runtime(async {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let timers = Timers::start()?;
        let mut ways = Vec::new();
        for (pause, count) in PAUSES {
            let mut blocks = Vec::new();
            for _ in 0..BLOCKS {
                blocks.push(trips(&mut stream, &timers, pause, count).await?);
            }
            ways.push(Way { pause, p50: quantile(&blocks, 0.5), p99: quantile(&blocks, 0.99) });
        }
        Ok(ways)
    });
    _ = echo.join();
    ways.unwrap_or_else(|| Err(io::Error::other("no runtime")))
}

/// Sends back what comes, until it ends.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = [0; BYTES];
    while stream.read_exact(&mut bytes).await.is_ok() {
        stream.write_all(&bytes).await?;
    }
    Ok(())
}

/// Halves of round trips, ns.
async fn trips(stream: &mut TcpStream, timers: &Rc<Timers>, pause: u64, count: usize) -> io::Result<Vec<f64>> {
    let mut bytes = [0; BYTES];
    let mut halves = Vec::with_capacity(count);
    for _ in 0..count {
        if pause > 0 {
            timers.until(clock::now() + pause).await;
        }
        let sent = clock::now();
        stream.write_all(&bytes).await?;
        stream.read_exact(&mut bytes).await?;
        halves.push((clock::now() - sent) as f64 / 2.0);
    }
    Ok(halves)
}
