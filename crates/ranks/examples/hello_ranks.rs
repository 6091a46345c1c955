//! Each rank says that it is there, and rank 0 prints it: `torchrun --no-python --nproc-per-node 2 hello_ranks`. With an argument `panic`, `exit`, `hang` or `large` rank 1
//! does that instead.

use std::{error::Error, io::Write, process::ExitCode, thread, time::Duration};

pub(crate) fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            if let Ok(ranks) = ranks::started(Duration::ZERO, &|_| ()) {
                ranks.abort(1);
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1).unwrap_or_default();
    let patience = if argument == "hang" { 3 } else { 60 };
    let ranks = ranks::started(Duration::from_secs(patience), &|who| {
        let _ = writeln!(std::io::stderr(), "waiting: {who}");
    })?;
    if ranks.rank() == 1 {
        match argument.as_str() {
            "panic" => panic!("as it was asked"),
            "exit" => std::process::exit(3),
            "hang" => thread::sleep(Duration::from_secs(60)),
            _ => {}
        }
    }
    let length = if argument == "large" { 5_000_000 } else { 3 };
    // All at once, in both directions.
    let numbers: Vec<f64> = (0..length).map(|at| at as f64 + ranks.rank() as f64).collect();
    let gathered = ranks.gather(&(ranks.place(ranks.rank()), numbers.clone()))?;
    let of_first = ranks.broadcast(numbers)?;
    assert_eq!((of_first.len(), of_first[2]), (length, 2.0));
    for (place, numbers) in gathered.unwrap_or_default() {
        assert_eq!(numbers.len(), length);
        writeln!(std::io::stdout(), "{place}: {} numbers from {}", numbers.len(), numbers[0])?;
    }
    ranks.end()?;
    ranks.finish();
    Ok(())
}
