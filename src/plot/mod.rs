//! Pictures: curves of scalars as PNG, SVG or CSV; charts of verification; pairs of faces; screens.
//!
//! `curves` draws scalars, `smooth` holds their arithmetic; `chart` draws what verification comes to, on the axes of
//! `axis`; `faces` lays pictures side by side; `cells` draws a screen of characters. The font ships with the program, so that pictures look the same on a
//! machine without fonts.

mod axis;
mod cells;
mod chart;
mod curves;
mod faces;
mod smooth;
mod style;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::atomic::atomic_write;
use crate::run::Point;

pub use cells::{Cells, CharacterCell};
pub use chart::{Chart, DistanceHistogram, RocLine};
pub use faces::{Caption, Picture, sheet, side_by_side};
pub use smooth::smoothed;

/// One curve of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its tag, as in the event log.
    pub tag: String,
    /// Its run, where there are several.
    pub run: Option<String>,
    /// Its points, in order of steps.
    pub points: Vec<Point>,
}

impl Curve {
    /// What it is called in the legend.
    fn name(&self) -> String {
        match &self.run {
            Some(run) => format!("{run}: {}", self.tag),
            None => self.tag.clone(),
        }
    }
}

/// How a picture is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveOptions {
    /// What stands above it: the run's name.
    pub title: String,
    /// The weight of the past in the exponential moving average, 0 (none) up to but not including 1.
    pub smoothing: f64,
    /// Width in pixels.
    pub width: u32,
    /// Height of each panel in pixels.
    pub panel_height: u32,
}

impl Default for CurveOptions {
    fn default() -> Self {
        Self {
            title: String::new(),
            smoothing: 0.6,
            width: 1200,
            panel_height: 420,
        }
    }
}

/// Why there is no picture.
#[derive(Debug, Error)]
pub enum PlotError {
    /// The file's ending names no known format.
    #[error("{}: the ending says what to write; allowed are .png, .svg and .csv", path.display())]
    Ending {
        /// The file as asked for.
        path: PathBuf,
    },
    /// Nothing to draw.
    #[error("there is nothing to draw: {reason}")]
    Nothing {
        /// Why.
        reason: String,
    },
    /// The smoothing is out of range.
    #[error("the smoothing is {found}; it must be from 0 (none) to below 1")]
    Smoothing {
        /// What was asked for.
        found: f64,
    },
    /// The picture's size is out of range.
    #[error(
        "the picture would be {width}x{height} pixels; widths from 200 and panel heights from 120 up to {MAX_PIXELS} in all directions are possible"
    )]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The drawing library failed.
    #[error("the picture could not be drawn: {reason}")]
    Draw {
        /// What it said.
        reason: String,
    },
    /// The file can't be written.
    #[error("{}: cannot write: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Larger pictures are a mistake, and would take gigabytes.
const MAX_PIXELS: u32 = 16_384;

#[derive(Debug, Clone, Copy)]
enum Format {
    Png,
    Svg,
    Csv,
}

/// Draws curves into `path`, whose ending says as what; curves that are alike share a panel.
///
/// Values that are not finite leave gaps. With smoothing the curve itself stays visible behind.
///
/// # Errors
/// When the options are out of range, no curve has a finite value, or the file can't be written; nothing is at
/// `path` then that wasn't there before.
pub fn save_curves(curves: &[Curve], options: &CurveOptions, path: &Path) -> Result<(), PlotError> {
    let format = format_of(path)?;
    if !(0.0..1.0).contains(&options.smoothing) {
        return Err(PlotError::Smoothing {
            found: options.smoothing,
        });
    }
    if curves.is_empty() {
        return Err(PlotError::Nothing {
            reason: "no scalar was chosen".to_owned(),
        });
    }
    let bytes = match format {
        Format::Png => curves::png(curves, options)?,
        Format::Svg => curves::svg(curves, options)?.into_bytes(),
        Format::Csv => csv(curves, options.smoothing).into_bytes(),
    };
    write(path, &bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), PlotError> {
    atomic_write(path, bytes).map_err(|source| PlotError::Write {
        path: path.to_owned(),
        source,
    })
}

fn format_of(path: &Path) -> Result<Format, PlotError> {
    let ending = path.extension().map(OsStr::to_ascii_lowercase);
    match ending.as_ref().and_then(|ending| ending.to_str()) {
        Some("png") => Ok(Format::Png),
        Some("svg") => Ok(Format::Svg),
        Some("csv") => Ok(Format::Csv),
        _ => Err(PlotError::Ending {
            path: path.to_owned(),
        }),
    }
}

fn csv(curves: &[Curve], smoothing: f64) -> String {
    let mut lines = vec!["tag,step,wall_time,value,smoothed".to_owned()];
    for curve in curves {
        let tag = quoted(&curve.name());
        let smooth = smoothed(&curve.points, smoothing);
        lines.extend(curve.points.iter().zip(smooth).map(|(point, smooth)| {
            let Point {
                step,
                wall_time,
                value,
            } = point;
            format!("{tag},{step},{wall_time},{value},{}", smooth.value)
        }));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A field of a CSV file (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn curve(tag: &str, values: &[f64]) -> Curve {
        let points = (0..)
            .zip(values)
            .map(|(step, value)| Point {
                step,
                wall_time: 1.5,
                value: *value,
            })
            .collect();
        Curve {
            tag: tag.to_owned(),
            run: None,
            points,
        }
    }

    fn save(curves: &[Curve], options: &CurveOptions, name: &str) -> Result<Vec<u8>, PlotError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let saved = save_curves(curves, options, &path);
        let count = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(count, usize::from(saved.is_ok()));
        saved.map(|()| fs::read(path).unwrap())
    }

    #[test]
    fn the_ending_decides_the_format() {
        let curves = [
            curve("loss/total", &[4.0, 2.0, f64::NAN, 1.0]),
            curve("eval/lfw/accuracy", &[0.5, 0.75]),
        ];
        let options = CurveOptions {
            title: "a <run> & \u{1b}[2J more".to_owned(),
            ..CurveOptions::default()
        };
        let png = save(&curves, &options, "x.PNG").unwrap();
        let picture = image::load_from_memory(&png).unwrap();
        assert_eq!((picture.width(), picture.height()), (1200, 36 + 2 * 420));
        let svg = String::from_utf8(save(&curves, &options, "x.svg").unwrap()).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("&lt;run&gt;") && !svg.contains('\u{1b}'));
        assert!(matches!(
            save(&curves, &options, "x.gif"),
            Err(PlotError::Ending { .. })
        ));
    }

    #[test]
    fn csv_holds_every_value_and_its_smoothed_one() {
        let curves = [curve("a,\"b\"", &[1.0, 3.0]), curve("c", &[f64::NAN])];
        let options = CurveOptions {
            smoothing: 0.5,
            ..CurveOptions::default()
        };
        let text = String::from_utf8(save(&curves, &options, "x.csv").unwrap()).unwrap();
        assert_eq!(
            text,
            "tag,step,wall_time,value,smoothed\n\
             \"a,\"\"b\"\"\",0,1.5,1,1\n\
             \"a,\"\"b\"\"\",1,1.5,3,2.3333333333333335\n\
             c,0,1.5,NaN,NaN\n"
        );
    }

    #[test]
    fn odd_curves_are_drawn_or_refused_and_never_panic() {
        let draw = |values: &[f64]| save(&[curve("x", values)], &CurveOptions::default(), "x.svg");
        for values in [
            &[1.0][..],
            &[0.0, 0.0],
            &[-1e300, 1e300],
            &[f64::MAX, f64::MIN],
            &[1e-320, 0.0],
            &[f64::INFINITY, 1.0],
            &[f64::NAN, 5.0, f64::NAN],
        ] {
            draw(values).unwrap();
        }
        for nothing in [&[][..], &[f64::NAN, f64::INFINITY]] {
            assert!(matches!(draw(nothing), Err(PlotError::Nothing { .. })));
        }
        let refused = |smoothing, width| {
            let options = CurveOptions {
                smoothing,
                width,
                ..CurveOptions::default()
            };
            save(&[curve("x", &[1.0])], &options, "x.png").unwrap_err()
        };
        assert!(matches!(refused(1.0, 500), PlotError::Smoothing { .. }));
        assert!(matches!(
            refused(f64::NAN, 500),
            PlotError::Smoothing { .. }
        ));
        assert!(matches!(refused(0.0, 1_000_000), PlotError::Size { .. }));
    }
}
