//! Reads `[network]`.

use super::{
    Architecture, Flatten, Initialisation, NetworkOptions, Shortcut,
    reader::{MOST, Mistakes, Need, POSITIVE, Read, Reader},
};

pub(super) fn read_network(reader: &Reader<'_>, mistakes: &Mistakes) -> NetworkOptions {
    reader.table("network", |network| {
        let usual = NetworkOptions::default();
        let architectures = [
            ("lresnet", Architecture::LResNet),
            ("mobilefacenet", Architecture::MobileFaceNet),
        ];
        let architecture = network.choice("architecture", &architectures, usual.architecture);
        let mobile = architecture.value == Architecture::MobileFaceNet;
        let depth = network.whole("depth", 0..=MOST, Need::Default(u64::from(usual.depth)));
        if depth.sound && ![32, 50, 100, 152].contains(&depth.value) {
            let problem = format!("found {}; allowed: 32, 50, 100, 152", depth.value);
            mistakes.add(&depth.place, depth.key.clone(), problem);
        }
        let shortcuts = [
            ("subsample", Shortcut::Subsample),
            ("projection", Shortcut::Projection),
        ];
        let shortcut = network.choice("shortcut", &shortcuts, usual.shortcut);
        let squeeze_excitation = network.flag("squeeze_excitation", usual.squeeze_excitation);
        let flattens = [("chw", Flatten::Chw), ("hwc", Flatten::Hwc)];
        let flatten = network.choice("flatten", &flattens, usual.flatten);
        let drop = network.number("drop", 0.0..1.0, if mobile { 0.0 } else { usual.drop });
        if mobile {
            refuse(&depth, &u64::from(usual.depth), mistakes);
            refuse(&shortcut, &usual.shortcut, mistakes);
            refuse(&squeeze_excitation, &usual.squeeze_excitation, mistakes);
            refuse(&flatten, &usual.flatten, mistakes);
            refuse(&drop, &0.0, mistakes);
        }
        let initialisations = [
            ("xavier", Initialisation::Xavier),
            ("arcface-torch", Initialisation::ArcfaceTorch),
        ];
        NetworkOptions {
            architecture: architecture.value,
            depth: depth.value as u32,
            embedding: network
                .whole(
                    "embedding",
                    2..=8_192,
                    Need::Default(usual.embedding as u64),
                )
                .value as usize,
            shortcut: shortcut.value,
            squeeze_excitation: squeeze_excitation.value,
            flatten: flatten.value,
            drop: drop.value,
            batch_norm_decay: network
                .number("batch_norm_decay", 0.0..1.0, usual.batch_norm_decay)
                .value,
            batch_norm_epsilon: network
                .number("batch_norm_epsilon", POSITIVE, usual.batch_norm_epsilon)
                .value,
            initialisation: network
                .choice("initialisation", &initialisations, usual.initialisation)
                .value,
            gamma_deviation: network
                .number("gamma_deviation", 0.0..=1.0, usual.gamma_deviation)
                .value,
            frozen_output_gamma: network
                .flag("frozen_output_gamma", usual.frozen_output_gamma)
                .value,
            prelu_start: network
                .number("prelu_start", -1.0..=1.0, usual.prelu_start)
                .value,
        }
    })
}

/// Refuses what MobileFaceNet doesn't have; the value that a written recipe has for it passes.
fn refuse<T: PartialEq>(read: &Read<T>, usual: &T, mistakes: &Mistakes) {
    if read.sound && read.value != *usual {
        let problem =
            "belongs to architecture = \"lresnet\"; MobileFaceNet has one shape and drops nothing";
        mistakes.add(&read.place, read.key.clone(), problem);
    }
}
