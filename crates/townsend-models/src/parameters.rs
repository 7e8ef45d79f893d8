//! The named tensors of a model.
//!
//! A model is a list of [`TensorSpec`]s and functions of the [`Parameters`] made from it. Names and layouts
//! are those of a PyTorch state dict, so that weights can be exchanged in both directions. All values are
//! kept flat: checkpoints, optimisers and comparisons treat a bias and a kernel of five dimensions alike.

use std::collections::BTreeMap;

use burn_tensor::{Device, Gradients, Tensor, TensorData};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use townsend_core::{Purpose, stream};

const INITIAL_WEIGHTS: Purpose = Purpose::new("initial weights");

/// Whether a tensor is trained, and its initial values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// Trained; drawn from U(−b, b) with b = 1/√`fan_in` (the default of PyTorch's convolutions and linears).
    Weight {
        /// Inputs that one output sums over.
        fan_in: usize,
    },
    /// Trained; drawn from a normal distribution.
    Normal {
        /// Its mean.
        mean: f32,
        /// Its standard deviation.
        std: f32,
    },
    /// Trained; begins as this constant.
    Constant(f32),
    /// Not trained, but part of the model (running statistics); begins as this constant.
    Buffer(f32),
}

/// Name, shape and role of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorSpec {
    /// Name as in a PyTorch state dict, such as `encoder.conv1.weight`.
    pub name: String,
    /// Shape in PyTorch's layout.
    pub shape: Vec<usize>,
    /// Trained or not, and the initial value.
    pub role: Role,
}

impl TensorSpec {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True if the tensor holds no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if training changes the tensor by its gradient.
    pub fn is_trained(&self) -> bool {
        !matches!(self.role, Role::Buffer(_))
    }

    fn initial(&self, seed: u64, number: u64) -> Vec<f32> {
        match self.role {
            Role::Constant(value) | Role::Buffer(value) => vec![value; self.len()],
            Role::Normal { mean, std } => {
                let normal = StandardNormal.sample_iter(stream(seed, INITIAL_WEIGHTS, number));
                normal.take(self.len()).map(|x: f32| mean + std * x).collect()
            }
            Role::Weight { fan_in } => {
                let bound = 1.0 / (fan_in as f32).sqrt();
                let mut random = stream(seed, INITIAL_WEIGHTS, number);
                (0..self.len()).map(|_| random.random_range(-bound..bound)).collect()
            }
        }
    }
}

/// The values of all tensors of a model on a device.
#[derive(Debug, Clone)]
pub struct Parameters {
    specs: Vec<TensorSpec>,
    values: BTreeMap<String, Tensor<1>>,
    device: Device,
}

impl Parameters {
    /// Initial values, a function of the seed alone (no global random state is used).
    pub fn initial(specs: Vec<TensorSpec>, seed: u64, device: &Device) -> Self {
        let values = specs.iter().zip(0..).map(|(spec, number)| spec.initial(seed, number)).collect();
        Self::from_values(specs, values, device)
    }

    /// Parameters with given values, in the order of `specs`.
    ///
    /// # Panics
    /// If a number of values is not that of its tensor's shape.
    pub fn from_values(specs: Vec<TensorSpec>, values: Vec<Vec<f32>>, device: &Device) -> Self {
        assert_eq!(specs.len(), values.len(), "one list of values a tensor");
        let values = specs.iter().zip(values).map(|(spec, values)| {
            assert_eq!(spec.len(), values.len(), "values of {}", spec.name);
            (spec.name.clone(), Tensor::from_data(TensorData::new(values, [spec.len()]), device))
        });
        Self { values: values.collect(), device: device.clone(), specs }
    }

    /// The tensors of the model.
    pub fn specs(&self) -> &[TensorSpec] {
        &self.specs
    }

    /// The tensors that are trained.
    pub fn trained(&self) -> impl Iterator<Item = &TensorSpec> {
        self.specs.iter().filter(|spec| spec.is_trained())
    }

    /// The device that holds the values.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The same values on another device.
    #[must_use]
    pub fn on(&self, device: &Device) -> Self {
        if *device == self.device {
            return self.clone();
        }
        let copy = |(name, value): (&String, &Tensor<1>)| {
            (name.clone(), Tensor::from_data(value.clone().into_data(), device))
        };
        let values = self.values.iter().map(copy).collect();
        Self { specs: self.specs.clone(), values, device: device.clone() }
    }

    /// A tensor, flat.
    ///
    /// # Panics
    /// If there is no tensor of this name, which is a mistake in the model's code.
    pub fn flat(&self, name: &str) -> &Tensor<1> {
        self.values.get(name).unwrap_or_else(|| panic!("the model has no tensor {name}"))
    }

    /// A tensor in a shape with the same number of values.
    pub fn get<const D: usize>(&self, name: &str, shape: [usize; D]) -> Tensor<D> {
        self.flat(name).clone().reshape(shape)
    }

    /// Replaces a tensor's values.
    pub fn set(&mut self, name: &str, value: Tensor<1>) {
        let old = self.values.insert(name.to_owned(), value);
        debug_assert!(old.is_some(), "the model has no tensor {name}");
    }

    /// Changes a tensor's values on the host. On the CPU they are not copied if there is no clone of the
    /// tensor.
    ///
    /// # Panics
    /// As [`Parameters::flat`].
    pub fn change(&mut self, name: &str, act: impl FnOnce(&mut [f32])) {
        let value = self.values.remove(name).unwrap_or_else(|| panic!("the model has no tensor {name}"));
        let mut data = value.into_data();
        act(data.as_mut_slice().expect("all tensors of this crate are f32"));
        self.values.insert(name.to_owned(), Tensor::from_data(data, &self.device));
    }

    /// The same values on a device that records operations, so that a loss computed from them has gradients
    /// with respect to those trained tensors for whose names `trains` returns true.
    #[must_use]
    pub fn tracked(&self, trains: impl Fn(&str) -> bool) -> Self {
        let mut tracked = Self { device: self.device.clone().autodiff(), ..self.clone() };
        for spec in &self.specs {
            let value = self.flat(&spec.name).clone().autodiff();
            let trained = spec.is_trained() && trains(&spec.name);
            tracked.set(&spec.name, if trained { value.require_grad() } else { value });
        }
        tracked
    }

    /// The gradients of these tensors; they are 0 for a tensor that the loss does not depend on.
    pub fn gradients(&self, names: &[String], gradients: &mut Gradients) -> Vec<Tensor<1>> {
        let inner = self.device.clone().inner();
        let gradient = |name: &String| {
            let value = self.flat(name);
            value.grad_remove(gradients).unwrap_or_else(|| Tensor::zeros(value.dims(), &inner))
        };
        names.iter().map(gradient).collect()
    }

    /// The values of a tensor on the host.
    pub fn values(&self, name: &str) -> Vec<f32> {
        to_host(self.flat(name).clone())
    }
}

/// The tensor without the record of operations that gradients are computed from.
pub(crate) fn without_gradient<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    if tensor.is_autodiff() { tensor.inner() } else { tensor }
}

/// Copies a tensor's values to the host.
pub(crate) fn to_host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("all tensors of this crate are f32")
}
