//! What the Rust library alone takes for gradients: `library COUNT SIDE` pushes so many of them for every line that it reads and prints
//! the seconds. `benches/update.py` runs it beside the package.

use std::{
    io::{BufRead, Write, stdin, stdout},
    time::Instant,
};

use freqbias::{analysis::GradientStatistics, datasets::ImageShape, spectral::Convention};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let mut next = || arguments.next().ok_or("expected: library COUNT SIDE")?.map_err(|_| "expected numbers");
    let (count, side) = (next()?, next()?);
    let shape = ImageShape { channels: 3, height: side, width: side };
    let mut state = 1u32;
    let mut number = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state as f32 / u32::MAX as f32 - 0.5
    };
    let gradients: Vec<f32> = (0..count * shape.len()).map(|_| number()).collect();
    let mut statistics = GradientStatistics::new(shape, Convention::Reference)?;
    for (line, times) in stdin().lock().lines().zip(1..) {
        line?;
        let begun = Instant::now();
        statistics.push(&gradients)?;
        let seconds = begun.elapsed().as_secs_f64();
        assert_eq!(statistics.count(), times * count);
        writeln!(stdout(), "{seconds}")?;
        stdout().flush()?;
    }
    Ok(())
}
