//! Random numbers as a function of what they are for: never of time, thread or what was drawn before.

/// What a random number is for: numbers for different purposes have nothing to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The order of images.
    Order = 1,
    /// Which set of several comes next.
    Mix,
    /// Which people are in a batch.
    People,
    /// Which of a person's images are in a batch.
    Members,
    /// Whether an image is mirrored.
    Mirror,
    /// Who a synthetic face is.
    Identity,
    /// How a synthetic face looks in one picture.
    Appearance,
    /// Which synthetic images make a pair.
    Pairs,
    /// Which of a person's images come in which turn, in a set that is balanced.
    BalancedMembers = 20,
    /// Where a varied image's crop lies.
    CropJitter,
    /// How bright a varied image is.
    Brightness,
    /// Whether a varied image is blurred, and how much.
    Blur,
}

/// A number of 64 random bits for a purpose and a place.
pub fn random(seed: u64, purpose: Purpose, first: u64, second: u64) -> u64 {
    [purpose as u64, first, second].into_iter().fold(
        mix(seed ^ 0x9e37_79b9_7f4a_7c15),
        |state, word| {
            mix(state.rotate_left(23)
                ^ word
                    .wrapping_mul(0xd6e8_feb8_6659_fd93)
                    .wrapping_add(0x9e37_79b9_7f4a_7c15))
        },
    )
}

/// The finaliser of SplitMix64: every bit of the input changes half of the output's.
pub(super) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A number from 0 to below 1 out of 64 random bits.
pub(super) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}
