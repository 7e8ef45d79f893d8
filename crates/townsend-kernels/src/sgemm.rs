//! Products of matrices, a measure of how fast the machine computes: that of the library `gemm`, which Burn
//! uses too, and that of the inner loop of the kernels.

use crate::{Isa, Linear, Maps, Network, Shape};

/// c = a · b of square matrices `[n, n]`, on all threads of the pool.
///
/// # Panics
/// If a slice has not n² numbers.
pub fn matrix_product(n: usize, a: &[f32], b: &[f32], c: &mut [f32]) {
    for length in [a.len(), b.len(), c.len()] {
        assert_eq!(length, n * n, "numbers of a matrix of {n} × {n}");
    }
    let threads = rayon::current_num_threads();
    let parallelism = if threads > 1 { gemm::Parallelism::Rayon(threads) } else { gemm::Parallelism::None };
    let row = n as isize;
    // SAFETY: three matrices of n × n numbers, row after row, as asserted above; `c` is borrowed for this
    // call alone.
    unsafe {
        gemm::gemm(
            n,
            n,
            n,
            c.as_mut_ptr(),
            1,
            row,
            false,
            a.as_ptr(),
            1,
            row,
            b.as_ptr(),
            1,
            row,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// The product of a matrix `[1024, 240]` and one `[240, 1024]` by the inner loop of the kernels at its best:
/// what is read again and again is few numbers, which stay in the cache nearest to the processor.
#[derive(Debug)]
pub struct KernelsProduct {
    network: Network,
    maps: Maps,
    rows: Vec<f32>,
}

impl KernelsProduct {
    const OUTER: usize = 1024;
    const INNER: usize = 240;
    /// Multiplications with addition of the product.
    pub const MULTIPLY_ADDS: usize = Self::OUTER * Self::OUTER * Self::INNER;

    /// Makes it ready for an instruction set.
    pub fn new(isa: Isa) -> Self {
        let rows: Vec<f32> =
            (0..Self::OUTER * Self::INNER).map(|at| (at * 37 % 101) as f32 / 101.0).collect();
        let mut network = Network::new(Self::OUTER, Self::INNER, isa);
        let output = Shape { channels: Self::OUTER, size: [1; 3] };
        network.linear(&Linear::new(&rows, &[0.0; Self::OUTER]), output);
        Self { network, maps: Maps::default(), rows }
    }

    /// Computes it, on all threads of the pool.
    pub fn compute(&mut self) -> &[f32] {
        self.network.run(&self.rows, &mut self.maps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_product_of_matrices() {
        let n = 7;
        let [a, b] = [3, 5].map(|step| (0..n * n).map(|k| (k * step % 11) as f32).collect::<Vec<_>>());
        let mut c = vec![0.0; n * n];
        matrix_product(n, &a, &b, &mut c);
        for (at, got) in c.iter().enumerate() {
            let want: f32 = (0..n).map(|k| a[at / n * n + k] * b[k * n + at % n]).sum();
            assert_eq!(*got, want);
        }
    }

    #[test]
    fn that_of_the_kernels_is_one_too() {
        let mut product = KernelsProduct::new(Isa::best());
        let (rows, n) = (product.rows.clone(), KernelsProduct::INNER);
        let row = |at: usize| &rows[at * n..][..n];
        let computed = product.compute();
        assert_eq!(computed.len() * n, KernelsProduct::MULTIPLY_ADDS);
        for (i, k) in [(0, 0), (3, 1000), (1023, 7)] {
            let want: f64 = row(i).iter().zip(row(k)).map(|(a, b)| f64::from(a * b)).sum();
            let got = f64::from(computed[i * KernelsProduct::OUTER + k]);
            assert!((got / want - 1.0).abs() < 1e-5, "{got} {want}");
        }
    }
}
