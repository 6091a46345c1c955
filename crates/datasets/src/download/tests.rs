use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use progress::Event;

use super::*;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const CONTENT: &[u8] = &[7; 100_000];
const MD5: &str = "3b47e2cb85ad96a9088073ee43e814c6";
const SHA256: &str = "2c4b101169bf328cd4a882e640a8b57eb3acf76518b3d105869905cf629e791c";
const QUICK: Patience = Patience { silence: Duration::from_millis(300), attempts: 3 };

/// A server on loopback; the ranges that it was asked for.
fn serve(answer: impl Fn(TcpStream, u64) + Send + 'static) -> (Archive, Arc<Mutex<Vec<u64>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let from = request(&stream);
            log.lock().expect("a log").push(from);
            answer(stream, from);
        }
    });
    let [name, md5, sha256] = ["set.tar.gz", MD5, SHA256].map(str::to_owned);
    (Archive { name, server, md5, sha256, size: CONTENT.len() as u64 }, asked)
}

/// Reads a request; the byte from which on it wants the file.
fn request(stream: &TcpStream) -> u64 {
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let ranges = lines.filter_map(|line| {
        line.to_lowercase().strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()
    });
    ranges.last().unwrap_or(0)
}

/// Sends the content from a byte on, `most` bytes of it.
fn send(mut stream: TcpStream, from: u64, content: &[u8], most: usize) {
    let rest = &content[from as usize..];
    let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len());
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&rest[..most.min(rest.len())]);
}

fn fetch_quickly(archive: &Archive, folder: &Path) -> Result<PathBuf, Error> {
    fetch_with(archive, folder, &Progress::default(), QUICK)
}

/// Names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map_while(Result::ok);
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_whole_answer_is_put_in_place_and_not_fetched_again() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (archive, asked) = serve(|stream, from| send(stream, from, CONTENT, usize::MAX));
    for _ in 0..2 {
        let path = fetch_quickly(&archive, folder.path())?;
        assert_eq!(path, folder.path().join("set.tar.gz"));
        assert!(fs::read(&path)? == CONTENT);
    }
    assert_eq!(*asked.lock().expect("a log"), [0]);
    assert!(!folder.path().join(".set.tar.gz.part").exists());
    Ok(())
}

#[test]
fn an_archive_that_is_there_is_checked_and_stays() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (archive, asked) = serve(|stream, from| send(stream, from, CONTENT, usize::MAX));
    let path = folder.path().join("set.tar.gz");
    for (content, said) in [(&CONTENT[1..], "99999 bytes, expected 100000"), (&[8; 100_000], "SHA-256")] {
        fs::write(&path, content)?;
        let error = fetch_quickly(&archive, folder.path()).expect_err("another file").to_string();
        assert!(error.contains("set.tar.gz") && error.contains(said), "{error}");
        assert!(fs::read(&path)? == content);
    }
    assert!(asked.lock().expect("a log").is_empty());
    Ok(())
}

/// What has the MD5 checksum may be forged.
#[test]
fn both_checksums_count() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (archive, _) = serve(|stream, from| send(stream, from, CONTENT, usize::MAX));
    let other = Archive { sha256: "0".repeat(64), ..archive };
    let said = fetch_quickly(&other, folder.path()).expect_err("another checksum").to_string();
    assert!(said.contains(SHA256) && said.contains("SHA-256"), "{said}");
    Ok(())
}

#[test]
fn a_transfer_that_breaks_off_is_resumed_where_it_stopped() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (archive, asked) = serve(|stream, from| send(stream, from, CONTENT, 30_000));
    let error = fetch_quickly(&archive, folder.path()).expect_err("three attempts send 90,000 bytes");
    assert!(matches!(error, Error::Download(DownloadError::BrokenOff { received: 90_000, .. })), "{error}");
    assert!(!folder.path().join("set.tar.gz").exists());
    fetch_quickly(&archive, folder.path())?;
    assert_eq!(*asked.lock().expect("a log"), [0, 30_000, 60_000, 90_000]);
    assert!(fs::read(folder.path().join("set.tar.gz"))? == CONTENT);
    Ok(())
}

#[test]
fn wrong_bytes_are_removed() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (archive, _) = serve(|stream, from| send(stream, from, &[8; 100_000], usize::MAX));
    let error = fetch_quickly(&archive, folder.path()).expect_err("another file");
    assert!(
        matches!(&error, Error::Download(DownloadError::Checksum { expected, .. }) if expected == MD5),
        "{error}"
    );
    let left = names(folder.path());
    assert!(left.iter().all(|name| !name.contains("set.tar.gz")), "{left:?}");
    Ok(())
}

#[test]
fn a_server_that_never_answers_or_refuses_is_an_error_soon() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (silent, _) = serve(|stream, _| {
        thread::sleep(Duration::from_secs(5));
        drop(stream);
    });
    let started = Instant::now();
    let error = fetch_quickly(&silent, folder.path()).expect_err("silence");
    assert!(matches!(error, Error::Download(DownloadError::NothingReceived { .. })), "{error}");
    assert!(started.elapsed() < Duration::from_secs(4));
    let (refusing, _) = serve(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
    let said = fetch_quickly(&refusing, folder.path()).expect_err("no such file").to_string();
    assert!(said.contains("status 404"), "{said}");
    Ok(())
}

#[test]
fn more_than_the_archive_has_is_not_taken() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (claiming, asked) = serve(|stream, from| send(stream, from, &[7; 100_001], usize::MAX));
    let error = fetch_quickly(&claiming, folder.path()).expect_err("a byte too many");
    assert!(matches!(error, Error::Download(DownloadError::Oversized { most: 100_000, .. })), "{error}");
    assert_eq!(asked.lock().expect("a log").len(), 1);
    // Without a length, for ever.
    let (endless, _) = serve(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        while stream.write_all(&[7; 1000]).is_ok() {}
    });
    let error = fetch_quickly(&endless, folder.path()).expect_err("far too many");
    assert!(matches!(error, Error::Download(DownloadError::Oversized { .. })), "{error}");
    assert!(!folder.path().join(".set.tar.gz.part").exists());
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_part_is_not_followed() -> Outcome {
    let folder = tempfile::tempdir()?;
    let precious = folder.path().join("precious");
    fs::write(&precious, "text")?;
    std::os::unix::fs::symlink("precious", folder.path().join(".set.tar.gz.part"))?;
    let (archive, _) = serve(|stream, from| send(stream, from, CONTENT, usize::MAX));
    let error = fetch_quickly(&archive, folder.path()).expect_err("a link is in the way");
    assert!(matches!(error, Error::Write { .. }), "{error}");
    assert_eq!(fs::read_to_string(&precious)?, "text");
    Ok(())
}

#[cfg(unix)]
#[test]
fn nobody_is_waited_for_at_a_pipe() -> Outcome {
    let folder = tempfile::tempdir()?;
    let part = folder.path().join(".set.tar.gz.part");
    let made = std::process::Command::new("mkfifo").arg(&part).status()?;
    assert!(made.success());
    let (archive, _) = serve(|stream, from| send(stream, from, CONTENT, usize::MAX));
    let error = fetch_quickly(&archive, folder.path()).expect_err("a pipe is in the way");
    assert!(matches!(error, Error::Write { .. }), "{error}");
    Ok(())
}

#[test]
fn names_and_passwords_are_in_no_message() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (archive, _) = serve(|mut stream, _| {
        let _ = stream.write_all(
            b"HTTP/1.1 302 Found\r\nLocation: http://me:s3cret@no host/\r\nContent-Length: 0\r\n\r\n",
        );
    });
    let server = archive.server.replace("://", "://me:s3cret@");
    let archive = Archive { server, ..archive };
    assert!(archive.shown_url().starts_with("http://***@127.0.0.1:"), "{}", archive.shown_url());
    let said = fetch_quickly(&archive, folder.path()).expect_err("no address").to_string();
    assert!(!said.contains("s3cret") && said.contains("***@"), "{said}");
    Ok(())
}

/// A server for `https` would take a certificate; that the agent refuses `http` altogether is what keeps redirections out.
#[test]
fn https_stays_https() {
    let is_https_only = |url| transfer::agent(url, QUICK).config().https_only();
    assert!(is_https_only("https://example.org/x") && !is_https_only("http://example.org/x"));
}

#[test]
fn a_transfer_can_be_stopped_and_resumed() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (archive, asked) = serve(|stream, from| send(stream, from, CONTENT, usize::MAX));
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let at_first_bytes = move |event: Event<'_>| {
        if matches!(event, Event::Advance(_)) {
            flag.store(true, Ordering::SeqCst);
        }
    };
    let progress = Progress::new(at_first_bytes, stop);
    let error = fetch_with(&archive, folder.path(), &progress, QUICK).expect_err("it was stopped");
    assert!(matches!(error, Error::Interrupted(_)), "{error}");
    let received = fs::metadata(folder.path().join(".set.tar.gz.part"))?.len();
    assert!((1..100_000).contains(&received), "{received}");
    fetch_quickly(&archive, folder.path())?;
    assert_eq!(*asked.lock().expect("a log"), [0, received]);
    Ok(())
}
