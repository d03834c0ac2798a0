//! `facetui data check`

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        Failure,
        output::{Progress, print, print_json},
    },
    data::{self, CheckReport, IdentityCounts},
    untrusted::{visible, visible_path},
};

/// Findings of a kind that are named without --json.
const NAMED: usize = 10;
/// The longest bar of the histogram, in characters.
const LONGEST_BAR: u64 = 40;

/// Read everything once: what is broken, what is there twice, which pictures have two names
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  facetui data check faces_vgg_112x112\n  \
                  facetui data check pairs.txt --root lfw --json | jq .problems\n  \
                  facetui data check splits.txt --root aligned_images_DB\n  \
                  facetui data check config.ini\n\n\
                  Exit code 1 where there are problems: images that can't be read, the same picture (the same bytes, or\n\
                  the same look) under two people's names, pairs that can't be what the set says, labels that disagree,\n\
                  videos that aren't there. Copies within one person are told and no problem.")]
pub(super) struct Check {
    /// Records, an image list, a folder per identity, a .bin or .np, pairs.txt, a YTF split list, a config.ini
    path: PathBuf,
    /// The folder that a list's paths are relative to
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print one JSON document, with everybody's counts and everything that was found
    #[arg(long)]
    json: bool,
}

impl Check {
    pub fn run(self) -> Result<(), Failure> {
        let progress = Progress::new("reading images");
        let report = data::check(&self.path, self.root.as_deref(), &|done, all| {
            progress.show(done, all);
        });
        progress.clear();
        let report = report?;
        if self.json {
            print_json(&report)?;
        } else {
            let places = [Some(&self.path), self.root.as_ref()];
            let places = places.into_iter().flatten().map(|path| visible_path(path));
            let names = Names(places.collect());
            tell(&visible_path(&self.path), &report, &names)?;
        }
        match report.problems {
            0 => Ok(()),
            1 => Err(Failure::Failed("1 problem was found".to_owned())),
            count => Err(Failure::Failed(format!("{count} problems were found"))),
        }
    }
}

/// How names are shown: without the place that all of them lie in.
struct Names(Vec<String>);

impl Names {
    fn short<'a>(&self, name: &'a str) -> &'a str {
        let inside = self
            .0
            .iter()
            .find_map(|place| name.strip_prefix(place.as_str()));
        let short = inside.map_or(name, |name| name.trim_start_matches(['/', ',', ' ']));
        if short.is_empty() { name } else { short }
    }

    fn joined(&self, names: &[String]) -> String {
        let short: Vec<&str> = names.iter().map(|name| self.short(name)).collect();
        short.join(" = ")
    }
}

fn tell(name: &str, report: &CheckReport, names: &Names) -> Result<(), Failure> {
    let kind = serde_json::to_value(report.source.kind).unwrap_or_default();
    let kind = kind.as_str().unwrap_or_default().to_owned();
    let dialect = report.source.dialect.as_deref();
    let dialect = dialect.map_or_else(String::new, |dialect| format!(", {}", visible(dialect)));
    print(&format!("{name}: {kind}{dialect}"))?;
    for set in &report.sets {
        tell(&format!("[{}]", set.section), &set.report, names)?;
    }
    if !report.sets.is_empty() {
        return Ok(());
    }
    let line = |what: &str, value: &str| print(&format!("  {what:<16} {value}"));
    line("readable images", &report.readable.to_string())?;
    if let Some(pairs) = report.source.pairs {
        let text = format!("{} positive, {} negative", pairs.positive, pairs.negative);
        line("pairs", &text)?;
    }
    if let Some(counts) = &report.per_identity {
        tell_counts(counts)?;
    }
    let sizes: Vec<String> = report
        .sizes
        .iter()
        .take(NAMED)
        .map(|size| format!("{}x{} ({})", size.width, size.height, size.images))
        .collect();
    if !sizes.is_empty() {
        let more = report.sizes.len().saturating_sub(NAMED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        line("sizes", &format!("{}{more}", sizes.join(", ")))?;
    }
    tell_findings(report, names)?;
    for remark in report.source.notes.iter().chain(&report.remarks) {
        line("note", &visible(remark))?;
    }
    Ok(())
}

fn tell_counts(counts: &IdentityCounts) -> Result<(), Failure> {
    print(&format!(
        "  {:<16} {}, with {} to {} images each, median {}",
        "identities",
        counts.people.len(),
        counts.fewest,
        counts.most,
        counts.median
    ))?;
    let longest = counts.histogram.iter().map(|bin| bin.identities).max();
    for bin in &counts.histogram {
        let bar = (bin.identities * LONGEST_BAR).div_ceil(longest.unwrap_or(1).max(1));
        let range = if bin.from == bin.to {
            bin.from.to_string()
        } else {
            format!("{}-{}", bin.from, bin.to)
        };
        print(&format!(
            "  {range:>16} {:<40} {}",
            "#".repeat(bar as usize),
            bin.identities
        ))?;
    }
    Ok(())
}

fn tell_findings(report: &CheckReport, names: &Names) -> Result<(), Failure> {
    let broken = report
        .broken
        .iter()
        .map(|broken| format!("{}: {}", names.short(&broken.image), broken.problem))
        .collect();
    let contradictions = report
        .contradictions
        .iter()
        .map(|pair| {
            let images = names.joined(&pair.names);
            format!("pair {}: {} ({images})", pair.pair, pair.problem)
        })
        .collect();
    let across = by_people(
        report
            .duplicates_across()
            .map(|group| (group.people.as_slice(), group.images.as_slice())),
        names,
    );
    let similar = by_people(
        report
            .similar
            .iter()
            .map(|pair| (pair.people.as_slice(), pair.images.as_slice())),
        names,
    );
    let copies = report
        .duplicates_within()
        .map(|group| names.joined(&group.images))
        .collect();
    let findings: [(&str, Vec<String>); 7] = [
        ("broken images", broken),
        ("people with the same picture (same bytes)", across),
        ("people with the same picture (same look)", similar),
        ("pairs in doubt", contradictions),
        ("labels that disagree", report.mislabelled.clone()),
        ("missing videos", report.missing_videos.clone()),
        ("copies within a person (no problem)", copies),
    ];
    for (what, found) in findings {
        if found.is_empty() {
            continue;
        }
        print(&format!("  {what}: {}", found.len()))?;
        for finding in found.iter().take(NAMED) {
            print(&format!("    {finding}"))?;
        }
        if found.len() > NAMED {
            let more = found.len() - NAMED;
            print(&format!("    and {more} more; --json names all"))?;
        }
    }
    if report.problems == 0 {
        print("  no problem was found")?;
    }
    Ok(())
}

/// Pictures under several names, one line for each such people, the most pictures first.
fn by_people<'a>(
    findings: impl Iterator<Item = (&'a [String], &'a [String])>,
    names: &Names,
) -> Vec<String> {
    let mut groups: BTreeMap<&[String], Vec<&[String]>> = BTreeMap::new();
    for (people, images) in findings {
        groups.entry(people).or_default().push(images);
    }
    let mut lines: Vec<(usize, String)> = groups
        .into_iter()
        .map(|(people, findings)| {
            let people = people.join(" = ");
            let example = names.joined(findings[0]);
            let line = match findings.len() {
                1 => format!("{people}: {example}"),
                count => format!("{people}: {count} pictures, such as {example}"),
            };
            (findings.len(), line)
        })
        .collect();
    lines.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    lines.into_iter().map(|(_, line)| line).collect()
}
