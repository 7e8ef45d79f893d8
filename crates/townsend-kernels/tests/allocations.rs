//! A network in use allocates nothing.

mod counting;

use counting::allocations;
use townsend_kernels::{Block, Convolution, Isa, Linear, Maps, Network, Shape, Stack};

#[test]
fn nothing_is_allocated_for_an_avalanche() {
    let layer = |inputs, outputs, kernel, stride, slope| {
        let (kernel, stride) = ([kernel; 3], [stride; 3]);
        let convolution = Convolution { transposed: true, inputs, outputs, kernel, stride, padding: [0; 3] };
        Block { convolution, norm: None, slope }
    };
    let blocks = vec![layer(32, 32, 4, 1, 0.0), layer(32, 16, 5, 3, 0.0), layer(16, 1, 6, 2, 1.0)];
    let stack = Stack::new([1; 3], blocks).unwrap();
    let mut network = Network::new(2, 3, Isa::best());
    network.linear(&Linear::new(&[0.5; 96], &[1.0; 32]), Shape { channels: 32, size: [1; 3] });
    network.stack(&stack, &vec![0.01; stack.parameters()], &[]);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let mut maps = Maps::default();
    let taken = pool.install(|| {
        network.run(&[1.0; 6], &mut maps);
        let before = allocations();
        (0..10).for_each(|_| assert!(!network.run(&[1.0; 6], &mut maps).is_empty()));
        allocations() - before
    });
    // Threads that wake up take some memory for their own queues now and then; a map would be taken in every
    // run.
    assert!(taken < 10, "{taken} allocations in 10 runs");
    // Of one row nothing is shared out: not even a queue takes memory.
    let single = network.single();
    single.run(&[1.0; 3], &mut maps);
    let before = allocations();
    (0..10).for_each(|_| assert!(!single.run(&[1.0; 3], &mut maps).is_empty()));
    assert_eq!(allocations(), before);
}
