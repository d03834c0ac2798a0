//! What a view shows as a file: curves as pictures or numbers, tables as CSV, the screen itself as SVG.

use std::fmt::Write as _;
use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use crate::atomic::atomic_write;
use crate::eval::failures;
use crate::plot::{self, Curve, CurveOptions};
use crate::untrusted::{visible, visible_path};

use super::comparison;
use super::model::{Model, View};
use super::snapshot::Curves;
use super::theme::Background;
use super::words;

/// Curves to be drawn into a file.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvesToExport {
    /// Where they are.
    pub curves: Curves,
    /// Which.
    pub tags: Vec<String>,
    /// What stands above the picture.
    pub title: String,
    /// The weight of the past.
    pub smoothing: f64,
}

/// Draws curves into a file, whose ending says as what: .png, .svg, .csv. What was written.
///
/// # Errors
/// In words, what is wrong.
pub fn write_curves(export: &CurvesToExport, file: &Path) -> Result<String, String> {
    let scalars = &export.curves.scalars;
    let tags = export.tags.iter();
    let curves: Vec<Curve> = tags
        .map(|tag| Curve {
            tag: tag.clone(),
            points: scalars.points(tag),
        })
        .collect();
    let options = CurveOptions {
        title: export.title.clone(),
        smoothing: export.smoothing,
        ..CurveOptions::default()
    };
    plot::save_curves(&curves, &options, file).map_err(|error| visible(&error.to_string()))?;
    Ok(format!("{} curves in {}", curves.len(), visible_path(file)))
}

/// Writes a text file; what was written.
///
/// # Errors
/// In words, what is wrong.
pub fn write_text(text: &str, file: &Path) -> Result<String, String> {
    atomic_write(file, text.as_bytes())
        .map_err(|error| format!("can't write {}: {error}", visible_path(file)))?;
    Ok(format!("written: {}", visible_path(file)))
}

/// The table that a view shows, as CSV; `None` for a view without one.
pub fn table(model: &Model) -> Option<String> {
    let rows: Vec<Vec<String>> = match model.view {
        View::Runs => runs(model),
        View::Evaluation => comparison::of(model).table.texts(),
        View::Failures => {
            let lines = model.triage.lines();
            let csv = failures::to_csv(lines.iter().map(|failed| &failed.pair));
            return String::from_utf8(csv).ok();
        }
        View::Errors => errors(model),
        View::Data => sets(model)?,
        View::Live => return None,
    };
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).ok()?;
    }
    String::from_utf8(writer.into_inner().ok()?).ok()
}

fn head(names: &[&str]) -> Vec<Vec<String>> {
    vec![names.iter().map(|name| (*name).to_owned()).collect()]
}

fn runs(model: &Model) -> Vec<Vec<String>> {
    let mut rows = head(&[
        "run", "state", "step", "steps", "best", "on", "device", "started", "note",
    ]);
    rows.extend(model.listed().into_iter().map(|run| {
        let details = run.details();
        let status = details.map(|details| &details.status);
        let best = details.and_then(|details| details.best.as_ref());
        vec![
            run.name.clone(),
            run.state().map_or("", words::state).to_owned(),
            status.map_or_else(String::new, |status| status.step.to_string()),
            status.map_or_else(String::new, |status| status.steps.to_string()),
            best.map_or_else(String::new, |best| best.accuracy.to_string()),
            best.map_or_else(String::new, |best| best.set.clone()),
            status.map_or_else(String::new, |status| status.device.clone()),
            run.started.to_string(),
            details
                .and_then(|details| details.note.clone())
                .unwrap_or_default(),
        ]
    }));
    rows
}

fn errors(model: &Model) -> Vec<Vec<String>> {
    let mut rows = head(&["video", "listed", "evidence", "reason", "by", "when"]);
    rows.extend(model.triage.videos().into_iter().map(|line| {
        let note = line.note.cloned().unwrap_or_default();
        let evidence = line.suspect.map(|suspect| suspect.evidence.to_string());
        vec![
            line.name.to_owned(),
            if line.note.is_some() { "yes" } else { "no" }.to_owned(),
            evidence.unwrap_or_default(),
            note.reason.unwrap_or_default(),
            note.by.unwrap_or_default(),
            note.when.unwrap_or_default(),
        ]
    }));
    rows
}

fn sets(model: &Model) -> Option<Vec<Vec<String>>> {
    let sets = model.data.sets.as_ref()?.ready()?;
    let mut rows = head(&[
        "set",
        "images",
        "people",
        "same",
        "different",
        "videos",
        "place",
    ]);
    let text = |count: Option<u64>| count.map_or_else(String::new, |count| count.to_string());
    rows.extend(sets.sets.iter().map(|set| {
        vec![
            set.name.clone(),
            text(set.images),
            text(set.people),
            text(set.pairs.map(|pairs| pairs.0)),
            text(set.pairs.map(|pairs| pairs.1)),
            text(set.videos),
            set.place.clone(),
        ]
    }));
    Some(rows)
}

/// What a person would copy of a view: the path of a run, a figure, a pair, a video.
pub fn copied(model: &Model) -> Option<String> {
    match model.view {
        View::Runs | View::Live => {
            let run = model.selected_run()?;
            Some(run.path.display().to_string())
        }
        View::Evaluation => {
            let comparison = comparison::of(model);
            let (row, column) = comparison.nearest(&model.evaluation);
            let cell = comparison.table.cell(row, column)?;
            let name = &comparison.table.rows.get(row)?.model;
            let set = &comparison.table.columns.get(column)?.set;
            let [mean, std] = [cell.mean, cell.std].map(|share| share * 100.0);
            Some(format!(
                "{name} on {set}: {mean:.3} ± {std:.3} %, rule {}",
                cell.rule
            ))
        }
        View::Failures => {
            let pair = &model.triage.selected_pair()?.pair;
            Some(format!("{}\t{}\t{}", pair.a, pair.b, pair.distance))
        }
        View::Errors => Some(model.triage.selected_video()?.name.to_owned()),
        View::Data => Some(model.data.selected()?.place.clone()),
    }
}

/// Cells of a picture of the screen, in pixels.
const CELL: (usize, usize) = (8, 17);

/// A screen as an SVG picture, its text as text.
pub fn screen(buffer: &Buffer, background: Background) -> String {
    let (ground, ink) = match background {
        Background::Dark => ("#1e1e1e", "#d4d4d4"),
        Background::Light => ("#ffffff", "#1e1e1e"),
    };
    let area = buffer.area;
    let (width, height) = (
        usize::from(area.width) * CELL.0,
        usize::from(area.height) * CELL.1,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"DejaVu Sans Mono,Menlo,Consolas,monospace\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{ground}\"/>\n"
    );
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let cell = &buffer[(x, y)];
            let reversed = cell.modifier.contains(Modifier::REVERSED);
            let (mut fill, mut behind) = (hex(cell.fg), hex(cell.bg));
            if reversed {
                (fill, behind) = (
                    Some(behind.unwrap_or_else(|| ground.to_owned())),
                    Some(fill.unwrap_or_else(|| ink.to_owned())),
                );
            }
            let wide = cell.symbol().width().max(1);
            let left = usize::from(x) * CELL.0;
            let top = usize::from(y) * CELL.1;
            // Writing to a `String` can't fail.
            if let Some(behind) = behind {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" fill=\"{behind}\"/>",
                    wide * CELL.0,
                    CELL.1
                );
            }
            if cell.symbol().trim() != "" {
                let fill = fill.unwrap_or_else(|| ink.to_owned());
                let weight = if cell.modifier.contains(Modifier::BOLD) {
                    " font-weight=\"bold\""
                } else {
                    ""
                };
                let dim = if cell.modifier.contains(Modifier::DIM) {
                    " opacity=\"0.65\""
                } else {
                    ""
                };
                let text = escaped(cell.symbol());
                let base = top + CELL.1 - 4;
                let _ = writeln!(
                    svg,
                    "<text x=\"{left}\" y=\"{base}\" fill=\"{fill}\"{weight}{dim}>{text}</text>"
                );
            }
            x += wide as u16;
        }
    }
    svg + "</svg>\n"
}

fn escaped(text: &str) -> String {
    let safe = visible(text);
    safe.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A colour of the screen as SVG writes it; `None` for the terminal's own.
fn hex(colour: Color) -> Option<String> {
    const SIXTEEN: [u32; 16] = [
        0x00_00_00, 0xcd_31_31, 0x0d_bc_79, 0xe5_e5_10, 0x24_72_c8, 0xbc_3f_bc, 0x11_a8_cd,
        0xe5_e5_e5, 0x66_66_66, 0xf1_4c_4c, 0x23_d1_8b, 0xf5_f5_43, 0x3b_8e_ea, 0xd6_70_d6,
        0x29_b8_db, 0xff_ff_ff,
    ];
    let number = |index: u8| -> u32 {
        match index {
            0..16 => SIXTEEN[usize::from(index)],
            16..232 => {
                let at = u32::from(index - 16);
                let level = |at: u32| if at == 0 { 0 } else { 55 + at * 40 };
                level(at / 36) << 16 | level(at / 6 % 6) << 8 | level(at % 6)
            }
            232.. => (8 + u32::from(index - 232) * 10) * 0x01_01_01,
        }
    };
    let rgb = match colour {
        Color::Reset => return None,
        Color::Rgb(red, green, blue) => {
            u32::from(red) << 16 | u32::from(green) << 8 | u32::from(blue)
        }
        Color::Indexed(index) => number(index),
        Color::Black => number(0),
        Color::Red => number(1),
        Color::Green => number(2),
        Color::Yellow => number(3),
        Color::Blue => number(4),
        Color::Magenta => number(5),
        Color::Cyan => number(6),
        Color::Gray => number(7),
        Color::DarkGray => number(8),
        Color::LightRed => number(9),
        Color::LightGreen => number(10),
        Color::LightYellow => number(11),
        Color::LightBlue => number(12),
        Color::LightMagenta => number(13),
        Color::LightCyan => number(14),
        Color::White => number(15),
    };
    Some(format!("#{rgb:06x}"))
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;
    use crate::tui::fixtures;

    #[test]
    fn every_table_is_written_with_its_head() {
        let mut model = fixtures::busy();
        for (view, start) in [
            (View::Runs, "run,state,step"),
            (View::Evaluation, "model,image,from"),
            (View::Failures, "kind,distance"),
            (View::Errors, "video,listed"),
        ] {
            model.view = view;
            let text = table(&model).unwrap();
            assert!(text.starts_with(start), "{text}");
        }
        model.view = View::Live;
        assert_eq!(table(&model), None);
        let runs = {
            model.view = View::Runs;
            table(&model).unwrap()
        };
        assert!(runs.contains("\nbeta-0.5,stopped,300,1000,"), "{runs}");
        assert!(runs.contains(",the centre term alone\n"), "{runs}");
        assert_eq!(
            table(&fixtures::failing_pairs()).unwrap().lines().count(),
            13
        );
    }

    #[test]
    fn what_is_selected_is_copied() {
        assert_eq!(copied(&fixtures::busy()).unwrap(), "runs/margin-centre");
        assert_eq!(copied(&fixtures::error_list()).unwrap(), "Alma_Powell/2");
        let pair = copied(&fixtures::failing_pairs()).unwrap();
        assert!(
            pair.starts_with("Alma_Powell/0\tAlma_Powell/2\t0.99"),
            "{pair}"
        );
        let figure = copied(&fixtures::figure(Ok(fixtures::scored()))).unwrap();
        assert!(figure.contains("78.250 ± 1.436 %"), "{figure}");
        assert_eq!(copied(&fixtures::empty()), None);
    }

    #[test]
    fn a_screen_is_text_in_its_colours_and_nothing_in_it_is_markup() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "a<b&脸", Style::new().fg(Color::Indexed(196)));
        buffer.set_string(0, 1, "x", Style::new().add_modifier(Modifier::REVERSED));
        let svg = screen(&buffer, Background::Dark);
        assert!(svg.contains("fill=\"#ff0000\">&lt;</text>"), "{svg}");
        assert!(svg.contains(">&amp;</text>") && svg.contains(">脸</text>"));
        // Reversed text has the ground's colour on the ink's.
        assert!(svg.contains("fill=\"#d4d4d4\"/>") && svg.contains("fill=\"#1e1e1e\">x</text>"));
        assert_eq!(svg.matches("<text").count(), 6);
    }

    #[test]
    fn curves_are_written_as_the_ending_says() {
        let folder = tempfile::tempdir().unwrap();
        let export = CurvesToExport {
            curves: fixtures::curves("margin-centre"),
            tags: vec!["loss/total".to_owned()],
            title: "margin-centre".to_owned(),
            smoothing: 0.6,
        };
        for (name, start) in [
            ("a.csv", &b"tag,step"[..]),
            ("a.svg", b"<svg"),
            ("a.png", b"\x89PNG"),
        ] {
            let file = folder.path().join(name);
            let told = write_curves(&export, &file).unwrap();
            assert!(told.contains(name) && std::fs::read(&file).unwrap().starts_with(start));
        }
        let wrong = write_curves(&export, &folder.path().join("a.gif")).unwrap_err();
        assert!(wrong.contains(".png, .svg and .csv"), "{wrong}");
    }
}
