//! Channels side by side, and the way back.

use super::{
    simd::Lane,
    tensor::{Arena, Blocked, Dims},
};

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

/// The channels of these numbers, in this order: some of them, or all in another order.
///
/// # Panics
/// If there is no channel of such a number.
pub fn choose_channels(x: &Blocked, channels: &[usize], arena: &Arena) -> Blocked {
    let dims = Dims { channels: channels.len(), ..x.dims };
    let mut y = arena.blocked(dims);
    for (index, y) in y.data.chunks_mut(dims.pixels()).enumerate() {
        y.copy_from_slice(x.plane(index / channels.len(), channels[index % channels.len()]));
    }
    y
}

/// The gradient of the argument of [`choose_channels`], which had `of` channels: that of a channel is where it was chosen, 0 for others.
///
/// # Panics
/// If a channel was chosen twice, or there is none of such a number.
pub fn choose_channels_gradient(g: &Blocked, channels: &[usize], of: usize, arena: &Arena) -> Blocked {
    let mut places = vec![None; of];
    for (place, &channel) in channels.iter().enumerate() {
        assert!(places[channel].replace(place).is_none(), "channel {channel} was chosen twice");
    }
    let dims = Dims { channels: of, ..g.dims };
    let mut dx = arena.blocked(dims);
    for (index, dx) in dx.data.chunks_mut(dims.pixels()).enumerate() {
        match places[index % of] {
            Some(place) => dx.copy_from_slice(g.plane(index / of, place)),
            None => dx.fill(Lane::ZERO),
        }
    }
    dx
}
