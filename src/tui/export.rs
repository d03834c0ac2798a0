//! What a view shows as a file: curves as pictures or numbers, tables as CSV, the screen itself as a picture.

use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::atomic::atomic_write;
use crate::eval::failures;
use crate::plot::{self, Cells, CharacterCell, Curve, CurveOptions};
use crate::untrusted::{visible, visible_path};

use super::comparison;
use super::model::{Model, View};
use super::picture::{self, Graphics};
use super::snapshot::Curves;
use super::theme::Background;
use super::view::{self, ViewCache};
use super::words;

/// Curves to be drawn into a file.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvesToExport {
    /// Where they are, and what their runs are called: the selected one, then those compared with it.
    pub runs: Vec<(String, Curves)>,
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
    let several = export.runs.len() > 1;
    let mut curves: Vec<Curve> = Vec::new();
    for tag in &export.tags {
        for (run, of) in &export.runs {
            let points = of.scalars.points(tag);
            if !points.is_empty() {
                curves.push(Curve {
                    tag: tag.clone(),
                    run: several.then(|| run.clone()),
                    points,
                });
            }
        }
    }
    let options = CurveOptions {
        title: export.title.clone(),
        smoothing: export.smoothing,
        ..CurveOptions::default()
    };
    plot::save_curves(&curves, &options, file).map_err(|error| visible(&error.to_string()))?;
    let count = match curves.len() {
        1 => "1 curve".to_owned(),
        count => format!("{count} curves"),
    };
    Ok(format!("{count} in {}", visible_path(file)))
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
        let best = details.and_then(|details| details.best.first());
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

/// Draws the screen once more, into a file, whose ending says as what: .png or .svg. What was written.
///
/// # Errors
/// In words, what is wrong.
pub fn write_screen(model: &Model, file: &Path) -> Result<String, String> {
    let mut model = model.clone();
    // The line that asked for it and what was told of late are no part of the view; faces that only a terminal can
    // show become half-blocks.
    model.overlay = None;
    model.notice = None;
    model.graphics = model.graphics.map(|_| Graphics::HALF_BLOCKS);
    let failed = |error: &dyn std::fmt::Display| format!("the screen can't be drawn: {error}");
    let backend = TestBackend::new(model.size.0, model.size.1);
    let mut terminal = Terminal::new(backend).map_err(|error| failed(&error))?;
    let mut cache = ViewCache::default();
    // Another frame has the pictures that the one before wanted, and what of a long run it had no time for.
    loop {
        terminal
            .draw(|frame| view::draw(&model, &mut cache, frame))
            .map_err(|error| failed(&error))?;
        let wanted = cache.pictures.take_wanted();
        if wanted.is_empty() && !cache.is_behind() {
            break;
        }
        for wanted in wanted {
            cache.pictures.keep(picture::encode(&wanted));
        }
    }
    let cells = cells(terminal.backend().buffer(), model.theme.background);
    cells
        .save(file)
        .map_err(|error| visible(&error.to_string()))?;
    Ok(format!("written: {}", visible_path(file)))
}

/// A screen as cells to draw, in the colours of a usual terminal where it has none of its own.
fn cells(buffer: &Buffer, background: Background) -> Cells {
    let (ground, ink) = match background {
        Background::Dark => ([0x1e; 3], [0xd4; 3]),
        Background::Light => ([0xff; 3], [0x1e; 3]),
    };
    let cell = |cell: &Cell| {
        let (mut inked, mut behind) = (rgb(cell.fg).unwrap_or(ink), rgb(cell.bg));
        if cell.modifier.contains(Modifier::REVERSED) {
            (inked, behind) = (behind.unwrap_or(ground), Some(inked));
        }
        if cell.modifier.contains(Modifier::DIM) {
            let under = behind.unwrap_or(ground);
            inked = [0, 1, 2].map(|part| {
                ((u16::from(inked[part]) * 13 + u16::from(under[part]) * 7) / 20) as u8
            });
        }
        CharacterCell {
            symbol: visible(cell.symbol()),
            ink: inked,
            ground: behind,
            bold: cell.modifier.contains(Modifier::BOLD),
        }
    };
    Cells {
        columns: buffer.area.width.into(),
        cells: buffer.content.iter().map(cell).collect(),
        ground,
    }
}

/// A colour as red, green and blue; `None` for the terminal's own.
fn rgb(colour: Color) -> Option<[u8; 3]> {
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
    let [_, red, green, blue] = rgb.to_be_bytes();
    Some([red, green, blue])
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;
    use crate::tui::fixtures;
    use crate::tui::message::Message;
    use crate::tui::model::{Notice, Tone};
    use crate::tui::update::update;

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
    fn a_screen_keeps_its_colours() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 3, 1));
        buffer.set_string(0, 0, "a", Style::new().fg(Color::Indexed(196)));
        buffer.set_string(1, 0, "b", Style::new().add_modifier(Modifier::REVERSED));
        buffer.set_string(2, 0, "c", Style::new().add_modifier(Modifier::DIM));
        let drawn = cells(&buffer, Background::Dark);
        let colours: Vec<_> = drawn
            .cells
            .iter()
            .map(|cell| (cell.ink, cell.ground))
            .collect();
        // Reversed text has the ground's colour on the ink's; dim text lies between both.
        let expected = [
            ([255, 0, 0], None),
            ([0x1e; 3], Some([0xd4; 3])),
            ([148; 3], None),
        ];
        assert_eq!(colours, expected);
    }

    #[test]
    fn the_view_is_written_with_its_faces_and_without_the_line_that_asked() {
        let folder = tempfile::tempdir().unwrap();
        let mut model = fixtures::failing_pairs();
        let asked = KeyEvent::new(KeyCode::Char('W'), KeyModifiers::NONE);
        update(&mut model, Message::Key(asked));
        model.notice = Some(Notice {
            text: "told-of-late".to_owned(),
            tone: Tone::Done,
            at: model.now,
        });
        let file = folder.path().join("view.svg");
        let told = write_screen(&model, &file).unwrap();
        assert!(told.contains("view.svg"), "{told}");
        let svg = std::fs::read_to_string(&file).unwrap();
        assert!(!svg.contains("write the view"), "{svg}");
        assert!(!svg.contains("told-of-late"), "{svg}");
        assert!(
            svg.matches("<path").count() > 20,
            "faces are of many colours"
        );
        let wrong = write_screen(&model, &folder.path().join("view.gif")).unwrap_err();
        assert!(wrong.contains("ending"), "{wrong}");
    }

    #[test]
    fn curves_are_written_as_the_ending_says() {
        let folder = tempfile::tempdir().unwrap();
        let export = CurvesToExport {
            runs: vec![(
                "margin-centre".to_owned(),
                fixtures::curves("margin-centre"),
            )],
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
            assert!(told.starts_with("1 curve in"), "{told}");
        }
        let wrong = write_curves(&export, &folder.path().join("a.gif")).unwrap_err();
        assert!(wrong.contains(".png, .svg and .csv"), "{wrong}");
    }
}
