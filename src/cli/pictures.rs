//! Pictures on their way into files, in builds that draw them and in those that do not.

use std::path::{Path, PathBuf};

use super::engine::{Checked, Comparison, Coupling, Recover, Sweep, Trace, WhatIf};
use super::exit::Failure;
use super::output::shown;
use crate::experiment::summary::Summary;
use crate::report::topology::Diagram;

/// A picture by its word, what there is when it is not drawn, and why a result that was kept may not have it; nothing where it has it as
/// well as one that was just made.
type Word = (&'static str, &'static str, &'static str);

/// Why a result that was kept does not show what went over time.
const OVER_TIME: &str = "this result was kept without what went over time, which `run --series -o run.json` keeps";

/// The pictures of runs; the first is drawn where the name of a file asks for none.
pub(super) const OF_RUNS: &[Word] = &[
    ("percentiles", "no request was answered", ""),
    ("timeline", "no request set out", OVER_TIME),
    ("arrivals", "no request set out", OVER_TIME),
    ("distribution", "no request was answered", ""),
    ("queues", "there are no queues and no topics, or no message ever waited in one", OVER_TIME),
    ("replicas", "nothing follows the load: no `autoscale`", ""),
    ("ledger", "no request was answered", ""),
    ("nodes", "no node was used", ""),
    ("failing", "no node failed, or was full, while something was wrong", ""),
    ("pressure", "nothing changes over time: no faults, policies, phases or autoscaling", ""),
    ("policies", "no call has policies", ""),
    (
        "graph",
        "nobody calls anybody, or there are more than 300 nodes (`hoptax graph` writes them all)",
        "a result that was kept does not hold the architecture; `hoptax graph FILE` draws it from the scenario",
    ),
];

/// The pictures of a comparison.
pub(super) const OF_COMPARISONS: &[Word] = &[
    ("differences", "no difference has an interval", ""),
    OF_RUNS[0],
    OF_RUNS[1],
    OF_RUNS[2],
    OF_RUNS[3],
    OF_RUNS[4],
    OF_RUNS[5],
    OF_RUNS[6],
    OF_RUNS[7],
    OF_RUNS[8],
    OF_RUNS[9],
    OF_RUNS[10],
    OF_RUNS[11],
];

/// Of several variants each has its own of these: `failing-slow`.
const OF_ONE: [&str; 4] = ["failing", "pressure", "policies", "graph"];

/// Refuses, before anything is run, pictures that there are not, and those that this build does not draw.
pub(super) fn known(files: &[PathBuf], words: &[Word]) -> Result<(), Failure> {
    let of = |path: &&PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("svg") || is_png(e));
    for path in files.iter().filter(of) {
        can_draw(path)?;
        // A trace has one picture, whatever it is called.
        if words.is_empty() {
            continue;
        }
        let stem = stem(path);
        let named = words.iter().any(|(word, ..)| stem.ends_with(word))
            || OF_ONE.iter().any(|word| stem.starts_with(&format!("{word}-")) || stem.contains(&format!("-{word}-")));
        // What stands behind a hyphen names a picture, else all of it.
        let behind = stem.rsplit_once('-').map(|(_, word)| word);
        if !named {
            let word = behind.unwrap_or(&stem);
            let all: Vec<&str> = words.iter().map(|(word, ..)| *word).collect();
            return Err(Failure::Usage(format!(
                "{}: there is no picture `{}`; end the name in one of {}",
                shown(path),
                crate::report::text::clean(word),
                all.join(", ")
            )));
        }
    }
    Ok(())
}

fn is_png(ending: &std::ffi::OsStr) -> bool {
    ending.eq_ignore_ascii_case("png")
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default()
}

#[cfg(feature = "charts")]
fn can_draw(path: &Path) -> Result<(), Failure> {
    let missing = cfg!(not(feature = "png")) && path.extension().is_some_and(is_png);
    let why = || Failure::Usage(format!("{}: this build draws no PNG (feature `png`)", shown(path)));
    if missing { Err(why()) } else { Ok(()) }
}

#[cfg(not(feature = "charts"))]
fn can_draw(path: &Path) -> Result<(), Failure> {
    Err(Failure::Usage(format!("{}: this build draws no pictures (feature `charts`)", shown(path))))
}

/// Whether a file in a folder of charts is one that hoptax writes there.
pub(super) fn is_ours(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".svg").or_else(|| name.strip_suffix(".png")) else { return false };
    let of_one = |word: &str| stem.strip_prefix(word).is_some_and(|rest| rest.starts_with('-'));
    OF_COMPARISONS.iter().any(|(word, ..)| stem == *word) || OF_ONE.iter().any(|word| of_one(word))
}

/// All pictures of runs, by their names.
#[cfg(feature = "charts")]
pub(super) fn drawn(summaries: &[Summary]) -> Vec<(String, String)> {
    titled_all(crate::report::chart::pictures(summaries))
}

/// None: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn drawn(_: &[Summary]) -> Vec<(String, String)> {
    Vec::new()
}

/// All pictures of a comparison, by their names.
#[cfg(feature = "charts")]
pub(super) fn drawn_of(comparison: &Comparison, summaries: &[Summary]) -> Vec<(String, String)> {
    titled_all(crate::report::chart::compared(comparison, summaries))
}

/// None: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn drawn_of(_: &Comparison, _: &[Summary]) -> Vec<(String, String)> {
    Vec::new()
}

#[cfg(feature = "charts")]
fn titled_all(pictures: Vec<crate::report::chart::Picture>) -> Vec<(String, String)> {
    let capital = |name: &str| {
        name.chars().next().map_or_else(String::new, |c| c.to_uppercase().chain(name.chars().skip(1)).collect())
    };
    pictures.into_iter().map(|picture| (format!("Picture: {}", capital(&picture.name)), picture.svg)).collect()
}

/// Writes all pictures into a folder, as SVG and as PNG, and says their names.
#[cfg(feature = "charts")]
pub(super) fn all(summaries: &[Summary], folder: &Path) -> Result<Vec<String>, Failure> {
    write(crate::report::chart::pictures(summaries), folder)
}

#[cfg(feature = "charts")]
fn write(pictures: Vec<crate::report::chart::Picture>, folder: &Path) -> Result<Vec<String>, Failure> {
    use super::output;
    let mut names = Vec::new();
    output::folder(folder)?;
    for picture in pictures {
        let mut keep = |ending: &str, bytes: &[u8]| {
            names.push(format!("{}.{ending}", picture.name));
            output::file(&folder.join(format!("{}.{ending}", picture.name)), bytes)
        };
        keep("svg", picture.svg.as_bytes())?;
        #[cfg(feature = "png")]
        keep("png", &png(&picture.svg)?)?;
    }
    Ok(names)
}

/// Writes nothing: this build draws no pictures.
#[cfg(not(feature = "charts"))]
#[allow(clippy::unnecessary_wraps, reason = "the same signature in every build")]
pub(super) fn all(_: &[Summary], _: &Path) -> Result<Vec<String>, Failure> {
    Ok(Vec::new())
}

/// The picture that the name of the file asks for, else the first.
#[cfg(feature = "charts")]
pub(super) fn svg(summaries: &[Summary], path: &Path) -> Result<String, Failure> {
    pick(&crate::report::chart::pictures(summaries), path, OF_RUNS, summaries)
}

#[cfg(feature = "charts")]
fn pick(
    pictures: &[crate::report::chart::Picture],
    path: &Path,
    words: &[Word],
    summaries: &[Summary],
) -> Result<String, Failure> {
    let stem = stem(path);
    let asked = words.iter().find(|(word, ..)| stem.ends_with(word));
    let own = |name: &str| stem == name || stem.ends_with(&format!("-{name}"));
    let found = match asked {
        _ if pictures.iter().any(|picture| own(&picture.name)) => pictures.iter().find(|picture| own(&picture.name)),
        // Never another picture than the one that was asked for.
        Some((word, ..)) => pictures.iter().find(|picture| picture.name == *word),
        None => pictures.first(),
    };
    let (word, why, forgotten) = asked.unwrap_or(&words[0]);
    let kept = !summaries.is_empty() && summaries.iter().all(Summary::is_kept);
    let why = if kept && !forgotten.is_empty() { forgotten } else { why };
    let nothing = || Failure::Broken(format!("{}: there is nothing to draw as `{word}`: {why}", shown(path)));
    found.map(|picture| picture.svg.clone()).ok_or_else(nothing)
}

/// Refuses: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn svg(_: &[Summary], path: &Path) -> Result<String, Failure> {
    can_draw(path).map(|()| String::new())
}

/// Writes the pictures of a comparison into a folder, as SVG and as PNG.
#[cfg(feature = "charts")]
pub(super) fn comparison(
    comparison: &Comparison,
    summaries: &[Summary],
    folder: &Path,
) -> Result<Vec<String>, Failure> {
    write(crate::report::chart::compared(comparison, summaries), folder)
}

/// Writes nothing: this build draws no pictures.
#[cfg(not(feature = "charts"))]
#[allow(clippy::unnecessary_wraps, reason = "the same signature in every build")]
pub(super) fn comparison(_: &Comparison, _: &[Summary], _: &Path) -> Result<Vec<String>, Failure> {
    Ok(Vec::new())
}

/// The picture of a comparison that the name of the file asks for, else the first.
#[cfg(feature = "charts")]
pub(super) fn compared(comparison: &Comparison, summaries: &[Summary], path: &Path) -> Result<String, Failure> {
    pick(&crate::report::chart::compared(comparison, summaries), path, OF_COMPARISONS, summaries)
}

/// Refuses: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn compared(_: &Comparison, _: &[Summary], path: &Path) -> Result<String, Failure> {
    svg(&[], path)
}

/// Who falls when something falls, as a heat map.
#[cfg(feature = "charts")]
#[allow(clippy::unnecessary_wraps, reason = "the same signature in every build")]
pub(super) fn heat(coupling: &Coupling) -> Result<String, Failure> {
    Ok(crate::report::coupling::picture(coupling))
}

/// Refuses: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn heat(_: &Coupling) -> Result<String, Failure> {
    Err(Failure::Usage("this build draws no pictures (feature `charts`)".into()))
}

/// What a notch on anything does, as a tornado.
#[cfg(feature = "charts")]
#[allow(clippy::unnecessary_wraps, reason = "the same signature in every build")]
pub(super) fn tornado(whatif: &WhatIf) -> Result<String, Failure> {
    Ok(crate::report::whatif::picture(whatif))
}

/// Refuses: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn tornado(_: &WhatIf) -> Result<String, Failure> {
    Err(Failure::Usage("this build draws no pictures (feature `charts`)".into()))
}

/// One value over several, as a hockey stick or a field.
#[cfg(feature = "charts")]
#[allow(clippy::unnecessary_wraps, reason = "the same signature in every build")]
pub(super) fn sweep(sweep: &Sweep) -> Result<String, Failure> {
    Ok(crate::report::sweep::picture(sweep))
}

/// Refuses: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn sweep(_: &Sweep) -> Result<String, Failure> {
    Err(Failure::Usage("this build draws no pictures (feature `charts`)".into()))
}

/// Where a system stays down, as a map.
#[cfg(feature = "charts")]
#[allow(clippy::unnecessary_wraps, reason = "the same signature in every build")]
pub(super) fn boundary(recover: &Recover) -> Result<String, Failure> {
    Ok(crate::report::recover::picture(recover))
}

/// Refuses: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn boundary(_: &Recover) -> Result<String, Failure> {
    Err(Failure::Usage("this build draws no pictures (feature `charts`)".into()))
}

/// The architecture as written.
#[cfg(feature = "charts")]
#[allow(clippy::unnecessary_wraps, reason = "the same signature in every build")]
pub(super) fn topology(checked: &Checked, diagram: &Diagram) -> Result<String, Failure> {
    let subtitle = format!("who calls whom, who sends whom · scenario {}", &checked.hash()[..8]);
    Ok(crate::report::chart::topology(&titled(checked, subtitle), diagram))
}

#[cfg(feature = "charts")]
fn titled(checked: &Checked, subtitle: String) -> crate::report::chart::Title {
    let name = crate::report::text::clean(&checked.scenario().name.value);
    let variant = checked.variant().map(|variant| format!(", variant {}", crate::report::text::clean(variant)));
    crate::report::chart::Title { title: format!("{name}{}", variant.unwrap_or_default()), subtitle }
}

/// A file and what becomes of it, side by side, each with what is said of it.
#[cfg(feature = "charts")]
#[allow(clippy::unnecessary_wraps, reason = "the same signature in every build")]
pub(super) fn beside(
    (before, said): (&Checked, String),
    (after, told): (&Checked, String),
    diagram: impl Fn(&Checked) -> Diagram,
) -> Result<String, Failure> {
    let (left, right) = (diagram(before), diagram(after));
    Ok(crate::report::chart::beside((&titled(before, said), &left), (&titled(after, told), &right)))
}

/// Refuses: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn beside(
    _: (&Checked, String),
    _: (&Checked, String),
    _: impl Fn(&Checked) -> Diagram,
) -> Result<String, Failure> {
    Err(Failure::Usage("this build draws no pictures (feature `charts`)".into()))
}

/// Refuses: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn topology(_: &Checked, _: &Diagram) -> Result<String, Failure> {
    Err(Failure::Usage("this build draws no pictures (feature `charts`)".into()))
}

/// One request as a waterfall.
#[cfg(feature = "charts")]
#[allow(clippy::unnecessary_wraps, reason = "the same signature in every build")]
pub(super) fn waterfall(trace: &Trace) -> Result<String, Failure> {
    Ok(crate::report::chart::waterfall(trace))
}

/// Refuses: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn waterfall(_: &Trace) -> Result<String, Failure> {
    Err(Failure::Usage("this build draws no pictures (feature `charts`)".into()))
}

/// The picture in pixels.
#[cfg(feature = "png")]
pub(super) fn png(svg: &str) -> Result<Vec<u8>, Failure> {
    crate::report::chart::png(svg).map_err(Failure::Broken)
}

/// Refuses: this build draws no PNG.
#[cfg(not(feature = "png"))]
pub(super) fn png(_: &str) -> Result<Vec<u8>, Failure> {
    Err(Failure::Usage("this build draws no PNG (feature `png`)".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_there_is_not_is_refused() {
        let asks = |name: &str, words| known(&[PathBuf::from(name)], words);
        for name in
            ["shop-timeline.svg", "shop_timeline.svg", "ledger.png", "my-shop-failing.SVG", "x-failing-slow.svg"]
        {
            assert_eq!(asks(name, OF_RUNS), Ok(()), "{name}");
        }
        assert_eq!(asks("differences.svg", OF_COMPARISONS), Ok(()));
        for name in [
            "shop.svg",
            "shop-differences.svg",
            "shop-percentile.png",
            "my-shop.svg",
            "queue.svg",
            "timelin.png",
            "percentile.svg",
        ] {
            let Err(Failure::Usage(text)) = asks(name, OF_RUNS) else { panic!("{name}") };
            assert!(text.contains("percentiles, timeline") && text.contains("no picture"), "{text}");
        }
        assert_eq!(asks("my-shop.json", OF_RUNS), Ok(()));
    }

    #[cfg(feature = "charts")]
    #[test]
    fn a_picture_is_never_another_one() {
        let summary = crate::report::sample::summary();
        let drawn = |name: &str| svg(std::slice::from_ref(&summary), Path::new(name));
        assert!(drawn("x.svg").is_ok() && drawn("x-timeline.svg").is_ok_and(|svg| svg.contains("over time")));
        assert!(drawn("x-nodes.svg").is_ok_and(|svg| svg.contains("how full")));
        let Err(Failure::Broken(text)) = drawn("x-replicas.svg") else { panic!("something else was drawn") };
        assert!(text.contains("autoscale"), "{text}");
    }

    #[test]
    fn what_is_ours_is_told_from_what_is_not() {
        for name in ["ledger.svg", "failing-slow.png", "differences.png"] {
            assert!(is_ours(name), "{name}");
        }
        for name in ["ledger.json", "ledger-notes.svg", "holiday.png"] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
