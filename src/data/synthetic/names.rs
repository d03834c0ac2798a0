//! Names for people who do not exist.

const FIRST: [&str; 32] = [
    "Ada", "Bela", "Cora", "Dario", "Edda", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaya",
    "Levi", "Mira", "Nilo", "Orla", "Pavel", "Quinn", "Rosa", "Samir", "Tilda", "Udo", "Vera",
    "Wanda", "Xenia", "Yuri", "Zola", "Anouk", "Bruno", "Celia", "Dagny", "Emil", "Fenna",
];
const LAST: [&str; 31] = [
    "Abend",
    "Birke",
    "Castell",
    "Dorn",
    "Engel",
    "Falke",
    "Garten",
    "Hafen",
    "Insel",
    "Jasmin",
    "Kranich",
    "Linden",
    "Morgen",
    "Nebel",
    "Ostwind",
    "Perle",
    "Quelle",
    "Regen",
    "Silber",
    "Tanne",
    "Ufer",
    "Veilchen",
    "Winter",
    "Yarrow",
    "Zander",
    "Ahorn",
    "Bernstein",
    "Distel",
    "Efeu",
    "Feder",
    "Ginster",
];

/// The name of a number: all different, as folder names.
pub(super) fn name(number: u64) -> String {
    let all = (FIRST.len() * LAST.len()) as u64;
    // 32 and 31 have no common divisor, so both lists turn at once and meet every combination.
    let (first, last) = (FIRST[(number % 32) as usize], LAST[(number % 31) as usize]);
    match number / all {
        0 => format!("{first}_{last}"),
        again => format!("{first}_{last}_{}", again + 1),
    }
}
