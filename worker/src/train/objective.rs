//! What a part of a batch adds to the total: the terms that the recipe asks for, with their weights.

use burn::tensor::{Int, Tensor};
use facetui::config::{Head, Recipe};

use crate::model::loss::{
    ClassGradient, ClassInput, ClassTerms, cosine_between, hardnet, lengths, triplet,
};

/// The tag of the mean cosine between embeddings of different people.
pub const COSINE_BETWEEN: &str = "embedding/cosine_between";

/// One term of the total.
pub(super) struct Component {
    /// The tag of its value, and of the value times its weight.
    pub tags: [&'static str; 2],
    pub weight: f64,
    pub value: Tensor<1>,
}

/// What one of an objective's values is.
pub(super) enum Name {
    Term {
        tags: [&'static str; 2],
        weight: f64,
    },
    Figure(&'static str),
}

/// The terms of a part of a batch.
pub(super) struct Objective {
    pub components: Vec<Component>,
    /// What else is told of it, each `[1]`, without gradient.
    pub figures: Vec<(&'static str, Tensor<1>)>,
    /// How the class weights come in, with the weight of the head's own term.
    pub class_gradient: Option<(ClassGradient, f64)>,
    /// AdaFace's running lengths after the part.
    pub running_lengths: Option<Tensor<1>>,
    /// cos θ_y, `[images]`, where there are classes.
    pub cosine_own: Option<Tensor<1>>,
    /// Lengths of the embeddings, `[images]`, without gradient.
    pub lengths: Tensor<1>,
}

/// The classes that a part is compared with.
pub(super) struct Classes {
    /// `[classes · sub_centres, length]`, without automatic differentiation.
    pub rows: Tensor<2>,
    /// The places of the part's labels among them, `[images]`, without automatic differentiation.
    pub places: Tensor<1, Int>,
}

impl Objective {
    /// The terms of some embeddings `[images, length]` with labels `[images]`.
    pub(super) fn new(
        recipe: &Recipe,
        embeddings: Tensor<2>,
        labels: Tensor<1, Int>,
        classes: Option<Classes>,
        running_lengths: Option<Tensor<1>>,
    ) -> Self {
        let between = cosine_between(embeddings.clone(), labels.clone());
        let mut objective = Self {
            components: Vec::new(),
            figures: Vec::new(),
            class_gradient: None,
            running_lengths: None,
            cosine_own: None,
            lengths: lengths(embeddings.clone().inner()).squeeze_dim::<1>(1),
        };
        if let Some(classes) = classes {
            let input = ClassInput {
                embeddings: embeddings.clone(),
                class_weights: classes.rows,
                labels: classes.places,
                sub_centres: recipe.loss.sub_centres,
                running_lengths,
            };
            objective.add_classes(recipe, ClassTerms::new(recipe.loss.head, input));
        }
        if recipe.stage.draws_people() {
            objective.add_pairs(recipe, embeddings, labels);
        }
        let length = objective.lengths.clone().mean();
        objective
            .figures
            .extend([("embedding/length", length), (COSINE_BETWEEN, between)]);
        objective
    }

    fn add_classes(&mut self, recipe: &Recipe, terms: ClassTerms) {
        let loss = &recipe.loss;
        let component = |tags, weight, value| Component {
            tags,
            weight,
            value,
        };
        self.components.push(component(
            ["loss/margin", "loss/margin_weighted"],
            loss.head_weight,
            terms.margin,
        ));
        self.components.extend(terms.centre.map(|centre| {
            let tags = ["loss/centre", "loss/centre_weighted"];
            component(tags, loss.centre_weight, centre)
        }));
        if let (Some(magnitude), Head::Magface { norm_weight, .. }) = (terms.magnitude, loss.head) {
            let tags = ["loss/magnitude", "loss/magnitude_weighted"];
            self.components
                .push(component(tags, norm_weight, magnitude));
        }
        self.figures.extend([
            ("train/accuracy", terms.accuracy),
            ("train/accuracy_margin", terms.accuracy_margin),
            ("train/cosine_own", terms.cosine_own.clone().mean()),
        ]);
        let nearest = terms.cosine_nearest.map(Tensor::mean);
        self.figures
            .extend(nearest.map(|nearest| ("train/cosine_between", nearest)));
        self.cosine_own = Some(terms.cosine_own);
        self.running_lengths = terms.running_lengths;
        self.class_gradient = Some((terms.class_gradient, loss.head_weight));
    }

    fn add_pairs(&mut self, recipe: &Recipe, embeddings: Tensor<2>, labels: Tensor<1, Int>) {
        let options = &recipe.triplet;
        if options.hardnet_weight > 0.0 {
            // Two images of each person follow each other.
            let [images, length] = embeddings.dims();
            let pairs = embeddings.clone().reshape([images / 2, 2, length]);
            let side = |side| pairs.clone().narrow(1, side, 1).squeeze_dim::<2>(1);
            self.components.push(Component {
                tags: ["loss/hardnet", "loss/hardnet_weighted"],
                weight: options.hardnet_weight,
                value: hardnet(side(0), side(1), options.hardnet_margin),
            });
        }
        self.components.push(Component {
            tags: ["loss/triplet", "loss/triplet_weighted"],
            weight: options.weight,
            value: triplet(embeddings, labels, options.margin, options.mining),
        });
    }

    /// The weighted sum of the terms, `[1]`.
    pub(super) fn total(&self) -> Option<Tensor<1>> {
        self.components
            .iter()
            .map(|component| component.value.clone().mul_scalar(component.weight))
            .reduce(|sum, term| sum + term)
    }

    /// What the values are, in their order.
    pub(super) fn names(&self) -> Vec<Name> {
        let terms = self.components.iter().map(|component| Name::Term {
            tags: component.tags,
            weight: component.weight,
        });
        let figures = self.figures.iter().map(|(tag, _)| Name::Figure(tag));
        terms.chain(figures).collect()
    }

    /// Values to fetch: those of the terms, then the figures.
    pub(super) fn values(&self) -> Vec<Tensor<1>> {
        let terms = self
            .components
            .iter()
            .map(|component| component.value.clone().inner());
        let figures = self.figures.iter().map(|(_, value)| value.clone());
        terms.chain(figures).collect()
    }
}
