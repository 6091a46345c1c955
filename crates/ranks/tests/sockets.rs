//! Ranks that meet over TCP, as torchrun and others start them.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What a process printed on stdout and stderr, and whether it succeeded.
type Ended = (String, String, bool);

fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("this test is a file");
    tests.ancestors().nth(2).expect("the folder of what is built").join("examples/hello_ranks")
}

/// A port that is free now.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn start(rank: usize, size: usize, port: u16, argument: &str, more: &[(&str, &str)]) -> Child {
    let (rank, size, port) = (rank.to_string(), size.to_string(), port.to_string());
    let variables =
        [("RANK", &*rank), ("WORLD_SIZE", &size), ("MASTER_ADDR", "localhost"), ("MASTER_PORT", &port)];
    let mut command = Command::new(program());
    command.envs(variables).envs(more.iter().copied()).arg(argument);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the example is built")
}

/// Starts all, the last one first.
fn start_all(size: usize, argument: &str, more: &[(&str, &str)]) -> Vec<Child> {
    let port = port();
    let mut all: Vec<Child> = (0..size).rev().map(|rank| start(rank, size, port, argument, more)).collect();
    all.reverse();
    all
}

fn end(child: Child) -> Ended {
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr), output.status.success())
}

fn end_all(children: Vec<Child>) -> Vec<Ended> {
    children.into_iter().map(end).collect()
}

#[test]
fn all_ranks_say_hello_to_the_first() {
    let beside = [("TORCHELASTIC_USE_AGENT_STORE", "True"), ("TORCHELASTIC_RUN_ID", "a")];
    for (size, argument, length, more) in
        [(2, "", "3", &[][..]), (5, "", "3", &beside), (3, "large", "5000000", &[])]
    {
        let ended = end_all(start_all(size, argument, more));
        assert!(ended.iter().all(|(_, errors, is_well)| *is_well && errors.is_empty()), "{ended:?}");
        assert!(ended[1..].iter().all(|(said, ..)| said.is_empty()), "{ended:?}");
        let lines: Vec<&str> = ended[0].0.lines().collect();
        assert_eq!(lines.len(), size, "{ended:?}");
        for (rank, line) in lines.iter().enumerate() {
            assert!(line.starts_with(&format!("rank {rank} (")), "{ended:?}");
            assert!(line.ends_with(&format!(": {length} numbers from {rank}")), "{ended:?}");
        }
    }
}

/// In each case all processes end long before the time that a rank would wait for another.
#[test]
fn a_rank_that_does_not_answer_ends_all() {
    let cases = [
        ("panic", "rank 1 (", "has panicked; all ranks end"),
        ("hang", "error: rank 1 (", "has sent nothing for 3 s"),
        ("exit", "error: rank 1 (", "is gone: its process has ended"),
    ];
    for (argument, place, problem) in cases {
        let started = Instant::now();
        let ended = end_all(start_all(3, argument, &[]));
        assert!(ended.iter().all(|(_, _, is_well)| !is_well), "{argument}: {ended:?}");
        let mut lines = ended.iter().flat_map(|(_, errors, _)| errors.lines());
        assert!(lines.any(|line| line.contains(place) && line.contains(problem)), "{argument}: {ended:?}");
        assert!(started.elapsed() < Duration::from_secs(20), "{argument}: {:?}", started.elapsed());
    }
}

/// Programs of all kinds knock at ports: one that says nothing, one that speaks something else, and ranks of another run.
#[test]
fn strangers_do_no_harm() {
    let port = port();
    let run = [("TORCHELASTIC_RUN_ID", "ours")];
    let first = start(0, 3, port, "", &run);
    let knock = || loop {
        match TcpStream::connect(("localhost", port)) {
            Ok(stream) => return stream,
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    };
    let silent = knock();
    let mut browser = knock();
    browser.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut huge = knock();
    huge.write_all(b"freqbias\xff\xff\xff\xff").unwrap();
    let mut stranger = start(1, 3, port, "", &[("TORCHELASTIC_RUN_ID", "theirs")]);
    let others = [start(2, 3, port, "", &run), start(1, 3, port, "", &run)];
    for ended in others.into_iter().chain([first]).map(end) {
        assert!(ended.2, "{ended:?}");
    }
    let mut answer = Vec::new();
    let _ = browser.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{answer:?}");
    drop((silent, huge));
    assert!(stranger.try_wait().unwrap().is_none(), "it looks for its own rank 0");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn ranks_that_do_not_fit_are_told() {
    let port = port();
    let mut first = start(0, 3, port, "", &[]);
    let (_, errors, is_well) = end(start(1, 2, port, "", &[]));
    assert!(
        !is_well && errors.contains("rank 1 was told of 2 ranks, and rank 0 of another number"),
        "{errors}"
    );
    let mut one = start(1, 3, port, "", &[]);
    // Which of the two is first, nobody knows.
    let mut two = start(1, 3, port, "", &[]);
    let until = Instant::now() + Duration::from_secs(30);
    let refused = loop {
        match [&mut one, &mut two].map(|child| child.try_wait().unwrap().is_some()) {
            [true, _] => break &mut one,
            [_, true] => break &mut two,
            _ => assert!(Instant::now() < until, "neither is refused"),
        }
        thread::sleep(Duration::from_millis(10));
    };
    let mut errors = String::new();
    refused.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(errors.contains("there are two processes that are rank 1"), "{errors}");
    for child in [&mut first, &mut one, &mut two] {
        let _ = child.kill();
        child.wait().unwrap();
    }
}

#[test]
fn for_whom_rank_0_waits_is_said() {
    let port = port();
    let mut first = start(0, 3, port, "", &[]);
    let mut said = [0; 9];
    first.stderr.as_mut().unwrap().read_exact(&mut said).unwrap();
    assert_eq!(&said, b"waiting: ");
    let others = [1, 2].map(|rank| start(rank, 3, port, "", &[]));
    assert!(others.map(end).iter().all(|(_, _, is_well)| *is_well));
    let (_, said, is_well) = end(first);
    assert!(is_well && said.ends_with(&format!(" come to localhost:{port}: 1, 2\n")), "{said}");
}

#[test]
fn who_does_not_come_is_named() {
    let port = port();
    let (first, second) = (start(0, 4, port, "hang", &[]), start(2, 4, port, "hang", &[]));
    let (_, errors, is_well) = end(first);
    assert!(!is_well && errors.contains("of 4 ranks these have not come to localhost:"), "{errors}");
    assert!(errors.contains(": 1, 3 (waited 3 s)"), "{errors}");
    assert!(!end(second).2);
    let (_, errors, _) = end(start(1, 2, port, "hang", &[]));
    assert!(errors.contains("rank 1 cannot reach rank 0 at localhost:"), "{errors}");
    assert!(errors.contains("nobody listens there"), "{errors}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_, errors, _) = end(start(0, 2, taken.local_addr().unwrap().port(), "", &[]));
    assert!(errors.contains("rank 0 cannot listen at localhost:"), "{errors}");
    assert!(errors.contains("set MASTER_PORT"), "{errors}");
}
