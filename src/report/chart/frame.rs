//! The canvas: places in points, drawn by plotters four times as large because plotters knows whole pixels only.

use std::cell::RefCell;
use std::fmt::Write as _;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Title;
use super::axis::{Scale, seconds_of_tick};
use super::palette::{FAINT, Fill, GRID, INK, PAPER, Pen, Texture, hair};
use crate::report::text::clean;

/// Width of a picture, points.
pub(super) const WIDTH: f64 = 960.0;
/// Height of a picture of one panel, points.
pub(super) const HEIGHT: f64 = 540.0;

/// Room that the name of a tick needs: beside each other, below each other.
const TICK: (f64, f64) = (58.0, 24.0);

/// Stripes: how wide, and how far from one to the next along the edge.
const STRIPE: f64 = 1.6;
const STRIPES: f64 = 7.0;

/// Room for a line at the foot.
const FOOTNOTE: f64 = 19.0;

/// Plotters' pixels per point.
const FINE: f64 = 4.0;

/// Plotters divides the size of a font by this before it writes it down.
const PLOTTERS_FONT: f64 = 1.24;

/// The families that a viewer of the SVG may have, best first. The PNG has the first, embedded.
pub(super) const FAMILIES: &str = "Inter, Helvetica Neue, Arial, DejaVu Sans, sans-serif";

/// Bold letters are this much wider.
const BOLD: f64 = 1.03;

/// Sizes of text, points.
pub(super) mod size {
    pub(in super::super) const TITLE: f64 = 24.0;
    pub(in super::super) const SUBTITLE: f64 = 15.0;
    pub(in super::super) const LABEL: f64 = 15.0;
    pub(in super::super) const SMALL: f64 = 13.0;
}

/// How a piece of text is set.
#[derive(Clone, Copy)]
pub(super) struct Type {
    size: f64,
    colour: RGBColor,
    bold: bool,
    across: HPos,
    down: VPos,
}

impl Type {
    /// Regular, in ink, from the left, centred vertically.
    pub(super) fn of(size: f64) -> Self {
        Self { size, colour: INK, bold: false, across: HPos::Left, down: VPos::Center }
    }
    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }
    pub(super) fn faint(self) -> Self {
        Self { colour: FAINT, ..self }
    }
    pub(super) fn light(self) -> Self {
        Self { colour: PAPER, ..self }
    }
    pub(super) fn ending(self) -> Self {
        Self { across: HPos::Right, ..self }
    }
    pub(super) fn centred(self) -> Self {
        Self { across: HPos::Center, ..self }
    }
    pub(super) fn hanging(self) -> Self {
        Self { down: VPos::Top, ..self }
    }
}

/// A rectangle on the canvas.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

/// The canvas.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    /// What is said to whoever points somewhere, as SVG.
    said: RefCell<String>,
    /// What found no room where it belongs, for the foot of the picture.
    notes: RefCell<Vec<String>>,
}

fn fine((x, y): (f64, f64)) -> (i32, i32) {
    ((x * FINE).round() as i32, (y * FINE).round() as i32)
}

fn stroke(pen: Pen) -> ShapeStyle {
    ShapeStyle { color: pen.colour.to_rgba(), filled: false, stroke_width: (pen.width * FINE).round() as u32 }
}

// Drawing into a string cannot fail, which is why the results of plotters are dropped throughout.
impl Canvas<'_> {
    pub(super) fn line(&self, points: &[(f64, f64)], pen: Pen) {
        for piece in dashed(points, pen.dash) {
            let points: Vec<(i32, i32)> = piece.into_iter().map(fine).collect();
            let _ = self.area.draw(&PathElement::new(points, stroke(pen)));
        }
    }

    pub(super) fn area(&self, points: &[(f64, f64)], colour: RGBColor, strength: f64) {
        let points: Vec<(i32, i32)> = points.iter().copied().map(fine).collect();
        let _ = self.area.draw(&Polygon::new(points, colour.mix(strength).filled()));
    }

    pub(super) fn rectangle(&self, area: Area, colour: RGBColor, strength: f64) {
        let corners = [fine((area.left, area.top)), fine((area.right, area.bottom))];
        let _ = self.area.draw(&Rectangle::new(corners, colour.mix(strength).filled()));
    }

    /// An area in the look of a cause, with a hair of paper around it that keeps neighbours apart.
    pub(super) fn filled(&self, area: Area, fill: Fill) {
        let full = fill.texture == Texture::Full;
        self.rectangle(area, fill.colour, if full { 1.0 } else { 0.16 });
        let pen = Pen { colour: fill.colour, dash: &[], width: STRIPE };
        let mirrored = |(x, y): (f64, f64)| (x, area.top + area.bottom - y);
        for (from, to) in if full { Vec::new() } else { stripes(area) } {
            if fill.texture != Texture::Falling {
                self.line(&[from, to], pen);
            }
            if fill.texture != Texture::Rising {
                self.line(&[mirrored(from), mirrored(to)], pen);
            }
        }
        self.outline(area, PAPER);
    }

    /// A thin line around an area.
    pub(super) fn outline(&self, area: Area, colour: RGBColor) {
        let corners = [fine((area.left, area.top)), fine((area.right, area.bottom))];
        let _ = self.area.draw(&Rectangle::new(corners, stroke(hair(colour))));
    }

    /// Lines of text in the middle of an area that is filled; on stripes they get a patch of paper.
    pub(super) fn upon(&self, lines: &[String], area: Area, fill: Fill, size: f64) {
        let (x, y) = (f64::midpoint(area.left, area.right), f64::midpoint(area.top, area.bottom));
        let (pitch, count) = (size * 1.3, lines.len() as f64);
        if fill.texture != Texture::Full && !lines.is_empty() {
            let half = lines.iter().map(|line| room(line, size)).fold(0.0, f64::max) / 2.0;
            let tall = pitch * (count - 1.0) / 2.0 + size * 0.62;
            self.rectangle(Area { left: x - half, right: x + half, top: y - tall, bottom: y + tall }, PAPER, 0.9);
        }
        let set = Type::of(size).centred();
        for (i, line) in lines.iter().enumerate() {
            let down = (i as f64 - (count - 1.0) / 2.0) * pitch;
            self.text(line, (x, y + down), if fill.is_dark() { set.light() } else { set });
        }
    }

    /// Text at the end of a bar, on paper, so that no grid line strikes it through.
    pub(super) fn beside(&self, text: &str, (x, y): (f64, f64), set: Type) {
        let (tall, right) = (set.size * 0.68, x + 8.0 + room(text, set.size));
        if !text.is_empty() {
            self.rectangle(Area { left: x + 4.0, right, top: y - tall, bottom: y + tall }, PAPER, 1.0);
        }
        self.text(text, (x + 8.0, y), set);
    }

    /// A gap before the end of a bar that is longer than there is room, and what it means.
    pub(super) fn broken(&self, end: f64, (top, bottom): (f64, f64), paper: RGBColor) {
        let slant =
            [(end - 16.0, bottom + 2.0), (end - 10.0, top - 2.0), (end - 5.0, top - 2.0), (end - 11.0, bottom + 2.0)];
        self.area(&slant, paper, 1.0);
        self.note("a bar with a gap is longer than there is room: its figure stands beside it".into());
    }

    pub(super) fn dot(&self, at: (f64, f64), radius: f64, colour: RGBColor) {
        let _ = self.area.draw(&Circle::new(fine(at), (radius * FINE).round() as i32, colour.filled()));
    }

    pub(super) fn text(&self, text: &str, at: (f64, f64), set: Type) {
        let slant = if set.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = (FAMILIES, set.size * FINE * PLOTTERS_FONT, slant).into_font();
        let style = TextStyle::from(font).color(&set.colour).pos(Pos::new(set.across, set.down));
        // Plotters centres on half the height of a small letter, which is too high for figures.
        let lower = if matches!(set.down, VPos::Center) { set.size * 0.1 } else { 0.0 };
        let _ = self.area.draw(&Text::new(text.to_owned(), fine((at.0, at.1 + lower)), style));
    }

    /// What is said to whoever points at an area. Viewers of SVG show a title by themselves, without a script.
    pub(super) fn says(&self, area: Area, text: &str) {
        let ((left, top), (right, bottom)) = (fine((area.left, area.top)), fine((area.right, area.bottom)));
        let (wide, high) = ((right - left).max(1), (bottom - top).max(1));
        let _ = writeln!(
            self.said.borrow_mut(),
            "<rect class=\"says\" x=\"{left}\" y=\"{top}\" width=\"{wide}\" height=\"{high}\" fill-opacity=\"0\"><title>{}</title></rect>",
            escape(text)
        );
    }

    /// The same of stretches of time beside each other, each `width` long, the first from `from`.
    pub(super) fn says_over(
        &self,
        area: Area,
        x: &Scale,
        (from, width, count): (f64, f64, usize),
        text: impl Fn(usize) -> String,
    ) {
        for at in 0..count {
            let (begin, end) = (from + at as f64 * width, from + (at + 1) as f64 * width);
            let told = format!("{}: {}", stretch(begin, end), text(at));
            self.says(Area { left: x.at(begin), right: x.at(end), ..area }, &told);
        }
    }

    /// Says at the foot of the picture what found no room where it belongs.
    pub(super) fn note(&self, text: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&text) {
            notes.push(text);
        }
    }

    /// Ticks of the ordinate with their grid lines and names.
    pub(super) fn ordinate(&self, area: Area, scale: &Scale, name: impl Fn(f64) -> String) {
        for tick in scale.ticks(TICK.1) {
            let y = scale.at(tick);
            self.line(&[(area.left, y), (area.right, y)], hair(GRID));
            self.text(&name(tick), (area.left - 10.0, y), Type::of(size::LABEL).faint().ending());
        }
    }

    /// Ticks of the abscissa with their names; grid lines where asked.
    pub(super) fn abscissa(&self, area: Area, scale: &Scale, grid: bool, name: impl Fn(f64) -> String) {
        for tick in scale.ticks(TICK.0) {
            let x = scale.at(tick);
            if grid {
                self.line(&[(x, area.top), (x, area.bottom)], hair(GRID));
            }
            self.line(&[(x, area.bottom), (x, area.bottom + 5.0)], hair(FAINT));
            self.text(&name(tick), (x, area.bottom + 10.0), Type::of(size::LABEL).faint().centred().hanging());
        }
        self.line(&[(area.left, area.bottom), (area.right, area.bottom)], hair(FAINT));
    }
}

/// A stretch of time: "12 s to 13 s".
fn stretch(from: f64, to: f64) -> String {
    format!("{} to {}", seconds_of_tick(from), seconds_of_tick(to))
}

/// Draws a picture: paper, title, subtitle, then what `draw` adds. What found no room stands below, on more paper.
pub(super) fn picture(title: &Title, height: f64, draw: impl Fn(&Canvas)) -> String {
    let (svg, said, notes) = drawn(title, height, &draw);
    if notes.is_empty() {
        return shown(&svg, &said, title, height);
    }
    let letters = ((WIDTH - 64.0) / (size::SMALL * 0.58)) as usize;
    let lines = crate::report::text::wrapped(&notes.join("; "), letters);
    let taller = height + FOOTNOTE * lines.len() as f64;
    let below = |canvas: &Canvas| {
        draw(canvas);
        for (nth, line) in lines.iter().enumerate() {
            canvas.text(line, (32.0, height + FOOTNOTE * (nth as f64 - 0.2)), Type::of(size::SMALL).faint());
        }
    };
    let (svg, said, _) = drawn(title, taller, &below);
    shown(&svg, &said, title, taller)
}

/// The picture as plotters writes it, what is said in it, and what found no room.
fn drawn(title: &Title, height: f64, draw: &dyn Fn(&Canvas)) -> (String, String, Vec<String>) {
    let mut svg = String::new();
    let (said, notes) = {
        let backend = SVGBackend::with_string(&mut svg, ((WIDTH * FINE) as u32, (height * FINE) as u32));
        let (said, notes) = Default::default();
        let canvas = Canvas { area: backend.into_drawing_area(), said, notes };
        let _ = canvas.area.fill(&PAPER);
        let (heading, size) = heading(&title.title);
        canvas.text(&heading, (32.0, 38.0), Type::of(size).bold());
        canvas.text(&title.subtitle, (32.0, 65.0), Type::of(size::SUBTITLE).faint());
        draw(&canvas);
        let _ = canvas.area.present();
        (canvas.said.take(), canvas.notes.take())
    };
    (svg, said, notes)
}

/// A title and its size: a long one is set smaller, one that is too long for that is cut.
fn heading(title: &str) -> (String, f64) {
    let wide = WIDTH - 64.0;
    let size = (size::TITLE * wide / (room(title, size::TITLE) * BOLD)).clamp(size::TITLE * 0.7, size::TITLE);
    let mut heading = title.to_owned();
    // No letter is narrower than a quarter of its size, so that no more of these are tried, however long a name is.
    let mut letters = crate::report::text::width(title).min((wide / (size * 0.25)) as usize);
    while letters > 1 && room(&heading, size) * BOLD > wide + 0.5 {
        letters -= 1;
        heading = crate::report::text::cut(title, letters);
    }
    (heading, size)
}

/// Gives the picture its size on the screen, round joins, words for those who cannot see it and for those who point.
fn shown(svg: &str, said: &str, title: &Title, height: f64) -> String {
    let (Some(begin), Some(view)) = (svg.find("<svg "), svg.find("viewBox=")) else { return svg.to_owned() };
    let Some(end) = svg[view..].find('>').map(|at| view + at) else { return svg.to_owned() };
    let close = svg.rfind("</svg>").unwrap_or(svg.len());
    let extra = "role=\"img\" stroke-linejoin=\"round\" stroke-linecap=\"butt\"";
    format!(
        "{}<svg width=\"{WIDTH}\" height=\"{height}\" {} {extra}>\n<title>{}</title>{}{said}{}",
        &svg[..begin],
        &svg[view..end],
        escape(&title.title),
        &svg[end + 1..close],
        &svg[close..]
    )
}

/// As it may stand in XML, which holds no character that moves a cursor.
pub(super) fn escape(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The room that a label needs, points; rather too much, for a viewer may have a wider font.
pub(super) fn room(label: &str, size: f64) -> f64 {
    label.chars().map(advance).sum::<f64>() * size * 1.06
}

/// About the advance of a letter of Inter, by its size.
fn advance(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | 'I' | ' ' | '.' | ',' | ':' | ';' | '·' | '\'' | '|' => 0.28,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '/' => 0.38,
        'm' | 'w' | 'M' | 'W' | '%' => 0.88,
        '-' => 0.46,
        'A'..='Z' => 0.7,
        ' '..='~' => 0.6,
        _ => 0.62 * unicode_width::UnicodeWidthChar::width(letter).unwrap_or(1) as f64,
    }
}

/// Cuts a line into the pieces that `dash` leaves of it.
fn dashed(points: &[(f64, f64)], dash: &[f64]) -> Vec<Vec<(f64, f64)>> {
    if dash.is_empty() || points.len() < 2 {
        return vec![points.to_vec()];
    }
    let mut pieces = vec![vec![points[0]]];
    let (mut turn, mut left) = (0, dash[0]);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            if length <= left {
                left -= length;
                if turn % 2 == 0 {
                    extend(&mut pieces, to);
                }
                break;
            }
            let share = left / length;
            from = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            if turn % 2 == 0 {
                extend(&mut pieces, from);
            } else {
                pieces.push(vec![from]);
            }
            turn += 1;
            left = dash[turn % dash.len()];
        }
    }
    pieces.retain(|piece| piece.len() > 1);
    pieces
}

/// Lines that rise to the right, as far as they lie within the area. Neighbouring areas share their rhythm.
fn stripes(area: Area) -> Vec<((f64, f64), (f64, f64))> {
    let first = ((area.left + area.top) / STRIPES).ceil() as i64;
    let last = ((area.right + area.bottom) / STRIPES).floor() as i64;
    (first..=last)
        .map(|i| i as f64 * STRIPES)
        .map(|sum| {
            let (left, right) = (area.left.max(sum - area.bottom), area.right.min(sum - area.top));
            ((left, sum - left), (right, sum - right))
        })
        .filter(|(from, to)| to.0 - from.0 > 0.5)
        .collect()
}

fn extend(pieces: &mut [Vec<(f64, f64)>], point: (f64, f64)) {
    if let Some(piece) = pieces.last_mut() {
        piece.push(point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_have_the_lengths_asked_for() {
        let pieces = dashed(&[(0.0, 0.0), (10.0, 0.0), (20.0, 0.0)], &[6.0, 2.0]);
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces[0], [(0.0, 0.0), (6.0, 0.0)]);
        assert_eq!(pieces[1], [(8.0, 0.0), (10.0, 0.0), (14.0, 0.0)]);
        assert_eq!(pieces[2], [(16.0, 0.0), (20.0, 0.0)]);
    }

    #[test]
    fn stripes_stay_within_their_area() {
        let area = Area { left: 10.0, top: 20.0, right: 60.0, bottom: 40.0 };
        let lines = stripes(area);
        assert!(lines.len() >= 8, "{lines:?}");
        for (x, y) in lines.iter().flat_map(|(from, to)| [from, to]) {
            assert!((10.0..=60.0).contains(x) && (20.0..=40.0).contains(y), "{x} {y}");
        }
    }

    #[test]
    fn a_long_title_shrinks_before_it_is_cut() {
        assert_eq!(heading("short"), ("short".into(), size::TITLE));
        let (long, size) = heading("five-milliseconds-become-fifty, variant cold-connections: request 1145 of users");
        assert!(long.ends_with("users") && size < size::TITLE, "{long} {size}");
        let (cut, size) = heading(&"支払いサービス".repeat(20));
        assert!(cut.ends_with('…') && room(&cut, size) < WIDTH, "{cut}");
    }

    #[test]
    fn whoever_points_is_told_and_what_has_no_room_stands_below() {
        let svg = picture(&Title::default(), HEIGHT, |canvas| {
            let area = Area { left: 10.0, top: 20.0, right: 20.0, bottom: 30.0 };
            canvas.says_over(area, &Scale::exact(0.0, 2.0, 10.0, 20.0), (0.0, 1.0, 2), |at| format!("<{at}>"));
        });
        assert!(svg.contains("x=\"60\" y=\"80\" width=\"20\""), "{svg}");
        assert!(svg.contains("<title>1 s to 2 s: &lt;1&gt;</title></rect>\n</svg>"), "{svg}");
        let svg = picture(&Title::default(), HEIGHT, |canvas| canvas.note("also: a fault".into()));
        assert!(svg.contains("height=\"559\"") && svg.contains("also: a fault"), "{svg}");
    }

    #[test]
    fn a_picture_is_sized_titled_and_escaped() {
        let title = Title { title: "a <b> & c".into(), subtitle: "seed 1".into() };
        let svg = picture(&title, HEIGHT, |_| ());
        assert!(svg.starts_with("<svg width=\"960\" height=\"540\" viewBox=\"0 0 3840 2160\""), "{svg}");
        assert!(svg.contains("<title>a &lt;b&gt; &amp; c</title>"));
        assert!(svg.contains("font-weight=\"bold\"") && svg.contains("seed 1"));
        assert!(svg.trim_end().ends_with("</svg>"));
    }
}
