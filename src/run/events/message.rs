//! TensorBoard's protocol-buffer messages, as far as scalars and histograms need them; fields left out here are skipped on reading.
//!
//! Numbers and types are those of tensorflow's `event.proto`, `summary.proto` and `tensor.proto`.
//! Strings that come from files are declared as bytes, which look the same on the wire: a tag that isn't UTF-8
//! must not cost the whole event.

use prost::{Message, Oneof};

/// One record of an event file.
#[derive(Clone, PartialEq, Message)]
pub(super) struct EventMessage {
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    #[prost(int64, tag = "2")]
    pub step: i64,
    #[prost(oneof = "WhatMessage", tags = "3, 5, 7")]
    pub what: Option<WhatMessage>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum WhatMessage {
    #[prost(bytes, tag = "3")]
    FileVersion(Vec<u8>),
    #[prost(message, tag = "5")]
    Summary(SummaryMessage),
    #[prost(message, tag = "7")]
    SessionLog(SessionLogMessage),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SummaryMessage {
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<ValueMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueMessage {
    #[prost(bytes = "vec", tag = "1")]
    pub tag: Vec<u8>,
    #[prost(message, optional, tag = "9")]
    pub metadata: Option<MetadataMessage>,
    #[prost(oneof = "ValueKind", tags = "2, 5, 8")]
    pub value: Option<ValueKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum ValueKind {
    #[prost(float, tag = "2")]
    Simple(f32),
    /// A [`HistogramMessage`].
    #[prost(bytes, tag = "5")]
    Histogram(Vec<u8>),
    #[prost(message, tag = "8")]
    Tensor(TensorMessage),
}

/// Counts of values between limits: `HistogramProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HistogramMessage {
    #[prost(double, tag = "1")]
    pub min: f64,
    #[prost(double, tag = "2")]
    pub max: f64,
    #[prost(double, tag = "3")]
    pub num: f64,
    #[prost(double, tag = "4")]
    pub sum: f64,
    #[prost(double, tag = "5")]
    pub sum_squares: f64,
    #[prost(double, repeated, tag = "6")]
    pub bucket_limit: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    pub bucket: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetadataMessage {
    #[prost(message, optional, tag = "1")]
    pub plugin: Option<PluginMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PluginMessage {
    #[prost(bytes = "vec", tag = "1")]
    pub name: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorMessage {
    #[prost(int32, tag = "1")]
    pub kind: i32,
    #[prost(bytes = "vec", tag = "4")]
    pub content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    pub float_values: Vec<f32>,
    #[prost(double, repeated, tag = "6")]
    pub double_values: Vec<f64>,
    #[prost(int32, repeated, tag = "7")]
    pub int_values: Vec<i32>,
    #[prost(int64, repeated, tag = "10")]
    pub long_values: Vec<i64>,
    #[prost(int32, repeated, tag = "13")]
    pub half_values: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionLogMessage {
    #[prost(int32, tag = "1")]
    pub status: i32,
}

/// `SessionLog.SessionStatus.START`.
pub(super) const SESSION_START: i32 = 1;

impl TensorMessage {
    /// The number in a tensor that holds exactly one; `None` for text, pictures and arrays.
    pub fn scalar(&self) -> Option<f64> {
        match self.kind {
            1 => one(&self.float_values, &self.content, f32::from_le_bytes).map(f64::from),
            2 => one(&self.double_values, &self.content, f64::from_le_bytes),
            3 => one(&self.int_values, &self.content, i32::from_le_bytes).map(f64::from),
            9 => one(&self.long_values, &self.content, i64::from_le_bytes).map(|v| v as f64),
            14 => one(&self.half_values, &self.content, |two: [u8; 2]| {
                i32::from(u16::from_le_bytes(two))
            })
            .map(|bits| f64::from(f32::from_bits((bits as u32) << 16))),
            _ => None,
        }
    }
}

fn one<T: Copy, const N: usize>(
    values: &[T],
    content: &[u8],
    from_bytes: impl Fn([u8; N]) -> T,
) -> Option<T> {
    match (values, content) {
        ([value], []) => Some(*value),
        ([], bytes) => Some(from_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}
