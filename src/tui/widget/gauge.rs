//! A bar that is as full as a share says.

use crate::tui::theme::Theme;

/// The full and the empty part of a bar of `width` cells for a share of 0..1, as two texts for two styles.
pub fn bar(share: f64, width: usize, theme: Theme) -> (String, String) {
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let full = ((share * width as f64).round() as usize).min(width);
    // Neither an empty bar once begun nor a full one before the end.
    let full = match full {
        0 if share > 0.0 => 1.min(width),
        full if full == width && share < 1.0 => width.saturating_sub(1),
        full => full,
    };
    (
        theme.pick("━", "#").repeat(full),
        theme.pick("─", ".").repeat(width - full),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::{Background, Charset, Depth};

    const ASCII: Theme = Theme {
        depth: Depth::Monochrome,
        charset: Charset::Ascii,
        background: Background::Dark,
    };

    fn drawn(share: f64) -> String {
        let (full, empty) = bar(share, 4, ASCII);
        full + &empty
    }

    #[test]
    fn begun_shows_and_unfinished_is_never_full() {
        assert_eq!(drawn(0.0), "....");
        assert_eq!(drawn(0.01), "#...");
        assert_eq!(drawn(0.5), "##..");
        assert_eq!(drawn(0.99), "###.");
        assert_eq!(drawn(1.0), "####");
        assert_eq!(drawn(f64::NAN), "....");
    }
}
