//! The heat map: what is down by row, whose requests by column; the darker, the more is lost, striped where it is late.

use super::Title;
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::palette::{BROKEN, FAINT, LATE, PAPER, hair, on_paper};
use crate::experiment::coupling::{Cell, Column, Coupling, Kind};
use crate::experiment::summary::Estimate;
use crate::report::number::percent;
use crate::report::text::{clean, cut, cut_name};

/// Rows and columns at most.
const ROWS: usize = 48;
const COLUMNS: usize = 12;

/// Where rows begin, how high each is, what stands below them.
const TOP: f64 = 150.0;
const ROW: f64 = 26.0;
const FOOT: f64 = 64.0;

/// Below this share a field stays empty.
const SEEN: f64 = 0.005;

/// With more rows than this, those in which nobody feels anything are left out.
const ALL: usize = 24;

/// What is drawn, and where.
struct Grid<'c> {
    rows: Vec<&'c Column>,
    whose: Vec<&'c String>,
    left: f64,
    /// How wide a column is.
    wide: f64,
    /// What is not drawn, in words.
    left_out: Vec<String>,
}

impl<'c> Grid<'c> {
    /// Nodes, brokers and zones; edges where nothing else is there. The most costly first.
    fn of(coupling: &'c Coupling) -> Self {
        let whole = |column: &&Column| column.target.kind != Kind::Edge;
        let mut rows: Vec<&Column> = coupling.columns.iter().filter(whole).collect();
        if rows.is_empty() {
            rows = coupling.columns.iter().collect();
        }
        let mut left_out = Vec::new();
        let all = rows.len();
        if all > ALL {
            rows.retain(|column| is_felt(column));
            left_out.extend((rows.len() < all).then(|| format!("{} more cost nobody anything", all - rows.len())));
        }
        let cut = rows.len().saturating_sub(ROWS);
        rows.truncate(ROWS);
        left_out.extend((cut > 0).then(|| format!("{cut} more not drawn")));
        let whose: Vec<&String> = coupling.whose.iter().map(|who| &who.name).take(COLUMNS).collect();
        let left = 48.0 + rows.iter().map(|row| room(&label(row), size::LABEL)).fold(0.0, f64::max);
        let wide = ((WIDTH - 32.0 - left) / whose.len().max(1) as f64).min(170.0);
        Self { rows, whose, left, wide, left_out }
    }

    fn right(&self) -> f64 {
        self.left + self.wide * self.whose.len() as f64
    }

    fn bottom(&self) -> f64 {
        TOP + ROW * self.rows.len() as f64
    }

    /// Whose requests; where a name is too long for its column all stand at two heights in turn.
    fn heads(&self, canvas: &Canvas) {
        let fits = self.whose.iter().all(|name| room(&clean(name), size::SMALL) <= self.wide - 8.0);
        for (nth, name) in self.whose.iter().enumerate() {
            let x = self.left + self.wide * (nth as f64 + 0.5);
            let y = if fits || nth % 2 == 0 { TOP - 16.0 } else { TOP - 36.0 };
            let letters = ((self.wide * 1.8) / 9.0) as usize;
            let name = if fits { clean(name) } else { cut(&clean(name), letters.max(6)) };
            canvas.text(&name, (x, y), Type::of(size::SMALL).centred());
        }
    }

    fn row(&self, canvas: &Canvas, row: &Column, top: f64) {
        canvas.text(&label(row), (self.left - 12.0, top + ROW / 2.0), Type::of(size::LABEL).ending());
        for (at, name) in self.whose.iter().enumerate() {
            let x = self.left + self.wide * at as f64;
            let area = Area { left: x, right: x + self.wide, top, bottom: top + ROW };
            if let Some(cell) = row.clients.get(*name).or_else(|| row.flows.get(*name)) {
                field(canvas, cell, area);
                canvas.says(area, &told(&label(row), name, cell));
            }
        }
    }
}

fn label(column: &Column) -> String {
    let how = if column.target.hangs { " hangs" } else { "" };
    cut_name(&format!("{}{how}", clean(&column.target.name)), 34)
}

/// Whether anybody feels it.
fn is_felt(column: &Column) -> bool {
    let seen = |cell: &Cell| [cell.lost, cell.late].iter().any(|e| e.value.is_some_and(|share| share >= SEEN));
    column.clients.values().chain(column.flows.values()).any(seen)
}

/// Draws the matrix.
pub fn heat(title: &Title, coupling: &Coupling) -> String {
    let grid = Grid::of(coupling);
    let bottom = grid.bottom();
    picture(title, bottom + FOOT + if grid.left_out.is_empty() { 0.0 } else { 22.0 }, |canvas| {
        grid.heads(canvas);
        for (nth, row) in grid.rows.iter().enumerate() {
            grid.row(canvas, row, TOP + ROW * nth as f64);
        }
        canvas.line(&[(grid.left, bottom + 12.0), (grid.right(), bottom + 12.0)], hair(FAINT));
        // The legend needs more room than a few columns may have.
        legend(canvas, (grid.left.min(WIDTH - 32.0 - LEGEND), bottom + 30.0));
        if !grid.left_out.is_empty() {
            canvas.text(&grid.left_out.join(", "), (grid.left, bottom + 54.0), Type::of(size::SMALL).faint());
        }
    })
}

/// Room for what the colours mean.
const LEGEND: f64 = 660.0;

/// A field in words.
fn told(down: &str, whose: &str, cell: &Cell) -> String {
    let share = |of: Estimate| match (of.value, of.ends()) {
        (Some(value), Some((low, high))) => format!("{} ({} to {})", percent(value), percent(low), percent(high)),
        (Some(value), None) => percent(value),
        (None, _) => "nothing known".into(),
    };
    format!("{down} down, {}: lost {}, late {}", clean(whose), share(cell.lost), share(cell.late))
}

fn field(canvas: &Canvas, cell: &Cell, area: Area) {
    let (lost, late) = (cell.lost.value.unwrap_or(0.0), cell.late.value.unwrap_or(0.0));
    let middle = (f64::midpoint(area.left, area.right), f64::midpoint(area.top, area.bottom));
    let (colour, share) = if lost >= SEEN || late < SEEN { (BROKEN, lost) } else { (LATE, late) };
    if share >= SEEN {
        canvas.rectangle(area, on_paper(colour, 0.15 + 0.85 * share), 1.0);
    }
    canvas.outline(area, PAPER);
    let text = match (lost >= SEEN, late >= SEEN) {
        (true, true) => format!("{} · {} late", percent(lost), percent(late)),
        (true, false) => percent(lost),
        (false, true) => format!("{} late", percent(late)),
        (false, false) if cell.by_structure => "apart".into(),
        (false, false) if cell.lost.value.is_none() => "no requests".into(),
        (false, false) => "0".into(),
    };
    let set = Type::of(size::SMALL).centred();
    let dark = colour == BROKEN && share > 0.55;
    canvas.text(
        &text,
        middle,
        if dark {
            set.light()
        } else if share < SEEN {
            set.faint()
        } else {
            set
        },
    );
}

/// What the colours mean.
fn legend(canvas: &Canvas, (left, y): (f64, f64)) {
    let mut x = left;
    for (colour, word) in [(BROKEN, "lost: served without, not with"), (LATE, "late: served, but later than the bound")]
    {
        for step in 0..5 {
            let area = Area { left: x, right: x + 16.0, top: y - 7.0, bottom: y + 7.0 };
            canvas.rectangle(area, on_paper(colour, 0.15 + 0.2125 * f64::from(step)), 1.0);
            x += 16.0;
        }
        canvas.text(word, (x + 8.0, y), Type::of(size::SMALL).faint());
        x += 24.0 + room(word, size::SMALL);
    }
}
