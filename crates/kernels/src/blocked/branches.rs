//! Channels side by side, and the way back.

use super::tensor::{Arena, Blocked, Dims};

/// The channels of all inputs, one input after the other.
///
/// # Panics
/// If there are no inputs, or they differ in anything but their channels.
pub fn concatenate(inputs: &[&Blocked], arena: &Arena) -> Blocked {
    let channels = inputs.iter().map(|x| x.dims.channels).sum();
    let dims = Dims { channels, ..inputs[0].dims };
    let mut y = arena.blocked(dims);
    for (block, y) in y.data.chunks_mut(dims.block_len()).enumerate() {
        let mut rest = y;
        for x in inputs {
            assert_eq!(
                x.dims,
                Dims { channels: x.dims.channels, ..dims },
                "sizes of what is put side by side"
            );
            let (here, behind) = rest.split_at_mut(x.dims.block_len());
            here.copy_from_slice(x.block(block));
            rest = behind;
        }
    }
    y
}

/// `channels` of the channels from `first` on: the gradient of one of the inputs of [`concatenate`].
///
/// # Panics
/// If there are not as many.
pub fn some_channels(g: &Blocked, first: usize, channels: usize, arena: &Arena) -> Blocked {
    let dims = Dims { channels, ..g.dims };
    let mut part = arena.blocked(dims);
    let start = first * dims.pixels();
    for (block, part) in part.data.chunks_mut(dims.block_len()).enumerate() {
        part.copy_from_slice(&g.block(block)[start..start + part.len()]);
    }
    part
}
