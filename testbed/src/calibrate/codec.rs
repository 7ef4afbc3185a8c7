//! What a byte costs to encode and to decode: lines through CPU against size. Requests grow while answers stay small, and the other
//! way round, so that each end shows both: the caller encodes requests and decodes answers, the callee the reverse. What is between
//! codec and socket (copies, the kernel's own) grows with the bytes too and is counted in.

use std::io;

use super::blocks::{BLOCKS, Figure, slope};
use super::http::{Client, Legs, Log, Service, Wire, on_own_runtime};
use crate::clock;

/// Lines of the messages, from about 90 bytes of JSON to 90 kB.
const LINES: [u64; 5] = [1, 50, 200, 500, 1000];

/// Calls of each size in a block.
const CALLS: u64 = 40;

/// CPU per byte on the wire, ns, and per message where calls follow each other at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Codec {
    pub(crate) encode: Figure,
    pub(crate) decode: Figure,
    pub(crate) message: Figure,
    /// Bytes of a large message here over those of the same as JSON.
    pub(crate) size_factor: f64,
}

/// CPU of one size: bytes of the message that grows, and of the caller and the callee for each call, ns.
struct Cost {
    bytes: f64,
    caller: f64,
    callee: f64,
}

/// Measures both ends over one wire.
pub(crate) fn measure(wire: Wire) -> io::Result<Codec> {
    let service = Service::start(wire, None)?;
    let legs = Legs::default();
    let measured = on_own_runtime(async {
        let client = Client::new(wire, service.address, legs);
        costs(&client, &service, wire, 1, 1).await?;
        let (mut encode, mut decode, mut message) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..BLOCKS {
            let (mut requests, mut answers) = (Vec::new(), Vec::new());
            for lines in LINES {
                requests.push(costs(&client, &service, wire, lines, 1).await?);
                answers.push(costs(&client, &service, wire, 1, lines).await?);
            }
            encode.push(f64::midpoint(line(&requests, |cost| cost.caller), line(&answers, |cost| cost.callee)));
            decode.push(f64::midpoint(line(&requests, |cost| cost.callee), line(&answers, |cost| cost.caller)));
            message.push((requests[0].caller + requests[0].callee + answers[0].caller + answers[0].callee) / 8.0);
        }
        let [json, own] = [Wire::Rest, wire].map(|wire| wire.encode(&Log::of(1000)).len() as f64);
        let [encode, decode, message] = [encode, decode, message].map(|blocks| Figure::of(&blocks));
        Ok(Codec { encode, decode, message, size_factor: own / json })
    });
    measured.unwrap_or_else(|| Err(io::Error::other("no runtime")))
}

fn line(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    let points: Vec<(f64, f64)> = costs.iter().map(|cost| (cost.bytes, of(cost))).collect();
    slope(&points).max(0.0)
}

/// Calls of one size, one after the other.
async fn costs(client: &Client, service: &Service, wire: Wire, there: u64, back: u64) -> io::Result<Cost> {
    let log = Log::of(there as usize);
    client.call(&log, back).await?;
    let (caller, callee) = (clock::cpu(), service.used().0);
    for _ in 0..CALLS {
        client.call(&log, back).await?;
    }
    let bytes = wire.encode(&Log::of(there.max(back) as usize)).len() as f64;
    let caller = (clock::cpu() - caller) as f64 / CALLS as f64;
    Ok(Cost { bytes, caller, callee: (service.used().0 - callee) / CALLS as f64 })
}
