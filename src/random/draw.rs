//! Draws named by lineage and purpose.
//!
//! There is no generator that is passed around: a draw is a hash of (seed, lineage, purpose, use). A request's lineage is
//! made from where it came from and the call-sites it went through, so that adding a service, flipping a call to a queue or
//! reordering the file leaves every other draw as it was (common random numbers).

/// Where a request comes from, as 64 bits. Equal lineages draw equal numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// How long a broker takes until a message is safe.
    Broker,
    /// Sleep of a consumer that found nothing.
    Poll,
    /// Which key a record has, and so its partition.
    Key,
    /// When replicas are probed, and when callers look at whom they leave out.
    Probe,
    /// Where in their interval independent clocks begin.
    Phase,
    /// Which of its queues a worker looks at first.
    Turn,
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
    #[must_use]
    pub fn child(self, site: u64, ordinal: u32) -> Self {
        Self(mix(self.0.rotate_left(23) ^ site.wrapping_add((ordinal as u64).wrapping_mul(GOLDEN))))
    }
}

impl Draw {
    /// The draw of `lineage` for `purpose`, its `nth` use. `nth` may be any name of the use, a step's site for instance.
    #[inline]
    pub fn new(seed: u64, lineage: Lineage, purpose: Purpose, nth: u64) -> Self {
        // A lineage is well mixed already and `bits` mixes again: here the parts only need to stay apart.
        Self::salted(seed, lineage, Self::salt(purpose, nth))
    }

    /// What [`new`](Self::new) makes of a purpose and a use: the same for all that draw for it.
    #[inline]
    pub(crate) fn salt(purpose: Purpose, nth: u64) -> u64 {
        (purpose as u64).wrapping_mul(OF_PURPOSE).wrapping_add(nth.wrapping_mul(OF_USE))
    }

    /// The draw of `lineage` for a purpose and a use whose salt is known.
    #[inline]
    pub(crate) fn salted(seed: u64, lineage: Lineage, salt: u64) -> Self {
        Self((lineage.0 ^ seed.wrapping_mul(OF_SEED)).wrapping_add(salt))
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

#[cfg(test)]
mod tests {
    use super::*;

    const N: u64 = 100_000;

    /// The correlation of two streams of uniforms, in standard errors.
    fn link(pair: impl Fn(u64) -> (f64, f64)) -> f64 {
        let products: f64 = (0..N).map(&pair).map(|(x, y)| (x - 0.5) * (y - 0.5)).sum();
        12.0 * products / (N as f64).sqrt()
    }

    /// χ² of counts that should be equal, as standard normal deviations.
    fn uneven(counts: &[u32]) -> f64 {
        let expected = counts.iter().sum::<u32>() as f64 / counts.len() as f64;
        let square: f64 = counts.iter().map(|n| (*n as f64 - expected) * (*n as f64 - expected) / expected).sum();
        let free = (counts.len() - 1) as f64;
        (square - free) / (2.0 * free).sqrt()
    }

    fn uniform(seed: u64, lineage: Lineage, purpose: Purpose, nth: u64) -> f64 {
        Draw::new(seed, lineage, purpose, nth).unit()
    }

    #[test]
    fn names_that_differ_anywhere_draw_independently() {
        let (site, other) = (name_hash("orders#0"), name_hash("stock#0"));
        let root = |i| Lineage::root(site, i);
        let work = |seed, lineage, nth| uniform(seed, lineage, Purpose::Work, nth);
        let own = |i| work(1, root(i), 0);
        let links = [
            ("seed", link(|i| (own(i), work(2, root(i), 0)))),
            ("arrival", link(|i| (own(i), own(i + 1)))),
            ("source", link(|i| (own(i), work(1, Lineage::root(other, i), 0)))),
            ("child", link(|i| (own(i), work(1, root(i).child(site, 0), 0)))),
            ("site", link(|i| (work(1, root(i).child(site, 0), 0), work(1, root(i).child(other, 0), 0)))),
            ("try", link(|i| (work(1, root(i).child(site, 0), 0), work(1, root(i).child(site, 1), 0)))),
            (
                "order",
                link(|i| {
                    let (a, b) = (root(i).child(site, 0).child(other, 0), root(i).child(other, 0).child(site, 0));
                    (work(1, a, 0), work(1, b, 0))
                }),
            ),
            ("purpose", link(|i| (own(i), uniform(1, root(i), Purpose::There, 0)))),
            (
                "there and back",
                link(|i| (uniform(1, root(i), Purpose::There, 0), uniform(1, root(i), Purpose::Back, 0))),
            ),
            ("use", link(|i| (own(i), work(1, root(i), 1)))),
            ("far use", link(|i| (own(i), work(1, root(i), 1 << 63)))),
            (
                "second number",
                link(|i| {
                    let mut draw = Draw::new(1, root(i), Purpose::Work, 0);
                    (draw.unit(), draw.unit())
                }),
            ),
            (
                "use against second number",
                link(|i| {
                    let mut draw = Draw::new(1, root(i), Purpose::Work, 0);
                    draw.unit();
                    (draw.unit(), work(1, root(i), 1))
                }),
            ),
            ("plain lineages", link(|i| (work(1, Lineage(i), 0), work(1, Lineage(i + 1), 0)))),
        ];
        for (what, link) in links {
            assert!(link.abs() < 4.0, "{what}: {link}");
        }
    }

    #[test]
    fn one_bit_of_the_name_changes_half_of_the_number() {
        let base = |i| Lineage::root(1, i);
        for bit in 0..64 {
            let mut flips = [0; 3];
            for i in 0..2_000 {
                let bits = |seed, lineage, nth| Draw::new(seed, lineage, Purpose::Work, nth).bits();
                let own = bits(1, base(i), 0);
                flips[0] += (own ^ bits(1 ^ (1 << bit), base(i), 0)).count_ones();
                flips[1] += (own ^ bits(1, Lineage(base(i).0 ^ (1 << bit)), 0)).count_ones();
                flips[2] += (own ^ bits(1, base(i), 1 << bit)).count_ones();
            }
            for flipped in flips {
                assert!((flipped as f64 / 128_000.0 - 0.5).abs() < 0.006, "bit {bit}: {flipped} of 128000");
            }
        }
    }

    #[test]
    fn numbers_are_spread_evenly_alone_and_in_pairs() {
        let (mut high, mut low, mut pairs) = ([0; 256], [0; 256], [0; 256]);
        for i in 0..N {
            let lineage = Lineage::root(5, i / 4).child(77, (i % 4) as u32);
            let mut draw = Draw::new(3, lineage, Purpose::There, 0);
            let (first, second) = (draw.bits(), draw.bits());
            high[(first >> 56) as usize] += 1;
            low[(first & 255) as usize] += 1;
            pairs[(first >> 60 << 4 | second >> 60) as usize] += 1;
        }
        for counts in [high, low, pairs] {
            assert!(uneven(&counts).abs() < 4.0, "{}", uneven(&counts));
        }
    }

    #[test]
    fn below_is_even_and_stays_below() {
        let mut counts = [0; 7];
        for i in 0..N {
            counts[Draw::new(1, Lineage::root(2, i), Purpose::Balance, 0).below(7) as usize] += 1;
        }
        assert!(uneven(&counts).abs() < 4.0, "{counts:?}");
        assert_eq!(Draw::new(1, Lineage(1), Purpose::Balance, 0).below(0), 0);
        assert_eq!(Draw::new(1, Lineage(1), Purpose::Balance, 0).below(1), 0);
    }

    #[test]
    fn uniforms_keep_to_their_ends() {
        for i in 0..N {
            let mut draw = Draw::new(9, Lineage::root(2, i), Purpose::Jitter, i);
            assert!((0.0..1.0).contains(&draw.unit()));
            let open = draw.unit_open();
            assert!(open > 0.0 && open <= 1.0);
        }
    }

    #[test]
    fn four_uses_in_a_row_are_four_draws_and_not_one() {
        let sums: Vec<f64> = (0..N)
            .map(|i| {
                let one = |nth| Draw::new(1, Lineage::root(4, i), Purpose::Work, nth);
                (0..4).map(|nth| crate::random::ziggurat::exponential(&mut one(nth))).sum()
            })
            .collect();
        let mean = sums.iter().sum::<f64>() / N as f64;
        let var = sums.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / N as f64;
        assert!((mean - 4.0).abs() < 0.03 && (var - 4.0).abs() < 0.12, "mean {mean}, variance {var}");
    }

    #[test]
    fn names_and_draws_are_stable() {
        assert_eq!(name_hash("orders"), 5_014_895_673_036_534_313);
        let mut draw =
            Draw::new(42, Lineage::root(name_hash("shoppers"), 7).child(name_hash("a#0"), 1), Purpose::Work, 3);
        assert_eq!([draw.bits(), draw.bits()], [2_660_937_715_924_034_535, 10_005_147_316_030_139_381]);
    }
}
