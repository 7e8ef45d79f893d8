//! The matrix product of the library `gemm`, which Burn uses too: a measure of how fast the machine computes.

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
}
