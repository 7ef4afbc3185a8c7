//! Messages of a size: JSON with one text, or a protobuf message with one field of bytes in gRPC's frame. They are really encoded
//! and decoded; what is in them does not matter.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use hoptax::model::Outcome;
use hyper::body::{Body, Frame};
use serde::{Deserialize, Serialize};

use super::status;

/// A message.
#[derive(Serialize, Deserialize)]
struct Message {
    data: String,
}

/// What JSON adds to the text.
const AROUND: u64 = 11;

/// A message of so many bytes as JSON.
pub(crate) fn json(bytes: u64) -> Bytes {
    let message = Message { data: "x".repeat(bytes.saturating_sub(AROUND) as usize) };
    Bytes::from(serde_json::to_vec(&message).unwrap_or_default())
}

/// Whether it is such a message.
pub(crate) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<Message>(body).is_ok_and(|message| message.data.bytes().all(|byte| byte == b'x'))
}

/// A message of so many bytes as protobuf, in gRPC's frame: whether it is compressed, its length, itself.
pub(crate) fn framed(bytes: u64) -> Bytes {
    let mut field = BytesMut::new();
    field.put_u8(0x0A);
    let mut left = bytes;
    while left > 0x7F {
        field.put_u8((left & 0x7F) as u8 | 0x80);
        left >>= 7;
    }
    field.put_u8(left as u8);
    field.put_bytes(b'x', bytes as usize);
    let mut frame = BytesMut::with_capacity(field.len() + 5);
    frame.put_u8(0);
    frame.put_u32(field.len() as u32);
    frame.put(field);
    frame.freeze()
}

/// Whether it is a whole frame; an answer without a message has none.
pub(crate) fn is_framed(body: &[u8]) -> bool {
    let Some((head, message)) = body.split_at_checked(5) else { return body.is_empty() };
    let length = head[1..].iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    head[0] == 0 && length == message.len()
}

/// An answer: one piece, and gRPC's trailers.
pub(crate) struct Answer {
    data: Option<Bytes>,
    ends: Option<Outcome>,
}

impl Answer {
    /// An answer of so many bytes, if it went well.
    pub(crate) fn new(outcome: Outcome, bytes: u64, grpc: bool) -> Self {
        let data = if grpc { framed(bytes) } else { json(bytes) };
        Self { data: outcome.is_good().then_some(data), ends: grpc.then_some(outcome) }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let data = self.data.take().map(Frame::data);
        let frame = data.or_else(|| self.ends.take().map(|outcome| Frame::trailers(status::trailers(outcome))));
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.ends.is_none()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        hyper::body::SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_their_size_and_are_understood() {
        for bytes in [11, 100, 1000, 20_000] {
            assert_eq!(json(bytes).len() as u64, bytes);
            assert!(is_json(&json(bytes)));
            assert!(is_framed(&framed(bytes)));
        }
        assert!(!is_framed(&framed(100)[..50]) && !is_json(&json(100)[..50]));
    }
}
