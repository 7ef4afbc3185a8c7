//! Pictures on their way into files, in builds that draw them and in those that do not.

use std::path::Path;

use super::engine::{Comparison, Trace};
use super::exit::Failure;
use crate::experiment::summary::Summary;

/// Writes all pictures into a folder, as SVG and as PNG.
#[cfg(feature = "charts")]
pub(super) fn all(summaries: &[Summary], folder: &Path) -> Result<(), Failure> {
    use super::output::file;
    for picture in crate::report::chart::pictures(summaries) {
        file(&folder.join(format!("{}.svg", picture.name)), picture.svg.as_bytes())?;
        #[cfg(feature = "png")]
        file(&folder.join(format!("{}.png", picture.name)), &png(&picture.svg)?)?;
    }
    Ok(())
}

/// Writes nothing: this build draws no pictures.
#[cfg(not(feature = "charts"))]
#[allow(clippy::unnecessary_wraps, reason = "the same signature in every build")]
pub(super) fn all(_: &[Summary], _: &Path) -> Result<(), Failure> {
    Ok(())
}

/// The picture that the name of the file asks for, else the first.
#[cfg(feature = "charts")]
pub(super) fn svg(summaries: &[Summary], path: &Path) -> Result<String, Failure> {
    pick(crate::report::chart::pictures(summaries), path)
}

#[cfg(feature = "charts")]
fn pick(mut pictures: Vec<crate::report::chart::Picture>, path: &Path) -> Result<String, Failure> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    if pictures.is_empty() {
        return Err(Failure::Broken(format!("{}: nothing to draw: no request ended", path.display())));
    }
    let at = pictures.iter().position(|picture| stem.ends_with(&picture.name)).unwrap_or(0);
    Ok(pictures.swap_remove(at).svg)
}

/// Refuses: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn svg(_: &[Summary], path: &Path) -> Result<String, Failure> {
    Err(Failure::Usage(format!("{}: this build draws no pictures (feature `charts`)", path.display())))
}

/// Writes the pictures of a comparison into a folder, as SVG and as PNG.
#[cfg(feature = "charts")]
pub(super) fn comparison(comparison: &Comparison, summaries: &[Summary], folder: &Path) -> Result<(), Failure> {
    use super::output::file;
    for picture in crate::report::chart::compared(comparison, summaries) {
        file(&folder.join(format!("{}.svg", picture.name)), picture.svg.as_bytes())?;
        #[cfg(feature = "png")]
        file(&folder.join(format!("{}.png", picture.name)), &png(&picture.svg)?)?;
    }
    Ok(())
}

/// Writes nothing: this build draws no pictures.
#[cfg(not(feature = "charts"))]
#[allow(clippy::unnecessary_wraps, reason = "the same signature in every build")]
pub(super) fn comparison(_: &Comparison, _: &[Summary], _: &Path) -> Result<(), Failure> {
    Ok(())
}

/// The picture of a comparison that the name of the file asks for, else the first.
#[cfg(feature = "charts")]
pub(super) fn compared(comparison: &Comparison, summaries: &[Summary], path: &Path) -> Result<String, Failure> {
    pick(crate::report::chart::compared(comparison, summaries), path)
}

/// Refuses: this build draws no pictures.
#[cfg(not(feature = "charts"))]
pub(super) fn compared(_: &Comparison, _: &[Summary], path: &Path) -> Result<String, Failure> {
    svg(&[], path)
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
