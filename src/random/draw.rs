//! Draws named by lineage and purpose.
//!
//! There is no generator that is passed around: a draw is a hash of (seed, lineage, purpose, use). A request's lineage is
//! made from where it came from and the call-sites it went through, so that adding a service, flipping a call to a queue or
//! reordering the file leaves every other draw as it was (common random numbers).

/// Where a request comes from, as 64 bits. Equal lineages draw equal numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lineage(pub u64);

/// What a draw is for. Two draws of one lineage with different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Time between arrivals, stays of bursty sources, sizes of batches.
    Arrival = 1,
    /// CPU time and waits of steps.
    Work,
    /// One-way latency there.
    There,
    /// One-way latency back.
    Back,
    /// Which way a `split`, a `probability` or a client's `calls` goes.
    Branch,
    /// Whether a request fails (`error_rate`).
    Failure,
    /// Which replica is picked.
    Balance,
    /// Who is next in a random line.
    Line,
    /// How long a request stays in line.
    Patience,
    /// Thinking of closed users.
    Think,
    /// Jitter of policies.
    Jitter,
    /// When faults strike and how long they last.
    Fault,
}

/// A short stream of numbers for one draw; distributions take as many as they need.
#[derive(Clone, Debug)]
pub struct Draw(u64);

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection whose output bits all depend on all input bits.
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The increment of SplitMix64: 2⁶⁴ ÷ the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Odd factors without relation to each other or to [`GOLDEN`] (fractions of √2, √3 and √5), one for each part of a draw's
/// name. With `GOLDEN` for the use, the second number of one use would be the first of the next.
const OF_SEED: u64 = 0x6A09_E667_F3BC_C909;
const OF_PURPOSE: u64 = 0xBB67_AE85_84CA_A73B;
const OF_USE: u64 = 0x3C6E_F372_FE94_F82B;

impl Lineage {
    /// The lineage of the `nth` root of a source; `source` is a hash of the source's name.
    #[inline]
    pub fn root(source: u64, nth: u64) -> Self {
        Self(mix(source ^ nth.wrapping_mul(GOLDEN)))
    }

    /// The lineage of what is reached from here through call-site `site` (a hash of target and occurrence) by try `ordinal`.
    #[inline]
    pub fn child(self, site: u64, ordinal: u32) -> Self {
        Self(mix(self.0.rotate_left(23) ^ site.wrapping_add((ordinal as u64).wrapping_mul(GOLDEN))))
    }
}

impl Draw {
    /// The draw of `lineage` for `purpose`, its `nth` use. `nth` may be any name of the use, a step's site for instance.
    #[inline]
    pub fn new(seed: u64, lineage: Lineage, purpose: Purpose, nth: u64) -> Self {
        // A lineage is well mixed already and `bits` mixes again: here the parts only need to stay apart.
        let name = (purpose as u64).wrapping_mul(OF_PURPOSE).wrapping_add(nth.wrapping_mul(OF_USE));
        Self((lineage.0 ^ seed.wrapping_mul(OF_SEED)).wrapping_add(name))
    }

    /// 64 uniform bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// Uniform in [0, 1).
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in (0, 1].
    #[inline]
    pub fn unit_open(&mut self) -> f64 {
        1.0 - self.unit()
    }

    /// Uniform in 0..n; 0 for n = 0. (Lemire's multiply-shift; its bias below 2⁻³² does not matter here.)
    #[inline]
    pub fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u32
    }
}

/// A stable 64-bit hash of a name, for sites and sources (FNV-1a, then mixed).
pub fn name_hash(name: &str) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    mix(hash)
}
