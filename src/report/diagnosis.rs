//! How many services these are, really: the headline, the five signs with what speaks for each, the pairs.

use std::fmt::Write as _;

use crate::diag::nouns;
use crate::experiment::diagnosis::{
    AVAILABLE, Breaking, Cause, Diagnosis, Ends, Evidence, Pair, Part, Proof, Rollout, Severity, Sign,
};
use crate::experiment::study::Head;
use crate::experiment::summary::Estimate;
use crate::report::coupling;
use crate::report::markdown::escape;
use crate::report::number::{NONE, level_within, percent, plain, seconds, share_within, time_within};
use crate::report::page::{Page, how, of_what, shortened};
use crate::report::sheet::{Cell, Sheet, Tone};
use crate::report::table::Style;
use crate::report::text::{clean, cut, joined, wrapped};

/// Rows of a table for a screen, and what stands at each sign there.
const ROWS: usize = 16;
const SAID: usize = 4;

/// The same in Markdown, which is to have at most forty lines.
const FEW: usize = 8;

/// The answer in a sentence: "12 services, effectively 2.1".
pub fn answer(found: &Diagnosis) -> String {
    let n = found.services as u64;
    let Some(n_eff) = found.n_eff else { return "no services: nothing that could be one in fact".into() };
    if n == 1 {
        return "1 service: there is nothing that it could be one with".into();
    }
    let most = if found.not_assessed.is_empty() { "" } else { " at most" };
    format!("{n} {}, effectively {n_eff:.1}{most}{}", nouns(n, "service"), changed(found))
}

/// What a change did: "; it was 4.2 of 5: edge orders -> users".
fn changed(found: &Diagnosis) -> String {
    let Some(change) = &found.change else { return String::new() };
    let (Some(before), Some(after)) = (change.before, change.after) else { return String::new() };
    let same = change.services_before == change.services_before + change.new.len() - change.gone.len();
    let of = if same { String::new() } else { format!(" of {}", change.services_before) };
    let causes: Vec<&str> =
        change.causes.iter().filter(|cause| cause.effect.abs() >= 0.05).take(3).map(|c| c.fact.as_str()).collect();
    let by = if causes.is_empty() { String::new() } else { format!(", caused by {}", causes.join(", ")) };
    // What was simulated is this file alone.
    let read = if found.coupling.is_some() { "read off both files " } else { "" };
    format!("; {read}{before:.1}{of} -> {after:.1}{by}")
}

fn heading(found: &Diagnosis) -> Vec<String> {
    let Head { scenario, tool, note, .. } = &found.head;
    let mut parts = of_what(scenario, tool, note);
    if found.coupling.is_some() {
        parts.extend(how(&found.head));
    }
    if let Some((low, high)) = found.n_eff_between {
        parts.push(format!("effectively {low:.1} to {high:.1}, every loss at the end of its interval"));
    }
    let fewer = found.trial_replications.filter(|_| found.coupling.is_some());
    parts.extend(fewer.map(|few| format!("what is tried besides: {few} {}", nouns(few.into(), "replication"))));
    parts.extend(found.shortened.filter(|_| found.coupling.is_some()).into_iter().flat_map(shortened));
    if found.interrupted {
        let left = match found.coupling {
            Some(_) => "interrupted: not all that it says was simulated",
            None => "interrupted before anything was simulated: this is what the file says",
        };
        parts.push(left.into());
    }
    if !found.not_assessed.is_empty() {
        parts.push(format!("not assessed, for some pair at least: {}", found.not_assessed.join(", ")));
    }
    parts
}

fn word(severity: Severity) -> (&'static str, Tone) {
    match severity {
        Severity::NotAssessed => ("not assessed", Tone::Faint),
        Severity::None => ("none", Tone::Good),
        Severity::Moderate => ("moderate", Tone::Odd),
        Severity::Severe => ("severe", Tone::Bad),
    }
}

/// For a terminal.
pub fn table(found: &Diagnosis, style: Style) -> String {
    let paint = |line: String, tone: Tone| tone.paint(&line, style.color);
    let mut lines: Vec<String> =
        wrapped(&clean(&answer(found)), style.prose()).into_iter().map(|line| paint(line, Tone::Strong)).collect();
    lines.extend(joined(&heading(found), style.prose()).into_iter().map(|line| paint(line, Tone::Faint)));
    for (nth, sign) in found.signs.iter().enumerate() {
        lines.push(String::new());
        let (severity, tone) = word(sign.severity);
        lines.push(format!("{}. {}: {}", nth + 1, sign.name, paint(severity.into(), tone)));
        lines.extend(wrapped(&clean(&sign.says), style.prose() - 3).into_iter().map(|line| format!("   {line}")));
        lines.extend(said(sign, style));
        let proofs =
            sign.proofs.iter().flat_map(|proof| wrapped(&format!("simulated: {}", shown(proof)), style.prose() - 5));
        lines.extend(proofs.map(|line| format!("     {line}")));
        let why =
            sign.not_simulated.iter().flat_map(|why| wrapped(&format!("not simulated: {why}"), style.prose() - 5));
        lines.extend(why.map(|line| format!("     {line}")));
    }
    if !found.units.is_empty() {
        lines.extend([String::new(), paint("one in fact (a bond of a half or more)".into(), Tone::Strong)]);
        lines.extend(units(found, style));
    }
    if let Some(coupling) = &found.coupling {
        let matrix = coupling::matrix(coupling, style.all);
        lines.extend([String::new(), paint(cut("what it costs when one thing is down", style.width), Tone::Strong)]);
        lines.extend(matrix.lines(style.width, style.color));
    }
    for (title, sheet) in [
        ("what a client's request goes through", paths(found)),
        ("what binds two services", pairs(found, if style.all { usize::MAX } else { ROWS })),
        ("what the change did", causes(found)),
    ] {
        if !sheet.rows.is_empty() {
            lines.extend([String::new(), paint(cut(title, style.width), Tone::Strong)]);
            lines.extend(sheet.lines(style.width, style.color));
        }
    }
    lines.join("\n") + "\n"
}

/// For a page to hand round: a table for the signs, what speaks for each, and every other table whole.
pub fn page(found: &Diagnosis) -> Page {
    let mut tables = vec![("the five signs".to_owned(), signs(found))];
    tables.extend(found.signs.iter().map(|sign| (format!("{}: what speaks for it", sign.name), evidence(sign))));
    tables.extend([("one in fact (a bond of a half or more)".to_owned(), united(found))]);
    let matrix = found.coupling.as_ref().map(|of| coupling::matrix(of, true));
    tables.extend(matrix.map(|matrix| ("what it costs when one thing is down".to_owned(), matrix)));
    tables.extend([
        ("what a client's request goes through".to_owned(), paths(found)),
        ("what binds two services".to_owned(), pairs(found, usize::MAX)),
        ("what the change did".to_owned(), causes(found)),
    ]);
    Page { answer: answer(found) + ".", heading: heading(found), tables, ..Page::default() }
}

fn signs(found: &Diagnosis) -> Sheet {
    let mut sheet = Sheet::new(&[("signs", 24), ("severity", 12), ("says", 90)]);
    for sign in &found.signs {
        let (severity, tone) = word(sign.severity);
        sheet.push(sign.name, [Cell::toned(severity, tone), Cell::from(clean(&sign.says))]);
    }
    sheet
}

/// What speaks for a sign by the file, and what runs showed.
fn evidence(sign: &Sign) -> Sheet {
    let mut sheet = Sheet::new(&[("how", 16), ("evidence", 110)]);
    for one in &sign.evidence {
        let how = one.line.map_or_else(|| "the file".to_owned(), |line| format!("line {line}"));
        sheet.push(&how, [Cell::from(clean(&one.says))]);
    }
    sign.proofs.iter().for_each(|proof| sheet.push("simulated", [Cell::from(shown(proof))]));
    sign.not_simulated.iter().for_each(|why| sheet.push("not simulated", [Cell::from(clean(why))]));
    sheet
}

/// Who is one in fact.
fn united(found: &Diagnosis) -> Sheet {
    let mut sheet = Sheet::new(&[("unit", 8), ("services", 100)]);
    for (nth, unit) in found.units.iter().enumerate() {
        sheet.push(&(nth + 1).to_string(), [Cell::from(clean(&unit.join(", ")))]);
    }
    sheet
}

/// What speaks for a sign, each with its line in the file.
fn said(sign: &Sign, style: Style) -> Vec<String> {
    let most = if style.all { usize::MAX } else { SAID };
    let told = |evidence: &Evidence| {
        let lines = wrapped(&clean(&line(evidence)), style.prose() - 5);
        lines.into_iter().enumerate().map(|(nth, line)| format!("{}{line}", if nth == 0 { "   - " } else { "     " }))
    };
    let mut lines: Vec<String> = sign.evidence.iter().take(most).flat_map(told).collect();
    if let Some(more) = sign.evidence.len().checked_sub(most).filter(|more| *more > 0) {
        lines.push(format!("   - {more} more with -v"));
    }
    lines
}

fn line(evidence: &Evidence) -> String {
    evidence.line.map_or_else(|| evidence.says.clone(), |line| format!("line {line}: {}", evidence.says))
}

/// What a run showed, in words.
fn shown(proof: &Proof) -> String {
    let share = share_within;
    match proof {
        Proof::Down { node, lost } => {
            format!("{} down: {} of all requests are lost meanwhile", clean(node), share(*lost))
        }
        Proof::Refused { edge, lost } => {
            format!("{} refused: {} of the requests that cross it are lost", clean(edge), share(*lost))
        }
        Proof::Slower { node, client, epsilon, breaks_at, breaks_between } => {
            let told = level_within(*epsilon);
            let between = breaks_between.map(|(low, high)| format!(" ({}–{})", plain(low), plain(high)));
            let between = between.unwrap_or_default();
            let breaks = breaks_at.map(|at| format!("; {}{between} times slower breaks a promise", plain(at)));
            let breaks = breaks.unwrap_or_default();
            let (node, client) = (clean(node), clean(client));
            format!(
                "{node} slower: coupling in slowness {told} for the p99 of {client} (1: all of it comes through){breaks}"
            )
        }
        Proof::TenTimes { node, client, p99_ms, p99_between_ms, served, served_between } => {
            let served = match both(*served, *served_between).map(share_within) {
                [before, after] if before == after => String::new(),
                [before, after] => format!(", served {before} → {after}"),
            };
            let p99 = became(both(*p99_ms, *p99_between_ms));
            format!("{} ten times slower: the p99 of {} {p99}{served}", clean(node), clean(client))
        }
        Proof::Beside { database, client, other, p99_ms } => format!(
            "requests of {} on {}: the p99 of {} is {} with them, {} without",
            clean(client),
            clean(database),
            clean(other),
            time_within(p99_ms.other),
            time_within(p99_ms.base)
        ),
        Proof::Locked { table, held_s, lost_s, lost_between_s, client, p99_ms, p99_between_ms } => format!(
            "a migration that has {} to itself for {}: {}; the p99 of {} {}",
            clean(table),
            seconds(*held_s),
            worth(*lost_s, *lost_between_s),
            clean(client),
            became(both(*p99_ms, *p99_between_ms))
        ),
        Proof::Library { library, services, lost_s: [one, all], lost_between_s: [of_one, of_all] } => format!(
            "a release of {} redeploys {}: {} while they restart, {} where it were one",
            clean(library),
            services.len(),
            worth(*all, *of_all),
            worth(*one, *of_one)
        ),
        Proof::Breaking(breaking) => breaks(breaking),
        Proof::Release { services, alone, together } => format!(
            "{} rolled out alone: {} of all requests are served; all {} at the same time: {}",
            clean(&services[0]),
            share(*alone),
            services.len(),
            share(*together)
        ),
    }
}

/// What a release that changes a contract does, rolled out in three ways.
fn breaks(breaking: &Breaking) -> String {
    let told = |rollout: &Rollout| {
        let lost = worth(rollout.lost_s, rollout.lost_between_s);
        match rollout {
            Rollout { to_the_end: true, .. } => format!("{lost}, and to the end of the run"),
            Rollout { failing_s, .. } if *failing_s > 0.0 => format!("{lost} within {}", seconds(*failing_s)),
            _ => lost,
        }
    };
    let callers: Vec<String> = breaking.callers.iter().map(|name| clean(name)).collect();
    format!(
        "a breaking change of {} rolled out in {}: alone {}; in lockstep with {}, which restart as well: {}; where old and new \
         understand each other, so that {} alone restarts: {}",
        clean(&breaking.callee),
        seconds(breaking.rollout_s),
        told(&breaking.alone),
        callers.join(", "),
        told(&breaking.lockstep),
        clean(&breaking.callee),
        told(&breaking.compatible)
    )
}

/// How long all requests together would have had to fail: seconds' worth of them.
fn worth(lost_s: f64, between: Option<Ends>) -> String {
    let told = time_within(known(Some(lost_s), between).scaled(1e3));
    if lost_s < 0.005 { "nothing is lost".into() } else { format!("{told} of all requests are lost") }
}

/// A time before and with something; what is never reached is endless.
fn became(ms: [Estimate; 2]) -> String {
    let [before, after] = ms.map(|ms| if ms.value.is_some() { time_within(ms) } else { "∞".into() });
    format!("{before} → {after}")
}

/// Two figures, each with its ends.
fn both(values: [Option<f64>; 2], ends: [Option<Ends>; 2]) -> [Estimate; 2] {
    [known(values[0], ends[0]), known(values[1], ends[1])]
}

fn known(value: Option<f64>, ends: Option<Ends>) -> Estimate {
    Estimate { low: ends.map(|e| e.0), high: ends.map(|e| e.1), ..value.map_or(Estimate::NONE, Estimate::point) }
}

/// Services that are one in fact, a unit each, with the numbers of the picture.
fn units(found: &Diagnosis, style: Style) -> Vec<String> {
    let told = |(nth, unit): (usize, &Vec<String>)| {
        let lines = wrapped(&clean(&format!("{}: {}", nth + 1, unit.join(", "))), style.prose() - 5);
        lines.into_iter().enumerate().map(|(nth, line)| format!("{}{line}", if nth == 0 { "" } else { "   " }))
    };
    found.units.iter().enumerate().flat_map(told).collect()
}

fn paths(found: &Diagnosis) -> Sheet {
    let available = "served at best";
    let mut sheet =
        Sheet::new(&[("client", 9), ("in a row", 8), ("calls", 7), ("queries", 5), ("needs", 6), (available, 6)]);
    for path in &found.paths {
        let row: [Cell; 5] = [
            path.services.to_string().into(),
            plain(path.calls).into(),
            plain(path.queries).into(),
            path.needs.len().to_string().into(),
            percent(path.available).into(),
        ];
        sheet.push(&path.client, row);
    }
    let note = format!(
        "in a row: services of the longest chain, gateways left out; needs: nodes whose outage fails requests; served at best: if \
         each of these is up {} of the time",
        percent(AVAILABLE)
    );
    sheet.note = (!found.paths.is_empty()).then_some(note);
    sheet
}

fn share(part: &Part) -> Cell {
    match part.share {
        None => Cell::toned("?", Tone::Faint),
        Some(share) if share <= 0.0 => Cell::toned(NONE, Tone::Faint),
        Some(share) => plain(share).into(),
    }
}

fn pairs(found: &Diagnosis, rows: usize) -> Sheet {
    let columns = [("pair", 9), ("bond", 8), ("between", 3), ("deploy", 6), ("data", 6), ("loss", 6), ("logic", 6)];
    let mut sheet = Sheet::new(&columns);
    for pair in found.pairs.iter().take(rows) {
        let [deploy, data, loss, logic] = pair.parts().map(|(_, part)| share(part));
        let between = pair.between.map_or_else(String::new, |(low, high)| format!("{}–{}", plain(low), plain(high)));
        let row = [plain(pair.bond).into(), between.into(), deploy, data, loss, logic];
        sheet.push(&format!("{} · {}", pair.one, pair.other), row);
    }
    let mut sheet = sheet.without_idle("between", |cell| cell.text.is_empty());
    let all = found.services * found.services.saturating_sub(1) / 2;
    let left = found.pairs.len().saturating_sub(rows);
    let mut notes = Vec::new();
    if left > 0 {
        notes.push(format!("{left} weaker pairs not shown"));
    }
    notes.push(match all - found.pairs.len() {
        0 => "a bond between every two".to_owned(),
        none => format!("no bond is known between {none} of {all} pairs"),
    });
    if found.pairs.iter().any(|pair| pair.parts().iter().any(|(_, part)| part.share.is_none())) {
        notes.push("?: not assessed".into());
    }
    sheet.note = Some(notes.join("; "));
    sheet
}

fn causes(found: &Diagnosis) -> Sheet {
    let mut sheet = Sheet::new(&[("fact", 9), ("how", 8), ("effect by itself", 8)]);
    for cause in found.change.iter().flat_map(|change| &change.causes).take(ROWS) {
        sheet.push(&cause.fact, [Cell::from(cause.how), format!("{:+.2}", cause.effect).into()]);
    }
    sheet
}

/// For a pull request: at most forty lines, the details folded.
pub fn markdown(found: &Diagnosis) -> String {
    let mut text = format!("**{}**\n\n{}\n", escape(&answer(found)), escape(&heading(found).join(" · ")));
    text += "\n| sign | | finding |\n| :--- | :--- | :--- |\n";
    for sign in &found.signs {
        let _ = writeln!(text, "| {} | {} | {} |", sign.name, word(sign.severity).0, escape(&sign.says));
    }
    let evidence = found.signs.iter().filter(|sign| sign.severity != Severity::NotAssessed).flat_map(|s| &s.evidence);
    let simulated = found.signs.iter().flat_map(|sign| &sign.proofs).map(shown);
    let causes = found.change.iter().flat_map(|change| &change.causes).map(cause);
    let folds: [(&str, Vec<String>); 4] = [
        ("What the change did", causes.collect()),
        ("Where", evidence.map(line).collect()),
        ("Simulated", simulated.collect()),
        ("What binds two services", found.pairs.iter().map(told).collect()),
    ];
    let folds: Vec<_> = folds.iter().filter(|(_, all)| !all.is_empty()).collect();
    let room = (LINES - text.lines().count()) / folds.len().max(1);
    for (title, all) in &folds {
        fold(&mut text, (title, room.saturating_sub(AROUND).clamp(1, FEW)), all);
    }
    text
}

/// Lines of a pull request's text, and those of a fold beside what is in it, one for what is left out among them.
const LINES: usize = 40;
const AROUND: usize = 6;

/// A cause in a line.
fn cause(cause: &Cause) -> String {
    format!("{} ({}): {:+.2}", clean(&cause.fact), cause.how, cause.effect)
}

/// A pair in a line, with its four parts.
fn told(pair: &Pair) -> String {
    let part = |(name, part): (&str, &Part)| {
        let share =
            part.share.map_or_else(|| "?".to_owned(), |share| if share > 0.0 { plain(share) } else { "0".into() });
        format!("{name} {share}")
    };
    format!("{} · {}: {} ({})", pair.one, pair.other, plain(pair.bond), pair.parts().map(part).join(", "))
}

/// A folded list of so many.
fn fold(text: &mut String, (title, few): (&str, usize), all: &[String]) {
    let mut inner = String::new();
    for one in all.iter().take(few) {
        let _ = writeln!(inner, "- {}", escape(one));
    }
    if all.len() > few {
        let _ = writeln!(inner, "- {} more", all.len() - few);
    }
    let _ = writeln!(text, "\n<details><summary>{title} ({})</summary>\n\n{inner}\n</details>", all.len());
}

/// One figure a row.
pub fn csv(found: &Diagnosis) -> String {
    let mut text = String::from("one,other,deploy,data,loss,logic,bond\n");
    let cell = |share: Option<f64>| share.map(|share| share.to_string()).unwrap_or_default();
    for pair in &found.pairs {
        let parts = pair.parts().map(|(_, part)| cell(part.share));
        let names = [&pair.one, &pair.other].map(|name| crate::report::csv::quote(name));
        let _ = writeln!(text, "{},{},{}", names.join(","), parts.join(","), pair.bond);
    }
    text
}
