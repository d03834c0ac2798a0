//! A network as an ONNX model: the graph of [`InferenceNetwork`], in operators of opset 13.
//!
//! Every BatchNorm after a convolution or matrix is folded into it. The one at a unit's beginning comes before a
//! convolution that pads with zeros, so that it can't be: it stays a factor and a sum.

mod message;

use burn::tensor::Tensor;
use prost::{Message, bytes::Bytes};

use super::{
    backbone::input_size,
    inference::{Convolution, InferenceNetwork, Unit},
    parameters::HostTensor,
    weights::{DESCRIPTION, Description, rows_as_chw},
};
use facetui::config::Flatten;
use message::{
    AttributeMessage, AxisLength, AxisMessage, GraphMessage, ModelMessage, NodeMessage,
    OperatorSetMessage, PropertyMessage, ShapeMessage, TensorMessage, TensorTypeMessage,
    TypeMessage, ValueMessage,
};

const OPSET: i64 = 13;
/// The format that goes with opset 13.
const IR_VERSION: i64 = 7;
const FLOAT: i32 = 1;
const INTEGERS: i32 = 7;
/// Names of the model's one input and one output.
const INPUT: &str = "face";
const OUTPUT: &str = "embedding";
/// The name of the first axis, which has any length.
const BATCH: &str = "batch";

/// The bytes of an ONNX model that takes `[batch, 3, height, width]` and gives raw embeddings `[batch, embedding]`.
///
/// Its properties say the preprocessing and where the weights come from, in words and as our description.
///
/// # Errors
/// The description can't be written.
pub fn to_onnx(
    network: &InferenceNetwork,
    description: &Description,
) -> Result<Vec<u8>, serde_json::Error> {
    let InferenceNetwork {
        stem,
        stem_slope,
        units,
        dense,
        dense_bias,
        flatten,
        size: [height, width],
        embedding,
        device: _,
    } = network;
    let mut graph = Graph::default();
    let mut features = graph.convolution("stem", INPUT, stem);
    features = graph.prelu("stem", &features, stem_slope);
    let mut channels = stem.weight.dims()[0];
    for (place, unit) in units.iter().enumerate() {
        features = graph.unit(&format!("unit{place}"), &features, unit);
        channels = unit.second.weight.dims()[0];
    }
    let flat = graph.node("Flatten", "flat", &[&features], Vec::new());
    let mut matrix = HostTensor::from_tensor(dense.clone());
    if *flatten == Flatten::Hwc {
        matrix = rows_as_chw(&matrix, channels);
    }
    let matrix = graph.constant("dense.weight", &matrix);
    let [_, length] = dense_bias.dims();
    let bias = graph.tensor("dense.bias", dense_bias.clone().reshape([length]));
    graph.node("Gemm", OUTPUT, &[&flat, &matrix, &bias], Vec::new());
    let axes = |rest: &[usize]| {
        let rest = rest.iter().map(|length| AxisLength::Fixed(*length as i64));
        [AxisLength::Any(BATCH.to_owned())]
            .into_iter()
            .chain(rest)
            .collect()
    };
    let model = ModelMessage {
        ir_version: IR_VERSION,
        producer_name: "facetui".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: format!("{}, BatchNorm folded", description.architecture()),
        opset_import: vec![OperatorSetMessage {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: properties(description)?,
        graph: Some(GraphMessage {
            name: "embedder".to_owned(),
            node: graph.nodes,
            initializer: graph.constants,
            input: vec![value(INPUT, axes(&[3, *height, *width]))],
            output: vec![value(OUTPUT, axes(&[*embedding]))],
        }),
    };
    Ok(model.encode_to_vec())
}

/// What readers of ONNX models show: the preprocessing in words, and our description for ourselves.
fn properties(description: &Description) -> Result<Vec<PropertyMessage>, serde_json::Error> {
    let [height, width] = input_size(description.input.crop);
    let own = [
        ("crop", format!("{height}x{width}")),
        ("channels", description.input.channels.to_string()),
        ("scaling", description.scaling.to_string()),
        ("embedding", "raw: not of unit length".to_owned()),
        (DESCRIPTION, serde_json::to_string(description)?),
    ];
    let own = own.map(|(key, value)| (key.to_owned(), value));
    Ok(own
        .into_iter()
        .chain(description.provenance.clone())
        .map(|(key, value)| PropertyMessage { key, value })
        .collect())
}

/// A graph in the making. A node's output has the node's name.
#[derive(Default)]
struct Graph {
    nodes: Vec<NodeMessage>,
    constants: Vec<TensorMessage>,
}

impl Graph {
    fn node(
        &mut self,
        operator: &str,
        name: &str,
        input: &[&str],
        attribute: Vec<AttributeMessage>,
    ) -> String {
        self.nodes.push(NodeMessage {
            input: input.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: operator.to_owned(),
            attribute,
        });
        name.to_owned()
    }

    fn constant(&mut self, name: &str, tensor: &HostTensor) -> String {
        self.constants.push(TensorMessage {
            dims: tensor.shape.iter().map(|length| *length as i64).collect(),
            data_type: FLOAT,
            name: name.to_owned(),
            // Little-endian, as the format asks and as every machine is that ONNX Runtime runs on.
            raw_data: Bytes::copy_from_slice(bytemuck::cast_slice(&tensor.values)),
        });
        name.to_owned()
    }

    fn tensor<const D: usize>(&mut self, name: &str, tensor: Tensor<D>) -> String {
        self.constant(name, &HostTensor::from_tensor(tensor))
    }

    fn convolution(&mut self, name: &str, input: &str, convolution: &Convolution) -> String {
        let Convolution {
            weight,
            bias,
            stride,
        } = convolution;
        let kernel = weight.dims()[2] as i64;
        let padding = kernel / 2;
        let weight = self.tensor(&format!("{name}.weight"), weight.clone());
        let bias = self.tensor(&format!("{name}.bias"), bias.clone());
        let attributes = vec![
            integers("kernel_shape", &[kernel; 2]),
            integers("pads", &[padding; 4]),
            integers("strides", &[*stride as i64; 2]),
        ];
        let name = format!("{name}.convolution");
        self.node("Conv", &name, &[input, &weight, &bias], attributes)
    }

    fn prelu(&mut self, name: &str, input: &str, slope: &Tensor<1>) -> String {
        let slope = slope.clone().reshape([-1, 1, 1]);
        let slope = self.tensor::<3>(&format!("{name}.slope"), slope);
        self.node(
            "PRelu",
            &format!("{name}.prelu"),
            &[input, &slope],
            Vec::new(),
        )
    }

    fn unit(&mut self, name: &str, input: &str, unit: &Unit) -> String {
        // Every field by name, so that a network with more can't be exported as one with less.
        let Unit {
            scale,
            shift,
            first,
            slope,
            second,
            projection,
        } = unit;
        let scale = self.tensor(&format!("{name}.scale"), scale.clone());
        let shift = self.tensor(&format!("{name}.shift"), shift.clone());
        let scaled = self.node(
            "Mul",
            &format!("{name}.scaled"),
            &[input, &scale],
            Vec::new(),
        );
        let normed = self.node(
            "Add",
            &format!("{name}.normed"),
            &[&scaled, &shift],
            Vec::new(),
        );
        let features = self.convolution(&format!("{name}.first"), &normed, first);
        let features = self.prelu(name, &features, slope);
        let features = self.convolution(&format!("{name}.second"), &features, second);
        let shortcut = match projection {
            Some(projection) => self.convolution(&format!("{name}.projection"), input, projection),
            None if second.stride == 1 => input.to_owned(),
            // The largest of one pixel is that pixel: every so many rows and columns.
            None => {
                let attributes = vec![
                    integers("kernel_shape", &[1; 2]),
                    integers("strides", &[second.stride as i64; 2]),
                ];
                self.node("MaxPool", &format!("{name}.shortcut"), &[input], attributes)
            }
        };
        self.node(
            "Add",
            &format!("{name}.sum"),
            &[&features, &shortcut],
            Vec::new(),
        )
    }
}

fn integers(name: &str, values: &[i64]) -> AttributeMessage {
    AttributeMessage {
        name: name.to_owned(),
        ints: values.to_vec(),
        r#type: INTEGERS,
    }
}

fn value(name: &str, axes: Vec<AxisLength>) -> ValueMessage {
    let dim = axes
        .into_iter()
        .map(|length| AxisMessage {
            length: Some(length),
        })
        .collect();
    ValueMessage {
        name: name.to_owned(),
        r#type: Some(TypeMessage {
            tensor_type: Some(TensorTypeMessage {
                elem_type: FLOAT,
                shape: Some(ShapeMessage { dim }),
            }),
        }),
    }
}
