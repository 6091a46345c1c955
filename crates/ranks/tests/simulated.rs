//! What holds of any number of ranks, however late their messages are and whichever of them dies.

use std::time::Duration;

use ranks::{Dealt, Error, Ranks, Simulation, in_order};

/// How many histories are tried: `FREQBIAS_SEEDS=5000` tries more, `FREQBIAS_SEED=17` replays one.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("FREQBIAS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FREQBIAS_SEEDS").unwrap_or(usual),
    }
}

/// A sum whose bits depend on the order of its terms.
fn sum(ranks: &Ranks, parts: usize, run: usize) -> Result<f64, Error> {
    let mut sum = 0.1;
    let dealt = Dealt { ranks, parts: 0..parts, run };
    in_order(
        &dealt,
        |part| Ok::<_, Error>(((part * part % 97) as f64).sqrt() * 1e3f64.powi(part as i32 % 5)),
        |_, found| {
            sum = sum * 0.999 + found;
            Ok(())
        },
    )?;
    ranks.broadcast(sum)
}

#[test]
fn sums_have_the_same_bits_on_any_number_of_ranks() -> Result<(), Error> {
    let expected = sum(&Ranks::default(), 41, 1)?;
    for seed in seeds(300) {
        let size = [1, 2, 3, 4, 7, 16, 64][seed as usize % 7];
        for found in Simulation::new(size, seed).run(|ranks| sum(&ranks, 41, 1 + seed as usize % 5)) {
            assert_eq!(found.map(f64::to_bits), Ok(expected.to_bits()), "FREQBIAS_SEED={seed}: {size} ranks");
        }
    }
    Ok(())
}

#[test]
fn the_same_seed_is_the_same_history() {
    let history = |seed: u64| {
        let order = std::sync::Mutex::new(Vec::new());
        Simulation::new(5, seed).run(|ranks| {
            for _ in 0..4 {
                ranks.barrier().expect("nobody dies");
                order.lock().expect("no panic").push(ranks.rank());
            }
        });
        order.into_inner().expect("no panic")
    };
    for seed in seeds(50) {
        assert_eq!(history(seed), history(seed), "FREQBIAS_SEED={seed}");
    }
    assert_ne!(history(0), history(1));
}

/// A rank dies at any of its calls: rank 0 says which in the time that it has patience, and nobody has another sum.
#[test]
fn a_death_is_named_by_who_waits_for_it() -> Result<(), Error> {
    let expected = sum(&Ranks::default(), 20, 1)?;
    let patience = Duration::from_secs(5);
    for seed in seeds(300) {
        let size = 2 + seed as usize % 6;
        let (dying, calls) = (1 + (seed / 7) as usize % (size - 1), seed / 3 % 12);
        let found = Simulation::new(size, seed)
            .dying(dying, calls)
            .run(|ranks| sum(&ranks.with_patience(patience), 20, 1));
        let replay = format!("FREQBIAS_SEED={seed}: rank {dying} of {size} dies at call {calls}");
        match &found[0] {
            Ok(sum) => assert_eq!(sum.to_bits(), expected.to_bits(), "{replay}"),
            Err(error) => {
                let silent = Error::Silent { place: format!("rank {dying}"), seconds: 5 };
                assert_eq!(*error, silent, "{replay}");
            }
        }
        for (rank, found) in found.iter().enumerate().filter(|(_, found)| found.is_ok()) {
            assert_eq!(found.as_ref().map(|sum| sum.to_bits()), Ok(expected.to_bits()), "{replay}: {rank}");
        }
        if calls < 3 {
            assert!(found[0].is_err(), "{replay}");
        }
    }
    Ok(())
}

#[test]
fn whoever_waits_for_rank_0_hears_of_its_death() {
    let found = Simulation::new(3, 4).dying(0, 0).run(|ranks| {
        let ranks = ranks.with_patience(Duration::from_secs(30));
        if ranks.is_first() { ranks.announce(&1u32).map(|()| 1) } else { ranks.await_from::<u32>(0) }
    });
    assert_eq!(found[0], Err(Error::Dead { rank: 0 }));
    for other in &found[1..] {
        assert!(matches!(other, Err(Error::Silent { place, .. }) if place == "rank 0"), "{other:?}");
    }
}

#[test]
fn a_long_wait_is_no_death() {
    let found = Simulation::new(2, 1).with_delays(100_000_000).run(|ranks| {
        let ranks = ranks.with_patience(Duration::from_secs(2));
        if ranks.is_first() { ranks.announce(&7u32).map(|()| 7) } else { ranks.await_from::<u32>(0) }
    });
    assert_eq!(found, [Ok(7), Ok(7)]);
}

#[test]
fn what_goes_wrong_on_a_rank_is_said_by_rank_0() {
    let found = Simulation::new(3, 2).run(|ranks| {
        let compute = |part: usize| match part {
            4 => Err(Error::Start { problem: "no such file".to_owned() }),
            part => Ok(part),
        };
        let outcome = in_order(&Dealt { ranks: &ranks, parts: 0..9, run: 1 }, compute, |_, _| Ok(()));
        if let (Err(error), false) = (&outcome, ranks.is_first()) {
            ranks.say_failed(&error.to_string())?;
        }
        ranks.end()?;
        outcome
    });
    let message = "no such file".to_owned();
    assert_eq!(found[0], Err(Error::Failed { place: "rank 1".to_owned(), message }));
    assert!(found[2].is_ok() || found[2] == Err(Error::Ended), "{:?}", found[2]);
}

#[test]
fn ranks_that_wait_for_each_other_are_found_out() {
    let found = Simulation::new(2, 0).run(|ranks| {
        let other = 1 - ranks.rank();
        ranks.with_patience(Duration::MAX).receive::<u32>(other)
    });
    assert!(found.iter().any(|found| matches!(found, Err(Error::Stuck { .. }))), "{found:?}");
}

#[test]
fn values_of_another_kind_are_refused() {
    let found = Simulation::new(2, 0).run(|ranks| match ranks.rank() {
        0 => ranks.receive::<Vec<f64>>(1).map(drop),
        _ => ranks.send(0, &(7u32, true)),
    });
    let said = found[0].as_ref().expect_err("no list").to_string();
    assert!(said.starts_with("rank 1 has sent 5 bytes that are something else"), "{said}");
}

/// Several exchanges, of bytes for all and of bytes for each, that end in another order than they begin, with a value in between.
fn exchanges(ranks: &Ranks, rounds: u32) -> Result<Vec<Vec<u32>>, Error> {
    let mut found = Vec::new();
    for round in 0..rounds {
        let own = 100 * round + ranks.rank() as u32;
        let each = (0..ranks.size()).map(|to| (own * 10 + to as u32).to_le_bytes().to_vec());
        let each: Vec<_> = each.collect();
        let of_own = each[ranks.rank()].clone();
        let underway = ranks.begin_each(each)?;
        let gathered = ranks.gather(&own)?;
        found.push(ranks.exchange_values(own)?);
        assert!(gathered.is_none_or(|gathered| gathered == found[found.len() - 1]));
        let mut each = ranks.end_exchange(underway)?;
        assert!(each[ranks.rank()].is_empty());
        each[ranks.rank()] = of_own;
        let numbers = each.iter().map(|bytes| u32::from_le_bytes(bytes[..].try_into().expect("four bytes")));
        found.push(numbers.collect());
    }
    Ok(found)
}

#[test]
fn what_is_exchanged_arrives_in_the_order_of_ranks() {
    for seed in seeds(200) {
        let size = [1, 2, 3, 5, 16][seed as usize % 5];
        let replay = format!("FREQBIAS_SEED={seed}: {size} ranks");
        let ended = Simulation::new(size, seed).run(|ranks| exchanges(&ranks, 4));
        for (rank, found) in ended.into_iter().enumerate() {
            for (round, pair) in found.expect(&replay).chunks(2).enumerate() {
                let own = |from: usize| (100 * round + from) as u32;
                assert_eq!(pair[0], (0..size).map(own).collect::<Vec<_>>(), "{replay}");
                let to_this = |from: usize| own(from) * 10 + rank as u32;
                assert_eq!(pair[1], (0..size).map(to_this).collect::<Vec<_>>(), "{replay}");
            }
        }
    }
    assert_eq!(Simulation::new(3, 0).run(|ranks| ranks.any(ranks.rank() == 2)), vec![Ok(true); 3]);
    assert_eq!(Ranks::default().any(false), Ok(false));
}

/// Whichever rank dies or fails in an exchange, all ranks end; rank 0 says who it was.
#[test]
fn an_exchange_that_cannot_end_ends_all() {
    for seed in seeds(80) {
        let (size, calls) = (2 + seed as usize % 4, seed % 31);
        let bad = 1 + seed as usize / 4 % (size - 1);
        let replay = format!("FREQBIAS_SEED={seed}: rank {bad} of {size}");
        let patience = |ranks: Ranks| ranks.with_patience(Duration::from_secs(20));
        let ended = Simulation::new(size, seed).dying(bad, calls).run(|ranks| exchanges(&patience(ranks), 4));
        let died = format!("rank {bad} has sent nothing for ");
        let said = ended[0].as_ref().map_err(ToString::to_string);
        assert!(ended[bad].is_ok() || said.is_err_and(|said| said.starts_with(&died)), "{replay}: {ended:?}");
        assert!(ended[bad].is_ok() || ended.iter().all(Result::is_err), "{replay}: {ended:?}");

        let ended = Simulation::new(size, seed).run(|ranks| {
            let ranks = patience(ranks);
            let ended = exchanges(&ranks, (seed % 3) as u32).and_then(|_| {
                if ranks.rank() == bad {
                    ranks.say_failed("a disk is full")?;
                    return Err(Error::Failed { place: "itself".to_owned(), message: String::new() });
                }
                exchanges(&ranks, 2)
            });
            if ranks.is_first() {
                ranks.end()?;
            }
            ended
        });
        let said = ended[0].as_ref().expect_err(&replay).to_string();
        assert_eq!(said, format!("rank {bad}: a disk is full"), "{replay}");
        for (rank, ended) in ended.iter().enumerate().filter(|(rank, _)| *rank > 0 && *rank != bad) {
            assert_eq!(ended, &Err(Error::Ended), "{replay}: rank {rank}");
        }
    }
}
