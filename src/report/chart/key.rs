//! The key of a picture in which areas stand for causes.

use super::frame::{Area, Canvas, Type, room, size};
use super::palette::{FAINT, Fill, fill};
use crate::model::Cause;
use crate::report::cause::name;

/// A patch, and what follows it.
const PATCH: (f64, f64) = (24.0, 14.0);
/// From patch to word, from entry to entry, from line to line.
const GAPS: (f64, f64, f64) = (8.0, 22.0, 24.0);

/// Entries in lines.
pub(super) struct Key {
    places: Vec<(String, Fill, f64, f64)>,
    /// The height that the lines need.
    pub(super) height: f64,
}

impl Key {
    /// The key of `causes` and whatever else, between `left` and `right`.
    pub(super) fn of(causes: &[Cause], more: &[(&str, Fill)], left: f64, right: f64) -> Self {
        let causes = causes.iter().map(|cause| (name(*cause), fill(*cause)));
        let more = more.iter().map(|(word, fill)| ((*word).to_owned(), *fill));
        let (mut x, mut y, mut places) = (left, GAPS.2 / 2.0, Vec::new());
        for (word, fill) in causes.chain(more) {
            let wide = PATCH.0 + GAPS.0 + room(&word, size::SMALL);
            if x > left && x + wide > right {
                (x, y) = (left, y + GAPS.2);
            }
            places.push((word, fill, x, y));
            x += wide + GAPS.1;
        }
        Self { places, height: y + GAPS.2 / 2.0 }
    }

    /// Draws the key with its first line at `top`.
    pub(super) fn draw(&self, canvas: &Canvas, top: f64) {
        for (word, fill, x, y) in &self.places {
            let middle = top + y;
            let patch =
                Area { left: *x, right: x + PATCH.0, top: middle - PATCH.1 / 2.0, bottom: middle + PATCH.1 / 2.0 };
            canvas.filled(patch, *fill);
            canvas.outline(patch, FAINT);
            canvas.text(word, (x + PATCH.0 + GAPS.0, middle), Type::of(size::SMALL));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_breaks_into_lines() {
        let all = Key::of(&Cause::ALL, &[], 32.0, 928.0);
        assert!(all.height > GAPS.2 * 1.5 && all.height < GAPS.2 * 4.5, "{}", all.height);
        assert!(all.places.iter().all(|(word, _, x, _)| x + PATCH.0 + room(word, size::SMALL) < 928.0));
        assert_eq!(Key::of(&Cause::ALL[..2], &[], 32.0, 928.0).height, GAPS.2);
    }
}
