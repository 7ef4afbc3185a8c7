//! The architecture drawn: layers from left to right, a shape for each kind of thing, regions for teams.
//!
//! Full lines are calls, dashed ones messages. After a run the width of a line is its traffic, its colour how it fared. What is one
//! unit in fact has an outline and a number.

use std::fmt::Write as _;

use plotters::style::RGBColor;

use super::Title;
use super::frame::{FAMILIES, escape, room, size};
use super::layers::{At, Placed, Wanted, place};
use super::palette::{BROKEN, COLOURS, FAINT, GRID, INK, PAPER, on_paper};
use super::routes::{Route, routes};
use crate::report::text::{clean, cut};
use crate::report::topology::{Arrow, Diagram, Fared, part_word, told};
use crate::scenario::{Part, Vertex};

/// Paper around everything, points.
const MARGIN: f64 = 32.0;
/// Below title and subtitle.
const HEAD: f64 = 96.0;
/// The least width: that of the other pictures.
const NARROW: f64 = 960.0;
/// Widest line of a name; a longer name takes several.
const NAME: f64 = 240.0;
/// Line of text, and paper within a box.
const LINE: f64 = 17.0;
const PAD: (f64, f64) = (26.0, 14.0);
/// How far the outline of a unit is from its boxes.
const HALO: f64 = 5.0;
/// Paper that a region gets above for the name of its team, and at its sides.
const TEAM: (f64, f64) = (12.0, 8.0);
/// Length of an arrow's head at the least.
const TIP: f64 = 9.0;
/// The ends of a gateway, of a broker and of a client: how far they are cut, bulge, and are rounded.
const CUT: f64 = 16.0;
const THIN: f64 = 9.0;
const ROUND: f64 = 24.0;

/// Draws it.
pub fn topology(title: &Title, diagram: &Diagram) -> String {
    drawn(title, diagram).0
}

/// Two of them, side by side.
pub fn beside(left: (&Title, &Diagram), right: (&Title, &Diagram)) -> String {
    let [(left, wide, high), (right, more, other)] = [left, right].map(|(title, diagram)| drawn(title, diagram));
    let (whole, tall) = (wide + more, high.max(other));
    format!(
        "<svg width=\"{whole:.0}\" height=\"{tall:.0}\" viewBox=\"0 0 {whole:.0} {tall:.0}\" xmlns=\"http://www.w3.org/2000/svg\" \
         role=\"img\">\n<rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n{left}<g transform=\"translate({wide:.0} 0)\">\n\
         {right}</g></svg>\n",
        hex(PAPER)
    )
}

/// The picture, and how wide and high it is.
fn drawn(title: &Title, diagram: &Diagram) -> (String, f64, f64) {
    let boxed = |vertex: &Vertex| told(vertex).iter().flat_map(|line| lines(line)).collect();
    let names: Vec<Vec<String>> = diagram.vertices.iter().map(boxed).collect();
    let teams = diagram.teams();
    let wanted = Wanted {
        boxes: names.iter().zip(&diagram.vertices).map(|(name, vertex)| dimensions(name, vertex.part)).collect(),
        regions: teams.values().cloned().collect(),
        arrows: diagram.arrows.iter().map(|arrow| (arrow.from, arrow.to, label_size(&arrow.label))).collect(),
    };
    let placed = place(&wanted);
    let back = |at: usize, down: f64| inset(diagram.vertices[at].part, down, wanted.boxes[at]);
    let routes = routes(&wanted, &placed, back);
    let extent = extent(&wanted, &placed, &routes);
    let words = legend(diagram, !placed.regions.is_empty());
    let wide = (extent.1.0 - extent.0.0 + 2.0 * MARGIN).max(NARROW);
    let high = HEAD + extent.1.1 - extent.0.1 + MARGIN;
    let foot = foot(&words, wide);
    let tall = high + foot.1 + MARGIN;
    let mut svg = opened(title, wide, tall);
    // A small picture stands in the middle of the paper.
    let left = ((wide - (extent.1.0 - extent.0.0)) / 2.0).max(MARGIN) - extent.0.0;
    let _ = write!(svg, "<g transform=\"translate({left:.1} {:.1})\">", HEAD - extent.0.1);
    for (team, (at, (w, h))) in teams.keys().zip(&placed.regions) {
        region(&mut svg, team, *at, (*w, *h));
    }
    let unit = |at: usize| diagram.units.get(&diagram.vertices[at].name).copied();
    // Below the arrows, whose heads end within it.
    for (at, unit) in (0..diagram.vertices.len()).filter_map(|at| Some((at, unit(at)?))) {
        halo(&mut svg, placed.boxes[at], wanted.boxes[at], unit);
    }
    for (arrow, route) in diagram.arrows.iter().zip(&routes) {
        way(&mut svg, arrow, route);
    }
    for (at, vertex) in diagram.vertices.iter().enumerate() {
        figure(&mut svg, vertex.part, placed.boxes[at], wanted.boxes[at]);
        unit(at).into_iter().for_each(|unit| badge(&mut svg, placed.boxes[at], wanted.boxes[at], unit));
        let (x, y) = placed.boxes[at];
        let (left, down) = lid(vertex.part);
        write_lines(&mut svg, &names[at], (x - left, y + down), size::LABEL, INK);
    }
    for (arrow, (_, place)) in diagram.arrows.iter().zip(&placed.arrows) {
        if let Some(place) = place {
            label(&mut svg, arrow, *place);
        }
    }
    for (at, vertex) in diagram.vertices.iter().enumerate() {
        says(&mut svg, placed.boxes[at], wanted.boxes[at], &clean(&full(vertex)));
    }
    for ((arrow, (_, place)), (_, _, size)) in diagram.arrows.iter().zip(&placed.arrows).zip(&wanted.arrows) {
        let [from, to] = [arrow.from, arrow.to].map(|at| clean(&diagram.vertices[at].name));
        let told = format!("{from} to {to}: {}", clean(&arrow.label.join(", ")));
        place.iter().for_each(|place| says(&mut svg, *place, *size, &told));
    }
    svg += "</g>";
    for (word, (x, y)) in words.iter().zip(foot.0) {
        entry(&mut svg, word, (x, high + y));
    }
    (svg + "</svg>\n", wide, tall)
}

/// A name, and all that is built into it.
fn full(vertex: &Vertex) -> String {
    let parts = vertex.parts.join(", ");
    if parts.is_empty() { vertex.name.clone() } else { format!("{}, with {parts} built in", vertex.name) }
}

/// What is said to whoever points at a box: names are cut in it, and lines of a label are short.
fn says(svg: &mut String, (x, y): At, (wide, high): (f64, f64), text: &str) {
    let (left, top) = (x - wide / 2.0, y - high / 2.0);
    let _ = write!(
        svg,
        "<rect class=\"says\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\" fill-opacity=\"0\"><title>{}</title></rect>",
        escape(text)
    );
}

/// A name in one line, two or three, broken where its parts meet; what is longer is cut.
fn lines(name: &str) -> Vec<String> {
    let name = clean(name);
    let wide = |text: &str| room(text, size::LABEL) > NAME;
    if !wide(&name) {
        return vec![name];
    }
    let breaks =
        || name.char_indices().filter(|(_, c)| matches!(c, '-' | '_' | '.' | ' ')).map(|(at, c)| at + c.len_utf8());
    let middle = name.len() / 2;
    let halves = breaks().min_by_key(|at| at.abs_diff(middle)).map(|at| name.split_at(at));
    if let Some((first, second)) = halves.filter(|(first, second)| !wide(first) && !wide(second)) {
        return [first, second].into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect();
    }
    // Thirds end where it is broken next to a third, and two.
    let third = |nth: usize| breaks().min_by_key(|at| at.abs_diff(name.len() * nth / 3)).unwrap_or(name.len());
    let (first, second) = (third(1), third(2));
    let fitting = |text: &str| {
        let mut letters = crate::report::text::width(text);
        while letters > 4 && wide(&cut(text, letters)) {
            letters -= 1;
        }
        cut(text, letters)
    };
    let parts = [&name[..first], &name[first..second], &name[second..]];
    parts.into_iter().filter(|part| !part.is_empty()).map(fitting).collect()
}

/// How far a name makes room for the lids of a cylinder: to the left for a lying one, below for a standing one.
fn lid(part: Part) -> At {
    match part {
        Part::Database | Part::Cache => (0.0, 4.0),
        Part::Queue => (THIN / 2.0, 0.0),
        Part::Topic => (THIN, 0.0),
        Part::Client | Part::Gateway | Part::Service | Part::External => (0.0, 0.0),
    }
}

fn dimensions(lines: &[String], part: Part) -> (f64, f64) {
    let wide = lines.iter().map(|line| room(line, size::LABEL)).fold(0.0, f64::max) + 2.0 * lid(part).0;
    ((wide + 2.0 * PAD.0).max(84.0), LINE * lines.len() as f64 + 2.0 * PAD.1)
}

fn label_size(lines: &[String]) -> (f64, f64) {
    let wide = lines.iter().map(|line| room(line, size::SMALL)).fold(0.0, f64::max);
    (wide, LINE * lines.len() as f64)
}

/// The least and the greatest coordinates.
fn extent(wanted: &Wanted, placed: &Placed, routes: &[Route]) -> (At, At) {
    let around = |(x, y): At, (w, h): (f64, f64)| [(x - w / 2.0, y - h / 2.0), (x + w / 2.0, y + h / 2.0)];
    let boxes = placed.boxes.iter().zip(&wanted.boxes).flat_map(|(at, (w, h))| around(*at, (w + 12.0, h + 16.0)));
    let regions = placed.regions.iter().flat_map(|(at, (w, h))| around(*at, (w + 4.0 * TEAM.1, h + 2.0 * TEAM.0)));
    let ways = routes.iter().flat_map(|route| route.points.iter().copied());
    let labels =
        placed.arrows.iter().zip(&wanted.arrows).filter_map(|((_, at), (_, _, size))| Some(around((*at)?, *size)));
    let all = boxes.chain(regions).chain(ways).chain(labels.flatten());
    all.fold(((0.0, 0.0), (0.0, 0.0)), |(low, high), (x, y)| {
        ((low.0.min(x), low.1.min(y)), (high.0.max(x), high.1.max(y)))
    })
}

fn opened(title: &Title, wide: f64, high: f64) -> String {
    let mut svg = format!(
        "<svg width=\"{wide:.0}\" height=\"{high:.0}\" viewBox=\"0 0 {wide:.0} {high:.0}\" xmlns=\"http://www.w3.org/2000/svg\" \
         role=\"img\" font-family=\"{FAMILIES}\" stroke-linejoin=\"round\">\n<title>{}</title>",
        escape(&title.title)
    );
    let _ = write!(svg, "<rect width=\"100%\" height=\"100%\" fill=\"{}\"/>", hex(PAPER));
    let mut set = |text: &str, y: f64, size: f64, colour: RGBColor, weight: &str| {
        let text = escape(text);
        let colour = hex(colour);
        let _ = write!(
            svg,
            "<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{colour}\">{text}</text>"
        );
    };
    set(&title.title, 44.0, size::TITLE, INK, "bold");
    set(&title.subtitle, 70.0, size::SUBTITLE, FAINT, "normal");
    svg
}

fn hex(RGBColor(r, g, b): RGBColor) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn region(svg: &mut String, team: &str, (x, y): At, (w, h): (f64, f64)) {
    let (left, top) = (x - w / 2.0 - TEAM.1, y - h / 2.0 - TEAM.0);
    let _ = write!(
        svg,
        "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"14\" fill=\"{}\" stroke=\"{}\"/>",
        w + 2.0 * TEAM.1,
        h + TEAM.0,
        hex(on_paper(GRID, 0.45)),
        hex(GRID)
    );
    let name = escape(&cut(&clean(team), ((w - 20.0) / 7.5).max(8.0) as usize));
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{}\" font-weight=\"bold\" fill=\"{}\">{name}</text>",
        left + 12.0,
        top + 16.0,
        size::SMALL,
        hex(FAINT)
    );
}

/// Colour and width of an arrow.
fn pen(arrow: &Arrow) -> (RGBColor, f64) {
    let width = arrow.traffic.map_or(1.6, |share| 1.2 + 5.0 * share.sqrt());
    match arrow.fared {
        Fared::Unknown if arrow.traffic.is_none() => (FAINT, width),
        Fared::Unknown | Fared::Used => (COLOURS[0], width),
        Fared::Failing => (BROKEN, width),
        Fared::Coupled => (COLOURS[3], width),
        Fared::Unused => (on_paper(FAINT, 0.4), 1.2),
    }
}

/// An arrow along its way, with a head.
fn way(svg: &mut String, arrow: &Arrow, route: &Route) {
    let Some((end, way)) = route.end() else { return };
    let (colour, width) = pen(arrow);
    let tip = TIP.max(width * 2.2);
    let dash = if arrow.message {
        format!(" stroke-dasharray=\"{:.1} {:.1}\"", 5.0 + width, 4.0 + width)
    } else {
        String::new()
    };
    let _ = write!(
        svg,
        "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width:.1}\"{dash}/>",
        route.path(tip),
        hex(colour)
    );
    let (neck, side) = (end.0 - way * tip, tip * 0.45);
    let _ = write!(
        svg,
        "<path d=\"M{:.1} {:.1}L{neck:.1} {:.1}L{neck:.1} {:.1}Z\" fill=\"{}\"/>",
        end.0,
        end.1,
        end.1 + side,
        end.1 - side,
        hex(colour)
    );
}

/// How far the outline of a figure stands back from its left or right side, so far from its middle.
fn inset(part: Part, down: f64, (_, high): (f64, f64)) -> f64 {
    let off = (down.abs() / (high / 2.0)).min(1.0);
    match part {
        Part::Gateway => CUT * off,
        Part::Queue | Part::Topic => THIN * (1.0 - (1.0 - off * off).sqrt()),
        Part::Client => {
            let radius = (high / 2.0).min(ROUND);
            let beyond = (down.abs() - (high / 2.0 - radius)).max(0.0);
            radius - (radius * radius - beyond * beyond).max(0.0).sqrt()
        }
        Part::Service | Part::External | Part::Database | Part::Cache => 0.0,
    }
}

/// What stands at an arrow, on paper.
fn label(svg: &mut String, arrow: &Arrow, (x, y): At) {
    let (w, h) = label_size(&arrow.label);
    let _ = write!(
        svg,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\" fill-opacity=\"0.85\"/>",
        x - w / 2.0 - 2.0,
        y - h / 2.0,
        w + 4.0,
        h,
        hex(PAPER)
    );
    let colour = match arrow.fared {
        Fared::Failing => BROKEN,
        Fared::Unused => FAINT,
        Fared::Unknown | Fared::Used | Fared::Coupled => INK,
    };
    write_lines(svg, &arrow.label, (x, y), size::SMALL, colour);
}

fn write_lines(svg: &mut String, lines: &[String], (x, y): At, size: f64, colour: RGBColor) {
    for (nth, line) in lines.iter().enumerate() {
        let down = (nth as f64 - (lines.len() as f64 - 1.0) / 2.0) * LINE + size * 0.36;
        let _ = write!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"middle\" fill=\"{}\">{}</text>",
            y + down,
            hex(colour),
            escape(line)
        );
    }
}

/// The outlines of a figure, the first of them filled.
fn outlines(part: Part, (x, y): At, (w, h): (f64, f64)) -> Vec<String> {
    let (l, r, t, b) = (x - w / 2.0, x + w / 2.0, y - h / 2.0, y + h / 2.0);
    let rounded = |radius: f64| {
        format!(
            "M{:.1} {t:.1}H{:.1}A{radius} {radius} 0 0 1 {r:.1} {:.1}V{:.1}A{radius} {radius} 0 0 1 {:.1} {b:.1}H{:.1}A{radius} {radius} \
             0 0 1 {l:.1} {:.1}V{:.1}A{radius} {radius} 0 0 1 {:.1} {t:.1}Z",
            l + radius,
            r - radius,
            t + radius,
            b - radius,
            r - radius,
            l + radius,
            b - radius,
            t + radius,
            l + radius
        )
    };
    // Lying cylinders are brokers, standing ones keep data.
    let (flat, thin) = (6.0, THIN);
    let middle = h / 2.0;
    match part {
        Part::Client => vec![rounded((h / 2.0).min(ROUND))],
        Part::Service => vec![rounded(7.0)],
        Part::External => vec![rounded(1.0)],
        Part::Gateway => vec![format!(
            "M{l:.1} {y:.1}L{:.1} {t:.1}H{:.1}L{r:.1} {y:.1}L{:.1} {b:.1}H{:.1}Z",
            l + CUT,
            r - CUT,
            r - CUT,
            l + CUT
        )],
        Part::Database | Part::Cache => {
            let lids = if part == Part::Cache { vec![0.0, 5.0] } else { vec![0.0] };
            let rx = w / 2.0;
            let body = format!(
                "M{l:.1} {:.1}A{rx:.1} {flat} 0 0 1 {r:.1} {:.1}V{:.1}A{rx:.1} {flat} 0 0 1 {l:.1} {:.1}Z",
                t + flat,
                t + flat,
                b - flat,
                b - flat
            );
            let lid = |down: f64| {
                format!("M{l:.1} {:.1}A{rx:.1} {flat} 0 0 0 {r:.1} {:.1}", t + flat + down, t + flat + down)
            };
            std::iter::once(body).chain(lids.into_iter().map(lid)).collect()
        }
        Part::Queue | Part::Topic => {
            let lids = if part == Part::Topic { vec![0.0, 6.0, 12.0] } else { vec![0.0] };
            let body = format!(
                "M{:.1} {t:.1}H{:.1}A{thin} {middle:.1} 0 0 1 {:.1} {b:.1}H{:.1}A{thin} {middle:.1} 0 0 1 {:.1} {t:.1}Z",
                l + thin,
                r - thin,
                r - thin,
                l + thin,
                l + thin
            );
            let lid = |back: f64| {
                let at = r - thin - back;
                format!("M{at:.1} {t:.1}A{thin} {middle:.1} 0 0 0 {at:.1} {b:.1}")
            };
            std::iter::once(body).chain(lids.into_iter().map(lid)).collect()
        }
    }
}

/// Colour of the inside of a figure.
fn inside(part: Part) -> RGBColor {
    let [blue, _, green, purple, orange, sky, _] = COLOURS;
    match part {
        Part::Client => on_paper(INK, 0.06),
        Part::Gateway => on_paper(purple, 0.25),
        Part::Service => on_paper(blue, 0.10),
        Part::Cache => on_paper(sky, 0.22),
        Part::Database => on_paper(orange, 0.24),
        Part::External => PAPER,
        Part::Queue | Part::Topic => on_paper(green, 0.18),
    }
}

/// Colour of a unit.
fn colour(unit: usize) -> RGBColor {
    COLOURS[(unit + 2) % COLOURS.len()]
}

/// The outline of what is one unit in fact with others.
fn halo(svg: &mut String, at: At, (w, h): (f64, f64), unit: usize) {
    let around = outlines(Part::Service, at, (w + 2.0 * HALO, h + 2.0 * HALO));
    let dash = if unit.is_multiple_of(2) { " stroke-dasharray=\"7 4\"" } else { "" };
    let (paper, ink) = (hex(PAPER), hex(colour(unit)));
    let _ = write!(svg, "<path d=\"{}\" fill=\"{paper}\" stroke=\"{ink}\" stroke-width=\"2.5\"{dash}/>", around[0]);
}

/// The number of its unit, at its corner.
fn badge(svg: &mut String, at: At, (w, h): (f64, f64), unit: usize) {
    let (x, y) = (at.0 + w / 2.0 + 2.0, at.1 - h / 2.0 - 3.0);
    let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"9\" fill=\"{}\"/>", hex(colour(unit)));
    write_lines(svg, &[unit.to_string()], (x, y), size::SMALL - 1.0, PAPER);
}

fn figure(svg: &mut String, part: Part, at: At, (w, h): (f64, f64)) {
    let dash = if part == Part::External { " stroke-dasharray=\"4 3\"" } else { "" };
    for (nth, path) in outlines(part, at, (w, h)).iter().enumerate() {
        let fill = if nth == 0 { hex(inside(part)) } else { "none".to_owned() };
        let _ = write!(svg, "<path d=\"{path}\" fill=\"{fill}\" stroke=\"{}\" stroke-width=\"1.4\"{dash}/>", hex(INK));
    }
}

/// An entry of the key.
enum Word {
    Shape(Part),
    Line(Arrow, &'static str),
    Text(String),
}

impl Word {
    fn text(&self) -> &str {
        match self {
            Word::Shape(part) => part_word(*part),
            Word::Line(_, text) => text,
            Word::Text(text) => text,
        }
    }
}

/// What is to be explained: only what is there.
fn legend(diagram: &Diagram, regions: bool) -> Vec<Word> {
    let mut parts: Vec<Part> = diagram.vertices.iter().map(|vertex| vertex.part).collect();
    parts.sort_unstable();
    parts.dedup();
    let mut words: Vec<Word> = parts.into_iter().map(Word::Shape).collect();
    let arrow = |message, fared, traffic| Arrow {
        from: 0,
        to: 0,
        message,
        links: Vec::new(),
        label: Vec::new(),
        traffic,
        fared,
    };
    let plain = |message| arrow(message, Fared::Unknown, None);
    let has = |of: &dyn Fn(&Arrow) -> bool| diagram.arrows.iter().any(of);
    words.push(Word::Line(plain(false), "call: the caller waits"));
    if has(&|arrow| arrow.message) {
        words.push(Word::Line(plain(true), "message: nobody waits"));
    }
    if diagram.ran {
        words.push(Word::Line(arrow(false, Fared::Used, Some(0.6)), "used; the wider, the more"));
    }
    if has(&|arrow| arrow.fared == Fared::Coupled) {
        words.push(Word::Line(arrow(false, Fared::Coupled, Some(0.3)), "coupled: both ends are one in fact"));
    }
    if has(&|arrow| arrow.fared == Fared::Failing) {
        words.push(Word::Line(arrow(false, Fared::Failing, Some(0.3)), "0.5 % or more fail"));
    }
    if has(&|arrow| arrow.fared == Fared::Unused) {
        words.push(Word::Line(arrow(false, Fared::Unused, None), "unused"));
    }
    if !diagram.units.is_empty() {
        words.push(Word::Text("outlined, same number: one unit in fact".into()));
    }
    if !diagram.teams().is_empty() {
        let told = if regions { "regions: teams" } else { "teams not drawn: their regions would lie on each other" };
        words.push(Word::Text(told.into()));
    }
    words
}

/// What a sample of the key takes, and the space between entries and lines.
const SAMPLE: (f64, f64) = (34.0, 18.0);
const GAP: (f64, f64) = (24.0, 30.0);

/// Where the entries stand, below each other where a line is full, and how high that is.
fn foot(words: &[Word], wide: f64) -> (Vec<At>, f64) {
    let (mut x, mut y, mut places) = (MARGIN, 0.0, Vec::new());
    for word in words {
        let sample = if matches!(word, Word::Text(_)) { 0.0 } else { SAMPLE.0 + 8.0 };
        let width = sample + room(word.text(), size::SMALL);
        if x > MARGIN && x + width > wide - MARGIN {
            (x, y) = (MARGIN, y + GAP.1);
        }
        places.push((x, y));
        x += width + GAP.0;
    }
    (places, y)
}

fn entry(svg: &mut String, word: &Word, (x, y): At) {
    let mut text_at = x + SAMPLE.0 + 8.0;
    match word {
        Word::Shape(part) => figure(svg, *part, (x + SAMPLE.0 / 2.0, y), SAMPLE),
        Word::Line(arrow, _) => way(svg, arrow, &Route { points: vec![(x, y), (x + SAMPLE.0, y)] }),
        Word::Text(_) => text_at = x,
    }
    let _ = write!(
        svg,
        "<text x=\"{text_at:.1}\" y=\"{:.1}\" font-size=\"{}\" fill=\"{}\">{}</text>",
        y + size::SMALL * 0.36,
        size::SMALL,
        hex(FAINT),
        escape(word.text())
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_take_three_lines_and_no_more() {
        assert_eq!(lines("orders"), ["orders"]);
        let two = lines("customer-notification-preferences-service");
        assert!(two.len() == 2 && two.concat() == "customer-notification-preferences-service", "{two:?}");
        let three = lines("verification-recommendation-pricing-calculation-and-approval-service");
        assert!(three.len() == 3 && !three.concat().contains('…'), "{three:?}");
        let wide = lines("verification-recommendation-pricing-service");
        assert_eq!(wide.concat(), "verification-recommendation-pricing-service");
        let cut = lines(&"verylongname".repeat(9));
        assert!(cut.len() == 1 && cut[0].ends_with('…') && room(&cut[0], size::LABEL) <= NAME, "{cut:?}");
    }
}
