//! CIFAR through the built programs: which labels, and where it is fetched from.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use crate::support::{easy_train, fail, program, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// A CIFAR-100 of a few images: coarse label, fine label, pixels.
fn cifar100(root: &Path) -> Outcome {
    let folder = root.join("cifar-100-binary");
    fs::create_dir_all(&folder)?;
    for (name, count) in [("train.bin", 100), ("test.bin", 40)] {
        let record = |index: usize| {
            let pixels = (0..3072).map(move |pixel| (pixel * (3 + index % 5) + 29 * index) as u8);
            [(index % 20) as u8, index as u8].into_iter().chain(pixels)
        };
        fs::write(folder.join(name), (0..count).flat_map(record).collect::<Vec<u8>>())?;
    }
    Ok(())
}

#[test]
fn labels_are_the_classes_or_the_superclasses() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    cifar100(&at.join("data"))?;
    let data = ["--dataset", "cifar100", "--data", "data", "--labels"];
    for (kind, classes, first, test) in
        [("fine", 100, "apple", [1, 1, 0]), ("coarse", 20, "aquatic_mammals", [2, 2, 2])]
    {
        let mut inspect = program("inspect", at);
        inspect.args(data).args([kind, "--format", "json"]);
        let found: Value = serde_json::from_str(&succeed(&mut inspect))?;
        assert_eq!(
            (found["classes"].as_array().map(Vec::len), &found["classes"][0]),
            (Some(classes), &first.into())
        );
        let counts = [0, 19, 99 % classes].map(|class| found["parts"][1]["labels"][class].as_u64());
        assert_eq!(counts, test.map(Some), "{kind}");
    }
    succeed(easy_train(at, &["--epochs", "1"]).args(data).arg("coarse"));
    let config = fs::read(at.join("runs/cifar100/resnet20_baseline/config.json"))?;
    let config: Value = serde_json::from_slice(&config)?;
    assert_eq!(
        (config["classes"].as_array().map(Vec::len), &config["settings"]["labels"]),
        (Some(20), &"coarse".into())
    );
    let said = fail(easy_train(at, &["--overwrite"]).args(data).arg("middle"), 2);
    assert!(said.contains("--labels") && said.contains("fine"), "{said}");
    Ok(())
}

const CONTENT: &[u8] = &[7; 100_000];
const MD5: &str = "3b47e2cb85ad96a9088073ee43e814c6";

/// What a request asks for: a path, and the byte from which on.
type Asked = Arc<Mutex<Vec<(String, usize)>>>;

/// A server on loopback that sends so many bytes of the content to each request in turn, and to all that follow the last number.
fn serve(portions: &'static [usize]) -> Outcome<(String, Asked)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}/mirror/", listener.local_addr()?);
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let request = read(&stream);
            let (_, from) = request;
            log.lock().expect("a log").push(request);
            send(stream, from, portions[number.min(portions.len() - 1)]);
        }
    });
    Ok((address, asked))
}

fn read(stream: &TcpStream) -> (String, usize) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let lines: Vec<String> =
        lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect();
    let range =
        lines.iter().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
    let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    (path.to_owned(), range.unwrap_or(0))
}

fn send(mut stream: TcpStream, from: usize, portion: usize) {
    let rest = &CONTENT[from..];
    let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len());
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&rest[..portion.min(rest.len())]);
}

/// What the server has is no CIFAR, so it is refused in the end: by a checksum that is right only if the pieces of both runs were put
/// together as they should.
#[test]
fn a_download_that_broke_off_goes_on_in_the_next_run() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    // The second request gets nothing: the program tries no more than once again where nothing comes.
    let (mirror, asked) = serve(&[40_000, 0, usize::MAX])?;
    let fetch = |command: &mut std::process::Command| -> Outcome<String> {
        let output = command.args(["--dataset", "cifar10", "--data", "cache", "--download"]).output()?;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        Ok(String::from_utf8(output.stderr)?)
    };
    let said = fetch(&mut easy_train(at, &["--mirror", &mirror]))?;
    assert!(said.contains(&format!("fetching {mirror}cifar-10-binary.tar.gz into cache")), "{said}");
    assert!(said.contains("broken off after 40000 bytes; give the same command to go on"), "{said}");
    assert!(!at.join("runs").exists() && !at.join("cache/cifar-10-binary.tar.gz").exists());

    let said = fetch(program("grad", at).env("FREQBIAS_MIRROR", mirror.trim_end_matches('/')))?;
    assert!(said.contains(&format!("the MD5 checksum {MD5}")) && said.contains("it was removed"), "{said}");
    let path = "/mirror/cifar-10-binary.tar.gz";
    let expected = [0, 40_000, 40_000].map(|from| (path.to_owned(), from));
    assert_eq!(*asked.lock().expect("a log"), expected);
    let left: Vec<_> =
        fs::read_dir(at.join("cache"))?.filter_map(Result::ok).map(|file| file.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("cifar")), "{left:?}");
    Ok(())
}

#[test]
fn a_mirror_is_an_address() -> Outcome {
    let folder = tempfile::tempdir()?;
    for address in ["mirror.example.org", "ftp://mirror.example.org", "https://", "https://a b"] {
        let flags = ["--dataset", "cifar10", "--download", "--mirror", address];
        let said = fail(&mut easy_train(folder.path(), &flags), 2);
        assert!(said.contains("--mirror") && said.contains("https://mirror.example.org/cifar"), "{said}");
    }
    Ok(())
}
