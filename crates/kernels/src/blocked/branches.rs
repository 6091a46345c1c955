//! Channels side by side, and the way back.

use super::{
    simd::Lane,
    tensor::{Arena, Blocked, Dims},
};
use crate::parallel::for_each_small_part;

/// The channels of all inputs, one input after the other.
///
/// # Panics
/// If there are no inputs, or they differ in anything but their channels.
pub fn concatenate(inputs: &[&Blocked], arena: &Arena) -> Blocked {
    let channels: usize = inputs.iter().map(|x| x.dims.channels).sum();
    let dims = Dims { channels, ..inputs[0].dims };
    for x in inputs {
        assert_eq!(x.dims, Dims { channels: x.dims.channels, ..dims }, "sizes of what is put side by side");
    }
    // Where each channel is: in which input, and its number there.
    let of_input = |(input, x): (usize, &&Blocked)| (0..x.dims.channels).map(move |channel| (input, channel));
    let places: Vec<(usize, usize)> = inputs.iter().enumerate().flat_map(of_input).collect();
    let mut y = arena.blocked(dims);
    for_each_small_part(&mut y.data, dims.pixels(), dims.planes_at_once(), |index, y| {
        let (input, channel) = places[index % channels];
        y.copy_from_slice(inputs[input].plane(index / channels, channel));
    });
    y
}

/// `channels` of the channels from `first` on: the gradient of one of the inputs of [`concatenate`].
///
/// # Panics
/// If there are not as many.
pub fn some_channels(g: &Blocked, first: usize, channels: usize, arena: &Arena) -> Blocked {
    let dims = Dims { channels, ..g.dims };
    let mut part = arena.blocked(dims);
    for_each_small_part(&mut part.data, dims.pixels(), dims.planes_at_once(), |index, part| {
        part.copy_from_slice(g.plane(index / channels, first + index % channels));
    });
    part
}

/// The channels of these numbers, in this order: some of them, or all in another order.
///
/// # Panics
/// If there is no channel of such a number.
pub fn choose_channels(x: &Blocked, channels: &[usize], arena: &Arena) -> Blocked {
    let dims = Dims { channels: channels.len(), ..x.dims };
    let mut y = arena.blocked(dims);
    for_each_small_part(&mut y.data, dims.pixels(), dims.planes_at_once(), |index, y| {
        y.copy_from_slice(x.plane(index / channels.len(), channels[index % channels.len()]));
    });
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
    for_each_small_part(&mut dx.data, dims.pixels(), dims.planes_at_once(), |index, dx| {
        match places[index % of] {
            Some(place) => dx.copy_from_slice(g.plane(index / of, place)),
            None => dx.fill(Lane::ZERO),
        }
    });
    dx
}
