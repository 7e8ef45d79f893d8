//! A network as a file of ONNX (<https://onnx.ai>), for programs that compute networks with a runtime of
//! their own.
//!
//! The graph has one input, `noise` `[batch, numbers]` of standard normal numbers, and one output, `cells`
//! `[batch, …, x]`: the share of an avalanche's electrons in each cell. What an avalanche needs besides (the
//! distribution of the number of electrons, the grid, the units) is text beside the graph. It keeps to
//! operators of opset 13 and version 7 of the format, those of ONNX 1.8 (2020).

mod protobuf;

use std::collections::BTreeSet;
use std::f64::consts::FRAC_1_SQRT_2;

use self::protobuf::Message;
use crate::Parameters;

/// Version of the format.
const FORMAT: i64 = 7;
/// Version of the set of operators.
const OPSET: i64 = 13;
/// Types of numbers: `TensorProto.DataType`.
const FLOAT: i64 = 1;
const INT64: i64 = 7;
const DOUBLE: i64 = 11;
const INPUT: &str = "noise";
const OUTPUT: &str = "cells";

/// A network in ONNX's format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onnx {
    /// Contents of the file.
    pub bytes: Vec<u8>,
    /// Standard normal numbers that an avalanche is made of.
    pub inputs: usize,
    /// What some of them do, where it is not the same for all.
    pub notes: Vec<String>,
}

/// What stands in the file beside the graph.
pub(crate) struct About<'a> {
    /// True if the output is the share of the electrons in each cell, false if it is their number.
    pub(crate) are_shares: bool,
    /// Cells along `x, z, t`.
    pub(crate) shape: &'a [usize],
    pub(crate) notes: Vec<String>,
    /// Keys and values of `metadata_props`.
    pub(crate) properties: &'a [(&'a str, String)],
}

/// A graph of ONNX operators that grows node by node, with the weights of a model.
#[derive(Debug)]
pub struct Graph<'p> {
    parameters: &'p Parameters,
    inputs: usize,
    nodes: Vec<Message>,
    initializers: Vec<Message>,
    /// Names of initializers.
    known: BTreeSet<String>,
}

/// The result of a node, an input or a tensor of weights, by its name.
#[derive(Debug, Clone)]
pub struct Value(String);

/// A setting of an operator.
pub(crate) enum Attribute<'a> {
    Float(f64),
    Integer(i64),
    Integers(&'a [i64]),
}

/// A precision that numbers of a graph can have.
pub(crate) trait Precision {
    /// Its `TensorProto.DataType`.
    const TYPE: i64;
}

impl Precision for f32 {
    const TYPE: i64 = FLOAT;
}

impl Precision for f64 {
    const TYPE: i64 = DOUBLE;
}

impl<'p> Graph<'p> {
    /// A graph whose input is so many numbers for each avalanche.
    pub(crate) fn new(parameters: &'p Parameters, inputs: usize) -> Self {
        let (nodes, initializers) = (Vec::new(), Vec::new());
        Self { parameters, inputs, nodes, initializers, known: BTreeSet::new() }
    }

    /// The input, `[batch, inputs]`.
    pub(crate) fn input() -> Value {
        Value(INPUT.into())
    }

    /// How many numbers it has for each avalanche.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// The weights of the model.
    pub(crate) fn parameters(&self) -> &'p Parameters {
        self.parameters
    }

    /// A tensor of the model, in its shape and by its name.
    pub(crate) fn tensor(&mut self, name: &str) -> Value {
        if self.known.insert(name.to_owned()) {
            let spec = self.parameters.specs().iter().find(|spec| spec.name == name);
            let shape = spec.map_or(&[][..], |spec| &spec.shape);
            let bytes: Vec<u8> =
                self.parameters.values(name).iter().flat_map(|value| value.to_le_bytes()).collect();
            self.initializers.push(initializer(name, FLOAT, shape, &bytes));
        }
        Value(name.into())
    }

    /// Fixed numbers in a shape.
    pub(crate) fn numbers(&mut self, shape: &[usize], values: &[f32]) -> Value {
        self.constant(FLOAT, shape, values.iter().flat_map(|value| value.to_le_bytes()))
    }

    /// Fixed numbers of double precision.
    pub(crate) fn doubles(&mut self, shape: &[usize], values: &[f64]) -> Value {
        self.constant(DOUBLE, shape, values.iter().flat_map(|value| value.to_le_bytes()))
    }

    /// One fixed number.
    pub(crate) fn number(&mut self, value: f64) -> Value {
        self.numbers(&[], &[value as f32])
    }

    /// Fixed whole numbers, one after the other.
    pub(crate) fn integers(&mut self, values: &[i64]) -> Value {
        self.constant(INT64, &[values.len()], values.iter().flat_map(|value| value.to_le_bytes()))
    }

    fn constant(&mut self, kind: i64, shape: &[usize], bytes: impl Iterator<Item = u8>) -> Value {
        let name = format!("constant_{}", self.initializers.len());
        self.initializers.push(initializer(&name, kind, shape, &bytes.collect::<Vec<u8>>()));
        Value(name)
    }

    /// The result of an operator.
    pub(crate) fn node(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        attributes: &[(&str, Attribute<'_>)],
    ) -> Value {
        let name = format!("{}_{}", operator.to_lowercase(), self.nodes.len());
        self.named_node(&name, operator, inputs, attributes)
    }

    fn named_node(
        &mut self,
        name: &str,
        operator: &str,
        inputs: &[&Value],
        attributes: &[(&str, Attribute<'_>)],
    ) -> Value {
        let attributes: Vec<Message> = attributes.iter().map(attribute).collect();
        let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, &input.0));
        self.nodes.push(node.text(2, name).text(3, name).text(4, operator).messages(5, &attributes));
        Value(name.into())
    }

    /// The linear layer `name`: `[batch, inputs]` → `[batch, outputs]`.
    pub(crate) fn linear(&mut self, name: &str, x: &Value) -> Value {
        let [weight, bias] = ["weight", "bias"].map(|part| self.tensor(&format!("{name}.{part}")));
        self.node("Gemm", &[x, &weight, &bias], &[("transB", Attribute::Integer(1))])
    }

    /// The batch normalisation `name` with its running statistics.
    pub(crate) fn normalise(&mut self, name: &str, epsilon: f64, x: &Value) -> Value {
        let [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
            .map(|part| self.tensor(&format!("{name}.{part}")));
        let epsilon = [("epsilon", Attribute::Float(epsilon))];
        self.node("BatchNormalization", &[x, &weight, &bias, &mean, &variance], &epsilon)
    }

    /// Negative numbers times `slope`, which is at most 1.
    pub(crate) fn leaky(&mut self, slope: f64, x: &Value) -> Value {
        match slope {
            0.0 => self.node("Relu", &[x], &[]),
            _ if slope < 1.0 => self.node("LeakyRelu", &[x], &[("alpha", Attribute::Float(slope))]),
            _ => x.clone(),
        }
    }

    /// The numbers in another shape, of which the first, the batch, is left as it is; -1 is what is left.
    pub(crate) fn reshape(&mut self, shape: &[i64], x: &Value) -> Value {
        let shape = self.integers(&[&[0], shape].concat());
        self.node("Reshape", &[x, &shape], &[])
    }

    /// The columns from `from` to before `to` of `[batch, columns]`.
    pub(crate) fn columns(&mut self, from: usize, to: usize, x: &Value) -> Value {
        let [from, to, axis] = [from as i64, to as i64, 1].map(|value| self.integers(&[value]));
        self.node("Slice", &[x, &from, &to, &axis], &[])
    }

    /// Sums along an axis, which is kept with one number or not.
    pub(crate) fn sums(&mut self, axis: i64, kept: bool, x: &Value) -> Value {
        let axis = self.integers(&[axis]);
        self.node("ReduceSum", &[x, &axis], &[("keepdims", Attribute::Integer(i64::from(kept)))])
    }

    /// An operator of two values, the second being a fixed number.
    pub(crate) fn with_number(&mut self, operator: &str, x: &Value, number: f64) -> Value {
        let number = self.number(number);
        self.node(operator, &[x, &number], &[])
    }

    /// Numbers in another precision; 1 for true, 0 for false.
    pub(crate) fn cast<T: Precision>(&mut self, x: &Value) -> Value {
        self.node("Cast", &[x], &[("to", Attribute::Integer(T::TYPE))])
    }

    /// 2 Φ(x) − 1, which is uniform from −1 to 1 for standard normal x.
    pub(crate) fn symmetric_uniform(&mut self, x: &Value) -> Value {
        let x = self.with_number("Mul", x, FRAC_1_SQRT_2);
        self.node("Erf", &[&x], &[])
    }

    /// Φ(x), which is uniform from 0 to 1 for standard normal x.
    pub(crate) fn uniform(&mut self, x: &Value) -> Value {
        let symmetric = self.symmetric_uniform(x);
        let sum = self.with_number("Add", &symmetric, 1.0);
        self.with_number("Mul", &sum, 0.5)
    }

    /// Weights of cells `[batch, …, x]`, and the sum to divide them by. As in the draw of electrons, weights
    /// that are not finite count as 0; if all are 0 they stay so. The sum is made axis after axis: in one go
    /// a million cells would cost it two digits.
    fn shares(&mut self, axes: usize, weights: &Value) -> [Value; 2] {
        let (finite, nothing) = (self.with_number("Less", weights, f64::from(f32::MAX)), self.number(0.0));
        let weights = self.node("Where", &[&finite, weights, &nothing], &[]);
        let sum = (1..=axes as i64).rev().fold(weights.clone(), |sum, axis| self.sums(axis, true, &sum));
        [weights, self.with_number("Max", &sum, f64::from(f32::MIN_POSITIVE))]
    }

    /// The file, with weights of cells `[batch, cells]` as its output, divided by their sum if `about` says
    /// so.
    pub(crate) fn finish(mut self, weights: &Value, about: About<'_>) -> Onnx {
        let shape: Vec<i64> = about.shape.iter().rev().map(|&cells| cells as i64).collect();
        let weights = self.reshape(&shape, weights);
        if about.are_shares {
            let [weights, sum] = self.shares(shape.len(), &weights);
            self.named_node(OUTPUT, "Div", &[&weights, &sum], &[]);
        } else {
            self.named_node(OUTPUT, "Identity", &[&weights], &[]);
        }
        let of_output = if about.are_shares {
            "the share of the electrons in each cell, the flow bins first and last along each axis"
        } else {
            "the number of electrons, in the bin between the flow bins; round it"
        };
        let of_input = [&["standard normal numbers".to_owned()], &about.notes[..]].concat().join("; ");
        let graph = Message::default()
            .messages(1, &self.nodes)
            .text(2, "townsend")
            .messages(5, &self.initializers)
            .message(11, &interface(INPUT, &[self.inputs as i64], &of_input))
            .message(12, &interface(OUTPUT, &shape, of_output));
        let properties: Vec<Message> = about
            .properties
            .iter()
            .map(|(key, value)| Message::default().text(1, key).text(2, value))
            .collect();
        let file = Message::default()
            .integer(1, FORMAT)
            .text(2, "townsend")
            .text(3, env!("CARGO_PKG_VERSION"))
            .message(7, &graph)
            .message(8, &Message::default().text(1, "").integer(2, OPSET))
            .messages(14, &properties);
        Onnx { bytes: file.into_bytes(), inputs: self.inputs, notes: about.notes }
    }
}

/// `TensorProto`.
fn initializer(name: &str, kind: i64, shape: &[usize], bytes: &[u8]) -> Message {
    let tensor = shape.iter().fold(Message::default(), |tensor, &length| tensor.integer(1, length as i64));
    tensor.integer(2, kind).text(8, name).bytes(9, bytes)
}

/// `AttributeProto`.
fn attribute((name, value): &(&str, Attribute<'_>)) -> Message {
    let attribute = Message::default().text(1, name);
    match value {
        Attribute::Float(value) => attribute.float(2, *value as f32).integer(20, 1),
        Attribute::Integer(value) => attribute.integer(3, *value).integer(20, 2),
        Attribute::Integers(values) => {
            values.iter().fold(attribute, |attribute, value| attribute.integer(8, *value)).integer(20, 7)
        }
    }
}

/// `ValueInfoProto`: `[batch, …]` numbers of single precision.
fn interface(name: &str, shape: &[i64], meaning: &str) -> Message {
    let lengths = shape.iter().map(|&length| Message::default().integer(1, length));
    let batch = Message::default().text(2, "batch");
    let dims: Vec<Message> = std::iter::once(batch).chain(lengths).collect();
    let shape = Message::default().messages(1, &dims);
    let tensor = Message::default().integer(1, FLOAT).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor)).text(3, meaning)
}
