//! A histogram as other tools read it: HdrHistogram's V2 encoding, deflated, in base64.
//!
//! A header (cookie, length, digits, bounds), then the counts from the lowest bucket to that of the largest value as
//! zig-zag LEB128, a run of empty buckets as one negative number: the format of `HdrHistogram.java`,
//! `encodeIntoByteBuffer` and `encodeIntoCompressedByteBuffer`. Written from the pages as they are, which costs a tenth of
//! filling another library's table first; the tests hold it against that library.

use std::io::Read as _;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{EXACT_BITS, Histogram, bucket, span};

/// What V2 begins with: its base, and that words are variable in length.
const COOKIE: u32 = 0x1c84_9303 | 0x10;
/// What its compressed form begins with.
const COMPRESSED_COOKIE: u32 = 0x1c84_9304 | 0x10;
/// Bytes before the counts.
const HEADER: usize = 40;
/// Three significant digits.
const DIGITS: u32 = 3;
/// A page of more is nothing that this module has written: 64 powers of two, at most nine bytes a bucket.
const LONGEST: u64 = 64 * 1024 * 9 + HEADER as u64;

/// Writes a number, its sign in the lowest bit, seven bits a byte, the ninth byte whole.
#[inline]
fn write_number(bytes: &mut Vec<u8>, number: i64) {
    let mut left = ((number << 1) ^ (number >> 63)) as u64;
    if left < 0x80 {
        return bytes.push(left as u8);
    }
    for _ in 0..8 {
        if left < 0x80 {
            return bytes.push(left as u8);
        }
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
}

/// Reads a number, and moves on.
fn read_number(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0u64;
    for at in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = if at < 8 { byte & 0x7f } else { *byte };
        number |= u64::from(bits) << (7 * at);
        if at == 8 || byte & 0x80 == 0 {
            break;
        }
    }
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

impl Histogram {
    /// The histogram in HdrHistogram's V2 encoding.
    fn to_v2(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend(COOKIE.to_be_bytes());
        bytes.extend([0; 8]);
        bytes.extend(DIGITS.to_be_bytes());
        bytes.extend(1u64.to_be_bytes());
        bytes.extend(self.max.max(1 << EXACT_BITS).to_be_bytes());
        bytes.extend(1f64.to_be_bytes());
        let mut next = 0;
        let mut skip = |bytes: &mut Vec<u8>, to: usize| {
            match to - next {
                0 => {}
                1 => write_number(bytes, 0),
                empty => write_number(bytes, -(empty as u64).cast_signed()),
            }
            next = to + 1;
        };
        self.buckets(|index, n| {
            skip(&mut bytes, index);
            write_number(&mut bytes, n.cast_signed());
        });
        if self.count == 0 {
            skip(&mut bytes, 1);
        }
        let length = (bytes.len() - HEADER) as u32;
        bytes[4..8].copy_from_slice(&length.to_be_bytes());
        bytes
    }

    /// The histogram as other tools read it: HdrHistogram V2 with DEFLATE, in base64.
    pub fn to_base64(&self) -> String {
        let plain = self.to_v2();
        // Room for all of it, and for what frames it: the writer over this clears a tenfold of that for each histogram.
        let mut bytes = Vec::with_capacity(plain.len() + 64);
        bytes.extend(COMPRESSED_COOKIE.to_be_bytes());
        bytes.extend([0; 4]);
        // The quickest level: a better one takes ten times as long for a seventh of the size.
        let mut deflate = Compress::new(Compression::fast(), true);
        loop {
            let rest = &plain[deflate.total_in() as usize..];
            let status = deflate.compress_vec(rest, &mut bytes, FlushCompress::Finish);
            if status.expect("nothing is wrong with a fresh stream") == Status::StreamEnd {
                break;
            }
            bytes.reserve(1024);
        }
        let length = (bytes.len() - 8) as u32;
        bytes[4..8].copy_from_slice(&length.to_be_bytes());
        STANDARD.encode(bytes)
    }

    /// What [`to_base64`](Self::to_base64) has written; of the smallest value only its bucket is known. `None` for anything
    /// else.
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let mut v2 = Vec::new();
        if bytes.get(..4)? != COMPRESSED_COOKIE.to_be_bytes() {
            return None;
        }
        ZlibDecoder::new(bytes.get(8..)?).take(LONGEST).read_to_end(&mut v2).ok()?;
        Self::from_v2(&v2)
    }

    fn from_v2(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
        if (word(0)?, word(12)?) != (COOKIE, DIGITS) {
            return None;
        }
        let highest = u64::from_be_bytes(bytes.get(24..32)?.try_into().ok()?);
        let (mut histogram, mut index) = (Self::default(), 0usize);
        let mut counts = bytes.get(HEADER..)?;
        while !counts.is_empty() {
            let number = read_number(&mut counts)?;
            if number > 0 {
                if index > bucket(u64::MAX) {
                    return None;
                }
                histogram.record_n(span(index).0, number as u64);
            }
            index = index.checked_add(number.min(-1).unsigned_abs() as usize)?;
        }
        if histogram.count > 0 && bucket(highest) == bucket(histogram.max) {
            histogram.max = highest;
        }
        Some(histogram)
    }
}

/// A histogram as part of a result: in base64 where that is written, encoded when first asked for and once for all copies.
#[derive(Clone, Debug, Default)]
pub struct Exported(Arc<(Histogram, OnceLock<String>)>);

impl Exported {
    /// A histogram that is complete.
    pub fn new(histogram: Histogram) -> Self {
        Self(Arc::new((histogram, OnceLock::new())))
    }
}

impl std::ops::Deref for Exported {
    type Target = Histogram;

    fn deref(&self) -> &Histogram {
        &self.0.0
    }
}

impl Serialize for Exported {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.1.get_or_init(|| self.to_base64()))
    }
}

impl<'de> Deserialize<'de> for Exported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let histogram = Histogram::from_base64(&text);
        histogram.map(Self::new).ok_or_else(|| de::Error::custom("no HdrHistogram V2 of three digits in base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draw, Lineage, Purpose};
    use hdrhistogram::serialization::{Serializer as _, V2Serializer};

    /// Values over nine decades.
    fn wide(n: u64) -> Histogram {
        let mut histogram = Histogram::default();
        for i in 0..n {
            let mut draw = Draw::new(5, Lineage::root(1, i), Purpose::Work, 0);
            histogram.record(draw.bits() >> (24 + draw.below(36)));
        }
        histogram
    }

    /// The same in the library that others use.
    fn theirs(histogram: &Histogram) -> hdrhistogram::Histogram<u64> {
        let highest = histogram.max.max(1 << EXACT_BITS);
        let mut hdr = hdrhistogram::Histogram::<u64>::new_with_bounds(1, highest, 3).unwrap();
        histogram.buckets(|index, n| hdr.record_n(span(index).0, n).unwrap());
        hdr
    }

    fn samples() -> Vec<Histogram> {
        let many = [(7, 1 << 33), (0, 3), (1, 1), (u64::MAX, 2)].map(|(value, n)| {
            let mut one = Histogram::default();
            one.record_n(value, n);
            one
        });
        [wide(20_000), wide(3), Histogram::default()].into_iter().chain(many).collect()
    }

    #[test]
    fn bytes_are_those_of_the_library_that_others_use() {
        for histogram in samples() {
            let mut bytes = Vec::new();
            V2Serializer::new().serialize(&theirs(&histogram), &mut bytes).unwrap();
            assert_eq!(histogram.to_v2(), bytes, "{} values up to {}", histogram.count, histogram.max);
        }
    }

    #[test]
    fn others_read_what_is_exported() {
        let histogram = wide(20_000);
        let bytes = STANDARD.decode(histogram.to_base64()).unwrap();
        let hdr: hdrhistogram::Histogram<u64> =
            hdrhistogram::serialization::Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
        assert_eq!((hdr.len(), hdr.sigfig()), (histogram.count(), 3));
        histogram.each(|value, n| assert_eq!(hdr.count_at(value), n, "{value}"));
        for q in [0.1, 0.5, 0.9, 0.99, 0.999] {
            assert_eq!(hdr.median_equivalent(hdr.value_at_quantile(q)), histogram.quantile(q));
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for histogram in samples() {
            let again = Histogram::from_base64(&histogram.to_base64()).unwrap();
            let kept = |histogram: &Histogram| {
                (histogram.count, histogram.max, histogram.few.clone(), histogram.pages.clone())
            };
            assert_eq!(kept(&again), kept(&histogram));
            assert_eq!(again.to_base64(), histogram.to_base64());
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let good = wide(100).to_base64();
        let mut other = STANDARD.decode(&good).unwrap();
        other[3] ^= 1;
        for text in ["", "AAAA", "no", &good[..good.len() / 2], &STANDARD.encode(other)] {
            assert_eq!(Histogram::from_base64(text), None, "{text}");
        }
    }
}
