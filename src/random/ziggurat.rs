//! Standard exponential and normal variates by the ziggurat method (Marsaglia, Tsang 2000; 256 layers).
//!
//! Almost every variate costs one look: 8 bits name the layer, 53 others the place in it. The tables are made by the
//! compiler from first principles, so they are the same bytes on every machine.

use super::Draw;

/// Layers of a ziggurat.
const LAYERS: usize = 256;
/// Where the exponential's tail begins, and the area of each of its layers.
const EXP_TAIL: f64 = 7.697_117_470_131_05;
const EXP_AREA: f64 = 0.003_949_659_822_581_557;
/// Where the half-normal's tail begins, and the area of each of its layers.
const NORMAL_TAIL: f64 = 3.654_152_885_361_009;
const NORMAL_AREA: f64 = 0.004_928_673_233_974_655;
/// 2⁵³: places in a layer.
const PLACES: f64 = (1u64 << 53) as f64;

/// What the first look needs of a layer.
#[derive(Clone, Copy)]
struct Layer {
    /// Places below this lie under the curve for sure.
    keep: u64,
    /// Width of one place.
    step: f64,
}

/// A decreasing density cut into layers of equal area, widest first.
struct Table {
    layers: [Layer; LAYERS],
    /// Density at the right end of each layer.
    heights: [f64; LAYERS + 1],
}

static EXPONENTIAL: Table = table(EXP_TAIL, EXP_AREA, false);
static NORMAL: Table = table(NORMAL_TAIL, NORMAL_AREA, true);

/// An exponential variate of mean 1.
#[inline]
pub(crate) fn exponential(draw: &mut Draw) -> f64 {
    let bits = draw.bits();
    let layer = EXPONENTIAL.layers[(bits & 255) as usize];
    let place = bits >> 11;
    if place < layer.keep {
        return place.cast_signed() as f64 * layer.step;
    }
    exponential_edge(draw, bits)
}

/// A normal variate of mean 0 and variance 1.
#[inline]
pub(crate) fn normal(draw: &mut Draw) -> f64 {
    let bits = draw.bits();
    let layer = NORMAL.layers[(bits & 255) as usize];
    let place = bits >> 11;
    if place < layer.keep {
        return signed(place.cast_signed() as f64 * layer.step, bits);
    }
    normal_edge(draw, bits)
}

/// `x` with the sign that bit 8 names.
#[inline]
fn signed(x: f64, bits: u64) -> f64 {
    f64::from_bits(x.to_bits() | ((bits & 256) << 55))
}

/// When the first look at an exponential is not enough: the tail, or the part of a layer that the curve crosses.
#[cold]
fn exponential_edge(draw: &mut Draw, mut bits: u64) -> f64 {
    loop {
        let i = (bits & 255) as usize;
        let layer = EXPONENTIAL.layers[i];
        let x = (bits >> 11) as f64 * layer.step;
        if (bits >> 11) < layer.keep {
            return x;
        }
        if i == 0 {
            // The tail of an exponential is an exponential.
            return EXP_TAIL - libm::log(draw.unit_open());
        }
        if under(&EXPONENTIAL, i, draw.unit(), libm::exp(-x)) {
            return x;
        }
        bits = draw.bits();
    }
}

/// When the first look at a normal is not enough.
#[cold]
fn normal_edge(draw: &mut Draw, mut bits: u64) -> f64 {
    loop {
        let i = (bits & 255) as usize;
        let layer = NORMAL.layers[i];
        let x = (bits >> 11) as f64 * layer.step;
        if (bits >> 11) < layer.keep {
            return signed(x, bits);
        }
        if i == 0 {
            return signed(normal_tail(draw), bits);
        }
        if under(&NORMAL, i, draw.unit(), libm::exp(-0.5 * x * x)) {
            return signed(x, bits);
        }
        bits = draw.bits();
    }
}

/// A half-normal beyond the last layer (Marsaglia 1964).
fn normal_tail(draw: &mut Draw) -> f64 {
    loop {
        let x = -libm::log(draw.unit_open()) / NORMAL_TAIL;
        let y = -libm::log(draw.unit_open());
        if 2.0 * y >= x * x {
            return NORMAL_TAIL + x;
        }
    }
}

/// Whether a point at height `u` of layer `i` lies under the curve, whose density there is `density`.
fn under(table: &Table, i: usize, u: f64, density: f64) -> bool {
    let (low, high) = (table.heights[i], table.heights[i + 1]);
    low + (high - low) * u < density
}

/// Cuts exp(−x), or exp(−x²/2) if `half_normal`, into layers.
const fn table(tail: f64, area: f64, half_normal: bool) -> Table {
    let mut layers = [Layer { keep: 0, step: 0.0 }; LAYERS];
    let mut heights = [1.0; LAYERS + 1];
    let mut right = area / density(tail, half_normal);
    let mut next = tail;
    let mut i = 0;
    while i < LAYERS {
        layers[i] = Layer { keep: (next / right * PLACES) as u64, step: right / PLACES };
        right = next;
        heights[i + 1] = density(right, half_normal);
        next = if i + 2 < LAYERS { place_of(area / right + heights[i + 1], half_normal) } else { 0.0 };
        i += 1;
    }
    heights[0] = 0.0;
    Table { layers, heights }
}

/// The density's height at `x`.
const fn density(x: f64, half_normal: bool) -> f64 {
    if half_normal { exp(-0.5 * x * x) } else { exp(-x) }
}

/// Where the density has height `y`.
const fn place_of(y: f64, half_normal: bool) -> f64 {
    if half_normal { sqrt(-2.0 * ln(y)) } else { -ln(y) }
}

/// The exponential function for the compiler: series on |x| ≤ ln 2 ÷ 2.
const fn exp(x: f64) -> f64 {
    let halvings = (x / std::f64::consts::LN_2 - 0.5) as i32;
    let rest = x - halvings as f64 * std::f64::consts::LN_2;
    let mut sum = 1.0;
    let mut k = 24;
    while k > 0 {
        sum = 1.0 + rest * sum / k as f64;
        k -= 1;
    }
    let mut i = 0;
    while i > halvings {
        sum *= 0.5;
        i -= 1;
    }
    sum
}

/// The natural logarithm of (0, 1] for the compiler: 2 artanh((x − 1) ÷ (x + 1)) near 1.
const fn ln(x: f64) -> f64 {
    let mut near = x;
    let mut doublings = 0.0;
    while near < 0.7 {
        near *= 2.0;
        doublings += 1.0;
    }
    let s = (near - 1.0) / (near + 1.0);
    let mut sum = 0.0;
    let mut k = 31;
    while k > 0 {
        sum = sum * s * s + 1.0 / k as f64;
        k -= 2;
    }
    2.0 * s * sum - doublings * std::f64::consts::LN_2
}

/// The square root for the compiler (Newton).
const fn sqrt(x: f64) -> f64 {
    let mut root = if x > 1.0 { x } else { 1.0 };
    let mut i = 0;
    while i < 60 {
        root = 0.5 * (root + x / root);
        i += 1;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Lineage, Purpose};

    fn draws(n: u64) -> impl Iterator<Item = Draw> {
        (0..n).map(|i| Draw::new(1, Lineage::root(7, i), Purpose::Work, 0))
    }

    #[test]
    fn the_compilers_functions_agree_with_libm() {
        for i in 1..=1000 {
            let x = i as f64 / 1000.0;
            assert!((ln(x) - libm::log(x)).abs() < 4e-16 * (1.0 + libm::log(x).abs()), "ln {x}");
            assert!((exp(-8.0 * x) / libm::exp(-8.0 * x) - 1.0).abs() < 2e-15, "exp {x}");
            assert!((sqrt(9.0 * x) - (9.0 * x).sqrt()).abs() < 1e-15, "sqrt {x}");
        }
    }

    #[test]
    fn layers_have_equal_area() {
        for (table, area) in [(&EXPONENTIAL, EXP_AREA), (&NORMAL, NORMAL_AREA)] {
            for i in 1..LAYERS {
                let width = table.layers[i].step * PLACES;
                let height = table.heights[i + 1] - table.heights[i];
                assert!((width * height / area - 1.0).abs() < 1e-9, "layer {i}: {}", width * height / area);
            }
        }
    }

    #[test]
    fn exponential_has_its_moments_and_tail() {
        let n = 400_000;
        let (mut sum, mut squares, mut beyond, mut tail) = (0.0, 0.0, 0, 0);
        for mut draw in draws(n) {
            let x = exponential(&mut draw);
            assert!(x >= 0.0);
            sum += x;
            squares += x * x;
            beyond += u32::from(x > 3.0);
            tail += u32::from(x > EXP_TAIL);
        }
        let n = n as f64;
        assert!((sum / n - 1.0).abs() < 0.008, "mean {}", sum / n);
        assert!((squares / n - 2.0).abs() < 0.035, "second moment {}", squares / n);
        assert!((beyond as f64 / n - libm::exp(-3.0)).abs() < 0.0018);
        assert!((tail as f64 / n / libm::exp(-EXP_TAIL) - 1.0).abs() < 0.3, "tail {tail}");
    }

    #[test]
    fn normal_has_its_moments_and_tail() {
        let n = 400_000;
        let (mut sum, mut squares, mut fourth, mut tail, mut within) = (0.0, 0.0, 0.0, 0, 0);
        for mut draw in draws(n) {
            let x = normal(&mut draw);
            sum += x;
            squares += x * x;
            fourth += x * x * x * x;
            tail += u32::from(x.abs() > 3.0);
            within += u32::from(x.abs() < 1.0);
        }
        let n = n as f64;
        assert!((sum / n).abs() < 0.008);
        assert!((squares / n - 1.0).abs() < 0.012);
        assert!((fourth / n - 3.0).abs() < 0.1, "fourth {}", fourth / n);
        assert!((within as f64 / n - 0.682_689_5).abs() < 0.004);
        assert!((tail as f64 / n - 0.002_699_8).abs() < 0.0005, "tail {tail}");
    }
}
