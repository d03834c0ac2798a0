//! The one page of a report: everything in it, nothing fetched.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::eval::operating::OperatingPoints;
use crate::untrusted::visible;

/// A page that grows from top to bottom.
pub(super) struct Page {
    body: String,
    /// One list of distances a slider: `[name, positives, negatives, threshold]`.
    sliders: Vec<String>,
}

/// A page with more distances than this would be slow to move a threshold in.
const MOST_DISTANCES: usize = 200_000;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

impl Page {
    pub fn new(title: &str) -> Self {
        Self {
            body: format!("<h1>{}</h1>\n", escape(title)),
            sliders: Vec::new(),
        }
    }

    pub fn heading(&mut self, words: &str) {
        self.add(&format!("<h2>{}</h2>\n", escape(words)));
    }

    pub fn small_heading(&mut self, words: &str) {
        self.add(&format!("<h3>{}</h3>\n", escape(words)));
    }

    pub fn paragraph(&mut self, words: &str) {
        self.add(&format!("<p>{}</p>\n", escape(words)));
    }

    /// A table whose first line is the head.
    pub fn table(&mut self, lines: &[Vec<String>]) {
        self.add("<div class=\"wide\"><table>\n");
        for (number, line) in lines.iter().enumerate() {
            let tag = if number == 0 { "th" } else { "td" };
            self.add("<tr>");
            for field in line {
                self.add(&format!("<{tag}>{}</{tag}>", escape(field)));
            }
            self.add("</tr>\n");
        }
        self.add("</table></div>\n");
    }

    /// Charts beside each other, as the texts of SVG files that this program drew, each with what it shows.
    pub fn charts(&mut self, charts: &[(String, String)]) {
        self.add("<div class=\"charts\">\n");
        for (svg, description) in charts {
            let label = escape(description);
            self.add(&format!(
                "<figure class=\"chart\" role=\"img\" aria-label=\"{label}\">{svg}</figure>\n"
            ));
        }
        self.add("</div>\n");
    }

    /// Pictures, as the bytes of JPEG files, with lines of text below each.
    pub fn pictures(&mut self, pictures: &[(Vec<u8>, Vec<String>)]) {
        self.add("<div class=\"pairs\">\n");
        for (jpeg, lines) in pictures {
            let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
            let alternative = lines.join(", ");
            self.add(&format!(
                "<figure><img alt=\"{alternative}\" src=\"data:image/jpeg;base64,{}\"><figcaption>{}</figcaption></figure>\n",
                STANDARD.encode(jpeg),
                lines.join("<br>")
            ));
        }
        self.add("</div>\n");
    }

    /// A threshold to move, with what it comes to.
    pub fn slider(&mut self, points: &OperatingPoints, threshold: f64) {
        if points.positive().len() + points.negative().len() > MOST_DISTANCES {
            self.paragraph("There are too many pairs to move a threshold in a page.");
            return;
        }
        let number = self.sliders.len();
        let list = |distances: &[f64]| {
            let numbers: Vec<String> = distances.iter().map(|d| format!("{d:.6}")).collect();
            numbers.join(",")
        };
        self.sliders.push(format!(
            "{{\"positive\":[{}],\"negative\":[{}]}}",
            list(points.positive()),
            list(points.negative())
        ));
        let at = points.at(threshold);
        let (low, high) = points.range().unwrap_or((0.0, 1.0));
        let margin = (high - low).max(1e-6) * 0.01;
        self.add(&format!(
            "<div class=\"slider\" data-set=\"{number}\"><label>threshold <input type=\"range\" min=\"{}\" max=\"{}\" \
             step=\"any\" value=\"{threshold}\"></label> <output>{threshold:.4}: accuracy {:.3} %, FAR {:.3} %, FRR {:.3} %, \
             {} false accepts, {} false rejects</output></div>\n",
            low - margin,
            high + margin,
            at.accuracy * 100.0,
            at.far * 100.0,
            at.frr * 100.0,
            at.false_accepts,
            at.false_rejects
        ));
    }

    /// The whole page.
    pub fn finish(self, title: &str) -> String {
        let Self { body, sliders } = self;
        let title = escape(title);
        // Numbers alone: nothing of a name is in a script.
        let sets = sliders.join(",\n");
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
             style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
             <script>\nconst sets = [\n{sets}\n];\n{SCRIPT}</script>\n</body>\n</html>\n"
        )
    }

    fn add(&mut self, html: &str) {
        self.body.push_str(html);
    }
}

/// Text made safe to show, for any place of a page.
fn escape(text: &str) -> String {
    let text = visible(text);
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' | '\'' => {
                // Writing to a `String` can't fail.
                let _ = write!(escaped, "&#{};", u32::from(letter));
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::ScoredPair;

    #[test]
    fn names_cannot_leave_their_place() {
        let evil = "</title><script>alert(1)</script>\"' onerror=\u{1b}[2J&";
        let mut page = Page::new(evil);
        page.heading(evil);
        page.paragraph(evil);
        page.table(&[vec![evil.to_owned()], vec![evil.to_owned()]]);
        page.pictures(&[(vec![1, 2, 3], vec![evil.to_owned()])]);
        page.charts(&[("<svg></svg>".to_owned(), evil.to_owned())]);
        let html = page.finish(evil);
        assert_eq!(html.matches("<script>").count(), 1);
        assert_eq!(html.matches("</script>").count(), 1);
        assert!(!html.contains("\"' onerror") && !html.contains('\u{1b}'));
        assert!(html.contains("data:image/jpeg;base64,AQID"));
        for outside in ["http://", "https://", "src=\"/", "url("] {
            assert!(!html.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_slider_says_what_its_threshold_comes_to() {
        let pairs: Vec<_> = (0..100)
            .map(|i| ScoredPair {
                distance: f64::from(i) / 100.0,
                same: i < 60,
                fold: None,
            })
            .collect();
        let mut page = Page::new("x");
        page.slider(&OperatingPoints::new(&pairs).unwrap(), 0.5);
        let html = page.finish("x");
        assert!(
            html.contains("0.5000: accuracy 90.000 %, FAR 0.000 %, FRR 16.667 %"),
            "{html}"
        );
        assert!(html.contains("\"positive\":[0.000000,0.010000,"));
    }
}
