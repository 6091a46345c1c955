//! Processes that share a batch: what they join has the bits of one that has all of it.

use std::ops::Range;

use kernels::{
    Precision,
    blocked::{
        Arena, Blocked, Convolution, ConvolutionShape, Dims, InstructionSet, Joining, channel_sums,
        moment_sums,
    },
};

use crate::common::fine;

/// Blocks of each of some processes, as a trainer deals them.
fn shares(blocks: usize, processes: usize) -> Vec<Range<usize>> {
    let parts = if processes <= 4 && blocks >= 4 { 4 } else { processes };
    let edge = |process: usize| process * parts / processes * blocks / parts;
    (0..processes).map(|process| edge(process)..edge(process + 1)).collect()
}

struct Batch {
    dims: Dims,
    values: Vec<f32>,
}

impl Batch {
    fn new(dims: Dims, seed: u64) -> Self {
        Self { dims, values: fine(seed, dims.images * dims.channels * dims.height * dims.width) }
    }

    fn blocks(&self, blocks: Range<usize>, arena: &Arena) -> Blocked {
        let size = self.dims.channels * self.dims.height * self.dims.width;
        let images = 16 * blocks.start..self.dims.images.min(16 * blocks.end);
        let dims = Dims { images: images.len(), ..self.dims };
        Blocked::from_nchw(&self.values[images.start * size..images.end * size], dims, arena)
    }
}

/// The gradient as processes come to it that have some of the blocks each.
fn joined(convolution: &Convolution, [x, g]: &[Batch; 2], processes: usize, arena: &Arena) -> Vec<f32> {
    let shares = shares(x.dims.blocks(), processes);
    let own = |batch: &Batch| -> Vec<Blocked> {
        shares.iter().map(|share| batch.blocks(share.clone(), arena)).collect()
    };
    let (own_x, own_g) = (own(x), own(g));
    let whole = |batch: &Batch, own: &[Blocked], channels: Range<usize>| {
        let bytes = |own: &Blocked| {
            let mut bytes = Vec::new();
            own.append_to(channels.clone(), &mut bytes);
            bytes
        };
        let bytes: Vec<Vec<u8>> = own.iter().map(bytes).collect();
        let slices: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        let dims = Dims { channels: channels.len(), ..batch.dims };
        Blocked::joined(dims, &slices, (0, &own[0], channels), arena).expect("all blocks")
    };
    match convolution.joining(x.dims, g.dims, &shares) {
        Joining::Blocks => {
            let each = own_x.iter().zip(&own_g).map(|(x, g)| convolution.weight_block_sums(x, g, arena));
            each.reduce(|mut all, later| {
                all.append(later);
                all
            })
            .expect("a process")
            .singles()
        }
        Joining::Parts(parts) => {
            let mut all = Vec::new();
            for (share, (x, g)) in shares.iter().zip(own_x.iter().zip(&own_g)) {
                let inside = parts.iter().filter(|part| share.contains(&part.start));
                let here: Vec<_> =
                    inside.map(|part| part.start - share.start..part.end - share.start).collect();
                all.extend(convolution.weight_parts(x, g, &here, arena));
            }
            assert_eq!(all.len(), parts.len());
            let like = convolution
                .weight_parts(&own_x[0], &own_g[0], std::slice::from_ref(&(0..1)), arena)
                .remove(0);
            let sent = all.iter().map(|sums| {
                let mut bytes = Vec::new();
                sums.append_to(&mut bytes);
                like.from_bytes(&bytes, arena).expect("as many")
            });
            convolution.weight_gradient_of_parts(sent.collect(), arena)
        }
        joining => {
            let x = whole(x, &own_x, 0..x.dims.channels);
            let (channels, groups) = (g.dims.channels, g.dims.channels.div_ceil(16));
            let slices = if joining == Joining::Whole { 1 } else { processes.min(groups) };
            let edge = |slice: usize| channels.min(slice * groups / slices * 16);
            let slice = |slice: usize| {
                let g = whole(g, &own_g, edge(slice)..edge(slice + 1));
                convolution.weight_gradient_of_outputs(&x, &g, arena)
            };
            (0..slices).flat_map(slice).collect()
        }
    }
}

fn shape(inputs: usize, outputs: usize, kernel: usize, stride: usize, groups: usize) -> ConvolutionShape {
    let padding = [kernel / 2; 2];
    ConvolutionShape { inputs, outputs, kernel: [kernel; 2], stride, padding, groups }
}

#[test]
fn weight_gradients_of_shared_batches_have_the_same_bits() {
    let cases = [
        ("few channels", shape(16, 24, 3, 1, 1), [9, 9]),
        ("stride 2", shape(16, 24, 3, 2, 1), [8, 9]),
        ("many channels", shape(160, 176, 3, 1, 1), [5, 4]),
        ("many channels, stride 2", shape(160, 176, 3, 2, 1), [6, 6]),
        ("pixels", shape(20, 40, 1, 1, 1), [5, 7]),
        ("a stem", shape(3, 20, 7, 2, 1), [12, 12]),
        ("groups", shape(48, 96, 3, 1, 2), [6, 6]),
        ("depthwise", shape(20, 20, 3, 1, 20), [7, 7]),
        ("a linear layer", shape(40, 50, 1, 1, 1), [1, 1]),
        ("two classes", shape(40, 2, 1, 1, 1), [1, 1]),
        ("few outputs", shape(24, 3, 1, 1, 1), [5, 5]),
    ];
    for instructions in InstructionSet::available() {
        for precision in [Precision::Full, Precision::Bf16] {
            for (what, shape, [height, width]) in cases {
                for images in [20, 70, 147] {
                    let arena = Arena::default();
                    let x = Dims { images, channels: shape.inputs, height, width };
                    let weights = fine(1, shape.weights());
                    let convolution =
                        Convolution::for_training(precision, &weights, shape, false, instructions);
                    let y =
                        convolution.forward(&Blocked::from_nchw(&Batch::new(x, 2).values, x, &arena), &arena);
                    let batches = [Batch::new(x, 2), Batch::new(y.dims(), 3)];
                    let [all_x, all_g] =
                        batches.each_ref().map(|batch| batch.blocks(0..batch.dims.blocks(), &arena));
                    let expected = convolution.weight_gradient(&all_x, &all_g, &arena);
                    assert!(expected.iter().any(|value| *value != 0.0));
                    for processes in 1..=6.min(x.blocks()) {
                        let found = joined(&convolution, &batches, processes, &arena);
                        let bits =
                            |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                        assert!(
                            bits(&found) == bits(&expected),
                            "{what}: {images} images on {processes} processes, {instructions:?} {precision:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn sums_of_channels_are_joined_block_by_block() {
    let arena = Arena::default();
    let dims = Dims { images: 70, channels: 5, height: 4, width: 3 };
    let [x, g] = [Batch::new(dims, 1), Batch::new(dims, 2)];
    let instructions = InstructionSet::current();
    let of = |blocks: Range<usize>| {
        let [x, g] = [&x, &g].map(|batch| batch.blocks(blocks.clone(), &arena));
        [moment_sums(&x, instructions), channel_sums(&g, None, &x, &[0.5; 5], instructions)]
    };
    let [all, parts] = [of(0..5), of(0..2)];
    for ((all, mut part), later) in all.into_iter().zip(parts).zip(of(2..5)) {
        part.append(later);
        assert_eq!(part, all);
        assert_eq!((all.each(), all.totals().len()), (10, 10));
    }
}
