//! Colours after Okabe and Ito ("Color Universal Design", 2008), which people with any colour vision tell apart. Every
//! colour comes with its own dash pattern, so that nothing is told by colour alone.

use plotters::style::RGBColor;

use crate::model::Cause;

/// Text and axes.
pub(super) const INK: RGBColor = RGBColor(34, 34, 38);
/// Text that is less important.
pub(super) const FAINT: RGBColor = RGBColor(104, 106, 114);
/// Grid lines.
pub(super) const GRID: RGBColor = RGBColor(226, 228, 232);
/// The ground.
pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);
/// Times at which something was wrong.
pub(super) const WRONG: RGBColor = RGBColor(240, 190, 140);
/// Failures: ink, since every other colour may be a series.
pub(super) const FAILED: RGBColor = INK;

/// What is lost, stays down or is broken: in no picture anything else, and no series.
pub(super) const BROKEN: RGBColor = RGBColor(178, 24, 43);
/// What is served, and late.
pub(super) const LATE: RGBColor = COLOURS[4];
/// What gets up again, or becomes quicker.
pub(super) const BETTER: RGBColor = COLOURS[0];
/// What becomes slower.
pub(super) const WORSE: RGBColor = COLOURS[1];

/// Colours of series: blue, vermillion, bluish green, reddish purple, orange, sky blue, black. Yellow is left out: it
/// cannot be seen on paper.
pub(super) const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(34, 34, 34),
];

/// How an area is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Texture {
    /// Full.
    Full,
    /// Stripes that rise to the right.
    Rising,
    /// Stripes that fall to the right.
    Falling,
    /// Stripes both ways.
    Crossed,
}

/// The look of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fill {
    pub(super) colour: RGBColor,
    pub(super) texture: Texture,
}

impl Fill {
    /// Whether text upon it must be light.
    pub(super) fn is_dark(self) -> bool {
        let RGBColor(r, g, b) = self.colour;
        let light = 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
        self.texture == Texture::Full && light < 140.0
    }
}

/// The look of a cause: full where something is done, striped where something waits; a colour for each family.
pub(super) fn fill(cause: Cause) -> Fill {
    use Texture::{Crossed, Falling, Full, Rising};
    let [blue, vermillion, green, purple, orange, sky, black] = COLOURS;
    let (colour, texture) = match cause {
        Cause::Work => (blue, Full),
        Cause::CpuWait => (blue, Rising),
        Cause::Queue => (orange, Rising),
        Cause::Network => (sky, Full),
        Cause::Encode => (green, Full),
        Cause::Connect => (sky, Crossed),
        Cause::ConnectionWait => (orange, Crossed),
        Cause::Proxy => (purple, Full),
        Cause::Gateway => (purple, Crossed),
        Cause::Discovery => (purple, Falling),
        Cause::Broker => (green, Crossed),
        Cause::Database => (YELLOW, Full),
        Cause::Wait => (GREY, Falling),
        Cause::FailedTries => (vermillion, Full),
        Cause::RetryWait => (vermillion, Rising),
        Cause::HedgeWait => (vermillion, Falling),
        Cause::Fault => (black, Full),
    };
    Fill { colour, texture }
}

/// Yellow, for areas only.
const YELLOW: RGBColor = RGBColor(240, 228, 66);
/// What is neither done nor waited for by choice.
const GREY: RGBColor = RGBColor(150, 152, 160);

/// Lengths of dashes and gaps in turn; an empty one is a full line.
const DASHES: [&[f64]; 4] = [&[], &[9.0, 5.0], &[2.0, 4.0], &[11.0, 4.0, 2.0, 4.0]];

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    pub(super) colour: RGBColor,
    pub(super) dash: &'static [f64],
    pub(super) width: f64,
}

/// The pen of series `i`; 28 series have pens that differ.
pub(super) fn pen(i: usize) -> Pen {
    // Seven colours and four patterns share no divisor, so their pairs repeat after 28 only.
    Pen { colour: COLOURS[i % COLOURS.len()], dash: DASHES[i % DASHES.len()], width: 2.5 }
}

/// A colour as strong as it looks on paper; whatever lies below does not shine through.
pub(super) fn on_paper(colour: RGBColor, strength: f64) -> RGBColor {
    let mixed = |ink: u8, paper: u8| (f64::from(ink) * strength + f64::from(paper) * (1.0 - strength)).round() as u8;
    RGBColor(mixed(colour.0, PAPER.0), mixed(colour.1, PAPER.1), mixed(colour.2, PAPER.2))
}

/// A thin, full line.
pub(super) fn hair(colour: RGBColor) -> Pen {
    Pen { colour, dash: &[], width: 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_of_the_first_pens_are_alike() {
        for i in 0..28 {
            for j in 0..i {
                let (a, b) = (pen(i), pen(j));
                assert!(a.colour != b.colour || a.dash != b.dash, "{i} and {j}");
            }
        }
    }

    #[test]
    fn what_is_broken_looks_like_no_series_and_no_cause() {
        assert!(!COLOURS.contains(&BROKEN) && Cause::ALL.iter().all(|cause| fill(*cause).colour != BROKEN));
        assert!(![WRONG, FAILED, GRID, LATE, BETTER, WORSE].contains(&BROKEN));
    }

    #[test]
    fn no_two_causes_look_alike() {
        let fills = Cause::ALL.map(fill);
        for i in 0..fills.len() {
            assert!(fills[..i].iter().all(|other| *other != fills[i]), "{:?}", Cause::ALL[i]);
        }
    }

    #[test]
    fn neighbours_differ_in_pattern_too() {
        assert!((0..28).all(|i| pen(i).dash != pen(i + 1).dash));
    }
}
